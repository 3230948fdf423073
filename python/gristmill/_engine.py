"""Engine: arrays shared with worker processes, kernels and Python functions run on them."""

import atexit
import math
import operator
import os
import threading
import weakref

import numpy as np

from . import _arrays, _core, _function_jobs, _interpreter, _loops
from ._errors import InvalidError
from ._jobs import Job, show_progress
from ._worker_output import WorkerOutput

WORKER_PROGRAM = os.path.join(os.path.dirname(__file__), "bin", "gristmill-worker")

_FAULT_WORDS = ("retries", "timeout", "stopped_timeout", "on_error", "fill", "bisect")
_NOTHING = object()
_engines = weakref.WeakSet()


def _fault_policy(words):
    """The engine's words for what a user says of faults."""
    for word in words:
        if word not in _FAULT_WORDS:
            import difflib  # takes a millisecond

            near = difflib.get_close_matches(word, _FAULT_WORDS, n=1)
            hint = (
                f': did you mean "{near[0]}"?' if near else f": known are {', '.join(_FAULT_WORDS)}"
            )
            raise TypeError(f'unknown keyword "{word}"{hint}')
    policy = {key: value for key, value in words.items() if value is not None}
    for word, kind in (("retries", int), ("bisect", bool)):
        if word in policy and not isinstance(policy[word], kind):
            raise InvalidError(f"{word} is {policy[word]!r} and not of type {kind.__name__}")
    for word in ("timeout", "stopped_timeout", "fill"):
        if word in policy:
            try:
                policy[word] = float(policy[word])
            except (TypeError, ValueError):
                raise InvalidError(f"{word} is {policy[word]!r} and no number") from None
    on_error = policy.pop("on_error", "stop")
    if on_error not in ("stop", "skip"):
        raise InvalidError(f'on_error is "stop" or "skip", not {on_error!r}')
    policy["skip"] = on_error == "skip"
    return policy


def _chunk_size(value):
    """A chunk size as the engine takes it: a text, or a number that it can hold."""
    if isinstance(value, str):
        return value
    try:
        return min(operator.index(value), 2**62)
    except TypeError:
        raise InvalidError(
            f"a chunk size cannot be {value!r}",
            "",
            'It is "auto", a number of items, or a size such as "64KiB".',
        ) from None


