#!/usr/bin/env python3
"""Makes each call of the C library that the engine makes fail, one a run.

usage: failing_calls.py BIN [--all] [--only FUNCTION[:ERRNO]] [--jobs N]

BIN: the folder of the built programs. A first run of the scenario notes all calls. Then it is run
once for each call that is to fail, with each errno; each run must end in an error or in exact
results, with nothing left behind. Without --all: of the calls that are made at the same place the
first with each errno, the last, and the first with all calls after it; with --all every n until no
call is left, alone and with all calls after it. Prints the places that were reached.
"""

import argparse
import collections
import concurrent.futures
import ctypes
import errno
import mmap
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

LIMIT_SECONDS = 20
MOST_NOTES = 8192

# In the order of enum Function of failing_calls.h, with what each can fail with.
FUNCTIONS = {
    "memfd_create": ("EMFILE", "ENOMEM"),
    "ftruncate": ("ENOMEM", "EIO"),
    "fallocate": ("ENOSPC", "EINTR", "EOPNOTSUPP", "EIO"),
    "mmap": ("ENOMEM", "EAGAIN"),
    # Fails only for a program's mistake: counted alone.
    "munmap": (),
    "mprotect": ("ENOMEM",),
    "madvise": ("ENOMEM", "EAGAIN"),
    "posix_spawn": ("EAGAIN", "ENOMEM"),
    "pthread_create": ("EAGAIN",),
    "eventfd": ("EMFILE", "ENOMEM"),
    "socketpair": ("EMFILE", "ENOMEM"),
    "sendmsg": ("ENOBUFS", "EAGAIN", "EINTR"),
    "recvmsg": ("ENOMEM", "EINTR"),
    "epoll_create1": ("EMFILE", "ENOMEM"),
    "epoll_ctl": ("ENOSPC", "ENOMEM"),
    "epoll_wait": ("EINTR",),
    "poll": ("EINTR", "ENOMEM"),
    "pidfd_open": ("EMFILE", "ENOMEM"),
    "waitid": ("EINTR",),
    "open": ("EMFILE", "EINTR", "EIO"),
    "read": ("EIO", "EINTR"),
    "pread": ("EIO", "EINTR"),
    "write": ("ENOSPC", "EINTR", "EIO"),
    "process_vm_readv": ("ENOMEM", "EPERM"),
    "pwrite": ("ENOSPC", "EINTR", "EIO"),
    "fstat": ("EIO", "ENOMEM"),
    "fsync": ("EIO", "ENOSPC"),
    "rename": ("EIO", "ENOSPC", "EINVAL"),
    "fcntl": ("EMFILE", "EBUSY"),
    "pipe2": ("EMFILE",),
}
NAMES = list(FUNCTIONS)
# A wait that can never be done: no program ends then.
NEVER_FOR_EVER = {"EINTR", "EAGAIN"}


class Note(ctypes.Structure):
    _fields_ = [
        ("function", ctypes.c_uint32),
        ("is_worker", ctypes.c_uint32),
        ("offset", ctypes.c_uint64),
        ("object", ctypes.c_char * 112),
    ]


class Shared(ctypes.Structure):
    _fields_ = [
        ("function", ctypes.c_uint32),
        ("in_workers", ctypes.c_uint32),
        ("error", ctypes.c_uint32),
        ("nth", ctypes.c_uint32),
        ("for_ever", ctypes.c_uint32),
        ("armed", ctypes.c_uint32),
        ("calls", ctypes.c_uint32),
        ("notes", ctypes.c_uint32),
        ("note", Note * MOST_NOTES),
    ]


Place = collections.namedtuple("Place", "function is_worker object offset")
Injection = collections.namedtuple("Injection", "function in_workers error nth for_ever")


class Run:
    """What came of one run: the places noted, and what was wrong, or None."""

    def __init__(self, places, wrong, output):
        self.places = places
        self.wrong = wrong
        self.output = output


def run_scenario(programs, injection):
    with tempfile.TemporaryDirectory(prefix="gristmill-failing-calls-") as folder:
        path = pathlib.Path(folder, "calls")
        temporary = pathlib.Path(folder, "tmp")
        temporary.mkdir()
        with open(path, "w+b") as file:
            file.truncate(ctypes.sizeof(Shared))
            with mmap.mmap(file.fileno(), ctypes.sizeof(Shared)) as memory:
                return run_with(Shared, memory, programs, injection, path, temporary)


