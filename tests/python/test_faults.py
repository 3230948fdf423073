"""What goes wrong in Python functions, their arguments and results, and in the program around them.

Array jobs and single calls are tested alike: `failure` runs a function both ways.
"""

import gc
import os
import pickle
import random
import shlex
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures.process import BrokenProcessPool

import gristmill as gm
import numpy as np
import pytest

ROWS = np.arange(1000.0)


@pytest.fixture(scope="module")
def engine():
    with gm.Engine(workers=2) as engine:
        yield engine


@pytest.fixture(scope="module")
def executor():
    with gm.Executor(2) as executor:
        yield executor


def require_engine_works(engine):
    assert np.array_equal(engine.map_chunks(np.negative, ROWS), -ROWS)


def require_executor_works(executor):
    assert list(executor.map(abs, [-1, -2, -3])) == [1, 2, 3]


@pytest.fixture(params=["job", "call"])
def failure(request, engine, executor):
    """Runs a function in a worker and returns its failure; what ran it must go on working."""

    def of_job(function):
        with pytest.raises(gm.FailedError) as caught:
            engine.map_chunks(lambda rows: function(), ROWS, dtype="f8", retries=0)
        require_engine_works(engine)
        return caught.value

    def of_call(function):
        error = executor.submit(function).exception(60)
        require_executor_works(executor)
        return error

    return of_job if request.param == "job" else of_call


def raised(error):
    """What the function raised."""
    return error.exception if type(error) is gm.FailedError else error


def run_script(text, timeout=60):
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Custom(Exception):
    def __init__(self, code, *, why):
        super().__init__(f"{why} ({code})")
        self.code = code
        self.why = why

    def __reduce__(self):
        return (_custom, (self.code, self.why))


def _custom(code, why):
    return Custom(code, why=why)


class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no text")


