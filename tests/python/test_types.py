"""The types of the package: true of what is there, and enough for the examples."""

import pathlib
import subprocess
import sys

import gristmill as gm
import pytest
from test_documents import examples_of

pytest.importorskip("mypy")


def check(*arguments, folder):
    done = subprocess.run(
        [sys.executable, "-I", "-m", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stubs_say_what_the_modules_have(tmp_path):
    allowed = tmp_path / "allowed"
    # What is not public, and how the classes of nanobind and NumPy are made.
    allowed.write_text("gristmill\\._.*\ngristmill.(Dataset|NewDataset|Job).__.*\n")
    config = tmp_path / "mypy.ini"
    config.write_text(
        "[mypy]\nignore_missing_imports = True\n[mypy-gristmill.*]\nignore_errors = True\n"
    )
    check(
        "mypy.stubtest",
        "gristmill",
        "--ignore-missing-stub",
        "--ignore-unused-allowlist",
        "--mypy-config-file",
        str(config),
        "--allowlist",
        str(allowed),
        folder=tmp_path,
    )


def test_the_stub_of_the_extension_module_is_the_generated_one(tmp_path):
    pytest.importorskip("nanobind")
    stub = pathlib.Path(gm.__file__).with_name("_core.pyi")
    made = tmp_path / "_core.pyi"
    check("nanobind.stubgen", "-q", "-m", "gristmill._core", "-o", str(made), folder=tmp_path)
    assert stub.read_text().split("\n", 1)[1] == made.read_text()


def test_a_typed_program_passes_mypy(tmp_path):
    program = pathlib.Path(__file__).with_name("typed_usage.py")
    for number, text in enumerate(examples_of("README.md") + examples_of("docs/python.md")):
        if "import numba" not in text:  # whose types know nothing of pointers
            (tmp_path / f"example_{number}.py").write_text(text, encoding="utf-8")
    check(
        "mypy",
        "--strict",
        # The functions of examples have no types.
        "--allow-untyped-defs",
        "--allow-untyped-calls",
        "--cache-dir",
        str(tmp_path / "cache"),
        str(program),
        *map(str, sorted(tmp_path.glob("example_*.py"))),
        folder=tmp_path,
    )
