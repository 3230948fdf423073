"""Jobs of Python functions: what workers are told; the other side is _functions.py."""

import pickle

import numpy as np

from . import _arrays, _functions, _loops
from ._errors import FailedError, InvalidError
from ._jobs import Job
from ._pickles import name_of, pickled

# Neighbours that are merged at a time: the tree depends on nothing but the number of chunks.
FAN_IN = 16
# The only output of jobs whose results are pickled objects.
OBJECTS = ("objects", "uint8", [0], "")


def arrays_of_rows(arrays):
    """The arrays that a function is to be called with, and how many rows each of them has."""
    if not arrays:
        raise InvalidError("there is no array whose rows the function should be called with")
    arrays = [_arrays.as_array(array) for array in arrays]
    for array in arrays:
        if array.ndim == 0:
            raise InvalidError("an array without axes has no rows")
    lengths = sorted({len(array) for array in arrays})
    if len(lengths) > 1:
        raise InvalidError(f"the arrays have different numbers of rows: {lengths}")
    return arrays, lengths[0]


class ChunkFunction:
    """A Python function with the arrays whose rows it is called with."""

    def __init__(self, function, arrays, copy_of, into=False):
        if _loops.is_compiled(function):
            raise InvalidError("a compiled function can be called by map_chunks() only")
        if not callable(function):
            raise InvalidError(f"{function!r} is no function")
        arrays, self.items = arrays_of_rows(arrays)
        self.into = into
        self.name = name_of(function)
        self.blob = pickled(function)
        self.placed = [_arrays.place(array, copy_of) for array in arrays]
        self.facts = [(array.dtype, array.shape) for array in arrays]
        self.input_bytes = sum(array.nbytes // max(self.items, 1) for array in arrays)

    def spec(self, kind, **more):
        job = {"kind": kind, "name": self.name, "function": self.blob, "inputs": self.facts, **more}
        data = np.frombuffer(pickle.dumps(job, protocol=5), dtype=np.uint8)
        return _arrays.place(data)

    def submit(self, engine, spec, *, outputs, chunk_size, faults, emits=False, items=None):
        """The core's job, over all items or the first ones."""
        output_bytes = (
            0
            if emits
            else sum(
                int(np.prod(shape[1:], dtype=np.int64)) * np.dtype(dtype).itemsize
                for _, dtype, shape, _ in outputs
            )
        )
        return engine.submit(
            name=self.name,
            emits=emits,
            function=spec,
            inputs=self.placed,
            items=self.items if items is None else items,
            bytes_per_item=self.input_bytes + output_bytes,
            chunk_size=chunk_size,
            outputs=outputs,
            overwrites=not self.into,
            faults=faults,
        )

    def objects(self, engine, chunk_size, faults, items=None):
        """The core's job whose results, one for each chunk, are objects."""
        return self.submit(
            engine,
            self.spec("pickled"),
            outputs=[OBJECTS],
            chunk_size=chunk_size,
            faults=faults,
            emits=True,
            items=items,
        )

    def first_chunk(self, engine, output, chunk_size, faults):
        """What the function gives for the first chunk, as an array, and how many rows a chunk has.

        The job gets these rows as they are, so nothing is computed twice.
        """
        if self.items == 0:
            raise InvalidError("without rows the dtype of the result must be said")
        rows = engine.chunk_items(self.items, self.input_bytes, chunk_size)
        items = min(rows, self.items)
        memory, _ = objects_of(wait_for(self.objects(engine, rows, faults, items), output))
        return np.asarray(unpickled(memory, self.name)), items, rows


def objects_of(result):
    """The pickled results of chunks, in their order; and where each begins in one buffer."""
    memory = b"".join(bytes(part) for part, _ in result.parts(OBJECTS[0]))
    offsets = []
    offset = 0
    while offset < len(memory):
        offsets.append(offset)
        offset += 8 + int.from_bytes(memory[offset : offset + 8], "little")
    return memory, offsets


def unpickled(memory, name):
    """The object that is pickled there; what ends programs does not end this one."""
    try:
        return _functions.partial_at(memory, 0)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
        raise FailedError(f"the result of {name} cannot be unpickled here: {said}") from error


def wait_for(core, output):
    """The result of the core's job, or its failure as an exception."""
    return Job(core, lambda result: result, output).result()


def merged(engine, output, merge, result, faults):
    """The pickled results of chunks, merged by workers, level by level, into one object."""
    blob = pickled(merge)
    memory, offsets = objects_of(result)
    while len(offsets) > 1:
        items = -(-len(offsets) // FAN_IN)
        data = np.frombuffer(memory, dtype=np.uint8)
        job = {
            "kind": "merge",
            "name": name_of(merge),
            "function": blob,
            "offsets": offsets,
            "fan_in": FAN_IN,
        }
        core = engine.submit(
            name=name_of(merge),
            emits=True,
            function=_arrays.place(np.frombuffer(pickle.dumps(job, protocol=5), dtype=np.uint8)),
            inputs=[_arrays.place(data)],
            items=items,
            bytes_per_item=len(memory) // items,
            chunk_size=1,
            outputs=[OBJECTS],
            overwrites=False,
            faults=faults,
        )
        memory, offsets = objects_of(wait_for(core, output))
    return unpickled(memory, name_of(merge))
