"""Datasets as NumPy arrays: what is placed in shared memory or mapped from files, without copies."""

import math
import operator
import os
import weakref

import numpy as np

from . import _core
from ._errors import InvalidError

# Results with fewer bytes are copied out of shared memory: each there has a descriptor and some MiB.
LEAST_KEPT = 512 * 1024

# Elements that kernels read as they are.
_ENGINE_DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64"
    " complex64 complex128".split()
)


def engine_dtype(dtype):
    """The engine's (name, bytes of trailing axis or None) for a NumPy dtype.

    Dates and time spans are int64 to the engine; records and other fixed-size elements are rows of
    bytes. Raises InvalidError for Python objects and for foreign byte orders.
    """
    dtype = np.dtype(dtype)
    if dtype.hasobject:
        raise InvalidError(
            f'elements of dtype "{dtype}" are Python objects, which no other process can read',
            "",
            "Convert the array to numbers, records or fixed-length bytes.",
        )
    if dtype.name in _ENGINE_DTYPES and dtype.isnative:
        return dtype.name, None
    if dtype.kind in "mM" and dtype.isnative:
        return "int64", None
    if dtype.itemsize == 0:
        raise InvalidError(f'elements of dtype "{dtype}" have no bytes')
    return "uint8", dtype.itemsize


def engine_shape(dtype, shape):
    """How the engine sees an array of this dtype and shape: its dtype's name, its shape."""
    name, element_bytes = engine_dtype(dtype)
    return name, tuple(shape) if element_bytes is None else (*shape, element_bytes)


def shape_of(shape):
    """A shape, which may be said as one length. Raises InvalidError for what is none."""
    try:
        lengths = tuple(map(operator.index, shape if np.iterable(shape) else (shape,)))
    except TypeError:
        lengths = (-1,)
    if any(not 0 <= length < 2**63 for length in lengths):
        raise InvalidError(f"{shape!r} is no shape: it has whole numbers from 0 on")
    return lengths


def array_over(memory, dtype, shape):
    """An array over a buffer of exactly its bytes: no copy."""
    dtype = np.dtype(dtype)
    if math.prod(shape) == 0:
        return np.empty(shape, dtype)
    return np.frombuffer(memory, dtype=dtype).reshape(shape)


class Dataset(np.ndarray):
    """A NumPy array that lies in shared memory or in a mapped file, and that nobody can write.

    Engines and executors pass it to their workers without a copy, and so they do with contiguous
    parts of it. Its memory lives as long as any array over it. Results of arithmetic on it are
    ordinary arrays.
    """

    def __setitem__(self, key, value):
        self._refuse_writing()
        super().__setitem__(key, value)

    def _refuse_writing(self):
        if not self.flags.writeable:
            raise ValueError(
                "a dataset is read-only, because other processes read the same memory: change a "
                "copy (numpy.array(dataset)), or fill memory of engine.empty() before it is sealed"
            )

    def __array_wrap__(self, array, context=None, return_scalar=False):
        if array is self:
            return array
        array = array.view(np.ndarray)
        return array[()] if return_scalar or array.ndim == 0 else array

    def __reduce_ex__(self, protocol):
        return np.asarray(self).view(np.ndarray).__reduce_ex__(protocol)


def _refusing(name):
    operation = getattr(np.ndarray, name)

    def in_place(self, other):
        self._refuse_writing()
        return operation(self, other)

    in_place.__name__ = name
    return in_place


for _name in "add sub mul truediv floordiv mod pow lshift rshift and or xor matmul".split():
    _name = f"__i{_name}__"
    if hasattr(np.ndarray, _name):
        setattr(Dataset, _name, _refusing(_name))


def dataset_array(placed, dtype=None, shape=None):
    """The Dataset over a placed array of the engine."""
    dtype = placed.dtype if dtype is None else dtype
    shape = placed.shape if shape is None else shape
    array = array_over(placed.view(), dtype, shape).view(Dataset)
    array.flags.writeable = False
    return array


def open_dataset(path, dtype=None, shape=None, offset=0):
    """See Engine.open."""
    if dtype is None:
        if shape is not None or offset:
            raise InvalidError("a raw file needs a dtype as well as a shape")
        return dataset_array(_core.Dataset.open(path))
    if shape is None:
        raise InvalidError("a raw file needs a shape as well as a dtype")
    shape = shape_of(shape)
    name, raw_shape = engine_shape(dtype, shape)
    return dataset_array(_core.Dataset.open_raw(path, name, list(raw_shape), offset), dtype, shape)


