"""scripts/fuzz in a made-up tree, with made-up fuzzers: what the table says, and the exit code."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

FUZZ = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "fuzz"

STATISTICS = """
echo '#12 DONE cov: 34 ft: 56 corp: 7/89b' >&2
echo 'stat::number_of_executed_units: 1234' >&2
echo 'stat::average_exec_per_sec:     99' >&2
"""
CRASH = """
for word; do
  case $word in -artifact_prefix=*) echo input >"${word#*=}crash-1" ;; esac
done
echo '#77 NEW cov: 34 ft: 56' >&2
exit 77
"""


def program(path, body):
    """Writes an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


class FuzzTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        program(self.root / "scripts/setup", "exit 0")
        program(self.root / "path/cmake", "exit 0")
        shutil.copy(FUZZ, self.root / "scripts/fuzz")

    def fuzzer(self, target, body):
        program(self.root / "build/fuzz/bin" / f"fuzz_{target}", body)

    def fuzz(self, *arguments):
        environment = {**os.environ, "PATH": f"{self.root / 'path'}:{os.environ['PATH']}"}
        return subprocess.run(
            [self.root / "scripts/fuzz", *arguments],
            env=environment, capture_output=True, text=True, check=False,
        )

    def test_prints_a_row_for_each_target(self):
        self.fuzzer("npy", STATISTICS)
        self.fuzzer("task", STATISTICS)
        done = self.fuzz("npy", "task")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(rows[1:], [[name, "1234", "99", "34", "56", "none"]
                                    for name in ("npy", "task")])

    def test_a_finding_is_named_kept_and_ends_with_1(self):
        self.fuzzer("npy", CRASH)
        self.fuzzer("task", STATISTICS)
        done = self.fuzz("npy", "task")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("build/fuzz/findings/npy/crash-1", done.stdout)
        self.assertTrue((self.root / "build/fuzz/findings/npy/crash-1").exists())
        self.assertIn("task", done.stdout)

    def test_runs_as_many_at_a_time_as_it_is_told(self):
        # Each ends only when the other one runs, too.
        for target, other in (("npy", "task"), ("task", "npy")):
            self.fuzzer(target, f"""
touch "${{0%/*}}/{target}.runs"
for ((i = 0; i < 3000; ++i)); do
  if [[ -e ${{0%/*}}/{other}.runs ]]; then exit 0; fi
  sleep 0.01
done
exit 1""")
        done = self.fuzz("--parallel", "2", "npy", "task")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rows = [line.split()[0] for line in done.stdout.splitlines()]
        self.assertEqual(rows, ["target", "npy", "task"])

    def test_a_failure_without_a_new_input_is_a_finding(self):
        self.fuzzer("npy", "exit 1")
        done = self.fuzz("npy")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("build/fuzz/fuzz_npy.log", done.stdout)

    def test_gives_the_fuzzer_its_limits_and_seeds(self):
        (self.root / "tests/fuzz/corpus/npy").mkdir(parents=True)
        self.fuzzer("npy", 'echo "$*" >&2')
        self.fuzz("--seconds", "7", "npy")
        log = (self.root / "build/fuzz/fuzz_npy.log").read_text(encoding="utf-8")
        for word in ("-max_total_time=7", "-rss_limit_mb=512", "-timeout=10", "-max_len=",
                     "tests/fuzz/corpus/npy"):
            self.assertIn(word, log)

    def test_refuses_what_it_does_not_know(self):
        for arguments in (["nothing"], ["--seconds", "0"], ["--seconds", "soon"],
                          ["--parallel", "0"]):
            self.assertEqual(self.fuzz(*arguments).returncode, 2)


if __name__ == "__main__":
    unittest.main()
