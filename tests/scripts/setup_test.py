"""scripts/setup against a made-up dpkg-query and apt-get: nothing here is really installed."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "setup"


def program(folder, name, body):
    """Writes an executable shell script."""
    path = pathlib.Path(folder, name)
    path.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


class SetupTest(unittest.TestCase):
    """Each test has a PATH of its own: the system's, behind a folder with the made-up programs."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.calls = pathlib.Path(self.folder, "calls")
        program(self.folder, "apt-get", f'echo "$*" >>"{self.calls}"')
        program(self.folder, "sudo", 'exec "$@"')

    def installed(self, *packages):
        """Lets dpkg-query know these packages, and libfmt-dev as removed but not purged."""
        lines = "".join(f"installed {package}\\n" for package in packages)
        program(self.folder, "dpkg-query", f"printf '{lines}config-files libfmt-dev\\n'; exit 1")

    def setup_script(self, *arguments):
        """Runs scripts/setup."""
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        return subprocess.run(
            [SETUP, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    def test_installs_only_what_is_missing_and_says_so(self):
        self.installed("g++", "cmake", "libboost-dev", "libeigen3-dev", "libmsgpack-cxx-dev")
        done = self.setup_script("run")
        self.assertEqual(done.returncode, 0, done.stderr)
        missing = "ninja-build libfmt-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev"
        self.assertIn(missing, done.stderr)
        self.assertEqual(done.stdout, "")
        calls = self.calls.read_text(encoding="utf-8").splitlines()
        self.assertEqual(len(calls), 2)
        self.assertIn("update", calls[0])
        self.assertTrue(calls[1].endswith(missing), calls[1])

    def test_does_nothing_and_says_nothing_when_all_is_there(self):
        self.installed()
        everything = self.setup_script("test", "--dry-run").stdout.split()
        self.assertIn("libgtest-dev", everything)
        program(self.folder, "dpkg-query", f"printf 'installed %s\\n' {' '.join(everything)}")
        done = self.setup_script("test")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertFalse(self.calls.exists())

    def test_knows_what_each_purpose_needs(self):
        self.installed()
        needed = {
            purpose: set(self.setup_script(purpose, "--dry-run").stdout.split())
            for purpose in ("run", "bench", "test")
        }
        self.assertNotIn("libtbb-dev", needed["run"])
        self.assertIn("libtbb-dev", needed["bench"])
        self.assertNotIn("libgtest-dev", needed["bench"])
        self.assertLess(needed["run"], needed["bench"])
        self.assertLess(needed["bench"], needed["test"])

    def test_shows_what_apt_said_when_it_fails(self):
        self.installed()
        program(self.folder, "apt-get", "echo 'no such mirror'; exit 100")
        done = self.setup_script("run")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such mirror", done.stderr)


if __name__ == "__main__":
    unittest.main()
