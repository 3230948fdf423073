"""Only for mypy: what the types of the package allow and say."""

import pathlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import gristmill as gm
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def use(path: pathlib.Path, progress: Callable[[int, int], None]) -> float:
    with gm.Engine(workers=2, memory="1GiB", preload=["math"]) as engine:
        cities: gm.Dataset = engine.open(path)
        raw = engine.open(path, "f8", (10, 2), offset=16)
        sealed = engine.empty(10, np.int32).seal()
        norms: Array = engine.map_chunks(lambda rows: rows.sum(axis=1), cities, retries=3)
        rows: list[Array] = engine.flat_map_chunks(lambda rows: rows, raw, parts=True)
        loop = gm.cython_function("package.module", "name")
        tripled: Array = engine.map_chunks(loop, cities, dtype="f8", shape=(3,))
        job: gm.Job = engine.map_chunks(np.negative, sealed, wait=False, on_error="skip")
        outputs: dict[str, Array] = engine.run("nearest", cities, progress=progress)
        total = engine.reduce_chunks(len, max, engine.share(norms), initial=0)
        job.result(timeout=3.5)
        return float(total) + len(tripled) + len(rows) + float(outputs["distance"].sum())


def misuse(engine: gm.Engine) -> None:
    engine.map_chunks(len, retrys=3)  # type: ignore[call-overload]
    engine.share([1], refresh="yes")  # type: ignore[arg-type]


def calls() -> int:
    with gm.Executor(2, retries=1, worker_output=lambda worker, line: print(line[:9])) as executor:
        future: Future[int] = executor.submit(pow, 2, 10)
        texts: list[str] = list(executor.map(str, range(10), chunksize=2))
        try:
            return future.result() + len(texts) + len(executor.worker_pids())
        except gm.WorkerDiedError as error:
            return error.exit_code
