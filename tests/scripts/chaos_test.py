"""scripts/chaos in a made-up tree, with a made-up program: what the table says, and the exit code."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

CHAOS = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "chaos"

FIGURE = '{"what": "hangs", "value": %d, "unit": "", "bound": "=", "limit": 0, "met": %s}'
REPORT = (
    '{"storm": "kills", "seed": 7, "count": 1, "seconds": 1, "met": %s, "figures": [%s], '
    '"notes": ["seen"]}'
)


def program(path, body):
    """Writes an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


class ChaosTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        program(self.root / "path/cmake", "exit 0")
        (self.root / "scripts").mkdir()
        shutil.copy(CHAOS, self.root / "scripts/chaos")

    def storm(self, met, ending=""):
        """Puts a program there that reports this."""
        word = "true" if met else "false"
        report = REPORT % (word, FIGURE % (0 if met else 3, word))
        body = f"echo \"$@\" >{self.root}/words; {ending}\necho '{report}'\nexit {0 if met else 1}"
        program(self.root / "build/release/bin/gristmill-chaos", body)

    def run_chaos(self, *words):
        path = f"{self.root / 'path'}:{os.environ['PATH']}"
        command = [self.root / "scripts/chaos", *words]
        environment = {**os.environ, "PATH": path}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )

    def test_tells_what_was_run_and_writes_it_down(self):
        self.storm(True)
        done = self.run_chaos("--json", self.root / "numbers.json", "--seed", "7", "kills")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"kills +hangs +0 +=\s0 +ok")
        words = (self.root / "words").read_text(encoding="utf-8")
        self.assertEqual(words, "kills --seed 7 --full\n")
        report = json.loads((self.root / "numbers.json").read_text(encoding="utf-8"))
        self.assertEqual(report["storms"][0]["figures"][0]["value"], 0)

    def test_a_missed_number_is_a_failure_with_its_notes(self):
        self.storm(False)
        done = self.run_chaos("--quick", "kills")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"hangs +3 +=\s0 +missed")
        self.assertIn("kills, seed 7: seen", done.stdout)

    def test_a_program_that_is_aborted_is_a_failure(self):
        self.storm(True, ending="kill -ABRT $$")
        done = self.run_chaos("kills")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no report", done.stdout)

    def test_an_unknown_storm_is_refused(self):
        done = self.run_chaos("rain")
        self.assertEqual(done.returncode, 2)
        self.assertIn('unknown storm "rain"', done.stderr)


if __name__ == "__main__":
    unittest.main()
