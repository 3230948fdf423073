"""bench/python/compare.py works; no figure is judged."""

import json
import pathlib
import subprocess
import sys

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "bench" / "python" / "compare.py"


def test_it_measures_every_line(tmp_path):
    names = "gristmill,no workers,ProcessPoolExecutor,Pool + shared_memory"
    figures = tmp_path / "figures.json"
    words = [sys.executable, PROGRAM, "--smoke", "--only", names, "--json", figures]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stdout
    ours = {key for key in json.loads(figures.read_text()) if key.endswith(" gristmill")}
    assert len(ours) == 15