class TestRow61Exceptions:
    @pytest.mark.parametrize(
        "error",
        [
            KeyError("which", 3),
            FileNotFoundError(2, "no such file", "data.npy"),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            SystemExit(3),
            KeyboardInterrupt("why"),
            GeneratorExit("early"),
            StopIteration(5),
            MemoryError("all of it"),
            gm.InvalidError("message", "detail", "hint"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_types_and_arguments_are_kept(self, failure, error):
        def fail():
            raise error

        found = failure(fail)
        assert type(raised(found)) is type(error)
        assert repr(raised(found)) == repr(error)
        assert isinstance(found.__cause__, gm.RemoteTraceback)
        assert "in fail" in found.__cause__.text
        assert raised(found).__cause__ is found.__cause__

    def test_attributes_are_kept(self, failure):
        def fail():
            raise Custom(7, why="seven")

        error = raised(failure(fail))
        assert type(error) is Custom
        assert (error.code, error.why) == (7, "seven")

    def test_no_class_of_this_program_is_needed(self, failure):
        def fail():
            class Local(ValueError):
                pass

            raise Local("here")

        error = raised(failure(fail))
        assert isinstance(error, ValueError)
        assert type(error).__name__ == "Local"

    def test_what_cannot_be_pickled_has_its_text(self, failure):
        def fail():
            error = ValueError("a lock")
            error.lock = threading.Lock()
            raise error

        error = failure(fail)
        assert type(error) is gm.FailedError
        assert error.exception is None
        assert "ValueError: a lock" in str(error)
        assert "in fail" in error.__cause__.text

    def test_what_cannot_be_unpickled_has_its_text(self, failure):
        def fail():
            class Odd(Exception):
                def __init__(self, first, second):
                    super().__init__("only one")

            raise Odd(1, 2)

        error = failure(fail)
        assert error.exception is None
        assert "Odd: only one" in str(error)

    def test_what_exits_where_it_is_unpickled_does_not_end_the_program(self, failure):
        here = os.getpid()

        def fail():
            class Odd(Exception):
                def __reduce__(self):
                    return (exit_unless, (os.getpid(),))

            raise Odd("bye")

        def exit_unless(pid):
            if os.getpid() != pid:
                sys.exit(1)
            return ValueError("it")

        error = failure(fail)
        assert error.exception is None
        assert os.getpid() == here
        assert "bye" in str(error)

    def test_what_has_no_text_has_its_type(self, failure):
        def fail():
            raise Unprintable

        assert type(raised(failure(fail))) is Unprintable

    def test_chained_exceptions_are_in_the_traceback(self, failure):
        def fail():
            try:
                {}["key"]
            except KeyError as error:
                raise ValueError("no such key") from error

        text = failure(fail).__cause__.text
        assert "KeyError: 'key'" in text
        assert "direct cause" in text

    def test_long_texts_are_cut(self, failure):
        def fail():
            raise ValueError("x" * 10_000_000)

        error = failure(fail)
        assert "xxx" in str(error)
        assert isinstance(raised(error), (ValueError, type(None)))

    def test_recursion(self, failure):
        def fail():
            return fail()

        assert type(raised(failure(fail))) is RecursionError

    @pytest.mark.parametrize(
        ("end", "said"),
        [
            (lambda: os._exit(3), "exit code 3"),
            (lambda: os._exit(0), "exit code 0"),
            (os.abort, "SIGABRT"),
            (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
            (lambda: os.kill(os.getpid(), signal.SIGSEGV), "SIGSEGV"),
        ],
    )
    def test_ends_of_the_worker_are_told(self, failure, end, said):
        error = failure(end)
        assert said in str(error)
        assert isinstance(error, gm.Error)

    def test_a_job_of_reductions_tells_types_too(self, engine):
        def fail(rows):
            raise Custom(1, why="reduced")

        with pytest.raises(gm.FailedError) as caught:
            engine.reduce_chunks(fail, max, ROWS)
        assert type(caught.value.exception) is Custom

    def test_failures_can_be_pickled(self, engine):
        def fail(rows):
            raise KeyError("key")

        with pytest.raises(gm.FailedError) as caught:
            engine.map_chunks(fail, ROWS, dtype="f8")
        again = pickle.loads(pickle.dumps(caught.value))
        assert str(again) == str(caught.value)
        assert type(again.exception) is KeyError


def _end(how):
    """Ends this process, or raises."""
    if how == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exit":
        sys.exit(1)
    raise ValueError("on purpose")


class EndsAtPickling:
    def __init__(self, how):
        self.how = how

    def __reduce__(self):
        _end(self.how)

    def __call__(self, rows):
        return rows


class EndsAtUnpickling:
    def __init__(self, how):
        self.how = how

    def __reduce__(self):
        return (_end, (self.how,))

    def __call__(self, rows):
        return rows


def _end_elsewhere(how, here):
    if os.getpid() != here:
        _end(how)
    return ValueError("unpickled")


class EndsAtUnpicklingElsewhere:
    """It can be unpickled where it was pickled."""

    def __init__(self, how):
        self.how = how

    def __reduce__(self):
        return (_end_elsewhere, (self.how, os.getpid()))


class EndsWithItsWorker:
    """Ends the process in which it is freed, unless it was made there."""

    def __init__(self, how):
        self.how = how
        self.maker = os.getpid()

    def __del__(self):
        if os.getpid() != self.maker:
            _end(self.how)


HOWS = ["crash", "exit", "error"]


class TestRow62Calls:
    @pytest.mark.parametrize("how", HOWS)
    def test_arguments_that_cannot_be_unpickled(self, executor, how):
        with pytest.raises(BrokenProcessPool):
            executor.submit(id, EndsAtUnpickling(how)).result(60)
        require_executor_works(executor)

    def test_arguments_that_cannot_be_pickled(self, executor):
        with pytest.raises(pickle.PicklingError):
            executor.submit(id, EndsAtPickling("error")).result(60)
        require_executor_works(executor)

    def test_arguments_that_exit_where_they_are_pickled(self, executor):
        """In the caller's thread they may, as any code; not in the executor's."""
        with pytest.raises(SystemExit):
            executor.submit(id, EndsAtPickling("exit"))
        waiting = [executor.submit(time.sleep, 0.02) for _ in range(20)]
        future = executor.submit(id, EndsAtPickling("exit"))
        assert isinstance(future.exception(60), SystemExit)
        assert [future.result(60) for future in waiting] == [None] * 20
        require_executor_works(executor)

    @pytest.mark.parametrize(
        ("how", "kind"),
        [("crash", gm.WorkerDiedError), ("exit", SystemExit), ("error", pickle.PicklingError)],
    )
    def test_results_that_cannot_be_pickled(self, executor, how, kind):
        with pytest.raises(kind):
            executor.submit(EndsAtPickling, how).result(60)
        require_executor_works(executor)

    @pytest.mark.parametrize("how", ["exit", "error"])
    def test_results_that_cannot_be_unpickled(self, executor, how):
        with pytest.raises(gm.UnreadableError) as caught:
            executor.submit(EndsAtUnpickling, how).result(60)
        assert type(caught.value.__cause__) in (SystemExit, ValueError)
        require_executor_works(executor)

    @pytest.mark.parametrize("how", ["exit", "error"])
    def test_exceptions_that_cannot_be_unpickled(self, executor, how):
        def fail():
            raise ValueError(EndsAtUnpicklingElsewhere(how))

        error = executor.submit(fail).exception(60)
        assert type(error) is gm.FailedError
        require_executor_works(executor)

    def test_of_a_map_the_failed_chunk_fails_alone(self, executor):
        results = executor.map(EndsAtUnpickling, ["error"] * 3)
        with pytest.raises(gm.UnreadableError):
            next(results)
        require_executor_works(executor)

    @pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
    def test_callbacks_that_raise(self, executor, error):
        def fail(future):
            raise error("in a callback")

        futures = [executor.submit(abs, -i) for i in range(20)]
        for future in futures:
            future.add_done_callback(fail)
        last = executor.submit(time.sleep, 0.05)
        last.add_done_callback(fail)
        last.result(60)
        assert [future.result(60) for future in futures] == list(range(20))
        require_executor_works(executor)

    def test_callbacks_that_use_the_executor(self):
        results = []
        done = threading.Event()

        def go_on(future):
            results.append(future.result())
            if len(results) < 50:
                executor.submit(abs, -len(results)).add_done_callback(go_on)
            else:
                executor.shutdown()
                done.set()

        executor = gm.Executor(2)
        executor.submit(time.sleep, 0.1).add_done_callback(go_on)
        assert done.wait(60)
        assert results[1:] == list(range(1, 50))

    @pytest.mark.parametrize("how", HOWS)
    def test_arguments_that_end_the_worker_when_they_are_freed(self, executor, how):
        future = executor.submit(id, EndsWithItsWorker(how))
        if how == "crash":
            assert isinstance(future.exception(60), gm.WorkerDiedError)
        else:  # Python prints what __del__ raises, and goes on
            assert future.exception(60) is None
        require_executor_works(executor)

    def test_results_that_end_the_worker_when_they_are_freed(self, executor):
        def make():
            class EndsWhenFreed:
                def __reduce__(self):
                    return (int, ())

                def __del__(self):
                    os._exit(5)

            return EndsWhenFreed()

        future = executor.submit(make)
        assert isinstance(future.exception(60), gm.WorkerDiedError)
        require_executor_works(executor)


class TestRow62Jobs:
    @pytest.mark.parametrize("how", HOWS)
    def test_functions_that_cannot_be_unpickled(self, engine, how):
        with pytest.raises(gm.FailedError):
            engine.map_chunks(EndsAtUnpickling(how), ROWS, dtype="f8", retries=0)
        require_engine_works(engine)

    def test_functions_that_cannot_be_pickled(self, engine):
        with pytest.raises(gm.InvalidError, match="cannot be sent"):
            engine.map_chunks(EndsAtPickling("error"), ROWS, dtype="f8")

    @pytest.mark.parametrize("how", HOWS)
    def test_results_that_cannot_be_pickled(self, engine, how):
        with pytest.raises(gm.FailedError):
            engine.reduce_chunks(lambda rows: EndsAtPickling(how), max, ROWS, retries=0)
        require_engine_works(engine)

    @pytest.mark.parametrize("how", ["exit", "error"])
    @pytest.mark.parametrize("chunk_size", [100, 1000])
    def test_results_that_cannot_be_unpickled(self, engine, how, chunk_size):
        def make(rows):
            return EndsAtUnpickling(how)

        with pytest.raises(gm.FailedError):
            engine.reduce_chunks(make, max, ROWS, chunk_size=chunk_size, retries=0)
        require_engine_works(engine)

    def test_results_that_end_the_worker_when_they_are_freed(self, engine):
        def make(rows):
            class EndsWhenFreed:
                def __array__(self, dtype=None, copy=None):
                    return np.zeros(len(rows))

                def __del__(self):
                    os._exit(5)

            return EndsWhenFreed()

        with pytest.raises(gm.FailedError, match="exit code 5"):
            engine.map_chunks(make, ROWS, dtype="f8", retries=0)
        require_engine_works(engine)

    def test_progress_that_raises_cancels_the_job(self, engine):
        def fail(done, total):
            raise KeyError("progress")

        with pytest.raises(KeyError, match="progress"):
            engine.map_chunks(np.negative, ROWS, dtype="f8", progress=fail)
        require_engine_works(engine)


@pytest.mark.parametrize("zygote", [True, False])
def test_row_63_threads_in_the_parent_do_not_freeze_workers(zygote):
    """Those of Python, and those of NumPy's BLAS, busy when the workers start."""
    printed = run_script(
        "import threading, numpy as np, gristmill as gm\n"
        "a = np.random.default_rng(1).normal(size=(300, 300))\n"
        "stop = threading.Event()\n"
        "def multiply():\n"
        "    while not stop.is_set(): a @ a\n"
        "threads = [threading.Thread(target=multiply) for _ in range(3)]\n"
        "for thread in threads: thread.start()\n"
        f"with gm.Executor(2, zygote={zygote}) as executor:\n"
        "    products = list(executor.map(np.matmul, [a] * 4, [a] * 4))\n"
        f"with gm.Engine(2, zygote={zygote}) as engine:\n"
        "    rows = engine.map_chunks(lambda part: part @ a, a)\n"
        "stop.set()\n"
        "print(all(np.allclose(p, a @ a) for p in products), np.allclose(rows, a @ a))\n"
    )
    assert printed == "True True\n"


class TestRow64Lifetimes:
    @pytest.mark.parametrize("seed", range(5))
    def test_arrays_stay_in_whatever_order_things_go(self, seed):
        order = random.Random(seed)
        engine, executor = gm.Engine(1), gm.Executor(1)
        dataset = engine.share(np.arange(200_000))
        owners = [engine, executor]
        arrays = [
            (dataset, 0),
            (dataset[1000:], 1000),
            (engine.map_chunks(lambda rows: rows + 1, dataset), 1),
            (engine.map_chunks(lambda rows: rows + 2, dataset)[50:], 52),
            (engine.flat_map_chunks(lambda rows: rows + 3, dataset, parts=True)[0], 3),
            (executor.submit(np.add, dataset, 4).result(), 4),
            (executor.submit(lambda data: {"a": data + 5}, dataset).result()["a"][::2], 5),
        ]
        del engine, executor, dataset
        order.shuffle(arrays)
        while arrays:
            if owners and order.random() < 0.4:
                del owners[order.randrange(len(owners))]
            gc.collect()
            array, first = arrays.pop()
            assert array[0] == first
            assert np.array_equal(np.diff(array), np.full(len(array) - 1, array[1] - array[0]))
            del array

    def test_memory_goes_with_the_last_array(self):
        def mapped():
            with open("/proc/self/smaps_rollup") as file:
                return next(int(line.split()[1]) for line in file if line.startswith("Rss:"))

        engine = gm.Engine(1, cache=0)
        result = engine.map_chunks(lambda rows: rows + 1.0, np.zeros(4_000_000), dtype="f8")
        part = result[5:]
        assert part.sum() == len(part)
        engine.close()
        del engine, result
        gc.collect()
        kept = mapped()
        assert part[-1] == 1
        del part
        gc.collect()
        assert kept - mapped() > 25_000

    @pytest.mark.parametrize("held", [True, False], ids=["held", "dropped"])
    def test_the_program_ends_while_a_job_runs(self, held):
        """The goal is two seconds; the test asks that the job's minutes are not waited for."""
        start = time.monotonic()
        printed = run_script(
            "import os, time, numpy as np, gristmill as gm\n"
            "engine = gm.Engine(2)\n"
            "def work(rows):\n"
            "    print('in it', flush=True)\n"
            "    time.sleep(300)\n"
            "    return rows\n"
            "job = engine.map_chunks(work, np.arange(8), dtype='i8', chunk_size=1, wait=False)\n"
            "while not job.progress()['workers_running']: time.sleep(0.01)\n"
            "time.sleep(0.3)\n" + ("" if held else "del job\n") + "print(os.getpid())\n",
        )
        assert printed.strip().isdigit()
        assert time.monotonic() - start < 60

    def test_the_program_waits_for_calls_and_not_for_jobs(self, tmp_path):
        run_script(
            "import time, numpy as np, gristmill as gm\n"
            "engine, executor = gm.Engine(1), gm.Executor(1)\n"
            "job = engine.map_chunks(lambda rows: time.sleep(300), np.arange(2), dtype='i8', "
            "wait=False)\n"
            "def touch(path):\n"
            "    time.sleep(0.2)\n"
            "    open(path, 'w').close()\n"
            f"executor.map(touch, [{str(tmp_path)!r} + '/' + str(i) for i in range(5)])\n"
            f"executor.submit(touch, {str(tmp_path)!r} + '/last')\n"
        )
        assert len(list(tmp_path.iterdir())) == 6

    def test_results_are_read_while_the_program_ends(self):
        printed = run_script(
            "import atexit, numpy as np, gristmill as gm\n"
            "engine = gm.Engine(1)\n"
            "with gm.Executor(1) as executor:\n"
            "    single = executor.submit(np.ones, 500_000).result()\n"
            "result = engine.map_chunks(lambda rows: rows + 1, np.zeros(500_000))\n"
            "atexit.register(lambda: print(result.sum() + single.sum()))\n"
        )
        assert printed == "1000000.0\n"


class TestRow65ReadOnlyArrays:
    @pytest.fixture
    def dataset(self, engine):
        return engine.share(np.arange(5000.0))

    @pytest.mark.parametrize(
        "write",
        [
            lambda array: array.__setitem__(0, 1),
            lambda array: array.__iadd__(1),
            lambda array: np.add(array, 1, out=array),
            lambda array: np.copyto(array, 0),
            lambda array: array.sort(),
            lambda array: array.fill(0),
            lambda array: array.setflags(write=True),
            lambda array: array[10:].__setitem__(0, 1),
            lambda array: np.asarray(array).__setitem__(0, 1),
            lambda array: np.frombuffer(array, np.uint8).__setitem__(0, 1),
        ],
    )
    def test_datasets_are_refused_here(self, dataset, write):
        with pytest.raises(ValueError):
            write(dataset)
        assert np.array_equal(dataset, np.arange(5000.0))

    def test_memory_views_of_datasets_are_read_only(self, dataset):
        with pytest.raises(TypeError, match="read-only"):
            memoryview(dataset).cast("B")[0] = 1

    def test_inputs_of_jobs_are_refused(self, engine, dataset):
        def write(rows):
            rows[0] = 1
            return rows

        with pytest.raises(gm.FailedError) as caught:
            engine.map_chunks(write, dataset, dtype="f8", retries=0)
        assert type(caught.value.exception) is ValueError
        require_engine_works(engine)

    def test_arguments_of_calls_are_refused(self, executor, dataset):
        def write(array):
            array[0] = 1

        assert type(executor.submit(write, dataset).exception()) is ValueError
        assert type(executor.submit(write, dataset[100:]).exception()) is ValueError
        require_executor_works(executor)

    def test_opened_files_are_refused(self, engine, tmp_path):
        np.save(tmp_path / "a.npy", np.arange(100))
        opened = engine.open(tmp_path / "a.npy")
        with pytest.raises(ValueError):
            opened[0] = 1
        assert np.load(tmp_path / "a.npy")[0] == 0


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("zygote", [True, False])
def test_a_program_without_standard_streams_has_workers(closed, zygote, tmp_path):
    text = (
        "import os, sys, numpy as np, gristmill as gm\n"
        f"with gm.Engine(1, zygote={zygote}) as engine:\n"
        "    made = engine.map_chunks(lambda rows: print('hi') or rows, np.arange(3), dtype='i8')\n"
        "    assert engine.run('copy', made)['copy'].sum() == 3\n"
        f"open({str(tmp_path / 'done')!r}, 'w').close()\n"
    )
    streams = " ".join(f"{fd}>&-" if fd else "<&-" for fd in closed)
    command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(text)} {streams}"
    subprocess.run(["sh", "-c", command], timeout=60, check=True)
    assert (tmp_path / "done").exists()


DESCRIPTORS = """
import resource, numpy as np, gristmill as gm

resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
with gm.Engine(1) as engine:
    kept = [engine.map_chunks(np.negative, np.ones(100)) for _ in range(300)]
    large = np.ones(80_000)
    try:
        kept += [engine.map_chunks(np.negative, large) for _ in range(300)]
    except gm.ResourcesError as error:
        assert "ulimit -n" in str(error), error
    assert len(kept) == 300, "those of 640 kB together, or none"
    del kept
    assert engine.map_chunks(np.negative, large).sum() == -80_000
    open("/dev/null").close()
print("there are descriptors again")
"""


def test_results_that_are_kept_use_up_descriptors_only_if_they_are_large():
    assert run_script(DESCRIPTORS) == "there are descriptors again\n"


FORK = """
import os, sys, numpy as np, gristmill as gm

engine, executor = gm.Engine(1), gm.Executor(1)
dataset = engine.share(np.arange(100_000))
result = engine.map_chunks(lambda rows: rows + 1, dataset)
worker = executor.submit(os.getpid).result()

def refused(action):
    try:
        action()
    except (RuntimeError, gm.InvalidError) as error:
        return "forked from" in str(error)
    return False

def child():
    {child}

pid = os.fork()
if pid == 0:
    child()
    os._exit(1)
assert os.waitpid(pid, 0)[1] == 0
assert np.array_equal(engine.map_chunks(lambda rows: rows + 2, dataset), np.arange(100_000) + 2)
assert executor.submit(os.getpid).result() == worker
print("the parent goes on")
"""


class TestRow66Forks:
    def in_child(self, *lines):
        text = FORK.format(child="\n    ".join(lines))
        return run_script("import warnings; warnings.simplefilter('ignore')\n" + text)

    def test_engines_and_executors_are_refused(self):
        printed = self.in_child(
            "assert refused(lambda: engine.map_chunks(np.negative, dataset))",
            "assert refused(lambda: engine.run('describe', dataset))",
            "assert refused(lambda: executor.submit(abs, 1))",
            "assert refused(lambda: executor.map(abs, [1]))",
            "os._exit(0)",
        )
        assert printed == "the parent goes on\n"

    def test_arrays_can_be_read(self):
        self.in_child(
            "assert dataset.sum() + 100_000 == result.sum()",
            "os._exit(0)",
        )

    def test_closing_in_the_child_changes_nothing_in_the_parent(self):
        self.in_child(
            "engine.close()",
            "executor.shutdown()",
            "os._exit(0)",
        )

    def test_an_orderly_end_of_the_child_changes_nothing_in_the_parent(self):
        self.in_child("sys.exit(0)")

    def test_freeing_in_the_child_changes_nothing_in_the_parent(self):
        self.in_child(
            "global engine, executor",
            "del engine, executor",
            "import gc; gc.collect()",
            "os._exit(0)",
        )

    def test_the_child_makes_its_own(self):
        self.in_child(
            "with gm.Executor(1) as own: assert own.submit(abs, -5).result() == 5",
            "with gm.Engine(1) as own: assert own.map_chunks(np.negative, dataset)[7] == -7",
            "os._exit(0)",
        )

    def test_jobs_and_calls_that_run_are_not_waited_for_in_the_child(self):
        run_script(
            "import os, time, numpy as np, gristmill as gm, warnings\n"
            "warnings.simplefilter('ignore')\n"
            "engine = gm.Engine(1)\n"
            "job = engine.map_chunks(lambda rows: time.sleep(1) or rows, np.arange(1), dtype='i8',"
            " wait=False)\n"
            "pid = os.fork()\n"
            "if pid == 0:\n"
            "    for action in (job.result, job.cancel, job.insights):\n"
            "        try:\n"
            "            action()\n"
            "        except gm.InvalidError as error:\n"
            "            assert 'forked from' in str(error)\n"
            "        else:\n"
            "            os._exit(1)\n"
            "    os._exit(0)\n"
            "assert os.waitpid(pid, 0)[1] == 0\n"
            "assert job.result().tolist() == [0]\n"
        )
