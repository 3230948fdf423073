"""What is printed, word for word. After a wanted change: GRISTMILL_UPDATE_GOLDEN=1 ctest -L cli"""

import os
import re
import shutil

from gristmill_cli import BIN, DATA, HERE, CliTest, main, npy_bytes

# What differs from machine to machine or from run to run.
MASKS = [
    (re.escape(str(BIN)), "<bin>"),
    (re.escape(str(BIN.parent)), "<build>"),
    (re.escape(str(DATA)), "<data>"),
    (r"(?m)^gristmill \d+\.\d+\.\d+$", "gristmill <version>"),
    (r"(?m)^(instruction set  ).*$", r"\1<instruction set>"),
    (r'("instruction_set": )".*"', r'\1"<instruction set>"'),
]


class GoldenTest(CliTest):
    def check(self, name, text):
        for pattern, replacement in MASKS:
            text = re.sub(pattern, replacement, text)
        path = HERE / "golden" / f"{name}.txt"
        if os.environ.get("GRISTMILL_UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        self.assertEqual(text, path.read_text(encoding="utf-8"), f"differs from {path}")

    def check_output(self, name, *arguments):
        done = self.succeed(*arguments)
        self.assertEqual(done.stderr, "")
        self.check(name, done.stdout)

    def test_help(self):
        self.check_output("help", "--help")
        for command in ("run", "kernels", "inspect", "new-kernel"):
            self.check_output(f"help_{command}", command, "--help")

    def test_every_option_is_in_its_help(self):
        source = (HERE.parent.parent / "cli" / "arguments.cc").read_text(encoding="utf-8")
        helps = "".join(
            self.succeed(*command, "--help").stdout for command in ([], ["run"], ["new-kernel"])
        )
        for option in re.findall(r"--[a-z]+(?:-[a-z]+)*", source):
            self.assertIn(option, helps)

    def test_version(self):
        self.check_output("version", "--version")

    def test_kernels(self):
        self.check_output("kernels", "kernels")
        for line in self.succeed("kernels").stdout.splitlines():
            kernel = line.split()[0]
            self.check_output(f"kernels_{kernel}", "kernels", kernel)

    def test_dry_run(self):
        job = ["run", "nearest", "--input", DATA / "cities_us.npy", "--workers", 2, "--dry-run"]
        self.check_output("dry_run", *job)
        self.check_output("dry_run_to_file", *job, "--output", "distance=km.npy")
        self.check_output("dry_run_json", *job, "--chunk-size", 500, "--json")
        self.assertEqual(self.files(), [], "a dry run writes nothing")

    def test_dry_run_of_a_reduce(self):
        job = ["run", "describe", "--input", DATA / "cities_us.npy", "--workers", 2, "--dry-run"]
        self.check_output("dry_run_reduce", *job)
        self.check_output("dry_run_reduce_json", *job, "--json")

    def test_dry_run_of_an_emit(self):
        job = ["run", "select", "--input", DATA / "cities_us.npy", "--param", "where=>= 60"]
        self.check_output("dry_run_emit", *job, "--workers", 2, "--dry-run")
        self.check_output("dry_run_emit_json", *job, "--workers", 2, "--dry-run", "--json")

    def test_inspect(self):
        self.check_output("inspect", "inspect", DATA / "cities_us.npy")
        self.write("raw.bin", npy_bytes(range(10), (10,), "<i2")[-20:])
        self.check_output("inspect_raw", "inspect", "raw.bin:dtype=int16,shape=3x3,offset=2")
        self.write("empty.npy", npy_bytes([], (0, 2)))
        self.check_output("inspect_no_items", "inspect", "empty.npy")

    def test_a_kernel_that_hides_a_built_in_one_says_so(self):
        plugin = self.folder / "mine.so"
        shutil.copy(BIN / "gristmill-kernels.so", plugin)
        lines = self.succeed("kernels", "--plugin", "mine.so").stdout.splitlines()
        (line,) = [line for line in lines if line.startswith("nearest ")]
        self.assertIn("mine.so, hides the built-in one)", line)
        done = self.succeed("new-kernel", "nearest")
        self.assertIn('it hides the built-in kernel "nearest"', done.stdout)

    def test_new_kernel(self):
        self.check_output("new_kernel", "new-kernel", "solar_time", "--folder", ".")

    def test_errors(self):
        text = ""
        for arguments in (
            [],
            ["rnu"],
            ["run"],
            ["run", "nearest", "--wokers", "2"],
            ["run", "nearest", "--workers"],
            ["run", "nearest", "--workers", "0"],
            ["run", "nearest", "more"],
            ["run", "nearest", "--progress", "baar"],
            ["run", "nearest", "--chunk-size", "-1"],
            ["run", "nearest", "--param", "metric"],
            ["run", "nearest", "--input", "a.bin:dtype=int61,shape=2"],
            ["inspect"],
            ["new-kernel"],
            ["new-kernel", "SolarTime"],
            ["new-kernel", "test"],
            ["new-kernel", "solar_time", "--folder", "absent"],
        ):
            done = self.run_cli(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            text += "$ " + " ".join(["gristmill", *arguments]) + "\n" + done.stderr + "\n"
        self.check("errors", text)


if __name__ == "__main__":
    main()
