"""Compiled functions as each process finds and calls them: gm_loop_function in kernel.h.

What travels is a name (of a file and a symbol, a module and a function) or a source, no address.
"""

import ctypes
import importlib
import math
import sys

from ._errors import InvalidError

_TYPES = (ctypes.c_int32, *[ctypes.c_void_p] * 4)
_WITHOUT_GIL = ctypes.CFUNCTYPE(*_TYPES)
# Holds the GIL, and raises what the function leaves as Python's error.
_WITH_GIL = ctypes.PYFUNCTYPE(*_TYPES)

SIGNATURE = "int32_t f(void** data, const int64_t* dims, const int64_t* strides, void* user)"
_CAPSULE_TYPES = ("int32_t", "void**", "int64_t*", "int64_t*", "void*")
_SAME_TYPES = {"int": "int32_t", "long": "int64_t", "PY_LONG_LONG": "int64_t"}


class LibraryFunction:
    """A function that a shared object exports."""

    def __init__(self, library, symbol, name):
        self.library = library
        self.symbol = symbol
        self.name = name

    def function(self):
        address = ctypes.cast(getattr(ctypes.CDLL(self.library), self.symbol), ctypes.c_void_p)
        return _WITHOUT_GIL(address.value)


class NumbaFunction:
    """The source of a numba.cfunc, which each process compiles for itself."""

    def __init__(self, source, signature, options, local_types):
        self.source = source
        self.signature = signature
        self.options = options
        self.local_types = local_types
        self.name = source.__qualname__

    def function(self):
        import numba

        compiled = numba.cfunc(self.signature, locals=self.local_types, **self.options)(self.source)
        call = _WITHOUT_GIL(compiled.address)

        # Its caller sees nothing of what numba's code raises: that goes to this hook.
        def raising(*arguments):
            lost = []
            before = sys.unraisablehook
            sys.unraisablehook = lambda unraisable: lost.append(unraisable.exc_value)
            try:
                status = call(*arguments)
            finally:
                sys.unraisablehook = before
            if lost:
                raise lost[0]
            return status

        raising.compiled = compiled  # which owns the code
        return raising


class CythonFunction:
    """A function of a Cython module by its name; see cython_function()."""

    def __init__(self, module, name):
        self.module = module
        self.name = name

    def __repr__(self):
        return f"gristmill.cython_function({self.module!r}, {self.name!r})"

    def function(self):
        return _WITH_GIL(capsule_pointer(importlib.import_module(self.module), self.name))


class LoopCall:
    """Calls a compiled function with arrays of the same rows, of which the last is written."""

    def __init__(self, identity, function=None):
        self.identity = identity
        self.__qualname__ = identity.name
        self._function = function

    def __reduce__(self):
        return _opened, (self.identity,)

    def __call__(self, *arrays):
        elements = [math.prod(array.shape[1:]) for array in arrays]
        data = [array.__array_interface__["data"][0] for array in arrays]
        strides = [count * array.itemsize for count, array in zip(elements, arrays)]
        status = self._function(
            (ctypes.c_void_p * len(arrays))(*data),
            (ctypes.c_int64 * (len(arrays) + 1))(len(arrays[0]), *elements),
            (ctypes.c_int64 * len(arrays))(*strides),
            None,
        )
        if status:
            raise RuntimeError(f"the compiled function {self.identity.name} returned {status}")


def _opened(identity):
    # Here and not in the first call: compiling is no part of a chunk.
    return LoopCall(identity, identity.function())


def _capsule_function(name, result, *arguments):
    # Not ctypes.pythonapi.NAME: its types would be changed for all who use that.
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


_capsule_name = _capsule_function("PyCapsule_GetName", ctypes.c_char_p, ctypes.py_object)
_capsule_pointer = _capsule_function(
    "PyCapsule_GetPointer", ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p
)


def _types_of(signature):
    """The types of a signature without spaces and const, one name for each type."""
    result, _, arguments = signature.removesuffix(")").partition("(")
    types = []
    for text in (result, *arguments.split(",")):
        words = [word for word in text.replace("*", " * ").split() if word != "const"]
        types.append("".join(_SAME_TYPES.get(word, word) for word in words))
    return tuple(types)


def capsule_pointer(module, name):
    """The address of a function that a Cython module exports, in this process."""
    exported = getattr(module, "__pyx_capi__", {})
    if name not in exported:
        known = ", ".join(sorted(exported)) or "nothing"
        raise InvalidError(
            f'the module {module.__name__} does not export a C function "{name}"',
            f"It exports {known}.",
            'Declare it "cdef api", or in a .pxd file, and build the module again.',
        )
    signature = _capsule_name(exported[name])
    if _types_of(signature.decode()) != _CAPSULE_TYPES:
        raise InvalidError(
            f"the signature of {module.__name__}.{name} is {signature.decode()}",
            "",
            f"It must be {SIGNATURE}.",
        )
    return _capsule_pointer(exported[name], signature)
