"""Executor: single calls in worker processes, as concurrent.futures has them."""

import collections
import concurrent.futures
import itertools
import os
import pickle
import threading
import time
import weakref
from concurrent.futures.process import BrokenProcessPool

from . import _calls, _core, _interpreter
from ._engine import PRELOAD
from ._errors import Error, FailedError
from ._function_jobs import pickled

# Of a mapped function's chunk: long against what a call costs, short against what a user notices.
_CHUNK_SECONDS = 0.002
_MOST_CHUNK_ITEMS = 20_000
_CHUNKS_PER_WORKER = 8

_pools = weakref.WeakSet()
_interpreter_ends = False


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


class _Call:
    """A call that was submitted."""

    __slots__ = ("future", "function", "args", "kwargs")

    def __init__(self, future, function, args, kwargs):
        self.future = future
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def name(self):
        function = self.function
        return getattr(function, "__qualname__", None) or type(function).__name__

    def next_call(self):
        """The call to be run now; None if it was cancelled."""
        return self if self.future.set_running_or_notify_cancel() else None

    def has_more(self):
        return False

    def cancel(self):
        self.future.cancel()
        self.future.set_running_or_notify_cancel()

    def succeed(self, value):
        _settle(self.future.set_result, value)

    def fail(self, error):
        _settle(self.future.set_exception, error)

    def take_seconds(self, seconds):
        pass


def _settle(setter, outcome):
    """Callbacks may raise what ends threads, and others may settle futures: it goes on."""
    try:
        setter(outcome)
    except BaseException:
        concurrent.futures._base.LOGGER.exception("gristmill: a future could not be settled")


class _Chunk(_Call):
    """Some items of a map."""

    __slots__ = ("source", "items")

    def __init__(self, source, items):
        args = (source.blob, items, source.single)
        super().__init__(concurrent.futures.Future(), _calls.run_items, args, {})
        self.source = source
        self.items = len(items)

    def name(self):
        return self.source.name

    def take_seconds(self, seconds):
        self.source.take_seconds(seconds / self.items)


class _Map:
    """The calls of a map. Its chunks are cut when workers take them, as long as the time says."""

    def __init__(self, function, iterables, workers):
        self.name = getattr(function, "__qualname__", None) or type(function).__name__
        self.blob = pickled(function)
        self.single = len(iterables) == 1
        self.items = list(iterables[0] if self.single else zip(*iterables))
        self.workers = workers
        self.position = 0
        self.seconds = None  # of an item
        self.chunks = collections.deque()  # in order, until their results are taken
        self.changed = threading.Condition()
        self.failure = None

    def chunk_items(self):
        if self.seconds is None:
            return 1
        by_time = int(_CHUNK_SECONDS / max(self.seconds, 1e-9))
        left = len(self.items) - self.position
        balanced = left // (self.workers * _CHUNKS_PER_WORKER)
        return max(1, min(by_time, max(balanced, 64), _MOST_CHUNK_ITEMS))

    def next_call(self):
        with self.changed:
            if not self.has_more():
                return None
            end = min(self.position + self.chunk_items(), len(self.items))
            chunk = _Chunk(self, self.items[self.position : end])
            self.position = end
            chunk.future.set_running_or_notify_cancel()
            self.chunks.append(chunk.future)
            self.changed.notify_all()
            return chunk

    def has_more(self):
        return self.failure is None and self.position < len(self.items)

    def take_seconds(self, seconds):
        mean = self.seconds
        self.seconds = seconds if mean is None else 0.5 * (mean + seconds)

    def cancel(self):
        self.fail(concurrent.futures.CancelledError())

    def fail(self, error):
        with self.changed:
            if self.has_more():
                self.failure = error
                self.changed.notify_all()

    def next_chunk(self, deadline):
        """The next chunk's future, or None after the last one."""
        with self.changed:
            while not self.chunks:
                if self.failure is not None:
                    raise self.failure
                if self.position == len(self.items):
                    return None
                left = None if deadline is None else deadline - time.monotonic()
                if not self.changed.wait(left):
                    raise concurrent.futures.TimeoutError
            return self.chunks.popleft()

    def results(self, timeout):
        deadline = None if timeout is None else time.monotonic() + timeout
        return self._results(deadline)

    def _results(self, deadline):
        try:
            while (future := self.next_chunk(deadline)) is not None:
                left = None if deadline is None else deadline - time.monotonic()
                results, failure = future.result(left)
                del future
                results.reverse()
                while results:
                    yield results.pop()
                if failure is not None:
                    raise _error_of(failure)
        finally:
            self.cancel()


def _death_of(call, facts):
    end = facts.pop("what")
    cause = "for want of memory" if facts["out_of_memory"] else ""
    text = f"worker {facts['worker']} (process {facts['pid']}) {end} {cause}".rstrip()
    lines = "".join(f"\n  {line}" for line in facts["last_lines"][-5:])
    said = f"; it wrote at last:{lines}" if lines else ""
    return WorkerDiedError(f"{text} in a call of {call.name()}{said}", facts)


