"""The types of the package: true of what is there, and enough for the examples."""

import pathlib
import subprocess
import sys

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
    # Written as methods of arrays, for better messages; modules without stubs are not public.
    allowed.write_text("gristmill.Dataset.__.*\ngristmill._core.*__\ngristmill._(?!core).*\n")
    config = tmp_path / "mypy.ini"
    config.write_text(
        "[mypy]\nignore_missing_imports = True\n[mypy-gristmill._*]\nignore_errors = True\n"
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


def test_a_typed_program_passes_mypy(tmp_path):
    program = pathlib.Path(__file__).with_name("typed_usage.py")
    for number, text in enumerate(examples_of("README.md") + examples_of("docs/python.md")):
        (tmp_path / f"example_{number}.py").write_text(text, encoding="utf-8")
    check(
        "mypy",
        "--strict",
        "--cache-dir",
        str(tmp_path / "cache"),
        str(program),
        *map(str, sorted(tmp_path.glob("example_*.py"))),
        folder=tmp_path,
    )
