"""Arrays too big to pickle and functions too slow for one core: shared memory, worker processes.

import gristmill as gm

with gm.Engine(workers=4) as engine:
    points = engine.share(array)                  # one copy into shared memory
    result = engine.map_chunks(function, points)  # a NumPy array, written in place by workers
    near = engine.run("nearest", points=points)   # a compiled kernel; near["distance"]
"""

from . import _core
from ._arrays import Dataset, NewDataset
from ._engine import Engine
from ._errors import (
    CancelledError,
    Error,
    FailedError,
    InternalError,
    InvalidError,
    RemoteTraceback,
    ResourcesError,
)
from ._jobs import Job
from ._loops import cython_function
from ._plugins import get_cmake_dir, get_include

__version__ = _core.version()


def __getattr__(name):
    # Not loaded with the package: concurrent.futures takes as long as all of it.
    if name in _LAZY:
        from . import _executor

        return getattr(_executor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_LAZY = ("BrokenExecutorError", "Executor", "UnreadableError", "WorkerDiedError")

__all__ = [
    "BrokenExecutorError",
    "CancelledError",
    "Dataset",
    "Engine",
    "Error",
    "Executor",
    "FailedError",
    "InternalError",
    "InvalidError",
    "Job",
    "NewDataset",
    "RemoteTraceback",
    "ResourcesError",
    "UnreadableError",
    "WorkerDiedError",
    "__version__",
    "cython_function",
    "get_cmake_dir",
    "get_include",
]
