"""gristmill.Executor: single calls in worker processes."""

import concurrent.futures
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures.process import BrokenProcessPool

import gristmill as gm
import numpy as np
import pytest


@pytest.fixture(scope="module")
def executor():
    with gm.Executor(2) as executor:
        yield executor


class Point:
    """Lives in a module that workers cannot import."""

    def __init__(self, x):
        self.x = x


def run_script(text, timeout=30):
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=timeout, check=False
    )


class TestCalls:
    def test_a_call_returns_what_the_function_returns(self, executor):
        assert executor.submit(pow, 2, 10).result() == 1024
        assert executor.submit(pow, 2, exp=3).result() == 8

    def test_calls_run_in_other_processes(self, executor):
        assert executor.submit(os.getpid).result() != os.getpid()

    def test_lambdas_and_closures_are_sent_by_value(self, executor):
        offset = 5
        assert executor.submit(lambda x: x + offset, 1).result() == 6

    def test_a_closure_is_sent_as_it_is_at_each_call(self, executor):
        value = 1
        function = lambda: value  # noqa: E731
        assert executor.submit(function).result() == 1
        value = 2
        assert executor.submit(function).result() == 2

    def test_instances_of_classes_in_main_come_back_as_such(self):
        done = run_script(
            "import gristmill as gm\n"
            "class Point:\n"
            "    def __init__(self, x): self.x = x\n"
            "def move(point): return Point(point.x + 1)\n"
            "with gm.Executor(1) as executor:\n"
            "    moved = executor.submit(move, Point(1)).result()\n"
            "print(type(moved) is Point, moved.x)\n"
        )
        assert (done.stdout, done.stderr) == ("True 2\n", "")

    def test_large_pickles_go_through_memory(self, executor):
        text = "x" * 5_000_000
        assert executor.submit(lambda text: text + "y", text).result() == text + "y"

    def test_many_calls_end_in_any_order_of_waiting(self, executor):
        futures = [executor.submit(abs, -i) for i in range(3000)]
        assert [future.result() for future in reversed(futures)] == list(reversed(range(3000)))

    def test_calls_from_several_threads(self, executor):
        results = []

        def work(start):
            results.extend(executor.submit(abs, -i).result() for i in range(start, start + 100))

        threads = [threading.Thread(target=work, args=(100 * i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == list(range(800))

    def test_calls_behind_a_long_one_go_to_another_worker(self, executor):
        for _ in range(200):  # so that workers are given many at a time
            executor.submit(abs, 1)
        executor.submit(abs, 1).result()
        start = time.monotonic()
        futures = [executor.submit(time.sleep, 1.5)]
        futures += [executor.submit(abs, 1) for _ in range(100)]
        for future in futures[1:]:
            future.result()
        assert time.monotonic() - start < 1
        futures[0].result()


class TestArrays:
    @pytest.mark.parametrize("size", [10, 1000, 100_000, 3_000_000])
    def test_arrays_arrive_whole(self, executor, size):
        array = np.arange(size, dtype=np.float64)
        assert np.array_equal(executor.submit(np.negative, array).result(), -array)

    def test_arrays_at_any_depth(self, executor):
        data = {"a": [np.arange(10_000), (np.ones(5_000), "text")], "b": np.zeros((300, 30))}
        back = executor.submit(lambda data: data, data).result()
        assert np.array_equal(back["a"][0], data["a"][0])
        assert np.array_equal(back["a"][1][0], data["a"][1][0])
        assert back["a"][1][1] == "text"
        assert back["b"].shape == (300, 30)

    def test_workers_may_write_to_their_arguments(self, executor):
        array = np.zeros(100_000)

        def fill(array):
            array[:] = 7
            return array.sum()

        assert executor.submit(fill, array).result() == 700_000
        assert not array.any()

    def test_results_are_writable(self, executor):
        result = executor.submit(np.ones, 1_000_000).result()
        result[0] = 5
        assert result.sum() == 1_000_004

    def test_datasets_are_not_copied(self, executor):
        def maps(address_bytes):
            array = address_bytes
            address = array.__array_interface__["data"][0]
            with open("/proc/self/maps") as file:
                for line in file:
                    begin, end = (int(bound, 16) for bound in line.split()[0].split("-"))
                    if begin <= address < end:
                        return line.split()[1], line.split()[4], array.flags.writeable
            return None

        with gm.Engine(1) as engine:
            dataset = engine.share(np.arange(1_000_000))
            inode = {line.split()[4] for line in open("/proc/self/maps") if "memfd" in line}
            rights, of, writable = executor.submit(maps, dataset).result()
            assert rights == "r--s"
            assert of in inode
            assert not writable
            part = executor.submit(lambda part: int(part.sum()), dataset[10:2000]).result()
            assert part == sum(range(10, 2000))

    def test_results_go_into_the_next_call_without_a_copy(self, executor):
        first = executor.submit(np.ones, 1_000_000).result()

        def inode_and_sum(array):
            address = array.__array_interface__["data"][0]
            for line in open("/proc/self/maps"):
                begin, end = (int(bound, 16) for bound in line.split()[0].split("-"))
                if begin <= address < end:
                    array[0] = 9
                    return line.split()[4], line.split()[1], array.sum()

        address = first.__array_interface__["data"][0]
        of = None
        for line in open("/proc/self/maps"):
            begin, end = (int(bound, 16) for bound in line.split()[0].split("-"))
            if begin <= address < end:
                of = line.split()[4]
        inode, rights, total = executor.submit(inode_and_sum, first).result()
        assert inode == of
        assert rights == "rw-p"
        assert total == 1_000_008
        assert first[0] == 1

    def test_memmaps_are_not_copied(self, executor, tmp_path):
        path = tmp_path / "a.bin"
        np.arange(100_000).tofile(path)
        mapped = np.memmap(path, dtype=np.int64, mode="r")

        def mapped_file(array):
            address = array.__array_interface__["data"][0]
            for line in open("/proc/self/maps"):
                begin, end = (int(bound, 16) for bound in line.split()[0].split("-"))
                if begin <= address < end:
                    return line.split()[-1], int(array[-1])

        assert executor.submit(mapped_file, mapped).result() == (str(path), 99_999)

    def test_fortran_order_and_strides(self, executor):
        array = np.asfortranarray(np.arange(60_000.0).reshape(200, 300))
        assert np.array_equal(executor.submit(lambda a: a, array).result(), array)
        assert np.array_equal(
            executor.submit(lambda a: a, array[::2, ::3]).result(), array[::2, ::3]
        )

    def test_arrays_kept_by_a_worker_stay_as_they_are(self):
        def keep(array):
            import builtins

            builtins.kept = array
            return os.getpid()

        def kept_sum(_):
            import builtins

            return float(builtins.kept.sum())

        with gm.Executor(1) as executor:
            executor.submit(keep, np.ones(1_000_000)).result()
            for i in range(5):
                assert executor.submit(kept_sum, np.full(1_000_000, i)).result() == 1_000_000

    def test_results_live_on_after_shutdown(self):
        with gm.Executor(1) as executor:
            results = [executor.submit(np.full, 500_000, i).result() for i in range(4)]
        for i, result in enumerate(results):
            assert (result == i).all()


class TestFailures:
    def test_exceptions_keep_type_arguments_and_traceback(self, executor):
        def fail():
            raise KeyError("which", 3)

        with pytest.raises(KeyError) as caught:
            executor.submit(fail).result()
        assert caught.value.args == ("which", 3)
        assert isinstance(caught.value.__cause__, gm.RemoteTraceback)
        assert "in fail" in str(caught.value.__cause__)

    def test_exceptions_that_cannot_be_pickled(self, executor):
        def fail():
            class Odd(Exception):
                def __reduce__(self):
                    raise TypeError("no")

            raise Odd("text")

        with pytest.raises(gm.FailedError, match="Odd: text"):
            executor.submit(fail).result()

    def test_exceptions_that_cannot_be_unpickled(self, executor):
        def fail():
            class Odd(Exception):
                def __init__(self, a, b):
                    super().__init__("text")

            raise Odd(1, 2)

        with pytest.raises(gm.FailedError, match="Odd: text"):
            executor.submit(fail).result()

    def test_exceptions_whose_text_raises(self, executor):
        def fail():
            class Odd(Exception):
                def __str__(self):
                    raise ValueError("no text")

            raise Odd

        assert type(executor.submit(fail).exception()).__name__ == "Odd"
        assert executor.submit(abs, -1).result() == 1

    @pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt", "MemoryError"])
    def test_exceptions_that_end_programs_are_errors_of_the_call(self, executor, kind):
        def fail():
            raise getattr(__import__("builtins"), kind)("why")

        pids = set(executor.worker_pids())
        with pytest.raises(getattr(__import__("builtins"), kind)):
            executor.submit(fail).result()
        # Those that had just started may not have been known.
        assert pids <= set(executor.worker_pids())

    def test_recursion(self, executor):
        def fail():
            return fail()

        with pytest.raises(RecursionError):
            executor.submit(fail).result()

    def test_results_that_cannot_be_pickled(self, executor):
        with pytest.raises(pickle.PicklingError):
            executor.submit(threading.Lock).result()

    def test_arguments_that_cannot_be_pickled(self, executor):
        with pytest.raises(pickle.PicklingError):
            executor.submit(abs, threading.Lock()).result()
        assert executor.submit(abs, -1).result() == 1

    @pytest.mark.parametrize(
        ("end", "said"),
        [
            (lambda: os._exit(3), "exit code 3"),
            (lambda: os._exit(0), "exit code 0"),
            (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
            (lambda: os.abort(), "SIGABRT"),
        ],
    )
    def test_a_dead_worker_fails_its_call_and_no_other(self, end, said):
        with gm.Executor(2) as executor:
            good = [executor.submit(abs, -i) for i in range(50)]
            bad = executor.submit(end)
            more = [executor.submit(abs, -i) for i in range(50)]
            with pytest.raises(BrokenProcessPool, match=said) as caught:
                bad.result()
            assert isinstance(caught.value, gm.WorkerDiedError)
            assert caught.value.pid > 0
            assert [future.result() for future in good + more] == 2 * list(range(50))

    def test_a_death_certificate_has_the_last_lines(self):
        def end():
            print("almost there", flush=True)
            os._exit(7)

        with gm.Executor(1) as executor:
            with pytest.raises(gm.WorkerDiedError) as caught:
                executor.submit(end).result()
        error = caught.value
        assert (error.signal, error.exit_code) == (0, 7)
        assert error.last_lines == ["almost there"]
        assert error.peak_memory_bytes > 0
        assert "almost there" in str(error)
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == str(error)
        assert again.exit_code == 7

    def test_a_call_is_run_again_if_asked(self, tmp_path):
        mark = tmp_path / "mark"

        def die_once():
            if not mark.exists():
                mark.touch()
                os._exit(1)
            return "done"

        with gm.Executor(1, retries=1) as executor:
            assert executor.submit(die_once).result() == "done"
            with pytest.raises(gm.WorkerDiedError):
                executor.submit(os._exit, 1).result()

    def test_idle_workers_that_are_killed_are_replaced(self):
        with gm.Executor(2) as executor:
            executor.submit(abs, 1).result()
            for _ in range(5):
                for pid in executor.worker_pids():
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                assert executor.submit(abs, -3).result(20) == 3

    def test_a_storm_of_kills_loses_no_call(self):
        def work(i):
            time.sleep(0.005)
            return i

        stop = threading.Event()
        with gm.Executor(2, retries=1000) as executor:
            executor.submit(abs, 1).result()

            def kill():
                while not stop.wait(0.3):
                    for pid in executor.worker_pids()[:1]:
                        try:
                            os.kill(pid, signal.SIGKILL)
                        except ProcessLookupError:
                            pass

            thread = threading.Thread(target=kill)
            thread.start()
            try:
                futures = [executor.submit(work, i) for i in range(500)]
                assert [future.result(60) for future in futures] == list(range(500))
            finally:
                stop.set()
                thread.join()

    def test_a_call_that_cannot_be_unpickled_in_the_worker(self, executor):
        class Odd:
            def __reduce__(self):
                return (os.path.join, (1, 2))

        with pytest.raises(BrokenProcessPool, match="could not unpickle"):
            executor.submit(abs, Odd()).result()

    def test_a_fork_cannot_use_it(self):
        done = run_script(
            "import gristmill as gm, os, time, warnings\n"
            "warnings.simplefilter('ignore')\n"  # Python's own, of threads and fork()
            "executor = gm.Executor(1)\n"
            "assert executor.submit(abs, -1).result() == 1\n"
            "waiting = [executor.submit(time.sleep, 0.1) for _ in range(9)]\n"
            "workers = executor.worker_pids()\n"
            "with executor._queue.lock:\n"  # as any thread may when another one forks
            "    pid = os.fork()\n"
            "    if pid == 0:\n"
            "        try:\n"
            "            executor.submit(abs, -1)\n"
            "        except RuntimeError as error:\n"
            "            print('forked from' in str(error), flush=True)\n"
            "        executor.shutdown(cancel_futures=True)\n"
            "        executor.kill_workers()\n"
            "        os._exit(0)\n"
            "os.waitpid(pid, 0)\n"
            "print([future.result() for future in waiting] == [None] * 9)\n"
            "print(executor.worker_pids() == workers)\n"
        )
        assert (done.stdout, done.stderr) == ("True\nTrue\nTrue\n", "")


class TestLife:
    def test_cancelled_futures_are_not_run(self):
        with gm.Executor(1) as executor:
            executor.submit(time.sleep, 0.3)
            futures = [executor.submit(abs, i) for i in range(10)]
            assert any(future.cancel() for future in futures)

    def test_shutdown_cancels_if_asked(self):
        executor = gm.Executor(1)
        futures = [executor.submit(time.sleep, 0.2) for _ in range(20)]
        executor.shutdown(cancel_futures=True)
        assert sum(future.cancelled() for future in futures) >= 15
        assert all(future.done() for future in futures)

    def test_nothing_is_taken_after_shutdown(self):
        executor = gm.Executor(1)
        executor.shutdown()
        executor.shutdown()
        with pytest.raises(RuntimeError, match="cannot schedule new futures"):
            executor.submit(abs, 1)

    def test_a_first_call_meets_a_shutdown(self):
        for delay in range(20):
            executor = gm.Executor(1)
            outcomes = []

            def submit(executor=executor, outcomes=outcomes):
                try:
                    outcomes.append(executor.submit(abs, -1).result(60))
                except RuntimeError as error:
                    outcomes.append(str(error))

            thread = threading.Thread(target=submit)
            thread.start()
            time.sleep(delay * 1e-5)
            executor.shutdown()
            thread.join(60)
            assert outcomes in ([1], ["cannot schedule new futures after shutdown"])

    def test_shutdown_without_waiting_finishes_the_calls(self):
        executor = gm.Executor(1)
        future = executor.submit(lambda: time.sleep(0.2) or 5)
        executor.shutdown(wait=False)
        assert future.result() == 5

    def test_dropping_it_ends_its_workers(self):
        executor = gm.Executor(1)
        pid = executor.submit(os.getpid).result()
        del executor
        deadline = time.monotonic() + 5
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not os.path.exists(f"/proc/{pid}")

    def test_the_end_of_the_program_waits_for_the_calls(self):
        done = run_script(
            "import gristmill as gm, time\n"
            "executor = gm.Executor(1)\n"
            "executor.submit(lambda: time.sleep(0.3) or print('ran', flush=True))\n"
        )
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "gristmill: worker 0: ran\n"

    def test_initializer(self):
        def prepare(value):
            import builtins

            builtins.prepared = value

        def prepared():
            import builtins

            return float(np.sum(builtins.prepared))

        with gm.Executor(2, initializer=prepare, initargs=(np.ones(100_000),)) as executor:
            assert {executor.submit(prepared).result() for _ in range(10)} == {100_000.0}
            with pytest.raises(gm.WorkerDiedError):
                executor.submit(os._exit, 1).result()
            assert executor.submit(prepared).result() == 100_000.0

    def test_a_failing_initializer_breaks_it(self, capfd):
        def fail():
            raise ValueError("not today")

        executor = gm.Executor(2, initializer=fail)
        future = executor.submit(abs, 1)
        with pytest.raises(BrokenProcessPool, match="not today"):
            future.result(30)
        with pytest.raises(BrokenProcessPool, match="not today"):
            executor.submit(abs, 1)
        executor.shutdown()

    def test_workers_are_replaced_after_so_many_calls(self):
        with gm.Executor(1, max_tasks_per_child=3) as executor:
            pids = [executor.submit(os.getpid).result() for _ in range(9)]
        assert [len(set(pids[i : i + 3])) for i in (0, 3, 6)] == [1, 1, 1]
        assert len(set(pids)) == 3

    def test_without_a_zygote(self):
        with gm.Executor(1, zygote=False) as executor:
            assert executor.submit(abs, -1).result() == 1

    @pytest.mark.parametrize("workers", [0, -1])
    def test_there_must_be_workers(self, workers):
        with pytest.raises(ValueError, match="max_workers must be greater than 0"):
            gm.Executor(workers)


class TestMap:
    def test_results_are_in_order(self, executor):
        assert list(executor.map(pow, range(1000), range(1000, 2000))) == list(
            map(pow, range(1000), range(1000, 2000))
        )

    def test_a_hundred_thousand_items(self, executor):
        assert sum(executor.map(abs, range(100_000))) == sum(range(100_000))

    def test_results_before_an_exception_are_given(self, executor):
        def invert(x):
            return 1 / (5000 - x)

        results = executor.map(invert, range(10_000))
        got = []
        with pytest.raises(ZeroDivisionError):
            for value in results:
                got.append(value)
        assert len(got) == 5000

    def test_it_runs_without_being_asked(self, executor, tmp_path):
        executor.map(lambda i: (tmp_path / str(i)).touch(), range(100))
        deadline = time.monotonic() + 10
        while len(list(tmp_path.iterdir())) < 100 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(list(tmp_path.iterdir())) == 100

    @pytest.mark.parametrize("chunksize", [1, 7, 1000])
    def test_chunksize(self, executor, chunksize):
        assert list(executor.map(str, range(100), chunksize=chunksize)) == list(
            map(str, range(100))
        )

    def test_buffersize_limits_what_is_begun(self, executor):
        taken = []

        def source():
            for i in range(100):
                taken.append(i)
                yield i

        results = executor.map(abs, source(), buffersize=3)
        assert len(taken) == 3
        assert next(results) == 0
        assert len(taken) == 4
        assert list(results) == list(range(1, 100))

    def test_timeout(self, executor):
        with pytest.raises(concurrent.futures.TimeoutError):
            list(executor.map(time.sleep, [0, 1.0], timeout=0.2))

    def test_arrays(self, executor):
        arrays = [np.full(50_000, i) for i in range(20)]
        assert list(executor.map(np.max, arrays)) == list(range(20))

    def test_no_items(self, executor):
        assert list(executor.map(abs, [])) == []

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ({"chunksize": 0}, ValueError),
            ({"buffersize": 0}, ValueError),
            ({"buffersize": "a"}, TypeError),
        ],
    )
    def test_wrong_sizes(self, executor, words, error):
        with pytest.raises(error):
            executor.map(abs, [1], **words)


class TestMain:
    """What a program does with the names of its own."""

    def run(self, text, **more):
        done = run_script("import os, signal, sys, time\nimport gristmill as gm\n" + text, **more)
        assert done.stderr == ""
        return done.stdout

    def test_an_initializer_sets_globals_for_calls(self):
        said = self.run(
            "def start(a):\n"
            "    global G, H\n"
            "    G = H = a\n"
            "H = None\n"
            "def use(i): return G + i, H\n"
            "with gm.Executor(1, initializer=start, initargs=(5,)) as executor:\n"
            "    print(list(executor.map(use, [1, 2])), executor.submit(use, 3).result())\n"
        )
        assert said == "[(6, 5), (7, 5)] (8, 5)\n"

    def test_globals_stay_in_a_worker_until_the_program_changes_them(self):
        said = self.run(
            "N = 0\n"
            "def count():\n"
            "    global N\n"
            "    N += 1\n"
            "    return N\n"
            "with gm.Executor(1) as executor:\n"
            "    print([executor.submit(count).result() for _ in range(3)], N)\n"
            "    N = 10\n"
            "    print(executor.submit(count).result(), N)\n"
        )
        assert said == "[1, 2, 3] 0\n11 10\n"

    def test_functions_that_come_back_have_the_globals_that_they_need(self):
        said = self.run(
            "K = 2\n"
            "def double(x): return K * x\n"
            "def get(): return double\n"
            "with gm.Executor(1) as executor:\n"
            "    print(executor.submit(get).result()(21))\n"
        )
        assert said == "42\n"

    @pytest.mark.parametrize("with_block", [True, False])
    def test_ctrl_c_ends_calls_that_would_not_end(self, with_block):
        done = run_script(
            "import gristmill as gm, os, signal, threading\n"
            "def spin():\n"
            "    while True: pass\n"
            "executor = gm.Executor(2)\n"
            "executor.submit(abs, 1).result()\n"
            "threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()\n"
            + (
                "with executor: executor.submit(spin).result()\n"
                if with_block
                else "executor.submit(spin).result()\n"
            )
        )
        assert done.returncode == -signal.SIGINT
        assert done.stderr.rstrip().endswith("KeyboardInterrupt")

    def test_ctrl_c_while_the_end_of_the_program_waits(self):
        done = run_script(
            "import gristmill as gm, os, signal, threading, time\n"
            "executor = gm.Executor(2)\n"
            "executor.submit(abs, 1).result()\n"
            "executor.submit(time.sleep, 300)\n"
            "timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])\n"
            "timer.daemon = True\n"
            "timer.start()\n"
        )
        assert "terminate" not in done.stderr


class TestBadUse:
    def test_a_forked_child_that_comes_back_ends(self, capfd):
        def fork():
            return "child" if os.fork() == 0 else "parent"

        with gm.Executor(1) as executor:
            for i in range(5):
                assert executor.submit(fork).result() == "parent"
                assert executor.submit(pow, 2, i).result() == 2**i
        assert "the new process came back" in capfd.readouterr().err

    def test_a_stopped_worker_is_killed_after_a_while(self):
        with gm.Executor(1, stopped_timeout=0.3) as executor:
            os.kill(executor.submit(os.getpid).result(), signal.SIGSTOP)
            futures = [executor.submit(pow, 2, i) for i in range(4)]
            failures = [future.exception(30) for future in futures]
        assert sum(failure is not None for failure in failures) <= 1
        for failure in filter(None, failures):
            assert "it was stopped for more than 0.3 s" in str(failure)

    def test_an_exception_whose_type_is_lost_says_why(self, executor):
        def large():
            raise ValueError("x" * 1_000_000)

        def odd():
            class OddError(Exception):
                def __init__(self, a, b):
                    super().__init__(a)

            raise OddError(1, 2)

        with pytest.raises(gm.FailedError, match="its pickle has 1000"):
            executor.submit(large).result()
        with pytest.raises(gm.FailedError, match="OddError: 1.*cannot be unpickled"):
            executor.submit(odd).result()

    def test_results_beyond_the_descriptors_say_so(self):
        done = run_script(
            "import gristmill as gm, numpy as np, resource\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))\n"
            "with gm.Executor(1) as executor:\n"
            "    try:\n"
            "        kept = [executor.submit(np.ones, 70000).result() for i in range(300)]\n"
            "    except MemoryError as error:\n"
            "        print('ulimit -n' in str(error))\n"
            "    kept = None\n"
            "    print(executor.submit(np.ones, 70000).result().sum())\n"
        )
        assert (done.stdout, done.stderr) == ("True\n70000.0\n", "")

    @pytest.mark.parametrize(
        ("words", "error", "said"),
        [
            ({"max_workers": "2"}, TypeError, "max_workers is '2'"),
            ({"max_workers": 2.5}, TypeError, "max_workers is 2.5"),
            ({"max_workers": 10**6}, ValueError, "4096 are possible"),
            ({"retries": -1}, ValueError, "retries must be at least 0"),
            ({"retries": "a"}, TypeError, "retries is 'a'"),
            ({"stopped_timeout": 0}, ValueError, "stopped_timeout must be a number of seconds"),
            ({"preload": ["no_such_module"]}, ValueError, 'no module "no_such_module"'),
            ({"preload": [1]}, ValueError, "no name of a module"),
            ({"initializer": print, "initargs": (threading.Lock(),)}, pickle.PicklingError, "lock"),
        ],
    )
    def test_words_that_are_none(self, words, error, said):
        with pytest.raises(error, match=said):
            gm.Executor(**words)

    def test_preload_takes_one_name(self):
        with gm.Executor(1, preload="json") as executor:
            assert executor.submit(lambda: "json" in __import__("sys").modules).result()

    def test_chunksize_is_a_whole_number(self, executor):
        with pytest.raises(TypeError, match="chunksize is 'a'"):
            executor.map(abs, [1], chunksize="a")

    def test_an_executor_cannot_be_sent(self, executor):
        with pytest.raises(pickle.PicklingError, match="make one there"):
            executor.submit(print, executor).result()
