"""Arrays too big to pickle and functions too slow for one core: shared memory, worker processes.

import gristmill as gm

with gm.Engine(workers=4) as engine:
    points = engine.share(array)                  # one copy into shared memory
    result = engine.map_chunks(function, points)  # a NumPy array, written in place by workers
    near = engine.run("nearest", points=points)   # a compiled kernel; near["distance"]
"""

import importlib

from . import _core

__version__ = _core.version()

# Loaded when they are asked for: a worker needs few of them, and concurrent.futures, which
# _executor needs, takes as long as all others.
_HOMES = {
    "BrokenExecutorError": "_executor",
    "CancelledError": "_errors",
    "Dataset": "_arrays",
    "Engine": "_engine",
    "Error": "_errors",
    "Executor": "_executor",
    "FailedError": "_errors",
    "InternalError": "_errors",
    "InvalidError": "_errors",
    "Job": "_jobs",
    "NewDataset": "_arrays",
    "RemoteTraceback": "_errors",
    "ResourcesError": "_errors",
    "UnreadableError": "_executor",
    "WorkerDiedError": "_executor",
    "cython_function": "_loops",
    "get_cmake_dir": "_plugins",
    "get_include": "_plugins",
}


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_HOMES})


__all__ = ["__version__", *_HOMES]
