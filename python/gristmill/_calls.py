"""Single calls as bytes and shared memory: what the parent's executor and its workers send.

Data of a call or an answer are a kind, then for all kinds but PLAIN a table of where its buffers lie,
and then a pickle of protocol 5. Buffers lie in the call's memories, those that were copied in the last
one; a long pickle is the last buffer.
"""

import array
import pickle
import sys
import types

import numpy as np

from . import _core, _pickles
from ._arrays import LEAST_KEPT, placed_already

_PLAIN = b"p"
_PLACED = b"m"
_LONG = b"l"

# Smaller buffers travel in the pickle: memory costs a message of its own.
_LEAST_BUFFER = 4096
_ALIGNMENT = 64
# Room for the table in the data: so many buffers have memory, others travel in the pickle.
_MOST_BUFFERS = 256
_MOST_PICKLE = _core.MOST_CALL_BYTES - 3 * 8 * (_MOST_BUFFERS + 1) - 64

_SIMPLE = {int, float, complex, bool, str, bytes, type(None), range, np.float64}
# Of a table: the memory in which copies lie, the last one.
_COPIES = -1


def _is_simple(call):
    function, args, kwargs = call
    return (
        type(function) in (types.FunctionType, types.BuiltinFunctionType)
        and function.__module__ not in ("__main__", None)
        and not kwargs
        and all(type(argument) in _SIMPLE for argument in args)
    )


class _Buffers(list):
    """The buffers of a pickle that are not in it."""

    def take(self, buffer):
        try:
            raw = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if raw.nbytes < _LEAST_BUFFER or len(self) == _MOST_BUFFERS:
            return True
        self.append(raw)
        return False


def _dump(value, to_worker=False):
    """The pickle of a value, and its buffers."""
    buffers = _Buffers()
    return _pickles.dump(value, buffers, to_worker), buffers


def dump_call(function, args, kwargs):
    """As _dump(), for a worker."""
    call = (function, args, kwargs)
    if _is_simple(call):
        try:
            return pickle.dumps(call, 5), ()
        except Exception:  # it needs more: a closure, for example
            pass
    return _dump(call, to_worker=True)


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
    """Where the buffers lie: in memories that are shared anyway, or copied into new memory."""

    def __init__(self):
        self.table = array.array("q")
        self.copied = []
        self.copied_bytes = 0

    def add(self, memory, offset, size):
        self.table.extend((memory, offset, size))

    def add_copy(self, piece):
        offset = _aligned(self.copied_bytes)
        self.add(_COPIES, offset, len(piece))
        self.copied.append((offset, piece))
        self.copied_bytes = offset + len(piece)

    def data(self, stream):
        """The data of a call with this pickle, which is copied as well if it is long."""
        kind = _PLACED
        if len(stream) > _MOST_PICKLE:
            self.add_copy(stream)
            kind, stream = _LONG, b""
        count = len(self.table) // 3
        return b"".join((kind, count.to_bytes(4, "little"), self.table.tobytes(), stream))

    def fill(self, memory):
        for offset, piece in self.copied:
            target = np.frombuffer(memory, np.uint8, len(piece), offset)
            np.copyto(target, np.frombuffer(piece, np.uint8))


def place_call(stream, buffers, take_memory):
    """A call's data and memories, as the core's submit has them. take_memory: makes new memory."""
    if not buffers and len(stream) <= _MOST_PICKLE:
        return _PLAIN + stream, []
    layout = _Layout()
    memories = []
    known = {}
    for raw in buffers:
        # One place is for copies.
        found = _placed_part(raw) if len(memories) < _core.MOST_CALL_MEMORIES - 1 else None
        if found is None:
            layout.add_copy(raw)
            continue
        whole, offset = found
        key = (whole.address, raw.readonly)
        if key not in known:
            known[key] = len(memories)
            memories.append((whole, not raw.readonly))
        layout.add(known[key], offset, raw.nbytes)
    data = layout.data(stream)
    if layout.copied:
        memory = take_memory(layout.copied_bytes)
        layout.fill(memory.view())
        memories.append((memory, True))
    return data, memories


def place_answer(stream, buffers, room):
    """The data of an answer. room: makes memory for it, None if there is none."""
    if not buffers and len(stream) <= _MOST_PICKLE:
        return _PLAIN + stream
    layout = _Layout()
    for raw in buffers:
        layout.add_copy(raw)
    data = layout.data(stream)
    memory = room(layout.copied_bytes)
    if memory is None:
        raise MemoryError(
            f"there is no shared memory for a result of {layout.copied_bytes} bytes: memory, or "
            "descriptors of the program that waits for it, ran out (each result of 512 KiB or more "
            "has one as long as it is kept; ulimit -n)"
        )
    layout.fill(memory)
    return data


def _table_of(data):
    """The table, as columns, and where the pickle begins."""
    end = 5 + 24 * int.from_bytes(data[1:5], "little")
    table = array.array("q")
    table.frombytes(data[5:end])
    return [table[column::3] for column in range(3)], end


def load(data, memories):
    """The value of data whose memories are these arrays of bytes. Its arrays are views of them."""
    kind = data[:1]
    if kind == _PLAIN:
        return pickle.loads(memoryview(data)[1:])
    columns, end = _table_of(data)
    pieces = [memories[memory][offset : offset + size] for memory, offset, size in zip(*columns)]
    stream = pieces.pop() if kind == _LONG else memoryview(data)[end:]
    return pickle.loads(stream, buffers=pieces)


def load_answer(data, dataset):
    """As load(), for the parent: small results do not keep their memory."""
    if dataset is None:
        return load(data, ())
    memory = dataset.view()
    (_, offsets, sizes), _ = _table_of(data)
    used = offsets[-1] + sizes[-1]
    if used < LEAST_KEPT:
        memory = memory[:used].copy()
    return load(data, (memory,))


def failure_data(error, unreadable=False):
    """An answer that is an exception: itself if it can be pickled, else its text.

    unreadable: of a call that could not even be unpickled.
    """
    message, text = _pickles.texts_of(error)
    message, text = message[:1000], text[-_MOST_PICKLE // 4 :]
    own, why = _pickles.exception_pickle(error)
    if own is not None and len(own) > _MOST_PICKLE // 2:
        own, why = None, f"its pickle has {len(own)} bytes"
    if own is None:
        message = f"{message} (only the text of this exception could be sent: {why[:500]})"
    return _PLAIN + pickle.dumps((own, message, text, unreadable), 5)


def _dump_result(value):
    try:
        return _dump(value)
    except Exception as error:
        raise pickle.PicklingError(
            f"the result cannot be pickled: {type(error).__name__}: {error}"
        ) from error


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


def run_items(blob, items, single):
    """The results for items, in a worker; after an exception the rest is not begun.

    Returns them with the data of the exception, or None.
    """
    results = []
    try:
        function = _pickles.function_of(blob)
        if single:
            for item in items:
                results.append(function(item))
        else:
            for args in items:
                results.append(function(*args))
    except BaseException as error:
        return results, failure_data(error)
    return results, None