class _Pool:
    """What an executor and its thread have in common; the executor may go while calls run."""

    def __init__(self, core):
        self.core = core
        self.lock = threading.Lock()
        self.pending = collections.deque()
        self.running = {}
        self.unfinished = 0  # taken, and not ended; of a map each chunk, and all to come as one
        self.numbers = itertools.count(1)
        self.closing = False
        self.cancelling = False
        self.ended = False
        self.broken = None
        self.thread = None
        self.pid = os.getpid()

    # By any thread.

    def add(self, call):
        with self.lock:
            self.require_open()
            self.unfinished += 1
            self.pending.append(call)
            if self.thread is None:
                self.start_thread()
        self.hand_out()

    def require_open(self):
        if self.pid != os.getpid():
            raise RuntimeError(
                "this executor belongs to the process that this one was forked from: make one here"
            )
        if self.broken is not None:
            raise BrokenExecutorError(self.broken)
        if self.closing:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if _interpreter_ends:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    def start_thread(self):
        self.thread = threading.Thread(target=_manage, args=(self,), name="gristmill-executor")
        self.thread.start()
        _pools.add(self)

    def hand_out(self):
        """Gives workers as many calls as they take."""
        core = self.core
        while self.pending and core.reserve():
            try:
                call = self.pending.popleft()
            except IndexError:
                core.give_back()
                return
            source, call = call, call.next_call()
            if source is not call:
                self.count(1 if call is not None else 0)
                if source.has_more() and self.cancelling:
                    source.cancel()
                if source.has_more():
                    self.pending.appendleft(source)
                else:
                    self.count(-1)
            if call is None:
                core.give_back()
                continue
            self.send(call)

    def send(self, call):
        try:
            stream, buffers = _calls.dump_call(call.function, call.args, call.kwargs)
            data, memories = _calls.place_call(stream, buffers, self.core.take_memory)
        except BaseException as error:
            self.core.give_back()
            call.fail(_pickling_error(error))
            self.count(-1)
            # SystemExit and the like end the caller's thread, not that of the executor.
            if not isinstance(error, Exception) and threading.current_thread() is not self.thread:
                raise
            return
        number = next(self.numbers)
        self.running[number] = call
        try:
            self.core.submit(number, data, memories)
        except Error:
            pass  # it has ended meanwhile, and tells nobody of this call
        if self.ended and self.running.pop(number, None) is not None:
            call.fail(self.end_error())

    def count(self, calls):
        with self.lock:
            self.unfinished += calls
            done = self.closing and self.unfinished == 0
        if done:
            self.core.wake()

    # By its thread.

    def finish(self, number, failed, data, memory, seconds, death):
        call = self.running.pop(number, None)
        if call is None:  # the initializer
            if failed:
                self.fail_initializer(data, death)
            return
        if death is not None:
            call.fail(_death_of(call, death))
        elif failed:
            call.fail(_error_of(data))
        else:
            call.take_seconds(seconds)
            try:
                value = _calls.load_answer(data, memory)
            except BaseException as error:
                failure = UnreadableError(f"the result of {call.name()} cannot be unpickled here")
                failure.__cause__ = error
                call.fail(failure)
            else:
                call.succeed(value)

    def fail_initializer(self, data, death):
        if death is not None:
            why = f"its initializer failed: {death['what']}"
        else:
            _, said, cause, _ = _calls.exception_of(data)
            why = f"its initializer raised {said}"
            # As concurrent.futures does; without handlers logging writes it to stderr.
            concurrent.futures._base.LOGGER.critical("gristmill: the executor's %s%s", why, cause)
        self.broken = f"the executor cannot be used: {why}"

    def end(self):
        """Takes no more calls, and fails those that have not ended."""
        with self.lock:
            self.closing = True
            why = self.core.broken()
            if why and self.broken is None:
                self.broken = f"the executor cannot be used: {why}"
            self.ended = True
        # One by one: other threads may add some, and look at `ended` then.
        while self.running:
            _, call = self.running.popitem()
            call.fail(self.end_error())
        while self.pending:
            self.pending.popleft().fail(self.end_error())

    def end_error(self):
        return BrokenExecutorError(self.broken or "the executor has ended")

    def cancel_pending(self):
        while self.pending:
            try:
                call = self.pending.popleft()
            except IndexError:
                return
            call.cancel()
            self.count(-1)

    def close(self, cancel=False):
        # No lock: the garbage collector may come in any thread.
        self.closing = True
        if cancel:
            self.cancelling = True
            self.cancel_pending()
        self.core.wake()


def _manage(pool):
    """The executor's thread: it starts the workers, which die with it."""
    core = pool.core
    try:
        while True:
            ends = core.wait()
            for end in ends:
                pool.finish(*end)
            pool.count(-sum(1 for number, *_ in ends if number != 0))
            ends = end = None  # no results are kept
            if core.broken():
                return
            pool.hand_out()
            with pool.lock:
                if pool.closing and pool.unfinished == 0:
                    return
    finally:
        pool.end()
        core.close()


def _pickling_error(error):
    if isinstance(error, (pickle.PicklingError, MemoryError, Error)) or not isinstance(
        error, Exception
    ):
        return error
    failure = pickle.PicklingError(f"cannot send the call to a worker: {error}")
    failure.__cause__ = error
    return failure


