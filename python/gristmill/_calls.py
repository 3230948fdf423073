"""Single calls as bytes and shared memory: what the parent's executor and its workers send.

Data of a call are a kind, and for PLACED a table of where its buffers lie, and then a pickle of
protocol 5. Buffers lie in the call's memories; if the pickle is long, it is the last of them.
"""

import array
import functools
import io
import itertools
import pickle
import sys
import types

import numpy as np

from . import _core
from ._arrays import placed_already
from ._errors import RemoteTraceback
from ._functions import function_of

_PLAIN = b"p"
_PLACED = b"m"
_LONG = b"l"

# Smaller buffers travel in the pickle: memory costs a message of its own.
_LEAST_BUFFER = 4096
_ALIGNMENT = 64
# Room for the table in the data: so many buffers have memory, others travel in the pickle.
_MOST_BUFFERS = 256
_MOST_PICKLE = _core.MOST_CALL_BYTES - 3 * 8 * (_MOST_BUFFERS + 1) - 64
# Results with less are copied out of shared memory, whose pieces are large.
_LEAST_KEPT = 512 * 1024

_SIMPLE = {int, float, complex, bool, str, bytes, type(None), range, np.ndarray, np.float64}


class _ByValue(Exception):
    """Something that only this process can look up."""


class _Pickler(pickle.Pickler):
    """Pickles by reference, but not what lives in __main__, which workers have their own of."""

    def reducer_override(self, obj):
        if isinstance(obj, (type, types.FunctionType)) and obj.__module__ == "__main__":
            raise _ByValue
        if type(obj) is np.memmap:
            return _reduced_memmap(obj)
        return NotImplemented


def _reduced_memmap(mapped):
    # As an array, whose elements need not be in the pickle.
    return mapped.view(np.ndarray).__reduce_ex__(5)


@functools.cache
def _value_pickler():
    import cloudpickle

    class ValuePickler(cloudpickle.Pickler):
        def reducer_override(self, obj):
            if type(obj) is np.memmap:
                return _reduced_memmap(obj)
            return super().reducer_override(obj)

    return ValuePickler


def _is_simple(call):
    function, args, kwargs = call
    return (
        type(function) in (types.FunctionType, types.BuiltinFunctionType)
        and function.__module__ not in ("__main__", None)
        and not kwargs
        and all(type(argument) in _SIMPLE for argument in args)
    )


def dump(value, simple=False):
    """The pickle of a value, and the buffers that are not in it."""
    buffers = []

    def take(buffer):
        try:
            raw = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if raw.nbytes < _LEAST_BUFFER or len(buffers) == _MOST_BUFFERS:
            return True
        buffers.append(raw)
        return False

    def dumped(pickler):
        stream = io.BytesIO()
        pickler(stream, 5, buffer_callback=take).dump(value)
        return stream.getvalue(), buffers

    try:
        if simple:
            return pickle.dumps(value, 5, buffer_callback=take), buffers
        return dumped(_Pickler)
    except Exception as error:
        failure = error
    buffers.clear()
    try:
        return dumped(_value_pickler())
    except Exception:
        if isinstance(failure, _ByValue):
            raise
        raise failure from None


def dump_call(function, args, kwargs):
    call = (function, args, kwargs)
    simple = _is_simple(call)
    if simple and np.ndarray not in map(type, args):
        try:
            return pickle.dumps(call, 5), ()
        except Exception:  # it needs more: a closure, for example
            simple = False
    return dump(call, simple)


def _placed_part(raw):
    """The dataset that a buffer is a part of, and where in it; None if it must be copied."""
    found = _core.find_placed(
        np.frombuffer(raw, np.uint8).__array_interface__["data"][0], raw.nbytes
    )
    if found is not None:
        return found
    owner = raw.obj
    if isinstance(owner, np.ndarray) and owner.nbytes == raw.nbytes:
        placed = placed_already(owner)
        if placed is not None:
            return placed, 0
    return None


def _aligned(offset):
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def _fill(memory, pieces):
    for offset, piece in pieces:
        target = np.frombuffer(memory, np.uint8, len(piece), offset)
        np.copyto(target, np.frombuffer(piece, np.uint8))


class _Layout:
    """Where the buffers of a call lie: in memories that they share, or in new memory."""

    def __init__(self):
        self.table = array.array("q")
        self.copied = []
        self.copied_bytes = 0

    def add_copy(self, index, piece):
        offset = _aligned(self.copied_bytes)
        self.table.extend((index, offset, len(piece)))
        self.copied.append((offset, piece))
        self.copied_bytes = offset + len(piece)

    def data(self, kind, stream=b""):
        count = len(self.table) // 3
        return b"".join((kind, count.to_bytes(4, "little"), self.table.tobytes(), stream))


