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
from ._plugins import get_cmake_dir, get_include

__version__ = _core.version()

__all__ = [
    "CancelledError",
    "Dataset",
    "Engine",
    "Error",
    "FailedError",
    "InternalError",
    "InvalidError",
    "Job",
    "NewDataset",
    "RemoteTraceback",
    "ResourcesError",
    "__version__",
    "get_cmake_dir",
    "get_include",
]
