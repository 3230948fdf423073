# The types of the public interface; what it does is said where it is implemented.
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor as _Executor
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeAlias, TypedDict, TypeVar, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import Self, Unpack

__version__: str

_Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
_Path: TypeAlias = str | os.PathLike[str]
_Shape: TypeAlias = int | Sequence[int]
_Size: TypeAlias = int | str | None
_Progress: TypeAlias = bool | Callable[[int, int], object] | None
_WorkerOutput: TypeAlias = Callable[[int, str], object] | None

class _Faults(TypedDict, total=False):
    retries: int | None
    timeout: float | None
    stopped_timeout: float | None
    on_error: Literal["stop", "skip"]
    fill: float | None
    bisect: bool | None

class Error(Exception):
    message: str
    detail: str
    hint: str
    def __init__(self, message: str, detail: str = "", hint: str = "") -> None: ...

class InvalidError(Error, ValueError): ...

class FailedError(Error, RuntimeError):
    exception: BaseException | None

class CancelledError(FailedError): ...
class ResourcesError(Error, MemoryError): ...
class InternalError(Error, RuntimeError): ...

class RemoteTraceback(Exception):
    text: str
    def __init__(self, text: str) -> None: ...

class Dataset(np.ndarray[Any, np.dtype[Any]]): ...

class NewDataset:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    def __init__(self, shape: _Shape, dtype: npt.DTypeLike) -> None: ...
    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> _Array: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: Any) -> Any: ...
    def __setitem__(self, key: Any, value: npt.ArrayLike) -> None: ...
    def seal(self) -> Dataset: ...

class Job:
    def __init__(self, core: Any, take: Callable[[Any], Any], output: Any) -> None: ...
    def done(self) -> bool: ...
    def progress(self) -> dict[str, Any]: ...
    def cancel(self) -> None: ...
    def result(self, timeout: float | None = None) -> Any: ...
    def insights(self) -> dict[str, Any]: ...

class Engine:
    def __init__(
        self,
        workers: int | None = None,
        *,
        plugins: Iterable[_Path] = (),
        memory: _Size = None,
        cache: _Size = None,
        memory_limit: _Size = None,
        zygote: bool = True,
        preload: Iterable[str] = (),
        worker_output: _WorkerOutput = None,
    ) -> None: ...
    @property
    def workers(self) -> int: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def open(
        self,
        path: _Path,
        dtype: npt.DTypeLike | None = None,
        shape: _Shape | None = None,
        offset: int = 0,
    ) -> Dataset: ...
    def share(self, array: Any, *, refresh: bool = False) -> Dataset: ...
    def empty(self, shape: _Shape, dtype: npt.DTypeLike = "float64") -> NewDataset: ...
    def kernels(self) -> list[str]: ...
    def kernel(self, name: str) -> dict[str, Any]: ...
    @overload
    def run(
        self,
        kernel: str,
        *arrays: Any,
        out: _Path | Mapping[str, _Path] | None = None,
        outputs: Sequence[str] | None = None,
        chunk_size: int | str = "auto",
        progress: _Progress = None,
        wait: Literal[True] = True,
        params: Mapping[str, Any] | None = None,
        **words: Any,
    ) -> dict[str, _Array]: ...
    @overload
    def run(
        self,
        kernel: str,
        *arrays: Any,
        out: _Path | Mapping[str, _Path] | None = None,
        outputs: Sequence[str] | None = None,
        chunk_size: int | str = "auto",
        progress: _Progress = None,
        wait: Literal[False],
        params: Mapping[str, Any] | None = None,
        **words: Any,
    ) -> Job: ...
    @overload
    def map_chunks(
        self,
        function: Callable[..., Any] | _CythonFunction,
        *arrays: Any,
        out: _Path | None = None,
        dtype: npt.DTypeLike | None = None,
        shape: Sequence[int] | None = None,
        into: bool = False,
        chunk_size: int | str = "auto",
        progress: _Progress = None,
        wait: Literal[True] = True,
        **faults: Unpack[_Faults],
    ) -> _Array: ...
    @overload
    def map_chunks(
        self,
        function: Callable[..., Any] | _CythonFunction,
        *arrays: Any,
        out: _Path | None = None,
        dtype: npt.DTypeLike | None = None,
        shape: Sequence[int] | None = None,
        into: bool = False,
        chunk_size: int | str = "auto",
        progress: _Progress = None,
        wait: Literal[False],
        **faults: Unpack[_Faults],
    ) -> Job: ...
    @overload
    def flat_map_chunks(
        self,
        function: Callable[..., Any],
        *arrays: Any,
        dtype: npt.DTypeLike | None = None,
        shape: Sequence[int] = (),
        chunk_size: int | str = "auto",
        parts: Literal[False] = False,
        progress: _Progress = None,
        wait: Literal[True] = True,
        **faults: Unpack[_Faults],
    ) -> _Array: ...
    @overload
    def flat_map_chunks(
        self,
        function: Callable[..., Any],
        *arrays: Any,
        dtype: npt.DTypeLike | None = None,
        shape: Sequence[int] = (),
        chunk_size: int | str = "auto",
        parts: Literal[True],
        progress: _Progress = None,
        wait: Literal[True] = True,
        **faults: Unpack[_Faults],
    ) -> list[_Array]: ...
    @overload
    def flat_map_chunks(
        self,
        function: Callable[..., Any],
        *arrays: Any,
        dtype: npt.DTypeLike | None = None,
        shape: Sequence[int] = (),
        chunk_size: int | str = "auto",
        parts: bool = False,
        progress: _Progress = None,
        wait: Literal[False],
        **faults: Unpack[_Faults],
    ) -> Job: ...
    def reduce_chunks(
        self,
        function: Callable[..., Any],
        merge: Callable[[Any, Any], Any],
        *arrays: Any,
        initial: Any = ...,
        chunk_size: int | str = "auto",
        progress: _Progress = None,
        **faults: Unpack[_Faults],
    ) -> Any: ...

class _CythonFunction:
    module: str
    name: str

def cython_function(module: str, name: str) -> _CythonFunction: ...
def get_include() -> str: ...
def get_cmake_dir() -> str: ...

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
    "cython_function",
    "get_cmake_dir",
    "get_include",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")

class BrokenExecutorError(Error, BrokenProcessPool): ...
class UnreadableError(Error, BrokenProcessPool): ...

class WorkerDiedError(Error, BrokenProcessPool):
    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None: ...
    worker: int
    pid: int
    signal: int
    exit_code: int
    out_of_memory: bool
    peak_memory_bytes: int
    cpu_seconds: float
    wall_seconds: float
    last_lines: list[str]

class Executor(_Executor):
    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: object = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
        retries: int = 0,
        stopped_timeout: float = 60.0,
        zygote: bool = True,
        preload: Sequence[str] = (),
        worker_output: _WorkerOutput = None,
    ) -> None: ...
    def submit(
        self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_T]: ...
    def map(  # type: ignore[override]
        self,
        fn: Callable[..., _T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
        buffersize: int | None = None,
    ) -> Iterator[_T]: ...
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...
    def kill_workers(self) -> None: ...
    def worker_pids(self) -> list[int]: ...