def place_call(stream, buffers, take_memory):
    """A call's data and memories, as the core's submit has them. take_memory: makes new memory."""
    if not buffers and len(stream) <= _MOST_PICKLE:
        return _PLAIN + stream, []
    layout = _Layout()
    memories = [None]  # the new one
    known = {}
    for raw in buffers:
        found = _placed_part(raw) if len(memories) < _core.MOST_CALL_MEMORIES else None
        if found is None:
            layout.add_copy(0, raw)
            continue
        whole, offset = found
        key = (whole.address, raw.readonly)
        if key not in known:
            known[key] = len(memories)
            memories.append((whole, not raw.readonly))
        layout.table.extend((known[key], offset, raw.nbytes))
    long = len(stream) > _MOST_PICKLE
    if long:
        layout.add_copy(0, stream)
    memory = take_memory(max(layout.copied_bytes, 1))
    if layout.copied:
        _fill(memory.view(), layout.copied)
    memories[0] = (memory, True)
    return layout.data(_LONG if long else _PLACED, b"" if long else stream), memories


def place_answer(stream, buffers, room):
    """The data of an answer. room: makes memory for it, None if there is none."""
    if not buffers and len(stream) <= _MOST_PICKLE:
        return _PLAIN + stream
    layout = _Layout()
    for raw in buffers:
        layout.add_copy(0, raw)
    long = len(stream) > _MOST_PICKLE
    if long:
        layout.add_copy(0, stream)
    memory = room(layout.copied_bytes)
    if memory is None:
        raise MemoryError(f"there is no shared memory for a result of {layout.copied_bytes} bytes")
    _fill(memory, layout.copied)
    return layout.data(_LONG if long else _PLACED, b"" if long else stream)


def load(data, memories):
    """The value of data whose memories are these arrays of bytes. Its arrays are views of them."""
    kind = data[:1]
    if kind == _PLAIN:
        return pickle.loads(memoryview(data)[1:])
    count = int.from_bytes(data[1:5], "little")
    table = array.array("q")
    table.frombytes(data[5 : 5 + 24 * count])
    pieces = [
        memories[index][offset : offset + size]
        for index, offset, size in zip(*(itertools.islice(table, i, None, 3) for i in range(3)))
    ]
    stream = pieces.pop() if kind == _LONG else memoryview(data)[5 + 24 * count :]
    return pickle.loads(stream, buffers=pieces)


def load_answer(data, dataset):
    """As load(), for the parent: small results do not keep their memory."""
    if dataset is None:
        return load(data, ())
    memory = dataset.view()
    count = int.from_bytes(data[1:5], "little")
    last = array.array("q")
    last.frombytes(data[5 + 24 * (count - 1) : 5 + 24 * count])
    used = last[1] + last[2]
    if used < _LEAST_KEPT:
        memory = memory[:used].copy()
    return load(data, (memory,))


class CallUnreadable(Exception):
    """What a worker answers when it cannot unpickle a call."""


def exception_pickle(error):
    """The pickle of an exception; None if it has none, or one that cannot be read again."""
    try:
        stream, buffers = dump(error)
        if buffers:
            return None
        pickle.loads(stream)
        return stream
    except Exception:
        return None


def failure_data(error, unreadable=False):
    """An answer that is an exception: itself if it can be pickled, else its text."""
    import traceback

    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        text = "".join(lines)
    except Exception:
        text = type(error).__name__
    try:
        said = traceback.format_exception_only(type(error), error)[-1].strip()
    except Exception:  # its own __str__ raises
        said = f"{type(error).__name__}: its text cannot be made"
    own = exception_pickle(error)
    if own is not None and len(own) + len(text) > _MOST_PICKLE:
        own = None if len(own) > _MOST_PICKLE // 2 else own
    text = text[-_MOST_PICKLE // 4 :]
    return _PLAIN + pickle.dumps((own, said[:1000], text, unreadable), 5)


def _dump_result(value):
    try:
        return dump(value)
    except Exception as error:
        raise pickle.PicklingError(f"the result cannot be pickled: {error}") from error


def run_call(data, memories, room):
    """What the engine calls in a worker; see call_host.h."""
    try:
        try:
            function, args, kwargs = load(data, memories)
        except BaseException as error:
            return True, failure_data(error, unreadable=True)
        finally:
            data = memories = None
        try:
            value = function(*args, **kwargs)
        finally:
            function = args = kwargs = None
        return False, place_answer(*_dump_result(value), room)
    except BaseException as error:
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        return True, failure_data(error)
    finally:
        value = None
        _flush()


def fail_call(text):
    """The answer to a call that could not be begun."""
    return failure_data(MemoryError(text))


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


def exception_of(data):
    """The exception of a failed call, with the worker's traceback as its cause; and if it was not
    even read."""
    own, said, text, unreadable = pickle.loads(memoryview(data)[1:])
    error = None
    if own is not None:
        try:
            error = pickle.loads(own)
        except BaseException as failure:
            said = f"{said} (it cannot be unpickled here: {type(failure).__name__}: {failure})"
    return error, said, RemoteTraceback(text), unreadable


def run_items(blob, items, single):
    """The results for items, in a worker; after an exception the rest is not begun.

    Returns them with the data of the exception, or None.
    """
    results = []
    try:
        function = function_of(blob)
        if single:
            for item in items:
                results.append(function(item))
        else:
            for args in items:
                results.append(function(*args))
    except BaseException as error:
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        return results, failure_data(error)
    return results, None
