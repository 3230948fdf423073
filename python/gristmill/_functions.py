"""What a worker does with a Python function: the other side of _function_jobs.py."""

import base64
import pickle
import sys

import numpy as np

from . import _pickles
from ._arrays import array_over

# The engine's messages take so much text; the end of a traceback tells most.
_MOST_TEXT = 3000
_MOST_MESSAGE = 1000
_MOST_EXCEPTION = 4096
# The engine takes control characters out of texts: Unicode's own end of a line stays.
LINE_END = "\u2028"


class _Arrays:
    """The arrays of a job with the dtypes of its caller."""

    def __init__(self, placed, facts):
        self.arrays = [
            array_over(memory, dtype, shape)
            for (memory, _, _), (dtype, shape) in zip(placed, facts)
        ]

    def rows(self, begin, end):
        return [array[begin:end] for array in self.arrays]


def failure_of(error):
    """Message, traceback and, if it can be pickled, the exception, as texts for the engine."""
    message, text = _pickles.texts_of(error)
    own, _ = _pickles.exception_pickle(error)
    exception = b"" if own is None else base64.b64encode(own)
    return (
        message[:_MOST_MESSAGE],
        text[-_MOST_TEXT:].replace("\n", LINE_END),
        exception.decode() if len(exception) <= _MOST_EXCEPTION else "",
    )


def exception_of(text):
    """The exception of such a text; None if it has none, or cannot be unpickled here."""
    try:
        error = pickle.loads(base64.b64decode(text))
    except BaseException:
        return None
    return error if isinstance(error, BaseException) else None


def _require_rows(result, rows, name):
    if result.ndim == 0 or len(result) != rows:
        got = "a scalar" if result.ndim == 0 else f"{len(result)} rows"
        raise ValueError(f"{name} returned {got} for a chunk of {rows} rows")


class _Map:
    """A function whose rows are copied into the output."""

    def __init__(self, job, inputs, outputs):
        self.job = job
        self.function = job["function"]
        self.inputs = _Arrays(inputs, job["inputs"])
        (self.out,) = _Arrays(outputs, [job["output"]]).arrays
        self.first = job.get("first")

    def run(self, begin, end, _rows):
        try:
            if self.first is not None and begin == 0:
                self.out[:end] = self.first
                return None
            result = np.asarray(self.function(*self.inputs.rows(begin, end)))
            self.check(result, end - begin)
            self.out[begin:end] = result
            return None
        except BaseException as error:
            return failure_of(error)

    def check(self, result, rows):
        name = self.job["name"]
        _require_rows(result, rows, name)
        expected = self.out.shape[1:]
        if result.shape[1:] != expected:
            raise ValueError(
                f"{name} returned rows of shape {result.shape[1:]}, and the result has rows of "
                f"shape {expected}"
            )
        if self.first is not None and result.dtype != self.out.dtype:
            raise ValueError(
                f"{name} returned {result.dtype}, and its first chunk {self.out.dtype}: say which "
                "dtype the result should have"
            )
        if not np.can_cast(result.dtype, self.out.dtype, casting="same_kind"):
            raise ValueError(
                f"{name} returned {result.dtype}, which is no {self.out.dtype} as the result is"
            )


class _MapInto:
    """A function that fills the rows of the output itself."""

    def __init__(self, job, inputs, outputs):
        self.function = job["function"]
        self.inputs = _Arrays(inputs, job["inputs"])
        self.outputs = _Arrays(outputs, [job["output"]])

    def run(self, begin, end, _rows):
        try:
            self.function(*self.inputs.rows(begin, end), *self.outputs.rows(begin, end))
            return None
        except BaseException as error:
            return failure_of(error)


def _copy_rows(rows, result):
    """Emits the rows of an array."""
    memory, *_ = rows.room(len(result))
    raw = np.ascontiguousarray(result).view(np.uint8).reshape(-1) if result.size else None
    if raw is not None:
        np.frombuffer(memory, dtype=np.uint8)[:] = raw
    rows.commit(len(result))


class _FlatMap:
    """A function that gives any number of rows."""

    def __init__(self, job, inputs, _outputs):
        self.job = job
        self.function = job["function"]
        self.inputs = _Arrays(inputs, job["inputs"])
        self.dtype, self.shape = job["output"]
        self.first = job.get("first")

    def run(self, begin, end, rows):
        try:
            if self.first is not None and begin == 0:
                _copy_rows(rows, self.first)
                return None
            result = np.asarray(self.function(*self.inputs.rows(begin, end)))
            name = self.job["name"]
            if result.ndim == 0 or result.shape[1:] != self.shape[1:]:
                raise ValueError(
                    f"{name} returned an array of shape {result.shape}, and the result has rows "
                    f"of shape {self.shape[1:]}"
                )
            if not np.can_cast(result.dtype, self.dtype, casting="same_kind"):
                raise ValueError(
                    f"{name} returned {result.dtype}, which is no {self.dtype} as the result is"
                )
            _copy_rows(rows, result.astype(self.dtype, copy=False))
            return None
        except BaseException as error:
            return failure_of(error)


class _Pickled:
    """A function whose results, one for each chunk, are any objects: their pickles are emitted."""

    def __init__(self, job, inputs, _outputs):
        self.function = job["function"]
        self.inputs = _Arrays(inputs, job["inputs"])

    def run(self, begin, end, rows):
        try:
            result = self.function(*self.inputs.rows(begin, end))
            _emit_pickle(rows, result)
            return None
        except BaseException as error:
            return failure_of(error)


def _emit_pickle(rows, result):
    data = pickle.dumps(result, protocol=5)
    blob = len(data).to_bytes(8, "little") + data
    memory, *_ = rows.room(len(blob))
    memory[:] = blob
    rows.commit(len(blob))


class _Merge:
    """Merges pickled partials, some neighbours into one: an item is one of the new ones."""

    def __init__(self, job, inputs, _outputs):
        self.merge = job["function"]
        ((memory, _, _),) = inputs
        self.memory = memory
        self.offsets = job["offsets"]
        self.fan_in = job["fan_in"]

    def run(self, begin, end, rows):
        try:
            for item in range(begin, end):
                first, last = item * self.fan_in, min((item + 1) * self.fan_in, len(self.offsets))
                merged = self.partial(first)
                for index in range(first + 1, last):
                    merged = self.merge(merged, self.partial(index))
                _emit_pickle(rows, merged)
            return None
        except BaseException as error:
            return failure_of(error)

    def partial(self, index):
        return partial_at(self.memory, self.offsets[index])


def partial_at(memory, offset):
    """The object whose pickle lies there, behind its length."""
    size = int.from_bytes(memory[offset : offset + 8], "little")
    return pickle.loads(memory[offset + 8 : offset + 8 + size])


_KINDS = {
    "map": _Map,
    "map_into": _MapInto,
    "flat_map": _FlatMap,
    "pickled": _Pickled,
    "merge": _Merge,
}


def open_function(memory, inputs, outputs):
    """What the engine calls for each job, see function_host.h; a failure if it cannot be loaded."""
    try:
        job = pickle.loads(memory)
        job["function"] = _pickles.function_of(job["function"])
    except BaseException as error:
        message, traceback, exception = failure_of(error)
        return f"a worker could not load the function: {message}", traceback, exception
    return _KINDS[job["kind"]](job, inputs, outputs)


def flush_output():
    """Whole lines: a worker that dies loses what is in a buffer."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(line_buffering=True)