def run_with(form, memory, programs, injection, path, temporary):
    shared = form.from_buffer(memory)
    if injection:
        shared.function = NAMES.index(injection.function)
        shared.in_workers = injection.in_workers
        shared.error = getattr(errno, injection.error)
        shared.nth = injection.nth
        shared.for_ever = injection.for_ever
    environment = os.environ | {
        "LD_PRELOAD": str(programs / "gristmill-test-failing-calls.so"),
        "GRISTMILL_FAILING_CALLS": str(path),
        "GRISTMILL_TEST_LIMIT": str(LIMIT_SECONDS),
        "TMPDIR": str(temporary),
    }
    process = subprocess.Popen(
        [programs / "gristmill-test-failing-calls-scenario"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    wrong = None
    try:
        output = process.communicate(timeout=3 * LIMIT_SECONDS)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0]
        wrong = "hangs"
    if wrong is None and process.returncode < 0:
        wrong = "killed by " + signal.Signals(-process.returncode).name
    if wrong is None and process.returncode != 0:
        wrong = f"ended with {process.returncode}"
    left = [entry.name for entry in temporary.iterdir()]
    if wrong is None and left:
        wrong = f"left behind: {left}"
    places = [
        Place(NAMES[note.function - 1], note.is_worker, note.object.decode(), note.offset)
        for note in shared.note[: min(shared.notes, MOST_NOTES)]
        if note.function
    ]
    del shared
    return Run(places, wrong, output.decode(errors="replace"))


def injections_of_places(places):
    """For each place: each errno at the first of its calls; one also at the last, and for ever."""
    counts = collections.Counter()
    first = {}
    last = {}
    for place in places:
        counts[place.function, place.is_worker] += 1
        last[place] = counts[place.function, place.is_worker]
        first.setdefault(place, last[place])
    for place, nth in first.items():
        for error in FUNCTIONS[place.function]:
            yield Injection(place.function, place.is_worker, error, nth, 0)
        for error in FUNCTIONS[place.function][:1]:
            if last[place] != nth:
                yield Injection(place.function, place.is_worker, error, last[place], 0)
            if error not in NEVER_FOR_EVER:
                yield Injection(place.function, place.is_worker, error, nth, 1)


def chains(places):
    """Each function, process and errno that there is: n is to go from 1 until nothing fails."""
    for function, is_worker in sorted({(place.function, place.is_worker) for place in places}):
        for error in FUNCTIONS[function]:
            yield Injection(function, is_worker, error, 1, 0)
            if error not in NEVER_FOR_EVER:
                yield Injection(function, is_worker, error, 1, 1)


class Test:
    def __init__(self, programs):
        self.programs = programs
        self.lock = threading.Lock()
        self.reached = set()
        self.runs = 0
        self.failures = []

    def run(self, injection):
        """Whether the call was made."""
        run = run_scenario(self.programs, injection)
        with self.lock:
            self.runs += 1
            self.reached.update(run.places)
            if run.wrong:
                self.failures.append((injection, run))
                print(f"FAILED {injection}: {run.wrong}\n{run.output}", flush=True)
        return bool(run.places)

    def run_chain(self, first):
        injection = first
        while self.run(injection):
            injection = injection._replace(nth=injection.nth + 1)


def show(all_places):
    """The places, with file and line where addr2line is there and knows."""
    by_object = collections.defaultdict(list)
    for place in all_places:
        by_object[place.object].append(place)
    for name, places in sorted(by_object.items()):
        places.sort(key=lambda place: (place.offset, place.function, place.is_worker))
        for place, line in zip(places, lines_of(name, places)):
            who = "worker" if place.is_worker else "program"
            print(f"{place.function:15} {who:8} {pathlib.Path(name).name}+{place.offset:#x} {line}")


def lines_of(name, places):
    if not shutil.which("addr2line") or not os.path.exists(name):
        return [""] * len(places)
    # The call is before the address to which it returns.
    addresses = [hex(place.offset - 1) for place in places]
    command = ["addr2line", "-f", "-s", "-C", "-e", name, *addresses]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    if len(lines) != 2 * len(places):
        return [""] * len(places)
    return [f"{lines[2 * i]} {lines[2 * i + 1]}" for i in range(len(places))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=4)
    arguments = parser.parse_args()

    census = run_scenario(arguments.bin.resolve(), None)
    if census.wrong or not census.places:
        print(f"without a failing call: {census.wrong or 'no call was seen'}\n{census.output}")
        return 1
    test = Test(arguments.bin.resolve())
    jobs = chains(census.places) if arguments.all else injections_of_places(census.places)
    function, _, error = arguments.only.partition(":")
    chosen = [
        job
        for job in jobs
        if function in ("", job.function) and (not error or error == job.error)
    ]
    act = test.run_chain if arguments.all else test.run
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(act, chosen))
    show(test.reached)
    missed = {place for place in census.places if FUNCTIONS[place.function]} - test.reached
    if missed and not arguments.only:
        print("Not reached, because of an earlier failure or by chance:")
        show(missed)
    print(
        f"{len(census.places)} calls at {len(set(census.places))} places; {test.runs} runs, "
        f"{len(test.reached)} places reached, {len(test.failures)} runs failed"
    )
    for injection, run in test.failures:
        print(f"FAILED {injection}: {run.wrong}")
    return 1 if test.failures else 0


if __name__ == "__main__":
    sys.exit(main())
