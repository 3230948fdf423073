"""Values, functions and exceptions as pickles that another process can read."""

import collections
import functools
import io
import pickle
import sys
import traceback
import types

import numpy as np

from ._errors import InvalidError

_MOST_FUNCTIONS = 16
# What is known by its name; unpickling anything else would run code of its own in the caller.
_NAMED = (types.FunctionType, types.BuiltinFunctionType, type)
# What can be compared without running code of the user's.
_CONSTANTS = (bool, bytes, complex, float, int, str, type(None))


def name_of(function):
    return getattr(function, "__qualname__", None) or type(function).__name__


# __main__: workers have no program of their own, so its functions are sent by value. In each worker
# they share one namespace: what an initializer sets there, calls find.

_worker_main = {"__name__": "__main__", "__builtins__": __builtins__}
_received = {}


def _main_of_worker():
    return _worker_main


class _MainOfWorker:
    def __reduce__(self):
        return _main_of_worker, ()


def _set_function(function, sent):
    """Completes a function of __main__. Constants that the sender did not change stay as the worker
    has set them."""
    setter, state = sent
    values = state[1]["__globals__"]
    for name in [name for name in values if name in _received]:
        before, now = _received[name], values[name]
        if type(before) is type(now) and type(now) in _CONSTANTS and before == now:
            del values[name]
    _received.update(values)
    setter(function, state)


def _is_of_main(function):
    main = sys.modules["__main__"].__dict__
    return function.__globals__ is main or function.__globals__ is _worker_main


def _reduced_memmap(mapped):
    # As an array, whose elements need not be in the pickle.
    return mapped.view(np.ndarray).__reduce_ex__(5)


class _ByValue(Exception):
    """Something that only this process can look up."""


class _Pickler(pickle.Pickler):
    """Pickles by reference, but not what lives in __main__."""

    def reducer_override(self, obj):
        if isinstance(obj, (type, types.FunctionType)) and obj.__module__ == "__main__":
            raise _ByValue
        if type(obj) is np.memmap:
            return _reduced_memmap(obj)
        return NotImplemented


@functools.cache
def _value_pickler(to_worker):
    """cloudpickle's, which takes long to import."""
    import cloudpickle

    class ValuePickler(cloudpickle.Pickler):
        def reducer_override(self, obj):
            if type(obj) is np.memmap:
                return _reduced_memmap(obj)
            reduced = super().reducer_override(obj)
            if to_worker and isinstance(obj, types.FunctionType) and _is_of_main(obj):
                make, (code, _, *rest), state, _, _, setter = reduced
                sent = (setter, state)
                return make, (code, _MainOfWorker(), *rest), sent, None, None, _set_function
            return reduced

    return ValuePickler


def _dumped(pickler, value, buffers):
    stream = io.BytesIO()
    callback = None if buffers is None else buffers.take
    pickler(stream, 5, buffer_callback=callback).dump(value)
    return stream.getvalue()


def dump(value, buffers=None, to_worker=False):
    """The pickle of a value: by reference if that is possible, else by value.

    buffers: a list whose method take() is what pickle calls for each buffer.
    """
    try:
        return _dumped(_Pickler, value, buffers)
    except Exception as error:
        failure = error
    if buffers is not None:
        buffers.clear()
    try:
        return _dumped(_value_pickler(to_worker), value, buffers)
    except Exception:
        if isinstance(failure, _ByValue):
            raise
        raise failure from None


def pickled(function):
    """A function as bytes: by reference where workers can import it, else by value."""
    try:
        if isinstance(function, _NAMED) and getattr(function, "__module__", None) != "__main__":
            blob = pickle.dumps(function, protocol=5)
            if pickle.loads(blob) is function:
                return blob
    except Exception:
        pass
    try:
        return _dumped(_value_pickler(to_worker=True), function, None)
    except Exception as error:
        raise InvalidError(
            f"{name_of(function)} cannot be sent to workers: {type(error).__name__}: {error}",
            "",
            "It must not refer to open files, locks, sockets and the like.",
        ) from error


_functions = collections.OrderedDict()


def function_of(blob):
    """A function is unpickled once, not for each job or chunk."""
    function = _functions.pop(blob, None)
    if function is None:
        function = pickle.loads(blob)
    _functions[blob] = function
    while len(_functions) > _MOST_FUNCTIONS:
        _functions.popitem(last=False)
    return function


def exception_pickle(error):
    """The pickle of an exception; without one None, and why."""
    try:
        stream = dump(error)
    except Exception as failure:
        return None, f"it cannot be pickled: {type(failure).__name__}: {failure}"
    try:
        pickle.loads(stream)
    except Exception as failure:
        return None, f"it cannot be unpickled: {type(failure).__name__}: {failure}"
    return stream, ""


def texts_of(error):
    """The message and the traceback of an exception, without the frame of who caught it."""
    try:
        message = traceback.format_exception_only(type(error), error)[-1].strip()
    except Exception:  # its own __str__ raises
        message = f"{type(error).__name__}: its text cannot be made"
    try:
        frames = error.__traceback__ and error.__traceback__.tb_next
        text = "".join(traceback.format_exception(type(error), error, frames))
    except Exception:
        text = message
    return message, text
