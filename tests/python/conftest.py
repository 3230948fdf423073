"""What all tests of the package need."""

import signal

# Programs that a shell runs in the background ignore Ctrl-C, and so would all that is tested here.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
