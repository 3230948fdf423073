"""The systems that are compared, each used as its documentation advises for the case at hand.

A contender opens with a number of worker processes. `submit` and `result` run a call; `map` runs a
short function on many items, given it and one that takes a list, for systems whose documentation
advises against short calls; `total` and `root` run functions over the rows of an array, and root
gives one array.
"""

import concurrent.futures
import importlib.metadata
import math
import multiprocessing
import operator
import os
import sys
from multiprocessing import shared_memory

import functions
import numpy as np

BLOCKS_PER_WORKER = 4  # of an array, where blocks are chosen by hand
BATCHES_PER_WORKER = 8  # of short functions, where they are


class Contender:
    package = None  # None: the standard library
    does = ("calls", "map", "array", "restart")
    fewest_workers = 1
    how = ""

    @classmethod
    def version(cls):
        if cls.package is None:
            return "Python " + sys.version.split()[0]
        return f"{cls.package} {importlib.metadata.version(cls.package)}"

    def blocks(self, rows):
        step = math.ceil(rows / (BLOCKS_PER_WORKER * self.workers))
        return [(begin, min(begin + step, rows)) for begin in range(0, rows, step)]

    def slices(self, array):
        return [array[begin:end] for begin, end in self.blocks(len(array))]

    def batches(self, items):
        step = math.ceil(len(items) / (BATCHES_PER_WORKER * self.workers))
        return [items[begin : begin + step] for begin in range(0, len(items), step)]

    def burst(self, function, count):
        for handle in [self.submit(function) for _ in range(count)]:
            self.result(handle)

    def call(self, function, *args):
        return self.result(self.submit(function, *args))

    def result(self, handle):
        return handle.result()

    def worker_pids(self):
        """Of the only worker."""
        return [self.call(functions.pid)]

    def recover(self):
        """After a call has failed because a worker died."""
        try:
            self.close()
        finally:
            self.open(self.workers)


class Serial(Contender):
    name = "no workers"
    how = "a loop; NumPy in this process"
    does = ("map", "array")

    def open(self, workers):
        self.workers = workers

    def close(self):
        pass

    def map(self, function, _, items):
        return [function(item) for item in items]

    def total(self, array):
        return functions.total(array)

    def root(self, array):
        return functions.root(array)


class Gristmill(Contender):
    name = "gristmill"
    package = "gristmill"
    how = "Executor; Engine.map_chunks, reduce_chunks, the array as it is"

    @classmethod
    def version(cls):
        import gristmill

        return f"gristmill {gristmill.__version__}"

    def open(self, workers):
        import gristmill

        self.workers = workers
        self.executor = gristmill.Executor(workers)
        self.submit = self.executor.submit
        self.engine = gristmill.Engine(workers)

    def close(self):
        self.executor.shutdown()
        self.engine.close()

    def recover(self):
        """It needs nothing."""

    def map(self, function, _, items):
        return list(self.executor.map(function, items))

    def total(self, array):
        return self.engine.reduce_chunks(functions.total, operator.add, array)

    def root(self, array):
        return self.engine.map_chunks(functions.root, array, dtype=array.dtype)


class ProcessPool(Contender):
    name = "ProcessPoolExecutor"
    how = "blocks are pickled"

    def open(self, workers):
        self.workers = workers
        self.pool = concurrent.futures.ProcessPoolExecutor(workers)
        self.submit = self.pool.submit

    def close(self):
        self.pool.shutdown()

    def map(self, function, _, items):
        size = len(items) // (BATCHES_PER_WORKER * self.workers)
        return list(self.pool.map(function, items, chunksize=max(size, 1)))

    def total(self, array):
        return sum(self.pool.map(functions.total, self.slices(array)))

    def root(self, array):
        return np.concatenate(list(self.pool.map(functions.root, self.slices(array))))


class Pool(Contender):
    name = "multiprocessing.Pool"
    how = "blocks are pickled"

    def open(self, workers):
        self.workers = workers
        self.pool = multiprocessing.Pool(workers)

    def close(self):
        self.pool.terminate()
        self.pool.join()

    def submit(self, function, *args):
        return self.pool.apply_async(function, args)

    def result(self, handle):
        return handle.get()

    def map(self, function, _, items):
        return self.pool.map(function, items)

    def total(self, array):
        return sum(self.pool.map(functions.total, self.slices(array), chunksize=1))

    def root(self, array):
        return np.concatenate(self.pool.map(functions.root, self.slices(array), chunksize=1))


def _attached(name, dtype, shape):
    memory = shared_memory.SharedMemory(name)
    return memory, np.ndarray(shape, dtype, memory.buf)


def _shared_total(name, dtype, shape, begin, end):
    memory, array = _attached(name, dtype, shape)
    value = functions.total(array[begin:end])
    del array
    memory.close()
    return value


def _shared_root(name, out_name, dtype, shape, begin, end):
    memory, array = _attached(name, dtype, shape)
    out_memory, out = _attached(out_name, dtype, shape)
    out[begin:end] = functions.root(array[begin:end])
    del array, out
    memory.close()
    out_memory.close()


class PoolWithSharedMemory(Pool):
    name = "Pool + shared_memory"
    how = "two SharedMemory, filled and attached by hand"
    does = ("array",)

    def shared(self, array):
        memory = shared_memory.SharedMemory(create=True, size=array.nbytes)
        return memory, np.ndarray(array.shape, array.dtype, memory.buf)

    def over(self, function, names, array):
        facts = (*names, array.dtype, array.shape)
        return self.pool.starmap(
            function, [(*facts, *block) for block in self.blocks(len(array))], chunksize=1
        )

    def total(self, array):
        memory, copy = self.shared(array)
        copy[:] = array
        totals = self.over(_shared_total, (memory.name,), array)
        del copy
        memory.close()
        memory.unlink()
        return sum(totals)

    def root(self, array):
        memory, copy = self.shared(array)
        copy[:] = array
        self.memory, out = self.shared(array)
        self.over(_shared_root, (memory.name, self.memory.name), array)
        del copy
        memory.close()
        memory.unlink()
        self.memory.unlink()
        return out


