"""Drives the real `gristmill`: the base of the tests in this folder.

GRISTMILL_BIN_DIR names the folder of the built programs. Each test runs in a folder of its own and
checks at its end that no worker process and no shared-memory name of it is left. Waiting is on
events with WATCHDOG_S as a limit against hangs, never on time.
"""

import array
import ast
import contextlib
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

BIN = pathlib.Path(os.environ["GRISTMILL_BIN_DIR"])
HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
DATA = SOURCE / "examples" / "data"
WATCHDOG_S = 120

TYPECODES = {"<f8": "d", "<f4": "f", "<i8": "q", "<i4": "i", "<i2": "h", "|u1": "B"}


def npy_bytes(values, shape, descr="<f8", order=False, version=1, header=None):
    """A .npy file. header replaces the dictionary's text, right or wrong."""
    if header is None:
        header = repr({"descr": descr, "fortran_order": order, "shape": tuple(shape)})
    length_bytes = 2 if version == 1 else 4
    padding = -(6 + 2 + length_bytes + len(header) + 1) % 64
    text = (header + " " * padding + "\n").encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    body = array.array(TYPECODES.get(str(descr), "d"), values).tobytes()
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + body


def read_npy(path):
    """(flat list of values, shape)."""
    content = pathlib.Path(path).read_bytes()
    if content[:6] != b"\x93NUMPY":
        raise ValueError(f"{path} is no .npy file")
    begin = 10 if content[6] == 1 else 12
    length = struct.unpack("<H" if begin == 10 else "<I", content[8:begin])[0]
    header = ast.literal_eval(content[begin : begin + length].decode())
    values = array.array(TYPECODES[header["descr"]], content[begin + length :])
    return values.tolist(), header["shape"]


def random_places(count, seed=1):
    """Latitudes and longitudes, flat."""
    generator = random.Random(seed)
    values = []
    for _ in range(count):
        values += [generator.uniform(-90, 90), generator.uniform(-180, 180)]
    return values


def wait_until(condition, what):
    limit = time.monotonic() + WATCHDOG_S
    while not (answer := condition()):
        if time.monotonic() > limit:
            raise AssertionError(f"waited {WATCHDOG_S} s in vain: {what}")
        time.sleep(0.005)
    return answer


def restore_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class CliTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="cli_test_")
        self.folder = pathlib.Path(self._folder.name)
        # Every process started below carries it, so that a worker left over is known as ours.
        self._mark = f"CLI_TEST_MARK={uuid.uuid4()}"
        self.environment = dict(os.environ, LC_ALL="C.UTF-8")
        self._started = []
        name, value = self._mark.split("=")
        self.environment[name] = value

    def tearDown(self):
        for process in self._started:
            if process.poll() is None:
                process.kill()  # its test has failed
                process.communicate()
        wait_until(lambda: not self.processes(), "for the processes of this test to end")
        names = [name for name in os.listdir("/dev/shm") if "gristmill" in name]
        self.assertEqual(names, [], "names in /dev/shm")
        self._folder.cleanup()

    def processes(self, program=""):
        """Ids of the processes that this test started, by the program's name."""
        found = []
        for folder in pathlib.Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "comm").read_text().strip()
            except OSError:
                continue
            # The kernel keeps fifteen letters of a name.
            if self._mark.encode() in environment and command.startswith(program[:15]):
                found.append(int(folder.name))
        return found

    def workers(self):
        return self.processes("gristmill-worker")

    def start(self, *arguments, program="gristmill", **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [BIN / program, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            preexec_fn=restore_signals,
            **options,
        )
        self._started.append(process)
        return process

    def finish(self, process):
        """Its exit code, stdout and stderr."""
        try:
            stdout, stderr = process.communicate(timeout=WATCHDOG_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def run_cli(self, *arguments, **options):
        return self.finish(self.start(*arguments, **options))

    def succeed(self, *arguments, **options):
        done = self.run_cli(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def files(self):
        """All names below the test's folder."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))

    def has_unfinished_output(self, process):
        """Whether it has a file in the test's folder without a name, or with a hidden one."""
        for link in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
            try:
                file = os.readlink(link)
            except OSError:
                continue
            in_folder = file.startswith(f"{os.path.realpath(self.folder)}/")
            if in_folder and (file.endswith(" (deleted)") or ".gristmill-" in file):
                return True
        return False

    @contextlib.contextmanager
    def file_system(self, name, options):
        """A tmpfs mounted below the test's folder."""
        folder = self.folder / name
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            self.skipTest("needs the right to mount a small tmpfs")
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)

    def write(self, name, content):
        path = self.folder / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    def write_places(self, name, count, seed=1):
        return self.write(name, npy_bytes(random_places(count, seed), (count, 2)))


def main():
    sys.exit(0 if unittest.main(exit=False, verbosity=2).result.wasSuccessful() else 1)
