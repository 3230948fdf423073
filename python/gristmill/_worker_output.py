"""What workers write to stdout and stderr: lines, handed on to sys.stderr or to a callable."""

import atexit
import contextvars
import math
import os
import sys
import threading
import time
import weakref

from . import _core

# Who takes no line for so long is stuck.
_MOST_SECONDS = 1.0

_outputs = weakref.WeakSet()


class WorkerOutput:
    """The lines of an engine's workers, and the thread that hands them on.

    No other thread does: what takes lines, a stream or a callable, may block, and a thread that
    waits for a job or settles futures must not block with it for long.
    """

    def __init__(self, take=None):
        """take: a callable (worker, line); None: sys.stderr."""
        if take is not None and not callable(take):
            raise TypeError(f"worker_output is {take!r} and no callable (worker, line)")
        self.lines = _core.LineBuffer()  # None when it is closed
        self._take = take
        self._has_failed = False
        self._thread = None
        self._context = None
        self._handed_on = threading.Condition()
        self._count = 0  # lines that were handed on
        self._is_late = False

    def begin(self):
        """Workers will run something for the thread that calls this.

        Lines are handed on in its context: by it notebooks know the cell that they belong to.
        """
        self._context = contextvars.copy_context()
        if self._thread is None:
            thread = threading.Thread(
                target=self._run, args=(self.lines,), name="gristmill-output", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # at the interpreter's end
                self.end()
                return
            self._thread = thread
            _outputs.add(self)

    def flush(self, deadline=math.inf):
        """Waits until the lines that have arrived are handed on, or for the deadline (monotonic()).

        Whoever takes them may be stuck. That is found out once, until the next line is taken.
        """
        lines = self.lines
        arrived = 0 if lines is None else lines.arrived()
        if self._count >= arrived or self._is_late or threading.current_thread() is self._thread:
            return
        with self._handed_on:
            while self._count < arrived and not self._is_late:
                before = self._count
                limit = min(_MOST_SECONDS, deadline - time.monotonic())
                if limit <= 0:
                    return
                in_time = self._handed_on.wait(limit)
                self._is_late = not in_time and limit == _MOST_SECONDS and self._count == before

    def end(self):
        """Lines that come from here on go to file descriptor 2. Waits for nothing."""
        lines = self.lines
        if lines is not None:
            lines.end()

    def close(self):
        """After the workers have ended."""
        self.flush()
        self.end()
        self.lines = None
        if self._thread not in (None, threading.current_thread()) and not self._is_late:
            self._thread.join(_MOST_SECONDS)

    def is_stuck(self):
        """Whether, when it was closed, its thread has not ended."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, buffer):
        try:
            while self._hand_on_some(buffer):
                pass
        finally:
            buffer.end()

    def _hand_on_some(self, buffer):
        """Waits for some lines. False: no others will come."""
        os.read(buffer.fd(), 8)
        lines, arrived, last = buffer.take()
        try:
            if lines:
                self._context.run(self._hand_on, lines)
        finally:
            with self._handed_on:
                self._count = arrived
                self._is_late = False
                self._handed_on.notify_all()
        return not last

    def _hand_on(self, lines):
        if self._take is None:
            return _write("".join(_text_of(*line) for line in lines))
        for line in lines:
            try:
                self._take(*line)
            except BaseException as error:
                self._report(error)
            self._count += 1
            self._is_late = False

    def _report(self, error):
        """Says it as of any thread, but once."""
        if self._has_failed:
            return
        self._has_failed = True
        threading.excepthook(
            threading.ExceptHookArgs((type(error), error, error.__traceback__, self._thread))
        )


def _text_of(worker, line):
    who = "planner" if worker < 0 else f"worker {worker}"
    return f"gristmill: {who}: {line}\n"


def _write(text):
    """To sys.stderr as it is now; what it does not take goes to the program's own, if it has one."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BaseException:
        # Without sys.__stderr__ descriptor 2 may be any file.
        if sys.__stderr__ is not None:
            _write_to_descriptor(text.encode(errors="replace"))


def _write_to_descriptor(data):
    try:
        while data:
            data = data[os.write(2, data) :]
    except OSError:
        pass  # there is nobody to tell


@atexit.register
def _end():
    """After the engines, which are registered later."""
    for output in list(_outputs):
        output.close()
        if output.is_stuck():
            _core.expect_leaks()
