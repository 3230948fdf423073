"""What workers write to stdout and stderr arrives on sys.stderr, or where the program wants it."""

import contextlib
import contextvars
import functools
import gc
import io
import itertools
import operator
import os
import re
import subprocess
import sys
import threading
import time

import gristmill as gm
import numpy as np
import pytest
from test_plugins import CXX, need
from test_plugins import run as build

ROWS = np.arange(10.0)
LINE = re.compile(r"gristmill: worker (\d+): (.*)\n")


def run_rows(engine, function, rows=ROWS, **words):
    engine.map_chunks(lambda part: function() or part, rows, dtype="f8", **words)


def run_call(executor, function):
    executor.submit(function).result()


@pytest.fixture(params=["job", "call"])
def start(request):
    """Starts workers with the keywords given; returns them, and what runs a function in one."""

    def begin(**words):
        if request.param == "call":
            return gm.Executor(1, **words), run_call
        return gm.Engine(1, **words), lambda engine, function: run_rows(
            engine, function, chunk_size=len(ROWS), retries=0
        )

    return begin


def texts(written):
    """The texts of the lines, all of which must be whole."""
    found = LINE.findall(written)
    assert "".join(f"gristmill: worker {worker}: {text}\n" for worker, text in found) == written
    return [text for _, text in found]


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def run_script(text, **more):
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore", "-c", text],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


