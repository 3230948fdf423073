"""Arrays outlive their engine, in any order; programs end without a word and leave nothing."""

import contextlib
import gc
import pathlib
import random
import subprocess
import sys
import threading
import time

import gristmill as gm
import numpy as np
import pytest

ROWS = np.arange(2000.0).reshape(-1, 2)


def made_by(engine, path):
    """One array of each way to get one, with what it holds."""
    new = engine.empty(ROWS.shape)
    new[...] = ROWS
    shared = engine.share(ROWS)
    parts = engine.flat_map_chunks(lambda rows: rows, ROWS, chunk_size=300, parts=True)
    return [
        (shared, ROWS),
        (shared[10:20], ROWS[10:20]),
        (new.seal(), ROWS),
        (engine.open(path), ROWS),
        (engine.map_chunks(np.negative, shared, dtype="f8", shape=(2,)), -ROWS),
        (engine.run("copy", shared)["copy"], ROWS),
        *zip(parts, np.split(ROWS, np.cumsum([len(part) for part in parts])[:-1])),
    ]


@pytest.mark.parametrize("seed", range(6))
def test_arrays_end_in_any_order_before_and_after_their_engine(seed, tmp_path):
    order = random.Random(seed)
    np.save(tmp_path / "rows.npy", ROWS)
    engine = gm.Engine(workers=2)
    held = made_by(engine, tmp_path / "rows.npy")
    order.shuffle(held)
    close_at = order.randrange(len(held))
    while held:
        if len(held) == close_at + 1:
            engine.close()
            engine = None
        array, expected = held.pop()
        assert np.array_equal(array, expected)
        view = array[1:]
        del array
        gc.collect()
        assert np.array_equal(view, expected[1:])


def test_an_engine_is_closed_while_another_thread_starts_it():
    for _ in range(10):
        engine = gm.Engine(workers=1)

        def use(engine=engine):
            with contextlib.suppress(gm.InvalidError, gm.CancelledError):
                engine.map_chunks(np.negative, ROWS, dtype="f8", shape=(2,))

        thread = threading.Thread(target=use)
        thread.start()
        engine.close()
        thread.join()
        assert engine._native is None and engine._functions is None


BEGIN = """
import numpy as np, gristmill as gm
engine = gm.Engine(workers=2)
rows = engine.share(np.arange(1000.0))
result = engine.map_chunks(np.negative, rows, dtype="f8")
mean = engine.run("describe", result)["mean"]
"""
ENDINGS = {
    "all is held": "",
    "closed": "engine.close()",
    "the engine goes first": "del engine",
    "in a cycle": "kept = [engine, rows, result]; kept.append(kept); del engine, rows, result",
    "held by a module": "import sys; sys.kept = (mean, result, rows, engine)",
    "used at exit": "import atexit; atexit.register(lambda: result.sum() + rows.sum())",
    "memory not sealed": "new = engine.empty(10); array = np.asarray(new)",
    "a job runs": (
        "import time\n"
        "job = engine.map_chunks(lambda part: time.sleep(9) or part, rows, dtype='f8', wait=False)"
    ),
    "a thread": (
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.3), result.sum()), daemon=True).start()"
    ),
    "sys.exit": "import sys; sys.exit(0)",
}


def processes_of(session):
    """The processes of a session, without those that wait to be reaped."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of, *_ = stat.read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue  # it has just ended
        if int(of) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_program_ends_in_silence_and_with_its_workers(ending, tmp_path):
    (tmp_path / "program.py").write_text(BEGIN + ending)
    program = subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "ignore", "program.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    out, err = program.communicate(timeout=60)
    assert (program.returncode, err, out) == (0, "", "")
    deadline = time.monotonic() + 20
    while (left := processes_of(program.pid)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left
