"""scripts/lint in a made-up tree, with a made-up clang-tidy: what is linted, and the exit code."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

LINT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lint"

# Finds the word "finding". Sources that have the word "alone" compile alone only.
CLANG_TIDY = """#!/bin/bash
if [[ $1 == --version ]]; then echo 'LLVM version 14.0.6'; exit 0; fi
for word; do
  if [[ $word == *.cc ]]; then file=$word; fi
done
mapfile -t sources < <(sed -n 's/^#include "\\(.*\\)"/\\1/p' "$file")
if ((${#sources[@]} == 0)); then sources=("$file"); fi
names=("${sources[@]##*/}")
case $* in
  *misc-unused-using-decls*) echo "using ${names[*]}" ;;
  *) echo "all ${names[*]}" ;;
esac >>"${0%/*}/log"
if ((${#sources[@]} > 1)) && grep -q alone "${sources[@]}"; then
  echo 'error: [clang-diagnostic-error]'; exit 1
fi
if grep finding "${sources[@]}"; then exit 1; fi
"""


class LintTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("scripts", "path", "build/release"):
            (self.root / name).mkdir(parents=True)
        shutil.copy(LINT, self.root / "scripts/lint")
        (self.root / "path/clang-tidy").write_text(CLANG_TIDY, encoding="utf-8")
        (self.root / "path/clang-tidy").chmod(0o755)

    def lint(self, sources, *arguments, flags=None):
        """Exit code, output, and the sources of each call of clang-tidy."""
        commands = []
        for name, text in sources.items():
            file = self.root / name
            file.write_text(text, encoding="utf-8")
            command = f"c++ {(flags or {}).get(name, '-O3')} -o {name}.o -c {file}"
            commands.append({"directory": ".", "file": str(file), "command": command})
        database = self.root / "build/release/compile_commands.json"
        database.write_text(json.dumps(commands), encoding="utf-8")
        environment = {**os.environ, "PATH": f"{self.root / 'path'}:{os.environ['PATH']}"}
        done = subprocess.run(
            [self.root / "scripts/lint", *arguments],
            env=environment, capture_output=True, text=True, check=False,
        )
        log = (self.root / "path/log").read_text(encoding="utf-8").splitlines()
        return done.returncode, done.stdout + done.stderr, sorted(log)

    def test_lints_sources_as_one(self):
        code, output, calls = self.lint({"a.cc": "int f() {\n", "b.cc": "int g() {\n"})
        self.assertEqual((code, output), (0, "lint: 2 files, nothing found\n"))
        self.assertEqual(calls, ["all a.cc b.cc"])

    def test_sources_with_the_same_name_are_apart(self):
        for text in ("int f() {", "[[noreturn]] void f() {", "struct Row {", "enum class Way {",
                     "constexpr int kRows = 3;", "int kRows[] = {"):
            _, _, calls = self.lint({"a.cc": f"{text}\n", "b.cc": f"\n{text}\n"})
            self.assertEqual(calls, ["all a.cc", "all b.cc"], text)
            (self.root / "path/log").unlink()

    def test_sources_that_are_compiled_in_other_ways_are_apart(self):
        sources = {"a.cc": "", "b.cc": "", "c.cc": ""}
        _, _, calls = self.lint(sources, flags={"b.cc": "-DWAY=1", "c.cc": "-O1"})
        self.assertEqual(calls, ["all a.cc c.cc", "all b.cc"])

    def test_what_does_not_compile_as_one_is_linted_alone(self):
        code, output, calls = self.lint({"a.cc": "alone", "b.cc": ""})
        self.assertEqual(code, 0, output)
        self.assertEqual(calls, ["all a.cc", "all a.cc b.cc", "all b.cc"])

    def test_a_using_declaration_is_looked_at_in_its_own_source(self):
        _, _, calls = self.lint({"a.cc": "using testing::Eq;\n", "b.cc": ""})
        self.assertEqual(calls, ["all a.cc b.cc", "using a.cc"])

    def test_a_finding_is_printed_and_ends_with_1(self):
        for sources in ({"a.cc": "finding\n", "b.cc": ""}, {"a.cc": "finding\n", "b.cc": "alone"}):
            code, output, _ = self.lint(sources)
            self.assertEqual(code, 1)
            self.assertIn("finding", output)

    def test_lints_the_files_that_are_named(self):
        file = str(self.root / "b.cc")
        code, _, calls = self.lint({"a.cc": "finding", "b.cc": ""}, file)
        self.assertEqual((code, calls), (0, ["all b.cc"]))


if __name__ == "__main__":
    unittest.main()