class Joblib(Contender):
    name = "joblib (loky)"
    package = "joblib"
    how = "automatic memmap of the array; the result is a memmap that workers fill"
    fewest_workers = 2  # one is no worker, but the caller

    def open(self, workers):
        import joblib

        self.workers = workers
        self.delayed = joblib.delayed
        self.parallel = joblib.Parallel(n_jobs=workers, mmap_mode="r")
        self.parallel.__enter__()
        self.folder = os.environ["MEMORY_FOLDER"]

    def close(self):
        from joblib.externals.loky import get_reusable_executor

        self.parallel.__exit__(None, None, None)
        get_reusable_executor().shutdown()

    def worker_pids(self):
        from joblib.externals.loky import get_reusable_executor

        self.burst(functions.pid, 10)
        return list(get_reusable_executor()._processes)

    def submit(self, function, *args):
        return self.parallel([self.delayed(function)(*args)])

    def result(self, handle):
        return handle[0]

    def burst(self, function, count):
        self.parallel(self.delayed(function)() for _ in range(count))

    def map(self, _, function, items):
        lists = self.parallel(self.delayed(function)(batch) for batch in self.batches(items))
        return [value for values in lists for value in values]

    def total(self, array):
        return sum(
            self.parallel(
                self.delayed(functions.of_slice)(functions.total, array, *block)
                for block in self.blocks(len(array))
            )
        )

    def root(self, array):
        path = os.path.join(self.folder, "out")
        out = np.memmap(path, array.dtype, "w+", shape=array.shape)
        self.parallel(
            self.delayed(functions.of_slice_into)(functions.root, array, out, *block)
            for block in self.blocks(len(array))
        )
        os.unlink(path)
        return out


def _mpire_total(array, begin, end):
    return functions.total(array[begin:end])


def _mpire_root(array, begin, end):
    return functions.root(array[begin:end])


class Mpire(Contender):
    name = "MPIRE"
    package = "mpire"
    how = "the array as shared object (copy on write by fork); results are pickled"

    def open(self, workers):
        from mpire import WorkerPool

        self.workers = workers
        self.new_pool = WorkerPool
        self.pool = WorkerPool(workers, start_method="fork", keep_alive=True)

    def close(self):
        self.pool.terminate()

    def submit(self, function, *args):
        return self.pool.apply_async(function, args)

    def result(self, handle):
        return handle.get()

    def map(self, function, _, items):
        return self.pool.map(function, items)

    def over(self, function, array):
        blocks = self.blocks(len(array))
        with self.new_pool(self.workers, start_method="fork", shared_objects=array) as pool:
            return pool.map(function, blocks, chunk_size=1, concatenate_numpy_output=True)

    def total(self, array):
        return sum(self.over(_mpire_total, array))

    def root(self, array):
        return self.over(_mpire_root, array)


class Ray(Contender):
    name = "Ray"
    package = "ray"
    how = "ray.put of the array; results in the object store, put together by concatenate"
    store_bytes = 256 << 20

    def open(self, workers):
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import ray

        self.ray = ray
        self.workers = workers
        self.remote = {}
        ray.init(
            num_cpus=workers,
            include_dashboard=False,
            logging_level="error",
            log_to_driver=False,
            object_store_memory=self.store_bytes,
        )

    def close(self):
        self.ray.shutdown()

    def submit(self, function, *args):
        if function not in self.remote:
            self.remote[function] = self.ray.remote(function)
        return self.remote[function].remote(*args)

    def result(self, handle):
        return self.ray.get(handle)

    def burst(self, function, count):
        self.ray.get([self.submit(function) for _ in range(count)])

    def map(self, _, function, items):
        lists = self.ray.get([self.submit(function, batch) for batch in self.batches(items)])
        return [value for values in lists for value in values]

    def over(self, function, array):
        stored = self.ray.put(array)
        return self.ray.get(
            [
                self.submit(functions.of_slice, function, stored, *block)
                for block in self.blocks(len(array))
            ]
        )

    def total(self, array):
        return sum(self.over(functions.total, array))

    def root(self, array):
        return np.concatenate(self.over(functions.root, array))


class Dask(Contender):
    name = "Dask LocalCluster"
    package = "distributed"
    how = "blocks are scattered, results gathered and concatenated"

    def open(self, workers):
        from distributed import Client, LocalCluster

        self.workers = workers
        self.cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            memory_limit=None,
            silence_logs=50,
        )
        self.client = Client(self.cluster)

    def close(self):
        self.client.close()
        self.cluster.close()

    def submit(self, function, *args):
        return self.client.submit(function, *args, pure=False)

    def burst(self, function, count):
        self.client.gather([self.submit(function) for _ in range(count)])

    def map(self, _, function, items):
        futures = self.client.map(function, self.batches(items), pure=False)
        return [value for values in self.client.gather(futures) for value in values]

    def over(self, function, array):
        blocks = self.client.scatter(self.slices(array), hash=False)
        return self.client.gather(self.client.map(function, blocks, pure=False))

    def total(self, array):
        return sum(self.over(functions.total, array))

    def root(self, array):
        return np.concatenate(self.over(functions.root, array))


ALL = {
    contender.name: contender
    for contender in (
        Gristmill,
        Serial,
        ProcessPool,
        Pool,
        PoolWithSharedMemory,
        Joblib,
        Mpire,
        Ray,
        Dask,
    )
}
