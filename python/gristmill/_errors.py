"""Exceptions of the package. Each is an Error, and what Python programs catch for such a case."""

__all__ = [
    "CancelledError",
    "Error",
    "FailedError",
    "InternalError",
    "InvalidError",
    "RemoteTraceback",
    "ResourcesError",
]


class Error(Exception):
    """What went wrong: `message`, and perhaps a `detail` and a `hint` in full sentences."""

    def __init__(self, message, detail="", hint=""):
        super().__init__(message, detail, hint)
        self.message = message
        self.detail = detail
        self.hint = hint

    def __str__(self):
        return "\n".join(part for part in (self.message, self.detail, self.hint) if part)


class InvalidError(Error, ValueError):
    """Mend the request: nothing was started."""


class FailedError(Error, RuntimeError):
    """The job ran and failed. If a Python function raised, `__cause__` has its traceback.

    exception: what it raised; None if it was something else, or cannot be pickled.
    """

    exception = None


class CancelledError(FailedError):
    """The job was cancelled."""


class ResourcesError(Error, MemoryError):
    """Try later, elsewhere, or with less."""


class InternalError(Error, RuntimeError):
    """A bug of gristmill: please report it."""


class RemoteTraceback(Exception):
    """The traceback of an exception in a worker, as text."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    @property
    def tb(self):
        """The text, under the name that concurrent.futures has for it."""
        return self.text

    def __str__(self):
        return "\n" + self.text
