"""The documents say what is so: their commands and snippets run, their links lead somewhere.

GRISTMILL_BIN_DIR names the folder of the built programs, GRISTMILL_CXX the compiler.
"""

import math
import os
import pathlib
import re
import shlex
import shutil
import struct
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ["GRISTMILL_BIN_DIR"])
CXX = os.environ["GRISTMILL_CXX"]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "ipc/*.md", "bench/*.md", "examples/**/*.md")
    for path in SOURCE.glob(pattern)
)
# The one without pkg-config, which knows installations only.
PROGRAM_LINE = r"^    g\+\+ (.* program\.cc .* -lgristmill .*)$"


def text_of(name):
    return (SOURCE / name).read_text(encoding="utf-8")


def blocks(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(name), re.M | re.S)


class DocumentsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "examples").symlink_to(SOURCE / "examples")
        shutil.copy(SOURCE / "examples/data/cities_us.npy", self.folder / "cities.npy")

    def run_gristmill(self, *words):
        return subprocess.run(
            [BIN / "gristmill", *words], cwd=self.folder, capture_output=True, text=True
        )

    def test_the_commands_of_the_readme_run(self):
        commands = re.findall(r"^    scripts/run (\S.*)$", text_of("README.md"), re.M)
        self.assertGreaterEqual(len(commands), 3)
        for command in commands:
            done = self.run_gristmill(*shlex.split(command))
            self.assertEqual(done.returncode, 0, command + "\n" + done.stderr)
        self.assertTrue((self.folder / "km.npy").exists())

    def test_the_command_of_the_reliability_page_runs(self):
        (command,) = re.findall(r"^    gristmill (run \S.*)$", text_of("docs/reliability.md"), re.M)
        done = self.run_gristmill(*shlex.split(command))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('"event":"end"', (self.folder / "faults.jsonl").read_text(encoding="utf-8"))

    def test_the_scripts_of_the_readme_are_there(self):
        for script in ("scripts/run", "scripts/test"):
            self.assertIn(script, text_of("README.md"))
            self.assertTrue(os.access(SOURCE / script, os.X_OK))

    def test_the_snippet_of_the_readme_compiles(self):
        (snippet,) = blocks("README.md", "cpp")
        include, body = snippet.split("\n\n", 1)
        source = self.folder / "snippet.cc"
        source.write_text(f"{include}\nint main() {{\n{body}\nreturn km.empty();\n}}\n")
        done = subprocess.run(
            [CXX, "-std=c++20", "-fsyntax-only", "-Wall", f"-I{SOURCE / 'include'}", source],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def run_kernel(self, kernel, text):
        """Builds the text by the line of docs/cpp.md, and runs its kernel on the cities."""
        (self.folder / f"{kernel}.cc").write_text(text)
        (line,) = re.findall(r"^    g\+\+ (.* row_sum\.cc .*)$", text_of("docs/cpp.md"), re.M)
        words = shlex.split(line.replace("$GRISTMILL", str(BIN.parent)).replace("row_sum", kernel))
        done = subprocess.run([CXX, *words], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        plugin = self.folder / f"{kernel}.so"
        return self.run_gristmill("run", kernel, "--plugin", plugin, "--input", "cities.npy")

    def test_the_examples_of_the_kernel_header_are_plug_ins(self):
        comment = text_of("include/gristmill/kernel.hpp").split("#pragma once")[0]
        lines = "\n".join(re.findall(r"^//   (.*)$", comment, re.M))
        examples = re.findall(r".*?GRISTMILL_KERNELS\(.*?\)\n", lines + "\n", re.S)
        for kernel, example in zip(("scale", "row_sum"), examples, strict=True):
            done = self.run_kernel(kernel, example)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("17,343 items", done.stdout)

    def test_the_reduce_of_the_cpp_page_is_a_plug_in(self):
        _, example, _ = blocks("docs/cpp.md", "cpp")
        done = self.run_kernel("column_sum", example)
        self.assertEqual(done.returncode, 0, done.stderr)
        (sums,) = re.findall(r"^  sum: (.*)$", done.stdout, re.M)
        cities = (self.folder / "cities.npy").read_bytes()[-17_343 * 16 :]
        values = struct.unpack(f"<{2 * 17_343}d", cities)
        for found, column in zip(sums.split(", "), (values[::2], values[1::2]), strict=True):
            self.assertAlmostEqual(float(found), math.fsum(column), places=6)

    def test_the_emit_of_the_cpp_page_is_a_plug_in(self):
        _, _, example = blocks("docs/cpp.md", "cpp")
        done = self.run_kernel("short_rows", example)
        self.assertEqual(done.returncode, 0, done.stderr)
        cities = (self.folder / "cities.npy").read_bytes()[-17_343 * 16 :]
        rows = list(struct.iter_unpack("<2d", cities))
        kept = sum(x * x + y * y <= 100.0**2 for x, y in rows)
        self.assertIn(f"rows: float64, {kept} x 2", done.stdout)
        self.assertIn(f"counted: left out {len(rows) - kept:,}", done.stdout)

    def test_the_program_of_the_cpp_page_builds_and_runs(self):
        (line,) = re.findall(PROGRAM_LINE, text_of("docs/cpp.md"), re.M)
        shutil.copy(SOURCE / "examples/quick_start.cc", self.folder / "program.cc")
        sanitizers = os.environ.get("GRISTMILL_SANITIZER_FLAGS", "")
        words = shlex.split(line.replace("$GRISTMILL", str(BIN.parent)) + " " + sanitizers)
        done = subprocess.run([CXX, *words], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = subprocess.run(
            ["./program", "cities.npy"],
            cwd=self.folder,
            env=os.environ | {"GRISTMILL_WORKER": str(BIN / "gristmill-worker")},
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("place 0: 25.4662 km", done.stdout)

    def test_the_snippet_of_the_cpp_page_builds_and_runs(self):
        (line,) = re.findall(PROGRAM_LINE, text_of("docs/cpp.md"), re.M)
        snippet, _, _ = blocks("docs/cpp.md", "cpp")
        include, body = snippet.split("\n\n", 1)
        (self.folder / "program.cc").write_text(
            f"#include <iostream>\n{include}\nint main() {{\n{body}\n}}\n"
        )
        sanitizers = os.environ.get("GRISTMILL_SANITIZER_FLAGS", "")
        words = shlex.split(line.replace("$GRISTMILL", str(BIN.parent)) + " " + sanitizers)
        done = subprocess.run([CXX, *words], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = subprocess.run(
            ["./program"],
            cwd=self.folder,
            env=os.environ | {"GRISTMILL_WORKER": str(BIN / "gristmill-worker")},
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split()[1:], ["505.644", "505.644", "25.4662"])

    def test_the_job_file_of_the_command_line_page_runs(self):
        job, faults = blocks("docs/command-line.md", "toml")
        job = faults + job
        (self.folder / "job.toml").write_text(job)
        (self.folder / "hospitals.bin").write_bytes(struct.pack("<2400f", *range(2400)))
        shutil.copy(BIN / "gristmill-kernels.so", self.folder / "my_kernels.so")
        done = self.run_gristmill("run", "job.toml", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("distance", done.stdout)

    def test_address_sanitizer_works_as_the_debugging_page_says(self):
        if os.environ.get("GRISTMILL_SANITIZER_FLAGS"):
            self.skipTest("its runtime is in the programs already")
        if shutil.which("g++") is None:
            self.skipTest("the page's compiler is not there")
        library = subprocess.run(
            ["g++", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
        ).stdout.strip()
        if not os.path.isabs(library):
            self.skipTest("it has no libasan.so")
        (kernel,) = blocks("docs/debugging.md", "cpp")
        (self.folder / "next_in_row.cc").write_text(kernel)
        shutil.copy(self.folder / "cities.npy", self.folder / "data.npy")
        page = text_of("docs/debugging.md")
        (build,) = re.findall(r"^    g\+\+ (.*-fsanitize=address.*)$", page, re.M)
        words = shlex.split(build.replace("$GRISTMILL", str(SOURCE)))
        done = subprocess.run(["g++", *words], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        (run,) = re.findall(r"^    LD_PRELOAD=\S+ \S+ gristmill (.*)$", page, re.M)
        for command in (run, run.replace("--in-process", "--workers 1")):
            done = subprocess.run(
                [BIN / "gristmill", *shlex.split(command)],
                cwd=self.folder,
                env=os.environ | {"LD_PRELOAD": library},
                capture_output=True,
                text=True,
            )
            self.assertNotEqual(done.returncode, 0)
            for word in ("heap-buffer-overflow", "NextInRow::run", "next_in_row.cc:21"):
                self.assertIn(word, done.stderr)

    def test_links_lead_to_files(self):
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
                self.assertTrue((document.parent / target).exists(), f"{document.name}: {target}")


if __name__ == "__main__":
    unittest.main()