def _param(name, value):
    """A parameter of a kernel as the engine takes it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (tuple, list, np.ndarray)):
        return [float(number) for number in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InvalidError(f'parameter "{name}" is {value}, beyond what 64 bits hold')
    if not isinstance(value, (bool, int, float, str)):
        raise InvalidError(
            f'parameter "{name}" is a {type(value).__name__}: it can be a bool, an int, a float, a '
            "str or a list of numbers"
        )
    return value


def _size_bytes(size, what):
    if size is None:
        return 0
    if isinstance(size, str):
        number = size.rstrip("KMGiB")
        factor = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}.get(size[len(number) :])
        try:
            return int(float(number) * factor)
        except (TypeError, ValueError):
            raise InvalidError(f'{what} is a number of bytes or a text like "2GiB"') from None
    return int(size)


class Engine:
    """Worker processes, and what they work on.

    workers: how many processes; None: the CPUs that this process may use.
    plugins: kernel plug-ins (paths of shared objects) beside the built-in kernels.
    memory, cache: limits for results in memory and for what is kept of ended jobs, in bytes or as
        text such as "2GiB"; None: as much as the system has, and a quarter of it.
    memory_limit: of each worker's own data.
    zygote: Python workers are forked from one process that has NumPy loaded, which takes
        milliseconds. False: each is a program of its own.
    preload: modules that this process loads beside NumPy.
    worker_output: a callable (worker, line) for each line that workers write to stdout and stderr,
        worker -1 being the one that plans; None: they go to sys.stderr as "gristmill: worker 3: x".
        It is called by a thread of the engine's own, before the result of what was written in is
        there; a worker that writes faster than its lines are taken waits.

    Workers start when they are first needed: those for kernels at the first run(), those for Python
    functions at the first map_chunks(). Safe to use from several threads; jobs run one at a time.
    An engine ends with close(), as a context manager, or with the interpreter; results stay valid.
    """

    def __init__(
        self,
        workers=None,
        *,
        plugins=(),
        memory=None,
        cache=None,
        memory_limit=None,
        zygote=True,
        preload=(),
        worker_output=None,
    ):
        self._workers = _core.usable_cpus() if workers is None else int(workers)
        if not 1 <= self._workers <= _core.MOST_WORKERS:
            raise InvalidError(
                f"cannot start {workers} workers: 1 to {_core.MOST_WORKERS} are possible"
            )
        self._plugins = [os.fspath(plugin) for plugin in plugins]
        self._memory = _size_bytes(memory, "memory")
        self._cache = -1 if cache is None else _size_bytes(cache, "cache")
        self._memory_limit = _size_bytes(memory_limit, "memory_limit")
        self._zygote = zygote
        self._preload = _interpreter.names_to_preload(preload)
        self._output = WorkerOutput(worker_output)
        # Not a reference of its own: in a cycle that is garbage with it, and calls nobody.
        weakref.finalize(self, self._output.lines.end).atexit = False
        self._shared = _arrays.SharedArrays()
        self._native = None
        self._functions = None
        self._closed = False
        self._pid = os.getpid()
        self._starting = threading.RLock()  # a signal handler may close it at any time
        _engines.add(self)

    @property
    def workers(self):
        """How many workers it has of each kind."""
        return self._workers

    def close(self):
        """Cancels what runs and ends the workers. Results stay valid; nothing else can be run."""
        self._closed = True
        if os.getpid() != self._pid:
            return
        with self._starting:  # another thread may start what is to be closed
            cores = [core for core in (self._native, self._functions) if core is not None]
            self._native = self._functions = None
        for core in cores:
            core.close()
        self._output.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Data.

    def open(self, path, dtype=None, shape=None, offset=0):
        """A Dataset over a file, mapped in place: nothing is copied, whatever its size.

        path: a .npy file; or, with dtype and shape, a raw file with row-major elements from byte
        `offset` on. Raises InvalidError for a file that is none of these.
        """
        return _arrays.open_dataset(path, dtype, shape, offset)

    def share(self, array, *, refresh=False):
        """A Dataset with the elements of an array: one copy into sealed shared memory.

        array: anything with a buffer, __array_interface__ or __dlpack__. What is placed already (a
        dataset, a result, a numpy.memmap, or a contiguous part of one) is not copied: who may write
        to a result or to a file still may, and must not while jobs read it. An array that
        was shared before and still lives is not copied again: to share it after it was changed in
        place say refresh=True (a change is noticed without it only if it touches one of some 64
        sampled places).
        Raises InvalidError for elements that are Python objects; ResourcesError without memory.
        """
        return self._shared.share(array, refresh)

    def empty(self, shape, dtype="float64"):
        """Shared memory for an array to be made in place: fill it, then seal() it. No copy."""
        return _arrays.NewDataset(shape, dtype)

    # Kernels.

    def kernels(self):
        """The names of all kernels, plug-ins' first."""
        return [facts["name"] for facts in self._native_core().kernels()]

    def kernel(self, name):
        """What a kernel says of itself: a dict with summary, description, inputs, params, outputs.

        Raises InvalidError, with the nearest known name, when there is none.
        """
        return self._native_core().kernel(name)

    def run(
        self,
        kernel,
        *arrays,
        out=None,
        outputs=None,
        chunk_size="auto",
        progress=None,
        wait=True,
        params=None,
        **words,
    ):
        """Runs a kernel: a built-in one or one of a plug-in.

        arrays: inputs in the order in which the kernel declares them. Keywords are inputs and
        parameters by name, and of faults: retries, timeout (seconds for a chunk), stopped_timeout,
        on_error ("stop" or "skip"), fill, bisect. params: parameters whose names are taken here.
        Inputs that are not placed already are copied once, into memory that the engine uses again.
        out: the path of a .npy file for the only output, or a dict of paths by output name.
        outputs: names of those to compute; None: all.
        chunk_size: "auto", items, or a size such as "64KiB".
        progress: True for a bar, or a callable (items done, items in all).

        Returns a dict from output name to array: writable, over the shared memory that the workers
        wrote, not copied, valid after close(); those of less than 512 KiB are copies, and those in
        files are read-only. With wait=False: a Job whose result() is that. Raises InvalidError, ResourcesError, FailedError.
        """
        core = self._native_core()
        faults = {name: words.pop(name) for name in _FAULT_WORDS if name in words}
        facts = core.kernel(kernel)
        inputs, parameters = self._arguments(core, facts, arrays, words, params or {})
        job = core.submit(
            kernel,
            inputs,
            parameters,
            self._output_paths(facts, out, outputs),
            _chunk_size(chunk_size),
            _fault_policy(faults),
        )
        return self._finish(Job(job, _kernel_outputs, self._output), progress, wait)

    @staticmethod
    def _arguments(core, facts, arrays, words, params):
        names = [name for name, *_ in facts["inputs"]]
        if len(arrays) > len(names):
            raise InvalidError(
                f'kernel "{facts["name"]}" has {len(names)} inputs, and {len(arrays)} are given'
            )
        inputs = dict(zip(names, arrays))
        parameters = dict(params)
        for name, value in words.items():
            if name in names:
                if name in inputs:
                    raise InvalidError(f'input "{name}" is given twice')
                inputs[name] = value
            else:
                parameters[name] = value
        parameters = {name: _param(name, value) for name, value in parameters.items()}
        placed = {
            name: _arrays.place(_arrays.as_array(value), core.copy_of)
            for name, value in inputs.items()
        }
        return placed, parameters

    @staticmethod
    def _output_paths(facts, out, outputs):
        names = [name for name, _ in facts["outputs"]]
        if isinstance(out, dict):
            paths = {name: os.fspath(path) for name, path in out.items()}
        elif out is not None:
            if outputs is None and len(names) != 1:
                raise InvalidError(
                    f'kernel "{facts["name"]}" has several outputs: say out={{name: path}}'
                )
            paths = {(outputs or names)[0]: os.fspath(out)}
        else:
            paths = {}
        wanted = outputs if outputs is not None else ([] if not paths else list(paths))
        return {name: paths.get(name) for name in wanted}

    # Python functions.

    def map_chunks(
        self,
        function,
        *arrays,
        out=None,
        dtype=None,
        shape=None,
        into=False,
        chunk_size="auto",
        progress=None,
        wait=True,
        **faults,
    ):
        """Calls a Python function on chunks of rows, in worker processes, and gathers its rows.

        function(*chunks): chunks are read-only views of the same rows of each array, valid during
        the call. It returns an array with as many rows. With into=True it gets one more array, the
        rows of the result, which are zeros, and fills them: then nothing is copied.
        Lambdas, closures and functions of notebooks work; they are sent once for a job.
        Compiled functions (of ctypes.CDLL, numba.cfunc, or a cython_function()) are called as
        gm_loop_function in gristmill/kernel.h says: into=True is implied, and dtype must be said.
        out: the path of a .npy file for the result; None: memory.
        dtype, shape: of the result: its dtype, and the shape behind its rows (None: ()). Without
        dtype the result of the first chunk says both, and a chunk that differs is an error.
        Keywords of faults: as run().

        Returns an array over the shared memory that the workers wrote, not copied, writable and valid
        after close(); of less than 512 KiB it is a copy, and in a file it is read-only. With
        wait=False: a Job whose result() is that. Raises FailedError, with the worker's traceback as its cause,
        when the function raises.
        """
        policy = _fault_policy(faults)
        chunk_size = _chunk_size(chunk_size)
        if _loops.is_compiled(function):
            arrays, rows = _function_jobs.arrays_of_rows(arrays)
            loop = _loops.Loop(function, arrays, dtype, shape)
            if loop.runs_in_native_workers():
                core = loop.submit(self._native_core(), out, chunk_size, policy)
                result_shape = (rows, *loop.shape)
                job = Job(
                    core,
                    lambda result: _result_array(result, loop.dtype, result_shape),
                    self._output,
                )
                return self._finish(job, progress, wait)
            function, into = loop.call(), True
        engine = self._function_core()
        work = _function_jobs.ChunkFunction(function, arrays, engine.copy_of, into)
        first = None
        if dtype is None:
            if into:
                raise InvalidError("with into=True the dtype of the result must be said")
            first, rows, chunk_size = work.first_chunk(engine, self._output, chunk_size, policy)
            if first.ndim == 0 or len(first) != rows:
                got = "a scalar" if first.ndim == 0 else f"{len(first)} rows"
                raise InvalidError(f"{work.name} returned {got} for a chunk of {rows} rows")
            dtype, shape = first.dtype, first.shape[1:]
        dtype = np.dtype(dtype)
        shape = (work.items, *(() if shape is None else _arrays.shape_of(shape)))
        more = {} if first is None else {"first": first}
        spec = work.spec("map_into" if into else "map", output=(dtype, shape), **more)
        name, engine_shape = _arrays.engine_shape(dtype, shape)
        path = "" if out is None else os.fspath(out)
        core = work.submit(
            engine,
            spec,
            outputs=[("result", name, list(engine_shape), path)],
            chunk_size=chunk_size,
            faults=policy,
        )
        job = Job(core, lambda result: _result_array(result, dtype, shape), self._output)
        return self._finish(job, progress, wait)

    def flat_map_chunks(
        self,
        function,
        *arrays,
        dtype=None,
        shape=(),
        chunk_size="auto",
        parts=False,
        progress=None,
        wait=True,
        **faults,
    ):
        """As map_chunks(), for functions that return any number of rows for a chunk.

        Returns all rows, in the order of the chunks, in one array, which is a copy; with parts=True
        a list of read-only arrays where the workers wrote them, no copy.
        """
        engine = self._function_core()
        policy = _fault_policy(faults)
        chunk_size = _chunk_size(chunk_size)
        work = _function_jobs.ChunkFunction(function, arrays, engine.copy_of)
        more = {}
        if dtype is None:
            first, _, chunk_size = work.first_chunk(engine, self._output, chunk_size, policy)
            if first.ndim == 0:
                raise InvalidError(f"{work.name} returned a scalar instead of rows")
            more["first"] = first
            dtype, shape = first.dtype, first.shape[1:]
        dtype = np.dtype(dtype)
        shape = _arrays.shape_of(shape)
        spec = work.spec("flat_map", output=(dtype, (0, *shape)), **more)
        row_bytes = math.prod(shape) * dtype.itemsize
        core = work.submit(
            engine,
            spec,
            outputs=[("rows", "uint8", [0, row_bytes], "")],
            chunk_size=chunk_size,
            faults=policy,
            emits=True,
        )

        def take(result):
            arrays = [
                _arrays.array_over(memory, dtype, (raw_shape[0], *shape))
                for memory, raw_shape in result.parts("rows")
            ]
            if parts:
                return arrays
            return np.concatenate(arrays, dtype=dtype) if arrays else np.empty((0, *shape), dtype)

        return self._finish(Job(core, take, self._output), progress, wait)

    def reduce_chunks(
        self, function, merge, *arrays, initial=_NOTHING, chunk_size="auto", progress=None, **faults
    ):
        """Calls function(*chunks) on chunks of rows and merges its results, all in workers.

        function returns anything that can be pickled; merge(a, b) merges two results, of which a
        belongs to earlier rows. They are merged in a fixed tree, so that the same chunks give the
        same bits for any number of workers. initial: the result for no rows; with rows it is
        not used. Raises InvalidError for no rows without it.
        """
        engine = self._function_core()
        policy = _fault_policy(faults)
        chunk_size = _chunk_size(chunk_size)
        work = _function_jobs.ChunkFunction(function, arrays, engine.copy_of)
        if work.items == 0:
            if initial is _NOTHING:
                raise InvalidError("there are no rows to reduce, and no initial result is given")
            return initial
        core = work.objects(engine, chunk_size, policy)
        result = self._finish(Job(core, lambda done: done, self._output), progress, True)
        return _function_jobs.merged(engine, self._output, merge, result, policy)

    def _finish(self, job, progress, wait):
        if not wait:
            return job
        show_progress(job, progress)
        return job.result()

    def _require_open(self):
        if os.getpid() != self._pid:
            raise InvalidError(
                "this engine belongs to the process that this one was forked from",
                "",
                "Make an engine of its own here.",
            )
        if self._closed:
            raise InvalidError("this engine is closed")

    def _native_core(self):
        self._require_open()  # a forked child may find the lock taken for ever
        with self._starting:
            self._require_open()
            self._output.begin()
            if self._native is None:
                self._native = _core.NativeEngine(
                    self._workers,
                    self._plugins,
                    WORKER_PROGRAM,
                    self._memory,
                    self._cache,
                    self._memory_limit,
                    self._output.lines,
                )
            return self._native

    def _function_core(self):
        self._require_open()
        with self._starting:
            self._require_open()
            self._output.begin()
            if self._functions is None:
                worker = _interpreter.words("worker_main", self._preload)
                zygote = _interpreter.words("zygote_main", self._preload)
                self._functions = _core.FunctionEngine(
                    worker,
                    zygote if self._zygote else None,
                    self._workers,
                    self._memory,
                    self._cache,
                    self._memory_limit,
                    self._output.lines,
                )
            return self._functions


def _result_array(result, dtype, shape, name="result"):
    array = _arrays.array_over(result.dataset(name).view(), dtype, shape)
    # One in a file cannot be written.
    return array.copy() if array.nbytes < _arrays.LEAST_KEPT and array.flags.writeable else array


def _kernel_outputs(result):
    return {
        name: _result_array(result, dtype, shape, name) for name, dtype, shape in result.outputs()
    }


@atexit.register
def _close_all():
    for engine in list(_engines):
        engine.close()
