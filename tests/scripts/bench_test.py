"""scripts/bench: its arguments and its table. Nothing is built or measured here."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import subprocess
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "bench"

FIGURE = {
    "what": "empty kernel",
    "value": 12.3456,
    "unit": "ns",
    "target": {"bound": "at_most", "limit": 16.5},
    "status": "ok",
    "note": "",
    "rounds": 9,
    "thrown_away": 2,
    "foreign_cpu": 0.031,
    "steal": 0.0,
    "details": {},
}


def run(*arguments):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, check=False)


def load_script():
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("bench_script", str(BENCH))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class BenchTest(unittest.TestCase):
    def test_explains_itself(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("--smoke", "--json", "chunk_cost"):
            self.assertIn(word, done.stdout)

    def test_refuses_wrong_arguments_before_it_builds_anything(self):
        for arguments in (["nope"], ["--jsn", "x"], ["--json", "/no such folder/figures.json"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(done.stdout, "")
            self.assertIn("error", done.stderr)

    def test_names_a_program_for_each_benchmark(self):
        for name in load_script().existing_programs():
            self.assertTrue((BENCH.parent.parent / "bench" / f"{name}.cc").exists())

    def test_prints_what_figure_target_and_status(self):
        report = {
            "date": "2026-01-01",
            "machine": {"cpus": 2, "cpu": "a CPU"},
            "figures": [
                FIGURE,
                {**FIGURE, "what": "stated", "target": None, "value": None, "status": "-"},
                {"what": "bench_broken", "status": "failed"},
            ],
        }
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            load_script().print_table(report)
        lines = out.getvalue().splitlines()
        self.assertEqual(lines[1].split(), "empty kernel 12.35 ns <= 16.5 ok".split())
        self.assertEqual(lines[2].split(), "stated - ns -".split())
        self.assertEqual(lines[3].split(), "bench_broken failed".split())
        self.assertIn("3.1 %", lines[-1])
        self.assertIn("4 rounds thrown away", lines[-1])


if __name__ == "__main__":
    unittest.main()
