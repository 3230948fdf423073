#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// A thousand SIGALRM a second for this process, handled by doing nothing.
void start_signal_storm(void);
void end_signal_storm(void);

#ifdef __cplusplus
}
#endif