def _error_of(data):
    error, said, cause, unreadable = _calls.exception_of(data)
    if unreadable:
        error = UnreadableError(f"a worker could not unpickle the call: {said}")
    elif error is None:
        error = FailedError(said)
    error.__cause__ = cause
    return error


class Executor(concurrent.futures.Executor):
    """A concurrent.futures.Executor whose calls run in worker processes, arrays without pickling.

    max_workers: how many; None: the CPUs that this process may use.
    initializer, initargs: called in each worker before its first call.
    max_tasks_per_child: a worker is replaced after so many calls.
    retries: how often a call is run again whose worker died in it.
    zygote, preload: as Engine has them. mp_context is accepted, and not used.

    NumPy arrays in arguments and results, at any depth, travel through shared memory: one copy each
    way, none for datasets, results of engines and executors, and numpy.memmap files. (Those of less
    than 4 KiB are pickled; results of less than 512 KiB are copied once more, out of shared memory.)
    In the worker arguments are its own: writing to them changes nothing elsewhere. What is
    read-only here, such as a Dataset, is read-only there.

    Functions, and objects whose classes live in __main__, are sent by value (cloudpickle): lambdas,
    closures and what a notebook defines work, and no `if __name__ == "__main__"` is needed.

    A worker that dies fails the call that it was in, with WorkerDiedError, and no other. Exceptions
    have their types, and the worker's traceback as their cause.
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
        zygote=True,
        preload=(),
    ):
        if max_workers is None:
            max_workers = _core.usable_cpus()
        if max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None and (
            not isinstance(max_tasks_per_child, int) or max_tasks_per_child <= 0
        ):
            raise ValueError("max_tasks_per_child must be an int of at least 1")
        self._max_workers = max_workers
        preload = (*PRELOAD, *preload)
        data, memories = b"", []
        if initializer is not None:
            # Copied for good, before there is a pool to take memory from.
            stream, buffers = _calls.dump_call(initializer, tuple(initargs), {})
            data, memories = _calls.place_call(stream, buffers, _core.new_argument)
        core = _core.CallPool(
            worker=_interpreter.words("worker_main", preload),
            zygote=_interpreter.words("zygote_main", preload) if zygote else None,
            workers=max_workers,
            retries=retries,
            calls_per_worker=max_tasks_per_child or 0,
            initializer=data,
            memories=memories,
        )
        self._pool = pool = _Pool(core)
        self._gone = weakref.ref(self, lambda _: pool.close())

    def submit(self, fn, /, *args, **kwargs):
        """Calls fn(*args, **kwargs) in a worker; returns a concurrent.futures.Future.

        What is sent is pickled when a worker takes the call: what cannot be is an error of the
        future. A future is running, and cannot be cancelled, when a worker has it in its queue.
        """
        future = concurrent.futures.Future()
        self._pool.add(_Call(future, fn, args, kwargs))
        return future

    def map(self, fn, *iterables, timeout=None, chunksize=None, buffersize=None):
        """The results of fn(*args) for args of zip(*iterables), in order.

        All are submitted at once, unless buffersize says how many results may be computed before
        they are asked for. chunksize: items that a worker gets at a time. None: as many as run for
        some 2 ms, so long items go one by one; if a worker dies, the items of its chunk fail.
        timeout: seconds from this call on. Raises what fn raised first, at its place.
        """
        if chunksize is not None and chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        if not iterables:
            return iter(())
        if chunksize is None and buffersize is None:
            calls = _Map(fn, iterables, self._max_workers)
            if calls.items:
                self._pool.add(calls)
            return calls.results(timeout)
        return _mapped(self, fn, iterables, timeout, chunksize or 1, buffersize)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Takes no more calls; with wait=True it returns when all have ended and workers are gone.

        A future's callback does not wait: it would wait for itself.
        """
        pool = self._pool
        pool.close(cancel_futures)
        if pool.thread is None:
            pool.core.close()
        elif wait and pool.pid == os.getpid() and pool.thread is not threading.current_thread():
            pool.thread.join()

    def _submit_items(self, blob, items):
        return self.submit(_calls.run_items, blob, items, False)

    def kill_workers(self):
        """Kills all workers, and takes no more calls; those that have not ended fail."""
        self._pool.close(cancel=True)
        self._pool.core.kill_workers()

    def worker_pids(self):
        """The process ids of the workers that live, as far as they have started."""
        return self._pool.core.pids()


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
                if chunksize == 1:
                    yield _emptied(value := [value])
                    continue
                items, failure = value
                items.reverse()
                while items:
                    yield items.pop()
                if failure is not None:
                    raise _error_of(failure)
        finally:
            for future in futures:
                future.cancel()

    return results()


def _emptied(values):
    return values.pop()


@threading._register_atexit
def _end():
    global _interpreter_ends
    _interpreter_ends = True
    for pool in list(_pools):
        pool.close()
    for pool in list(_pools):
        if pool.thread is not None and pool.pid == os.getpid():
            pool.thread.join()