class TestToStderr:
    def test_lines_come_before_the_result(self, start):
        workers, run = start()
        with workers:
            for number in range(100):
                with contextlib.redirect_stderr(io.StringIO()) as taken:
                    run(workers, functools.partial(print, number))
                assert texts(taken.getvalue()) == [str(number)]

    def test_pytest_sees_them(self, start, capsys):
        workers, run = start()
        with workers:
            run(workers, lambda: print("seen"))
            assert capsys.readouterr() == ("", "gristmill: worker 0: seen\n")

    def test_they_come_before_a_failure_does(self, start):
        def fail():
            print("before")
            raise ValueError

        workers, run = start()
        with workers, contextlib.redirect_stderr(io.StringIO()) as taken:
            with pytest.raises((gm.FailedError, ValueError)):
                run(workers, fail)
            assert texts(taken.getvalue()) == ["before"]

    def test_the_first_chunk_alone_and_merges_have_lines(self):
        def merge(a, b):
            print("merge")
            return a + b

        with gm.Engine(1) as engine, contextlib.redirect_stderr(io.StringIO()) as taken:
            engine.map_chunks(lambda rows: print("first") or rows, ROWS, chunk_size=10)
            engine.reduce_chunks(lambda rows: rows.sum(), merge, ROWS, chunk_size=5)
            assert texts(taken.getvalue()) == ["first", "merge"]

    def test_each_line_has_the_number_of_its_worker(self, tmp_path):
        def meet(i):
            (tmp_path / str(i)).touch()
            while not (tmp_path / str(1 - i)).exists():
                time.sleep(0.001)
            print(os.getpid())

        with gm.Executor(2) as executor, contextlib.redirect_stderr(io.StringIO()) as taken:
            list(executor.map(meet, range(2), chunksize=1, timeout=60))
        numbers = LINE.findall(taken.getvalue())
        assert {worker for worker, _ in numbers} == {"0", "1"}
        assert len({pid for _, pid in numbers}) == 2

    def test_stderr_and_descriptors_are_taken_like_stdout(self, start):
        def write():
            print("1", file=sys.stderr)
            os.write(1, b"2\n")
            os.write(2, b"3\xff\n")

        workers, run = start()
        with workers, contextlib.redirect_stderr(io.StringIO()) as taken:
            run(workers, write)
            assert texts(taken.getvalue()) == ["1", "2", "3\N{REPLACEMENT CHARACTER}"]

    def test_a_line_is_whole_however_it_is_written(self, start):
        workers, run = start()
        with workers, contextlib.redirect_stderr(io.StringIO()) as taken:
            run(workers, lambda: print("begin ", end="", flush=True))
            assert taken.getvalue() == ""
            run(workers, lambda: print("end\nmore", flush=True, end=""))
            assert texts(taken.getvalue()) == ["begin end"]
            # The worker's end ends it.
            workers.__exit__(None, None, None)
            assert texts(taken.getvalue()) == ["begin end", "more"]

    def test_a_worker_that_dies_in_a_line_ends_it(self, start):
        workers, run = start()
        with workers, contextlib.redirect_stderr(io.StringIO()) as taken:
            with pytest.raises((gm.FailedError, gm.WorkerDiedError)):
                run(workers, lambda: os.write(1, b"whole\npart") and os._exit(3))
            assert texts(taken.getvalue()) == ["whole", "part"]

    def test_an_initializer_has_lines(self):
        with contextlib.redirect_stderr(io.StringIO()) as taken:
            with gm.Executor(1, initializer=print, initargs=("ready",)) as executor:
                executor.submit(print, "call").result()
        assert texts(taken.getvalue()) == ["ready", "call"]

    def test_close_waits_for_them(self):
        with contextlib.redirect_stderr(io.StringIO()) as taken:
            with gm.Engine(1) as engine:
                run_rows(engine, lambda: print("line") or time.sleep(0.01), wait=False)
                wait_until(lambda: taken.getvalue())
            count = len(texts(taken.getvalue()))
            time.sleep(0.05)
            assert len(texts(taken.getvalue())) == count

    def test_a_flood_loses_nothing(self, start):
        def write():
            for number in range(100_000):
                print(number)

        workers, run = start()
        with contextlib.redirect_stderr(io.StringIO()) as taken:
            with workers:
                run(workers, write)
        assert texts(taken.getvalue()) == [str(number) for number in range(100_000)]

    def test_who_keeps_the_gil_keeps_the_lines_and_loses_none(self):
        with contextlib.redirect_stderr(io.StringIO()) as taken, gm.Executor(1) as executor:
            executor.submit(abs, 1).result()
            future = executor.submit(print, "x" * 900, *range(100_000), sep="\n")
            sum(itertools.repeat(1, 50_000_000))
            future.result()
        assert len(texts(taken.getvalue())) == 100_001

    def test_lines_belong_to_the_context_that_ran_them(self):
        cell = contextvars.ContextVar("cell")

        class Notebook(io.StringIO):
            def write(self, text):
                return super().write(f"{cell.get()}: {text}")

        with gm.Engine(1) as engine, contextlib.redirect_stderr(Notebook()) as taken:
            for number in range(2):
                cell.set(number)
                run_rows(engine, lambda: print("line"), chunk_size=10)
        lines = taken.getvalue().splitlines()
        assert lines == [f"{number}: gristmill: worker 0: line" for number in range(2)]


PRINTING = """
#include <cstdio>
#include <unistd.h>
#include <gristmill/kernel.hpp>
namespace gk = gristmill::kernel;

static const ssize_t loaded = write(STDOUT_FILENO, "loaded\\n", 7);

constexpr auto kShout =
    gk::define("shout", "the rows, and a line for each chunk")
        .inputs(gk::input<double>("values", "N x any shape"))
        .outputs(gk::output_like<double>("same", "as values", "values"))
        .map([](const gk::Request& job, const gk::Chunk& chunk) {
          const auto values = chunk.rows<double>(job.input("values"));
          const auto same = chunk.output<double>("same");
          for (std::size_t i = 0; i < same.size(); ++i) same[i] = values[i];
          std::fprintf(stderr, "chunk of %zu\\n", same.size());
        });
GRISTMILL_KERNELS(gk::Defined<kShout>)
"""


