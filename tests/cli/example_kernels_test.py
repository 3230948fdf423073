"""The plug-ins of examples/kernels: each is made by the command in its head, and is as it says.

What terrain_slope and value_at_risk compute is tested in tests/truths. GRISTMILL_CC and
GRISTMILL_CXX name the compilers.
"""

import math
import os
import re
import shlex
import subprocess

from gristmill_cli import SOURCE, CliTest, main, npy_bytes, read_npy

KERNELS = SOURCE / "examples" / "kernels"
COMPILERS = {"gcc": os.environ["GRISTMILL_CC"], "g++": os.environ["GRISTMILL_CXX"]}


class ExampleKernelsTest(CliTest):
    def build(self, source):
        """Runs the compiler as its comment says, but leaves the shared object here."""
        (command,) = re.findall(
            r"^(?://| \*)   (g\+\+|gcc) (.*) -o (\S+)$", source.read_text(), re.MULTILINE
        )
        compiler, arguments, name = command
        words = [COMPILERS[compiler], *shlex.split(arguments), "-Werror", "-o", self.folder / name]
        done = subprocess.run(words, cwd=KERNELS, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return name

    def test_each_head_has_a_command_that_makes_a_plug_in(self):
        sources = sorted(path for path in KERNELS.iterdir() if path.suffix in (".c", ".cc"))
        self.assertGreaterEqual(len(sources), 3)
        for source in sources:
            with self.subTest(source=source.name):
                name = self.build(source)
                self.assertEqual(name, f"{source.stem}.so")
                listed = self.succeed("kernels", "--plugin", f"./{name}").stdout
                (kernel,) = re.findall(r"gristmill run (\S+) --plugin", source.read_text())
                self.assertRegex(listed, rf"(?m)^{kernel}\b")

    def test_clip(self):
        plugin = self.build(KERNELS / "clip.c")
        values = [-1.5, 0, 0.25, 1, 1e30, -math.inf, math.inf, math.nan]
        wanted = [0, 0, 0.25, 0.5, 0.5, 0, 0.5, math.nan]
        for descr in ("<f4", "<f8"):
            self.write("values.npy", npy_bytes(values * 300, (600, 2, 2), descr))
            self.succeed(
                *("run", "clip", "--plugin", f"./{plugin}", "-i", "values.npy", "-o", "out.npy"),
                *("-p", "high=0.5", "--chunk-size", 7),
            )
            found, shape = read_npy(self.folder / "out.npy")
            self.assertEqual(shape, (600, 2, 2))
            self.assertEqual(repr(found), repr([float(value) for value in wanted * 300]))

    def test_clip_refuses_what_it_cannot_do(self):
        plugin = self.build(KERNELS / "clip.c")
        run = ["run", "clip", "--plugin", f"./{plugin}", "-i", "values.npy"]
        self.write("values.npy", npy_bytes([1.0], (1,)))
        done = self.run_cli(*run, "-p", "low=2")
        self.assertEqual(done.returncode, 2)
        self.assertIn('"low" is above "high"', done.stderr)
        self.write("values.npy", npy_bytes([1], (1,), "<i4"))
        done = self.run_cli(*run)
        self.assertEqual(done.returncode, 2)
        self.assertIn("int32", done.stderr)


if __name__ == "__main__":
    main()
