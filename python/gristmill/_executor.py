"""Executor: single calls in worker processes, as concurrent.futures has them."""

import collections
import concurrent.futures
import itertools
import operator
import time
import weakref

from . import _calls, _core, _interpreter
from ._call_errors import (
    BrokenExecutorError,
    UnreadableError,
    WorkerDiedError,
    error_of,
    pickling_error,
)
from ._call_queue import Call, CallQueue, Map
from ._pickles import pickled
from ._worker_output import WorkerOutput

__all__ = ["BrokenExecutorError", "Executor", "UnreadableError", "WorkerDiedError"]


class Executor(concurrent.futures.Executor):
    """A concurrent.futures.Executor whose calls run in worker processes, arrays without pickling.

    max_workers: how many; None: the CPUs that this process may use.
    initializer, initargs: called in each worker before its first call.
    max_tasks_per_child: a worker is replaced after so many calls.
    retries: how often a call is run again whose worker died in it.
    stopped_timeout: a worker that has calls and is stopped (SIGSTOP) for so many seconds is killed.
    zygote, preload, worker_output: as Engine has them. mp_context is accepted, and not used.

    NumPy arrays in arguments and results, at any depth, travel through shared memory: one copy each
    way, none for datasets, results of engines and executors, and numpy.memmap files. (Those of less
    than 4 KiB are pickled; results of less than 512 KiB are copied once more, out of shared memory.)
    In the worker arguments are its own: writing to them changes nothing elsewhere. What is
    read-only here, such as a Dataset, is read-only there.

    Functions, and objects whose classes live in __main__, are sent by value (cloudpickle): lambdas,
    closures and what a notebook defines work, and no `if __name__ == "__main__"` is needed. In a
    worker the functions of __main__ share one namespace, in which an initializer may set globals.

    A worker that dies fails the call that it was in, with WorkerDiedError, and no other. Exceptions
    have their types, if they can be pickled, and the worker's traceback as their cause. Ctrl-C in
    the `with` block ends the calls that run.
    """

    def __init__(
        self,
        max_workers=None,
        mp_context=None,
        initializer=None,
        initargs=(),
        *,
        max_tasks_per_child=None,
        retries=0,
        stopped_timeout=60.0,
        zygote=True,
        preload=(),
        worker_output=None,
    ):
        max_workers = (
            _core.usable_cpus() if max_workers is None else _whole("max_workers", max_workers)
        )
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if max_workers > _core.MOST_WORKERS:
            raise ValueError(f"max_workers is {max_workers}: {_core.MOST_WORKERS} are possible")
        retries = _whole("retries", retries)
        if retries < 0:
            raise ValueError("retries must be at least 0")
        if not isinstance(stopped_timeout, (int, float)) or not stopped_timeout > 0:
            raise ValueError(
                f"stopped_timeout must be a number of seconds, not {stopped_timeout!r}"
            )
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None and (
            not isinstance(max_tasks_per_child, int) or max_tasks_per_child <= 0
        ):
            raise ValueError("max_tasks_per_child must be an int of at least 1")
        self._max_workers = max_workers
        preload = _interpreter.names_to_preload(preload)
        data, memories = b"", []
        if initializer is not None:
            # Copied for good, before there is a pool to take memory from.
            try:
                stream, buffers = _calls.dump_call(initializer, tuple(initargs), {})
            except Exception as error:
                raise pickling_error(error) from error
            data, memories = _calls.place_call(stream, buffers, _core.new_argument)
        output = WorkerOutput(worker_output)
        core = _core.CallPool(
            worker=_interpreter.words("worker_main", preload),
            zygote=_interpreter.words("zygote_main", preload) if zygote else None,
            workers=max_workers,
            retries=retries,
            calls_per_worker=max_tasks_per_child or 0,
            stopped_seconds=stopped_timeout,
            initializer=data,
            memories=memories,
            lines=output.lines,
        )
        self._queue = queue = CallQueue(core, output)
        # Not a reference of its own: in a cycle that is garbage with it, and calls nobody.
        weakref.finalize(self, queue.close).atexit = False

    def __reduce__(self):
        raise TypeError("an executor cannot be sent to a worker: make one there")

    def __exit__(self, exc_type, exc_value, traceback):
        if exc_type is not None and issubclass(exc_type, KeyboardInterrupt):
            self.kill_workers()
        self.shutdown()
        return False

    def submit(self, fn, /, *args, **kwargs):
        """Calls fn(*args, **kwargs) in a worker; returns a concurrent.futures.Future.

        What is sent is pickled when a worker takes the call: what cannot be is an error of the
        future. A future is running, and cannot be cancelled, when a worker has it in its queue: two
        calls, or as many short ones as run for 4 ms, at most 512.
        """
        future = concurrent.futures.Future()
        self._queue.add(Call(future, fn, args, kwargs))
        return future

    def map(self, fn, *iterables, timeout=None, chunksize=None, buffersize=None):
        """The results of fn(*args) for args of zip(*iterables), in order.

        All are submitted at once, unless buffersize says how many results may be computed before
        they are asked for. chunksize: items that a worker gets at a time. None: as many as run for
        some 2 ms, so long items go one by one; if a worker dies, the items of its chunk fail.
        timeout: seconds from this call on. Raises what fn raised first, at its place.
        """
        if chunksize is not None and (chunksize := _whole("chunksize", chunksize)) < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        if not iterables:
            return iter(())
        if chunksize is None and buffersize is None:
            calls = Map(fn, iterables, self._max_workers)
            if calls.items:
                self._queue.add(calls)
            return calls.results(timeout)
        return _mapped(self, fn, iterables, timeout, chunksize or 1, buffersize)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Takes no more calls; with wait=True it returns when all have ended and workers are gone.

        A future's callback does not wait: it would wait for itself.
        """
        queue = self._queue
        queue.close(cancel_futures)
        queue.end_unused()
        if wait and queue.thread is not None and queue.is_ours():
            queue.done.wait()

    def _submit_items(self, blob, items):
        return self.submit(_calls.run_items, blob, items, False)

    def kill_workers(self):
        """Kills all workers, and takes no more calls; those that have not ended fail."""
        self._queue.kill()

    def worker_pids(self):
        """The process ids of the workers that live, as far as they have started."""
        return self._queue.core.pids()


def _mapped(executor, fn, iterables, timeout, chunksize, buffersize):
    """As Executor.map, with chunks of a given size."""
    deadline = None if timeout is None else time.monotonic() + timeout
    args = zip(*iterables)
    if chunksize > 1:
        blob = pickled(fn)
        chunks = iter(lambda: list(itertools.islice(args, chunksize)), [])
        submissions = (executor._submit_items(blob, chunk) for chunk in chunks)
    else:
        submissions = (executor.submit(fn, *each) for each in args)
    futures = collections.deque(itertools.islice(submissions, buffersize))

    def results():
        try:
            while futures:
                if buffersize is not None:
                    futures.extend(itertools.islice(submissions, 1))
                future = futures.popleft()
                left = None if deadline is None else deadline - time.monotonic()
                try:
                    value = future.result(left)
                finally:
                    future.cancel()
                    del future
                items, failure = ([value], None) if chunksize == 1 else value
                del value  # no results are kept
                items.reverse()
                while items:
                    yield items.pop()
                if failure is not None:
                    raise error_of(failure)
        finally:
            for future in futures:
                future.cancel()

    return results()


def _whole(name, value):
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r} and no whole number") from None