def test_kernels_have_lines_and_so_has_the_worker_that_plans(tmp_path):
    need(CXX)
    (tmp_path / "shout.cc").write_text(PRINTING)
    flags = ["-std=c++20", "-fPIC", "-shared", "-fvisibility=hidden", "-I", gm.get_include()]
    build(CXX, *flags, "shout.cc", "-o", "shout.so", folder=tmp_path)
    lines = []
    with gm.Engine(
        1, plugins=[tmp_path / "shout.so"], worker_output=lambda *line: lines.append(line)
    ) as engine:
        engine.run("shout", ROWS, chunk_size=5)
        assert [line for line in lines if line[0] == 0] == [
            (0, "loaded"),
            (0, "chunk of 5"),
            (0, "chunk of 5"),
        ]
        wait_until(lambda: (-1, "loaded") in lines)


class Broken(io.StringIO):
    def write(self, text):
        raise OSError("nobody reads")


class TestWithoutStderr:
    @pytest.mark.parametrize("stream", ["none", "closed", "broken"])
    def test_lines_go_to_the_descriptor(self, start, capfd, monkeypatch, stream):
        closed = io.StringIO()
        closed.close()
        workers, run = start()
        with workers:
            with monkeypatch.context() as patch:
                stderr = {"none": None, "closed": closed, "broken": Broken()}[stream]
                patch.setattr(sys, "stderr", stderr)
                run(workers, lambda: print("still there"))
            assert capfd.readouterr().err == "gristmill: worker 0: still there\n"
            with contextlib.redirect_stderr(io.StringIO()) as taken:
                run(workers, lambda: print("back"))
            assert texts(taken.getvalue()) == ["back"]

    def test_without_a_descriptor_they_go_nowhere(self, start, capfd, monkeypatch):
        workers, run = start()
        with workers:
            with monkeypatch.context() as patch:
                patch.setattr(sys, "stderr", None)
                patch.setattr(sys, "__stderr__", None)
                run(workers, lambda: print("nobody"))
            assert capfd.readouterr().err == ""


class TestAtTheEndOfTheProgram:
    JOB = (
        "import atexit, os, sys, time, gristmill as gm, numpy as np\n"
        "def run(engine, text='ran', **words):\n"
        "    engine.map_chunks(\n"
        "        lambda rows: print(text) or rows, np.arange(1.0), dtype='f8', **words)\n"
    )

    @pytest.mark.parametrize(
        "program",
        [
            "run(gm.Engine(1))",
            "engine = gm.Engine(1); run(engine); sys.exit(0)",
            "engine = gm.Engine(1); atexit.register(run, engine)",
            "atexit.register(lambda: run(gm.Engine(1)))",
            "gm.Executor(1).submit(print, 'ran')",
            "executor = gm.Executor(1); executor.submit(print, 'ran').result(); sys.kept = executor",
            # After the engines are closed: the package registers its own function later.
            "",
        ],
    )
    def test_lines_arrive(self, program):
        before = "import atexit\natexit.register(lambda: last())\nlast = lambda: None\n"
        if not program:
            program = "last = lambda: run(gm.Engine(1))"
        done = run_script(before + self.JOB + program)
        assert (done.returncode, done.stderr) == (0, "gristmill: worker 0: ran\n")

    def test_a_worker_in_full_flood_does_not_keep_the_program(self):
        done = run_script(
            self.JOB + "engine = gm.Engine(1)\n"
            "def flood(rows):\n"
            "    while True: print('flood')\n"
            "engine.map_chunks(flood, np.arange(1.0), dtype='f8', wait=False)\n"
            "time.sleep(0.3)\n"
        )
        assert done.returncode == 0
        assert set(texts(done.stderr)) <= {"flood", "f", "fl", "flo", "floo", ""}

    def test_a_taker_that_never_returns_does_not_keep_the_program(self):
        done = run_script(
            self.JOB + "import threading\n"
            "engine = gm.Engine(1, worker_output=lambda *line: threading.Event().wait())\n"
            "run(engine); run(engine)\n"
            "print('results', flush=True)\n"
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "results\n", "")

    def test_a_forked_child_has_no_part_in_it(self):
        done = run_script(
            self.JOB + "engine = gm.Engine(1)\n"
            "run(engine, 'first')\n"
            "if (pid := os.fork()) == 0:\n"
            "    run(gm.Engine(1), 'child')\n"
            "    sys.exit(0)\n"
            "assert os.waitpid(pid, 0)[1] == 0\n"
            "run(engine, 'last')\n"
        )
        assert (done.returncode, texts(done.stderr)) == (0, ["first", "child", "last"])


