"""What calls of an executor fail with: errors that are BrokenProcessPools, too."""

import pickle
from concurrent.futures.process import BrokenProcessPool

from ._errors import Error, FailedError, RemoteTraceback


class BrokenExecutorError(Error, BrokenProcessPool):
    """The executor cannot run calls any more: its initializer failed, or its workers do not start."""


class WorkerDiedError(Error, BrokenProcessPool):
    """The worker died in this call. The executor goes on with the others.

    worker, pid; signal (0 if it ended by itself) and exit_code; out_of_memory: the system killed it
    for memory; peak_memory_bytes, cpu_seconds, wall_seconds: as the system counted; last_lines: what
    it wrote to stdout and stderr at last.
    """

    def __init__(self, message, facts=None):
        super().__init__(message)
        for name, value in (facts or {}).items():
            setattr(self, name, value)

    def __reduce__(self):
        return (type(self), (self.message,), self.__dict__)


class UnreadableError(Error, BrokenProcessPool):
    """A call could not be unpickled in the worker, or its result here: see the cause."""


def death_of(name, facts):
    end = facts.pop("what")
    cause = "for want of memory" if facts["out_of_memory"] else ""
    text = f"worker {facts['worker']} (process {facts['pid']}) {end} {cause}".rstrip()
    lines = "".join(f"\n  {line}" for line in facts["last_lines"][-5:])
    said = f"; it wrote at last:{lines}" if lines else ""
    return WorkerDiedError(f"{text} in a call of {name}{said}", facts)


def pickling_error(error):
    """What a call fails with that could not be sent, because of this."""
    if isinstance(error, (pickle.PicklingError, MemoryError, Error)) or not isinstance(
        error, Exception
    ):
        return error
    failure = pickle.PicklingError(
        f"cannot send the call to a worker: {type(error).__name__}: {error}"
    )
    failure.__cause__ = error
    return failure


def error_of(data):
    """The exception that a call failed with, with the worker's traceback as its cause."""
    own, message, text, unreadable = pickle.loads(memoryview(data)[1:])
    error = None
    if unreadable:
        error = UnreadableError(f"a worker could not unpickle the call: {message}")
    elif own is not None:
        try:
            error = pickle.loads(own)
        except BaseException as failure:
            message = (
                f"{message} (it cannot be unpickled here: {type(failure).__name__}: {failure})"
            )
    if error is None:
        error = FailedError(message)
    error.__cause__ = RemoteTraceback(text)
    return error
