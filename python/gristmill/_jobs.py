"""A submitted job: its progress, its end, what it cost."""

import math
import os
import sys
import time

from ._errors import CancelledError, FailedError, InvalidError, RemoteTraceback
from ._functions import LINE_END, exception_of

_SLICE_SECONDS = 0.1  # how long Ctrl-C may take to be seen
_QUICK_SECONDS = 0.005
_TRACEBACK = "Traceback (most recent call last)"


class Job:
    """A job of an engine, which runs whether or not anybody waits for it."""

    def __init__(self, core, take, output):
        self._own_core = core
        self._pid = os.getpid()
        self._take = take
        self._output = output
        self._result = None
        self._value = None

    @property
    def _core(self):
        if os.getpid() != self._pid:
            raise InvalidError("this job belongs to the process that this one was forked from")
        return self._own_core

    def done(self):
        """True if the job has ended, however."""
        return self._core.progress()["finished"]

    def progress(self):
        """A dict: items_done, items_total, seconds, workers_running, workers_stopped, finished."""
        return self._core.progress()

    def cancel(self):
        """Asks the job to end: at the next chunk, after a second by killing who is still in one."""
        self._core.cancel()

    def result(self, timeout=None):
        """Waits for the job and returns what its call returns; KeyboardInterrupt cancels it.

        Raises FailedError, CancelledError, or TimeoutError after `timeout` seconds.
        """
        self._wait(timeout)
        if self._value is None:
            self._value = (self._take(self._core_result()),)
        return self._value[0]

    def insights(self):
        """What the ended job did and cost, as a dict: seconds, chunks, workers, bytes, faults ...

        workers: for each its chunks and items, start_seconds from submission to its first chunk,
        busy_seconds in the function, wait_seconds of the job's running_seconds outside of it, and
        busy_share. chunk_seconds: median, p90, p99 and longest time of a chunk, true to an eighth.
        bytes: mapped (shared by all workers), copied, faulted, huge. Waits for the job.
        """
        self._wait(None)
        return self._core.wait().facts()

    def _wait(self, timeout):
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        try:
            limit = _QUICK_SECONDS
            while not self._core.wait_for(limit):
                limit = min(_SLICE_SECONDS, deadline - time.monotonic())
                if limit <= 0:
                    raise TimeoutError("the job has not ended yet")
        except KeyboardInterrupt:
            self._core.cancel()
            self._core.wait()
            raise
        self._output.flush(deadline)

    def _core_result(self):
        if self._result is None:
            result = self._core.wait()
            raise_failure(result)
            self._result = result
        return self._result


def raise_failure(result):
    """Raises what a job failed with, the traceback of a Python function as its cause."""
    if result.outcome == "cancelled":
        raise CancelledError("the job was cancelled and has no results")
    try:
        result.raise_failure()
    except FailedError as error:
        where, begin, rest = error.detail.partition(_TRACEBACK)
        if not begin:
            raise
        cause = RemoteTraceback(begin + rest.replace(LINE_END, "\n"))
        message = error.message.replace(LINE_END, " ")
        failure = FailedError(message, where.strip())
        failure.exception = exception_of(error.hint)
        if failure.exception is not None:
            failure.exception.__cause__ = cause
        raise failure from cause


def show_progress(job, progress):
    """Calls `progress(done, total)` until the job has ended, or shows a bar if it is True."""
    if progress is None or progress is False:
        return
    bar = None
    if progress is True:
        bar = _Bar()
        progress = bar
    try:
        while True:
            facts = job.progress()
            progress(facts["items_done"], facts["items_total"])
            if facts["finished"]:
                return
            job._core.wait_for(_SLICE_SECONDS)
    except BaseException:
        job.cancel()
        job._core.wait()
        raise
    finally:
        if bar is not None:
            bar.close()


class _Bar:
    """tqdm's bar where that is installed, else a line that is written again."""

    def __init__(self):
        try:
            from tqdm.auto import tqdm

            self._bar = tqdm(unit="item", unit_scale=True)
        except ImportError:
            self._bar = None

    def __call__(self, done, total):
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        else:
            share = done / total if total else 1.0
            sys.stderr.write(f"\rgristmill: {done} of {total} items, {share:.0%} ")
            sys.stderr.flush()

    def close(self):
        if self._bar is not None:
            self._bar.close()
        else:
            sys.stderr.write("\n")
