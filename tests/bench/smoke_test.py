"""A benchmark program runs, with tiny sizes, and writes figures as scripts/bench reads them.

usage: smoke_test.py PROGRAM
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)

FIGURE = {
    "what": str,
    "value": (int, float),
    "unit": str,
    "target": (dict, type(None)),
    "status": str,
    "note": str,
    "rounds": int,
    "thrown_away": int,
    "foreign_cpu": (int, float),
    "steal": (int, float),
    "details": dict,
}


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)


class SmokeTest(unittest.TestCase):
    def test_measures_and_writes_its_figures(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "figures.json")
            done = run("--smoke", "--json", file)
            self.assertEqual(done.returncode, 0, done.stderr)
            figures = json.loads(file.read_text(encoding="utf-8"))
        self.assertTrue(figures)
        for figure in figures:
            self.assertEqual(set(figure), set(FIGURE))
            for key, kind in FIGURE.items():
                self.assertIsInstance(figure[key], kind, key)
            self.assertEqual(figure["status"], "smoke")
            self.assertIn(figure["what"], done.stdout)

    def test_refuses_what_it_does_not_understand(self):
        done = run("--smoke", "--jsn", "x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--jsn", done.stderr)
        self.assertIn("usage: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
