"""Python functions on chunks of rows, in worker processes."""

import os
import signal
import threading
import time

import gristmill as gm
import numpy as np
import pytest

ROWS = np.random.default_rng(1).normal(size=(5000, 3))


@pytest.fixture(scope="module", params=[True, False], ids=["zygote", "programs"])
def engine(request):
    with gm.Engine(workers=2, zygote=request.param) as made:
        yield made


def test_the_first_chunk_says_what_the_result_is(engine):
    result = engine.map_chunks(lambda rows: rows.sum(axis=1), ROWS)
    assert result.dtype == np.float64 and np.array_equal(result, ROWS.sum(axis=1))


def test_each_row_is_computed_once(engine):
    seen = engine.flat_map_chunks(lambda rows: np.array([len(rows)]), ROWS, chunk_size=700)
    assert seen.tolist() == [700] * 7 + [100]


def test_a_function_can_fill_the_result_in_place(engine):
    def double(rows, out):
        np.multiply(rows, 2, out=out)

    result = engine.map_chunks(double, ROWS, into=True, dtype="f8", shape=(3,))
    assert np.array_equal(result, 2 * ROWS)


def test_a_chunk_that_differs_is_an_error_that_names_it(engine):
    def odd(rows):
        return rows[:, 0] if rows[0, 0] == ROWS[0, 0] else rows

    with pytest.raises(gm.FailedError, match="rows of shape"):
        engine.map_chunks(odd, ROWS, chunk_size=1000)


def test_a_result_can_be_a_file(engine, tmp_path):
    path = tmp_path / "out.npy"
    engine.map_chunks(lambda rows: rows[:, 0], ROWS, dtype="f8", out=path)
    assert np.array_equal(np.load(path), ROWS[:, 0])


@pytest.mark.parametrize("chunk_size", [1, 333, 5000])
def test_results_are_merged_in_the_order_of_the_rows(engine, chunk_size):
    merged = engine.reduce_chunks(
        lambda rows: [rows[0, 0]], lambda a, b: a + b, ROWS, chunk_size=chunk_size
    )
    assert merged == ROWS[::chunk_size, 0].tolist()


def test_no_rows_need_an_initial_result(engine):
    with pytest.raises(gm.InvalidError, match="no initial"):
        engine.reduce_chunks(len, max, ROWS[:0])
    assert engine.reduce_chunks(len, max, ROWS[:0], initial=0) == 0


def test_any_number_of_rows_comes_back_in_order(engine):
    result = engine.flat_map_chunks(lambda rows: rows[rows[:, 0] > 1], ROWS, chunk_size=100)
    assert np.array_equal(result, ROWS[ROWS[:, 0] > 1])


def test_an_exception_has_the_traceback_of_the_worker(engine):
    def divide(rows):
        return rows / (1 // 0)

    with pytest.raises(gm.FailedError, match="ZeroDivisionError") as failure:
        engine.map_chunks(divide, ROWS)
    assert "in divide" in str(failure.value.__cause__)
    assert "\n" in failure.value.__cause__.text


class _Unprintable(Exception):
    def __str__(self):
        raise ValueError("no text")


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, MemoryError, _Unprintable])
def test_whatever_is_raised_fails_the_job_and_not_the_engine(engine, raised):
    def fail(rows):
        raise raised()

    with pytest.raises(gm.FailedError, match=raised.__name__):
        engine.map_chunks(fail, ROWS)
    assert engine.map_chunks(len_of, ROWS, dtype="i8").sum() > 0


def len_of(rows):
    return np.full(len(rows), len(rows))


@pytest.mark.parametrize("end", [lambda: os._exit(0), os.abort, lambda: os.kill(os.getpid(), 9)])
def test_a_dead_worker_is_told_and_the_engine_goes_on(engine, end):
    def die(rows):
        end()

    with pytest.raises(gm.FailedError, match="worker"):
        engine.map_chunks(die, ROWS, dtype="f8", retries=1, chunk_size=2500)
    assert engine.map_chunks(len_of, ROWS, dtype="i8").sum() > 0


def test_a_killed_worker_costs_nothing_but_its_chunk(engine, tmp_path):
    flag = tmp_path / "killed"

    def once(rows):
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return rows[:, 0]
        os.kill(os.getpid(), signal.SIGKILL)

    result = engine.map_chunks(once, ROWS, dtype="f8")
    assert np.array_equal(result, ROWS[:, 0])


