#pragma once

#include <sys/types.h>

namespace gristmill::workers {

// The descriptor at which a started process finds its end of the channel: workers are started by
// the coordinator alone.
inline constexpr int kChannelFd = 3;

// What makes the calling process a worker. For a program's main.

// It dies with the thread that started it, whatever it is doing; at once if that was earlier.
// channel_fd: whose other end its starter has.
void die_with_coordinator(int channel_fd);
// The same for a process that was forked by another one, its parent.
void die_with_parent(pid_t parent);
// When memory runs out, the system ends it rather than the program that it works for. Where that
// cannot be asked for, the system chooses as for any program.
void die_before_coordinator();
// Ctrl-C goes to the whole terminal group; the coordinator alone decides when a worker ends.
void leave_signals_to_coordinator();

}  // namespace gristmill::workers