class NewDataset:
    """Memory for an array that is filled in place and then sealed: no copy is made of it.

    `new[...] = values` writes to it; `numpy.asarray(new)` is an array over it, which must be gone
    before `seal()`.
    """

    def __init__(self, shape, dtype):
        self.dtype = np.dtype(dtype)
        self.shape = shape_of(shape)
        name, engine = engine_shape(self.dtype, self.shape)
        self._memory = _core.FillableMemory(name, list(engine))

    def __array__(self, dtype=None, copy=None):
        array = array_over(self._require().view(), self.dtype, self.shape)
        if copy or (dtype is not None and np.dtype(dtype) != self.dtype):
            return np.array(array, dtype=dtype)
        return array

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        return self.__array__()[key]

    def __setitem__(self, key, value):
        self.__array__()[key] = value

    def __repr__(self):
        state = "sealed" if self._memory is None else "not sealed"
        return f"<gristmill.NewDataset {self.shape} {self.dtype}, {state}>"

    def seal(self):
        """Makes the memory read-only for ever, for everybody, and returns it as a Dataset.

        Nothing is copied. Raises InvalidError while arrays over the memory exist.
        """
        placed = self._require().seal()
        self._memory = None
        return dataset_array(placed, self.dtype, self.shape)

    def _require(self):
        if self._memory is None:
            raise InvalidError("this memory was sealed: use the dataset that seal() returned")
        return self._memory


def _address(array):
    return array.__array_interface__["data"][0]


def _mapped_file(array):
    """The outermost numpy.memmap that an array is a part of, or None."""
    found = None
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and array.filename is not None:
            found = array
        array = array.base
    return found


def _is_mapped_from(address, path):
    """Whether the file that has this name now is the one that is mapped at the address."""
    try:
        status = os.stat(path)
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            for line in maps:
                span, _, _, device, inode, *_ = line.split(maxsplit=5)
                begin, end = (int(bound, 16) for bound in span.split("-"))
                if begin <= address < end:
                    major, minor = (int(number, 16) for number in device.split(":"))
                    here = (os.makedev(major, minor), int(inode))
                    return here == (status.st_dev, status.st_ino)
    except OSError:
        pass
    return False


def _open_mapped(array):
    """The part of a file that an array is, mapped by the engine; None if it is no such part."""
    mapped = _mapped_file(array)
    # With "c" what was written to it is not in the file.
    if mapped is None or mapped.mode not in ("r", "r+", "w+"):
        return None
    offset = mapped.offset + _address(array) - _address(mapped)
    name, shape = engine_shape(array.dtype, array.shape)
    if offset < 0 or offset % np.dtype(name).itemsize:
        return None
    # Its name may have been given to another file meanwhile.
    if not _is_mapped_from(_address(array), mapped.filename):
        return None
    return _core.Dataset.open_raw(mapped.filename, name, list(shape), offset)


def placed_already(array):
    """The engine's dataset of an array that needs no copy; None if it needs one.

    Those are: contiguous parts of datasets and results of any engine, and of numpy.memmap files.
    """
    if not array.flags.c_contiguous or array.nbytes == 0:
        return None
    name, shape = engine_shape(array.dtype, array.shape)
    found = _core.find_placed(_address(array), array.nbytes)
    if found is not None:
        whole, offset = found
        if offset % np.dtype(name).itemsize == 0:
            return whole.part(name, list(shape), offset)
    return _open_mapped(array)


def place(array, copy_of=_core.Dataset.copy_of):
    """The engine's dataset of an array: as it is if it is placed, else one copy of it.

    copy_of: makes the copy; that of an engine uses the memory of its earlier jobs again.
    """
    placed = placed_already(array)
    return copied(array, copy_of) if placed is None else placed


def copied(array, copy_of=_core.Dataset.copy_of):
    """The engine's dataset of a copy of an array."""
    array = np.ascontiguousarray(array)
    name, shape = engine_shape(array.dtype, array.shape)
    return copy_of(_address(array), name, list(shape))


def _sample(array):
    """Some of an array's bytes, from all over it: another sample is another array."""
    return _core.sample(_address(array), array.nbytes) if array.flags.c_contiguous else None


class SharedArrays:
    """Remembers which arrays were shared, as long as they live, and as what."""

    def __init__(self):
        self._known = {}

    def share(self, array, refresh):
        array = as_array(array)
        known = None if refresh else self._shared_before(array)
        if known is not None:
            return known
        placed = placed_already(array)
        if placed is not None:
            whole = isinstance(array, Dataset)
            return array if whole else dataset_array(placed, array.dtype, array.shape)
        sample = _sample(array)
        dataset = dataset_array(copied(array), array.dtype, array.shape)
        self._remember(array, dataset, sample)
        return dataset

    def _shared_before(self, array):
        known = self._known.get(id(array))
        if known is None:
            return None
        of_array, shared, sample = known
        return shared() if of_array() is array and sample == _sample(array) else None

    def _remember(self, array, dataset, sample):
        known, key = self._known, id(array)

        def forget(_, key=key):
            known.pop(key, None)

        self._known[key] = (weakref.ref(array, forget), weakref.ref(dataset), sample)


def as_array(value):
    """An array over whatever has a buffer, __array_interface__ or __dlpack__; else a copy as one."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, NewDataset):
        raise InvalidError("this memory is not sealed yet: call its seal() first")
    try:
        return np.asarray(memoryview(value))
    except (TypeError, BufferError, ValueError):
        pass
    if not hasattr(value, "__array_interface__") and hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    return np.asarray(value)
