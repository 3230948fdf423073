#!/usr/bin/env python3
"""Compares the Python package with other systems of worker processes, and prints one table.

usage: compare.py [--smoke] [--rounds N] [--workers N] [--size BYTES] [--calls N] [--items N]
                  [--only NAME,...] [--measures NAME,...] [--json FILE]

Run it with an interpreter that has gristmill and those of joblib, mpire, ray and distributed that
are to be compared; what is missing is named and left out. In each round each contender runs each
measure in a process of its own, one after the other and in another order each time, so that what
disturbs a round disturbs all. A figure is the median of the rounds. Wants a machine on which
nothing else runs. docs/benchmarks.md says what each line means.
"""

import argparse
import datetime
import importlib.util
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from contenders import ALL

FOLDER = pathlib.Path(__file__).resolve().parent
GRISTMILL = "gristmill"
NO_WORKERS = "no workers"
PYTHON_WITH_NUMPY = "python -c 'import numpy'"
# Of BLAS and the like in all workers: none of the measures is about them.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
MODULES = {
    "gristmill": "import gristmill; gristmill.Executor",
    "ProcessPoolExecutor": "import concurrent.futures; concurrent.futures.ProcessPoolExecutor",
    "multiprocessing.Pool": "import multiprocessing.pool",
    "joblib (loky)": "import joblib",
    "MPIRE": "import mpire",
    "Ray": "import ray",
    "Dask LocalCluster": "import distributed",
}

# measure, figure, what it is with the settings, unit, whether more is better
LINES = (
    ("calls", "calls_per_s", "no-op calls a second, {calls:,} at once", "/s", True),
    ("calls", "latency_us", "one no-op call after the other, each", "us", False),
    ("map", "map_s", "map of {items:,} functions of about 1 us", "s", False),
    ("array", "total_s", "argument of {size}, summed", "s", False),
    ("array", "first_root_s", "argument and result of {size}, first time", "s", False),
    ("array", "root_s", "argument and result of {size}, second time", "s", False),
    (
        "array",
        "pss_gib",
        "largest sum of PSS meanwhile, the caller's array of {size} included",
        "GiB",
        False,
    ),
    (
        "restart",
        "restart_ms",
        "from SIGKILL of the only worker (joblib: of both) to the next result",
        "ms",
        False,
    ),
    ("import", "import_ms", "import beyond NumPy", "ms", False),
    (
        "calls",
        "ready_s",
        "from the constructor to the first results of {workers} workers",
        "s",
        False,
    ),
)
SHARE_LINES = (
    ("copy_new_s", "copy by two threads into new memory"),
    ("copy_warm_s", "the same into memory that was used before"),
    ("share_first_s", "engine.share, first"),
    ("share_second_s", "engine.share of another array after the first has gone"),
    ("share_again_s", "engine.share of an array that is shared already"),
)


def say(text):
    """Everything that is not the table goes to stderr."""
    print(f"compare: {text}", file=sys.stderr, flush=True)


def run(words, timeout):
    """The last line of a program's output; its failure is a RuntimeError in a few words.

    The program may leave files in MEMORY_FOLDER, however it ends.
    """
    shm = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=shm) as folder:
        return run_in(folder, words, timeout)


def run_in(folder, words, timeout):
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        words,
        cwd=FOLDER,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": path, "MEMORY_FOLDER": folder},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"no result in {timeout} s") from None
        finally:
            kill_group(child.pid)
    lines = out.strip().splitlines()
    # What happens after the figures are printed is no part of them.
    if not lines or (child.returncode != 0 and not lines[-1].startswith("{")):
        last = err.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
        raise RuntimeError(last[0][:100])
    return lines[-1]


def kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def import_ms(name, timeout):
    program = "import numpy, time; begin = time.perf_counter(); {}; "
    program += "print(1e3 * (time.perf_counter() - begin))"
    return float(run([sys.executable, "-c", program.format(MODULES[name])], timeout))


def figures_of(name, measure, options):
    """What one contender does in one round, as a dict of figures."""
    if measure == "import":
        return {"import_ms": import_ms(name, options.timeout)}
    settings = {
        "workers": options.workers,
        "calls": options.calls,
        "items": options.items,
        "size_bytes": options.size,
    }
    script = str(FOLDER / "measure.py")
    words = [sys.executable, script, name, measure, json.dumps(settings)]
    return json.loads(run(words, options.timeout))


def takes_part(name, measure):
    if measure == "import":
        return name in MODULES
    return measure == "share" and name == GRISTMILL or measure in ALL[name].does


class Results:
    """Figures of all rounds, and why some are missing."""

    def __init__(self):
        self.values = {}
        self.failures = {}

    def take(self, name, measure, options):
        try:
            figures = figures_of(name, measure, options)
        except RuntimeError as error:
            self.failures.setdefault((measure, name), []).append(str(error))
            return
        for figure, value in figures.items():
            self.values.setdefault((figure, name), []).append(value)

    def median(self, figure, name):
        values = self.values.get((figure, name))
        return statistics.median(values) if values else None


