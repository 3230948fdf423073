"""Measures one contender once, in a process of its own; for compare.py.

usage: measure.py NAME MEASURE JSON-OF-SETTINGS

Prints a JSON object of figures as its last line.
"""

import json
import os
import pathlib
import signal
import statistics
import sys
import threading
import time

import functions
import numpy as np
from contenders import ALL

_SAMPLE_SECONDS = 0.02


def seconds_of(function, *args):
    begin = time.perf_counter()
    result = function(*args)
    return time.perf_counter() - begin, result


def process_tree():
    """This process and what it has started, directly or not."""
    children = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    tree = [os.getpid()]
    for pid in tree:
        tree += children.get(pid, [])
    return tree


def pss_bytes():
    """Of the process tree: shared pages count once."""
    total = 0
    for pid in process_tree():
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total << 10


def peak_pss_bytes(function, *args):
    """The largest sum of PSS while the function runs."""
    samples = [pss_bytes()]
    ended = threading.Event()

    def sample():
        while not ended.wait(_SAMPLE_SECONDS):
            samples.append(pss_bytes())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        result = function(*args)
        samples.append(pss_bytes())
    finally:
        ended.set()
        thread.join()
    del result
    return max(samples)


def measure_calls(contender, settings):
    count = settings["calls"]
    begin = time.perf_counter()
    contender.open(settings["workers"])
    contender.burst(functions.nothing, settings["workers"])
    ready = time.perf_counter() - begin
    contender.burst(functions.nothing, count // 4)
    burst, _ = seconds_of(contender.burst, functions.nothing, count)
    for _ in range(20):
        contender.call(functions.nothing)
    single = [seconds_of(contender.call, functions.nothing)[0] for _ in range(max(count // 10, 20))]
    return {
        "ready_s": ready,
        "calls_per_s": count / burst,
        "latency_us": 1e6 * statistics.median(single),
    }


def measure_map(contender, settings):
    contender.open(settings["workers"])
    items = list(range(settings["items"]))
    contender.map(functions.microsecond, functions.microseconds, items[: len(items) // 10])
    seconds, values = seconds_of(
        contender.map, functions.microsecond, functions.microseconds, items
    )
    assert values == functions.microseconds(items)
    return {"map_s": seconds}


def measure_array(contender, settings):
    array = np.random.default_rng(1).random(settings["size_bytes"] // 8)
    if hasattr(contender, "store_bytes"):
        contender.store_bytes += 4 * array.nbytes
    contender.open(settings["workers"])
    contender.total(array[:1000])
    total_s, total = seconds_of(contender.total, array)
    assert np.isclose(total, array.sum())
    first_s, result = seconds_of(contender.root, array)
    sample = slice(None, None, 10_007)
    assert len(result) == len(array) and np.array_equal(result[sample], np.sqrt(array[sample]))
    del result
    root_s, result = seconds_of(contender.root, array)
    del result
    return {
        "total_s": total_s,
        "first_root_s": first_s,
        "root_s": root_s,
        "pss_gib": peak_pss_bytes(contender.root, array) / 2**30,
    }


def measure_restart(contender, settings):
    contender.open(contender.fewest_workers)
    pids = contender.worker_pids()
    begin = time.perf_counter()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    while True:
        try:
            if contender.call(functions.pid) not in pids:
                break
        except Exception:
            contender.recover()
    return {"restart_ms": 1e3 * (time.perf_counter() - begin)}


def two_thread_copy(target, source):
    half = len(source) // 2
    threads = [
        threading.Thread(target=np.copyto, args=(target[part], source[part]))
        for part in (slice(half), slice(half, None))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure_share(contender, settings):
    """Of gristmill alone: placing arrays, against copies by two threads."""
    contender.open(settings["workers"])
    source = np.random.default_rng(1).random(settings["size_bytes"] // 8)
    other = source[::-1].copy()
    target = np.empty_like(source)
    new_s, _ = seconds_of(two_thread_copy, target, source)
    warm_s, _ = seconds_of(two_thread_copy, target, other)
    first_s, dataset = seconds_of(contender.engine.share, source)
    again_s, same = seconds_of(contender.engine.share, source)
    assert same is dataset
    del dataset, same
    second_s, dataset = seconds_of(contender.engine.share, other)
    assert dataset[5] == other[5]
    return {
        "copy_new_s": new_s,
        "copy_warm_s": warm_s,
        "share_first_s": first_s,
        "share_second_s": second_s,
        "share_again_s": again_s,
    }


def main():
    name, measure, settings = sys.argv[1:]
    contender = ALL[name]()
    figures = globals()[f"measure_{measure}"](contender, json.loads(settings))
    print(json.dumps(figures), flush=True)
    contender.close()


if __name__ == "__main__":
    main()
