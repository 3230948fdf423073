"""The examples of the documents run."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def examples_of(name):
    text = (SOURCE / name).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("example", examples_of("README.md") + examples_of("docs/python.md"))
def test_the_examples_run(example, tmp_path):
    if "import numba" in example:
        pytest.importorskip("numba", reason="numba is not installed")
    if '"cc"' in example and shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    shutil.copy(SOURCE / "examples/data/cities_us.npy", tmp_path / "cities.npy")
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_there_are_examples():
    assert len(examples_of("README.md")) == 1 and len(examples_of("docs/python.md")) == 7
