"""Calls on their way to the workers of an executor, and the thread that settles their futures."""

import collections
import concurrent.futures
import itertools
import os
import sys
import threading
import time
import weakref

from . import _calls
from ._call_errors import (
    BrokenExecutorError,
    UnreadableError,
    death_of,
    error_of,
    pickling_error,
)
from ._errors import Error
from ._pickles import name_of, pickled

# Of a mapped function's chunk: long against what a call costs, short against what a user notices.
_CHUNK_SECONDS = 0.002
_MOST_CHUNK_ITEMS = 20_000
_CHUNKS_PER_WORKER = 8

_queues = weakref.WeakSet()
_interpreter_ends = False


class Call:
    """A call that was submitted."""

    __slots__ = ("future", "function", "args", "kwargs")

    def __init__(self, future, function, args, kwargs):
        self.future = future
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def name(self):
        return name_of(self.function)

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


class Chunk(Call):
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


class Map:
    """The calls of a map. Its chunks are cut when workers take them, as long as the time says."""

    def __init__(self, function, iterables, workers):
        self.name = name_of(function)
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
            chunk = Chunk(self, self.items[self.position : end])
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
                    raise error_of(failure)
        finally:
            self.cancel()


class CallQueue:
    """What an executor and its thread have in common; the executor may go while calls run."""

    def __init__(self, core, output):
        self.core = core
        self.output = output
        self.lock = threading.Lock()
        self.pending = collections.deque()
        self.running = {}
        self.unfinished = 0  # taken, and not ended; of a map each chunk, and all to come as one
        self.numbers = itertools.count(1)
        self.closing = False
        self.cancelling = False
        self.ended = False
        self.done = threading.Event()  # the workers are gone, too
        self.broken = None
        self.thread = None
        self.pid = os.getpid()

    # By any thread.

    def add(self, call):
        self.require_own_process()
        with self.lock:
            self.require_open()
            self.output.begin()
            self.unfinished += 1
            self.pending.append(call)
            if self.thread is None:
                self.start_thread()
        self.hand_out()

    def require_own_process(self):
        """For before a lock: in a forked child, threads that it does not have may hold them."""
        if self.pid != os.getpid():
            raise RuntimeError(
                "this executor belongs to the process that this one was forked from: make one here"
            )

    def require_open(self):
        if self.broken is not None:
            raise BrokenExecutorError(self.broken)
        if self.closing:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if _interpreter_ends:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    def start_thread(self):
        self.thread = threading.Thread(target=_manage, args=(self,), name="gristmill-executor")
        self.thread.start()
        _queues.add(self)

    def hand_out(self):
        """Gives workers as many calls as they take."""
        core = self.core
        while self.pending and core.reserve():
            try:
                source = self.pending.popleft()
            except IndexError:
                core.give_back()
                return
            call = source.next_call()
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
            call.fail(pickling_error(error))
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
            call.fail(death_of(call.name(), death))
        elif failed:
            call.fail(error_of(data))
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
            why = f"a worker {death['what']} in its initializer"
        else:
            error = error_of(data)
            why = f"its initializer raised {type(error).__name__}: {error}"
            # As concurrent.futures does; without handlers logging writes it to stderr.
            concurrent.futures._base.LOGGER.critical(
                "gristmill: an executor cannot be used: %s%s", why, error.__cause__
            )
        self.broken = f"the executor cannot be used: {why}"

    def end(self):
        """Takes no more calls, and fails those that have not ended."""
        with self.lock:
            self.closing = True
            why = self.core.broken()
            if why and self.broken is None:
                self.broken = f"the executor cannot be used: {why}"
            self.ended = True
        # One by one: other threads take some, or add some and look at `ended` then.
        for call in itertools.chain(
            (call for _, call in _taken(self.running.popitem)), _taken(self.pending.popleft)
        ):
            call.fail(self.end_error())

    def end_error(self):
        return BrokenExecutorError(self.broken or "the executor has ended")

    def cancel_pending(self):
        for call in _taken(self.pending.popleft):
            call.cancel()
            self.count(-1)

    def close(self, cancel=False):
        # No lock: the garbage collector may come in any thread.
        self.closing = True
        if self.pid != os.getpid():
            return
        if cancel:
            self.cancelling = True
            self.cancel_pending()
        self.core.wake()

    def end_unused(self):
        """Ends what has no thread that would. Requires: it was closed.

        Another thread may be starting one; so may this one, below a signal handler, which is why
        the lock is not waited for for ever.
        """
        if self.pid == os.getpid() and self.thread is None and self.lock.acquire(timeout=1):
            try:
                if self.thread is None:
                    self.core.close()
                    self.output.close()
            finally:
                self.lock.release()

    def kill(self):
        self.close(cancel=True)
        if self.pid == os.getpid():
            self.core.kill_workers()

    def is_ours(self):
        """Whether it runs, in this process, and can be waited for."""
        return (
            self.thread is not None
            and self.pid == os.getpid()
            and self.thread is not threading.current_thread()
        )


def _taken(take):
    """What is taken until nothing is left, though other threads may be faster."""
    while True:
        try:
            yield take()
        except LookupError:
            return


def _manage(queue):
    """The executor's thread: it starts the workers, which die with it."""
    core = queue.core
    try:
        while True:
            ends = core.wait()
            queue.output.flush()
            for end in ends:
                queue.finish(*end)
            queue.count(-sum(1 for number, *_ in ends if number != 0))
            ends = end = None  # no results are kept
            if core.broken():
                return
            queue.hand_out()
            with queue.lock:
                if queue.closing and queue.unfinished == 0:
                    return
    finally:
        queue.end()
        core.close()
        queue.output.close()
        queue.done.set()


@threading._register_atexit
def _end():
    """The program waits for its calls, but not if Ctrl-C has ended it."""
    global _interpreter_ends
    _interpreter_ends = True
    interrupted = getattr(sys, "last_type", None) is KeyboardInterrupt and not hasattr(sys, "ps1")
    for queue in (queues := [queue for queue in list(_queues) if queue.is_ours()]):
        queue.kill() if interrupted else queue.close()
    for queue in queues:
        while not queue.done.is_set():
            try:
                queue.done.wait()
            except KeyboardInterrupt:
                queue.kill()