def measure_all(names, measures, options):
    results = Results()
    for number in range(options.rounds):
        order = names[number % len(names) :] + names[: number % len(names)]
        for measure in measures:
            for name in order:
                if takes_part(name, measure):
                    say(f"round {number + 1} of {options.rounds}: {measure}, {name}")
                    results.take(name, measure, options)
        begin = time.perf_counter()
        run([sys.executable, "-c", "import numpy; print(1)"], options.timeout)
        seconds = time.perf_counter() - begin
        results.values.setdefault(("ready_s", PYTHON_WITH_NUMPY), []).append(seconds)
    return results


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def against(ours, theirs, more):
    """How gristmill does against another, in words."""
    ratio = ours / theirs if more else theirs / ours
    if 0.95 <= ratio <= 1.05:
        return "the same"
    return f"gristmill {ratio:.3g}x better" if ratio > 1 else f"gristmill {1 / ratio:.3g}x worse"


def print_line(line, names, results, settings):
    """One measure: each contender, and how gristmill does against it. Returns the verdict."""
    measure, figure, what, unit, more = line
    what = what.format(**settings)
    print(f"\n{what} ({unit}, {'more' if more else 'less'} is better)")
    ours = results.median(figure, GRISTMILL)
    others = []
    for name in [*names, PYTHON_WITH_NUMPY]:
        value = results.median(figure, name)
        for why in results.failures.get((measure, name), [])[:1]:
            times = len(results.failures[measure, name])
            print(f"  {name:<24} failed {times}x: {why}")
        if value is None:
            continue
        comparison = "" if name == GRISTMILL or ours is None else against(ours, value, more)
        print(f"  {name:<24} {number(value):>10}  {comparison}".rstrip())
        if name not in (GRISTMILL, NO_WORKERS, PYTHON_WITH_NUMPY):
            others.append((value, name))
    if ours is None or not others:
        return None
    best, name = max(others) if more else min(others)
    return what, name, against(ours, best, more)


def print_share(results, settings):
    if results.median("copy_new_s", GRISTMILL) is None:
        return
    print(f"\nplacing {settings['size']} in shared memory (s, less is better)")
    base = results.median("copy_new_s", GRISTMILL)
    for figure, what in SHARE_LINES:
        value = results.median(figure, GRISTMILL)
        print(f"  {what:<56} {number(value):>10}  {value / base:.2f} of the first line")


def print_verdicts(verdicts):
    print("\ngristmill against the best other system of workers in each line:")
    for what, name, words in verdicts:
        print(f"  {what}: {words} ({name})")


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def print_settings(names, missing, options, load):
    print(
        f"{datetime.date.today()}, {cpu_model()}, {len(os.sched_getaffinity(0))} CPUs, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )
    print(
        f"{options.workers} workers, {options.rounds} rounds, medians; load average at the start "
        f"{load:.2f}" + (": OTHERS WERE AT WORK" if load > 0.5 else "")
    )
    for name in names:
        print(f"  {name:<24} {ALL[name].version()}; {ALL[name].how}")
    for name in missing:
        print(f"  {name:<24} left out: {ALL[name].package} is not installed")


def bytes_of(text):
    units = {"KiB": 10, "MiB": 20, "GiB": 30}
    if text[-3:] in units:
        return int(float(text[:-3]) * 2 ** units[text[-3:]])
    return int(text)


def in_units(size):
    for unit, bits in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << bits:
            return f"{size / (1 << bits):.4g} {unit}"
    return f"{size} bytes"


def parse(arguments):
    measures = ("calls", "map", "array", "restart", "import", "share")
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: measures nothing")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=bytes_of, default=1 << 30, help="of the array, as 1GiB")
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--timeout", type=float, default=180, help="seconds for one measure")
    parser.add_argument("--only", help="names of contenders, with commas: " + ", ".join(ALL))
    parser.add_argument("--measures", help="with commas: " + ", ".join(measures))
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="all values, too")
    options = parser.parse_args(arguments)
    if options.smoke:
        options.rounds, options.size, options.calls, options.items = 1, 8 << 20, 100, 10_000
    options.measures = options.measures.split(",") if options.measures else list(measures)
    options.only = options.only.split(",") if options.only else list(ALL)
    for kind, given, known in (
        ("contender", options.only, ALL),
        ("measure", options.measures, measures),
    ):
        for name in given:
            if name not in known:
                parser.error(f'unknown {kind} "{name}": there are {", ".join(known)}')
    return options


def main():
    options = parse(sys.argv[1:])
    installed = {
        name: ALL[name].package is None or importlib.util.find_spec(ALL[name].package) is not None
        for name in options.only
    }
    names = [name for name in options.only if installed[name]]
    missing = [name for name in options.only if not installed[name]]
    load = os.getloadavg()[0]
    results = measure_all(names, options.measures, options)
    settings = {**vars(options), "size": in_units(options.size)}
    print_settings(names, missing, options, load)
    lines = [line for line in LINES if line[0] in options.measures]
    verdicts = [print_line(line, names, results, settings) for line in lines]
    print_share(results, settings)
    print_verdicts([verdict for verdict in verdicts if verdict is not None])
    if options.json:
        values = {f"{figure} {name}": value for (figure, name), value in results.values.items()}
        options.json.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return 1 if any(name == GRISTMILL for _, name in results.failures) else 0


if __name__ == "__main__":
    sys.exit(main())