class TestToACallable:
    def test_it_gets_worker_and_line(self, start):
        lines = []
        workers, run = start(worker_output=lambda worker, line: lines.append((worker, line)))
        with workers, contextlib.redirect_stderr(io.StringIO()) as taken:
            run(workers, lambda: print("one\ntwo"))
            assert lines == [(0, "one"), (0, "two")]
        assert taken.getvalue() == ""

    def test_what_it_raises_is_said_once(self, start, monkeypatch):
        said = []
        monkeypatch.setattr(threading, "excepthook", said.append)
        lines = []

        def take(worker, line):
            lines.append(line)
            raise ValueError(line)

        workers, run = start(worker_output=take)
        with workers:
            run(workers, lambda: print("one\ntwo"))
            run(workers, lambda: print("three"))
            assert lines == ["one", "two", "three"]
        assert [(hook.exc_type, str(hook.exc_value)) for hook in said] == [(ValueError, "one")]

    def test_a_hook_that_raises_sends_lines_to_the_descriptor(self, start, monkeypatch, capfd):
        def hook(_):
            raise SystemExit

        def take(worker, line):
            raise ValueError

        workers, run = start(worker_output=take)
        with workers:
            with monkeypatch.context() as patch:
                patch.setattr(threading, "excepthook", hook)
                run(workers, lambda: print("one"))
                wait_until(
                    lambda: (
                        "gristmill-output"
                        not in map(operator.attrgetter("name"), threading.enumerate())
                    )
                )
            run(workers, lambda: print("two"))
            wait_until(lambda: "two" in capfd.readouterr().err)

    def test_it_may_use_the_workers(self):
        lines = []

        def take(worker, line):
            if line == "ask":
                line = executor.submit(lambda: print("answered") or "answer").result(60)
            lines.append(line)

        with gm.Executor(1, worker_output=take) as executor:
            executor.submit(print, "ask").result(60)
        assert lines == ["answer", "answered"]

    def test_it_may_close_the_engine(self):
        engine = gm.Engine(1, worker_output=lambda worker, line: engine.close())
        with contextlib.suppress(gm.Error):
            run_rows(engine, lambda: print("close"))
        with pytest.raises(gm.InvalidError, match="closed"):
            run_rows(engine, lambda: None)

    def test_a_timeout_is_no_time_to_take_lines(self):
        taking, taken = threading.Event(), threading.Event()

        def take(worker, line):
            taking.set()
            taken.wait()

        with gm.Engine(1, worker_output=take) as engine:
            job = engine.map_chunks(
                lambda part: print("line") or part, ROWS, dtype="f8", chunk_size=10, wait=False
            )
            taking.wait()
            wait_until(job.done)
            assert np.array_equal(job.result(timeout=0), ROWS)
            assert not engine._output._is_late, "it did not wait"
            taken.set()

    def test_who_takes_slowly_loses_nothing(self, start):
        count = 0

        def take(worker, line):
            nonlocal count
            time.sleep(0.01)
            count += 1

        workers, run = start(worker_output=take)
        with workers:
            run(workers, lambda: print(*range(200), sep="\n"))
        assert count == 200

    def test_workers_in_a_reference_cycle_take_its_thread_along(self, start):
        lines = []
        before = set(threading.enumerate())
        workers, run = start(worker_output=lambda *line: lines.append(line))
        run(workers, lambda: print("line"))
        assert lines == [(0, "line")]
        workers.itself = workers
        del workers
        gc.collect()
        wait_until(lambda: set(threading.enumerate()) <= before)

    def test_it_must_be_callable(self, start):
        with pytest.raises(TypeError, match="worker_output is 3"):
            start(worker_output=3)
