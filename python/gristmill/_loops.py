"""From a compiled function to what any process can find it by."""

import ctypes
import importlib.util
import os
import sys

import numpy as np

from . import _arrays
from ._errors import InvalidError
from ._loop_calls import SIGNATURE, CythonFunction, LibraryFunction, LoopCall, capsule_pointer

# Of the kernel `loop`.
_INPUTS = "abcdefgh"
_MOST_AXES = 8
_BUILT_IN = "gristmill-kernels.so"
_POINTER = ctypes.CFUNCTYPE(None).__base__
_HINT = f"Give a function that a shared object exports (ctypes.CDLL(path).name), and that is {SIGNATURE}."


class _Symbol(ctypes.Structure):
    """Dl_info of dladdr(3)."""

    _fields_ = [
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    ]


def cython_function(module, name):
    """A C function of a Cython module, for Engine.map_chunks.

    module: its name, "package.module". name: of a function that it exports (cdef api, or declared
    in a .pxd file), which is
    int32_t f(void** data, const int64_t* dims, const int64_t* strides, void* user), as
    gm_loop_function in gristmill/kernel.h describes it. Workers call it with the GIL held, and what
    it raises fails the job. The module is imported by the workers, not here.
    Raises InvalidError for a module that there is not, and, if it is imported here already, for a
    function that it does not export or that has another signature.
    """
    if not isinstance(module, str) or not isinstance(name, str):
        raise InvalidError(f"cython_function takes two names, not {module!r} and {name!r}")
    if module in sys.modules:
        capsule_pointer(sys.modules[module], name)
    else:
        package, _, _ = module.partition(".")  # to look further would import it
        if package not in sys.modules and importlib.util.find_spec(package) is None:
            raise InvalidError(f'there is no module "{module}" here')
    return CythonFunction(module, name)


def is_compiled(function):
    """Whether it is a function of ctypes, numba.cfunc or Cython, which map_chunks() treats apart."""
    return isinstance(function, (_POINTER, CythonFunction)) or _is_cfunc(function)


def _is_cfunc(function):
    # Who has one has imported numba; another thread may be doing so now.
    numba = sys.modules.get("numba.core.ccallback")
    return isinstance(function, getattr(numba, "CFunc", ()))


class Loop:
    """A compiled function with the arrays whose rows it is called with."""

    def __init__(self, function, arrays, dtype, shape):
        if dtype is None:
            raise InvalidError(
                "with a compiled function the dtype of the result must be said",
                "",
                "Say dtype, and for rows of more than one element shape, as for into=True.",
            )
        self.arrays = arrays
        self.dtype = np.dtype(dtype)
        self.shape = () if shape is None else _arrays.shape_of(shape)
        for dtype in (self.dtype, *(array.dtype for array in arrays)):
            _require_native_order(dtype)
        self.identity = _identity_of(function)

    def call(self):
        """A callable for Python workers: fills the last of the arrays that it gets."""
        return LoopCall(self.identity)

    def runs_in_native_workers(self):
        """Whether the kernel `loop` can do it: it knows shared objects and numbers."""
        dtypes = [self.dtype, *(array.dtype for array in self.arrays)]
        return (
            isinstance(self.identity, LibraryFunction)
            and len(self.arrays) <= len(_INPUTS)
            and len(self.shape) < _MOST_AXES
            and all(_arrays.engine_dtype(dtype)[1] is None for dtype in dtypes)
        )

    def submit(self, engine, out, chunk_size, faults):
        """The core's job of the kernel `loop`."""
        plugin = engine.kernel("loop")["plugin"]
        if os.path.basename(plugin) != _BUILT_IN:
            raise InvalidError(
                f'the kernel "loop" of "{plugin}" hides the built-in one, which calls compiled functions',
                "",
                "Rename it, or use an engine without this plug-in.",
            )
        dtype, _ = _arrays.engine_dtype(self.dtype)
        return engine.submit(
            "loop",
            {
                name: _arrays.place(array, engine.copy_of)
                for name, array in zip(_INPUTS, self.arrays)
            },
            {
                "library": self.identity.library,
                "symbol": self.identity.symbol,
                "dtype": dtype,
                "row": [float(length) for length in self.shape],
            },
            {} if out is None else {"result": os.fspath(out)},
            chunk_size,
            faults,
        )


def _require_native_order(dtype):
    if not dtype.isnative:
        raise InvalidError(
            f'elements of dtype "{dtype}" are of another byte order than a compiled function reads',
            "",
            'Convert the array: array.astype(array.dtype.newbyteorder("=")).',
        )


def _identity_of(function):
    if isinstance(function, CythonFunction):
        return function
    if isinstance(function, _POINTER):
        return _exported(function)
    from . import _numba_loops

    return _numba_loops.identity_of(function)


def _exported(function):
    """Where a function pointer of ctypes comes from."""
    name = getattr(function, "__name__", "this function")
    types = function.argtypes
    if types is not None and len(types) != 4:
        raise InvalidError(
            f"{name} has {len(types)} arguments, says its argtypes", "", f"It must be {SIGNATURE}."
        )
    address = ctypes.cast(function, ctypes.c_void_p).value
    symbol = _Symbol()
    found = address and _dladdr(address, ctypes.byref(symbol))
    if not found or symbol.address != address or symbol.name is None:
        raise InvalidError(
            f"{name} is not exported by any shared object, so no other process can find it",
            "It is made of a Python function, compiled in memory, or static.",
            _HINT + " Python functions and those of numba can be given as they are.",
        )
    return LibraryFunction(_file_mapped_at(address, name), os.fsdecode(symbol.name), name)


def _dladdr(address, symbol):
    dladdr = ctypes.CDLL(None).dladdr
    dladdr.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    return dladdr(address, symbol)


def _file_mapped_at(address, name):
    """The absolute path of the shared object with that address."""
    path = ""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            span, _, _, _, _, *file = line.rstrip("\n").split(maxsplit=5)
            begin, end = (int(bound, 16) for bound in span.split("-"))
            if begin <= address < end:
                path = file[0] if file else ""
    if path.endswith(" (deleted)"):
        raise InvalidError(
            f'the library of {name}, "{path.removesuffix(" (deleted)")}", was built again or removed '
            "after this program had loaded it",
            "",
            "Load the new one under another name, or start the program again.",
        )
    is_file = path.startswith("/") and os.path.isfile(path)
    if not is_file or os.path.samefile(path, "/proc/self/exe"):
        raise InvalidError(f"{name} is in no shared object that workers could load", "", _HINT)
    return path