def test_what_kills_can_be_skipped(engine):
    def die_once(rows):
        if rows[0, 0] == ROWS[0, 0]:
            os._exit(1)
        return rows[:, 0]

    result = engine.map_chunks(
        die_once, ROWS, dtype="f8", chunk_size=1000, retries=0, on_error="skip"
    )
    assert np.isnan(result[:1000]).all() and np.array_equal(result[1000:], ROWS[1000:, 0])


def test_a_job_tells_its_progress_and_what_it_cost(engine):
    job = engine.map_chunks(len_of, ROWS, dtype="i8", wait=False)
    assert len(job.result(timeout=60)) == len(ROWS)
    assert job.progress()["items_done"] == len(ROWS)
    facts = job.insights()
    assert facts["outcome"] == "done" and sum(w["items"] for w in facts["workers"]) == len(ROWS)


def test_insights_tell_where_the_time_went(engine):
    def sleep(rows):
        time.sleep(0.2 if rows[0] == 0 else 0.02)
        return rows

    numbers = np.arange(20)
    job = engine.map_chunks(sleep, numbers, dtype="i8", chunk_size=1, wait=False)
    facts = job.insights()
    times = facts["chunk_seconds"]
    eighth = 1.125
    assert 0.02 / eighth <= times["median"] <= times["p90"] <= times["p99"] <= times["longest"]
    assert 0.2 / eighth <= times["longest"] <= facts["running_seconds"] * eighth
    for worker in facts["workers"]:
        assert 0 < worker["start_seconds"] < facts["seconds"]
        spent = worker["busy_seconds"] + worker["wait_seconds"]
        assert spent == pytest.approx(facts["running_seconds"], rel=0.01)
    assert sum(worker["busy_seconds"] for worker in facts["workers"]) >= 0.2 + 19 * 0.02


def test_workers_do_not_draw_the_same_random_numbers(engine):
    def draw(rows):
        return np.random.random(len(rows))

    drawn = engine.map_chunks(draw, np.arange(64), dtype="f8", chunk_size=1)
    assert len(np.unique(drawn)) == 64


def test_a_closed_engine_says_so():
    engine = gm.Engine(workers=1)
    engine.close()
    with pytest.raises(gm.InvalidError, match="closed"):
        engine.map_chunks(len_of, ROWS)


@pytest.mark.parametrize("chunk_size", [0, -3, 2.5, None, "abc"])
@pytest.mark.parametrize("dtype", [None, "f8"])
def test_chunk_sizes_that_are_none_are_refused(engine, chunk_size, dtype):
    with pytest.raises(gm.InvalidError, match="chunk size"):
        engine.map_chunks(lambda rows: rows[:, 0], ROWS, dtype=dtype, chunk_size=chunk_size)


def test_a_keyword_that_is_none_is_refused_with_the_nearest(engine):
    with pytest.raises(TypeError, match="retries"):
        engine.map_chunks(len_of, ROWS, retrys=5)
    with pytest.raises(gm.InvalidError, match="retries"):
        engine.map_chunks(len_of, ROWS, retries="many")
    with pytest.raises(gm.InvalidError, match="object"):
        engine.run("describe", ROWS, ddof=object())


def test_ctrl_c_cancels_the_job_and_the_engine_goes_on(engine):
    def slow(rows):
        time.sleep(0.05)
        return rows[:, 0]

    timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        engine.map_chunks(slow, ROWS, dtype="f8", chunk_size=1)
    timer.join()
    assert engine.map_chunks(len_of, ROWS, dtype="i8").sum() > 0


def test_a_zygote_with_threads_does_not_fork(tmp_path, monkeypatch):
    (tmp_path / "starts_a_thread.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=[1000], daemon=True).start()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with gm.Engine(workers=2, preload=["starts_a_thread"]) as engine:
        assert engine.map_chunks(len_of, ROWS, dtype="i8").sum() > 0


def test_a_closed_core_is_refused():
    core = gm.Engine(workers=1)._native_core()
    core.close()
    with pytest.raises(gm.InvalidError, match="closed"):
        core.kernels()
