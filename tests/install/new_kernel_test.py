"""The project that `gristmill new-kernel` makes builds, passes its test and does what is edited."""

import os
import re
import shlex
import shutil
import unittest

from installation import BUILD, CITIES, SOURCE, InstallationTest


def pattern_of(shown):
    """Three dots stand for any text in a line or, alone in one, for any lines."""
    return "".join(
        "(.*\n)*" if line == "...\n" else re.escape(line).replace(re.escape("..."), ".*")
        for line in shown.splitlines(keepends=True)
    )


class NewKernelTest(InstallationTest):
    def follow(self, program, *options):
        """Does what it says comes next."""
        said = self.shell([program, "new-kernel", "mine", *options])
        commands = dict(re.findall(r"^(\w+): +(.*)$", said, re.M))
        shutil.copy(CITIES, self.folder / "FILE.npy")
        self.shell(commands["build"])
        self.assertIn("100% tests passed", self.shell(commands["test"]))
        self.assertIn("17,343 items", self.shell(commands["run"]))
        in_one_command = re.search(r"^ +(g\+\+ .*)$", said, re.M)[1]
        self.shell(in_one_command)
        run = shlex.split(commands["run"])
        run[run.index("--plugin") + 1] = "mine.so"
        (self.folder / "mine.npy").rename(self.folder / "by_cmake.npy")
        self.shell(run)
        self.shell("cmp mine.npy by_cmake.npy")

    def test_with_an_installation(self):
        self.follow(self.prefix / "bin" / "gristmill")

    def test_with_the_build_tree(self):
        self.follow(BUILD / "bin" / "gristmill")

    def test_in_a_folder_with_blanks_in_its_name(self):
        (self.folder / "it's mine").mkdir()
        shutil.copytree(self.prefix, self.folder / "a prefix")
        self.follow("a prefix/bin/gristmill", "--folder", "it's mine")

    def test_a_program_without_its_package_names_no_folder(self):
        program = shutil.copy(BUILD / "bin" / "gristmill", self.folder)
        said = self.shell([program, "new-kernel", "mine"])
        self.assertNotIn("CMAKE_PREFIX_PATH", said)
        self.assertNotIn("-I", said)

    def test_a_test_that_finds_other_numbers_fails(self):
        said = self.shell([self.prefix / "bin" / "gristmill", "new-kernel", "mine"])
        source = self.folder / "mine" / "mine.cc"
        source.write_text(source.read_text().replace("0.0);", "0.5);"))
        self.shell(re.search(r"^build: +(.*)$", said, re.M)[1])
        test = re.search(r"^test: +(.*)$", said, re.M)[1]
        failed = self.shell(test, exit_code=8)
        self.assertIn("> values  3.5", failed)
        self.shell(re.search(r"^\d*:? *(cp .*)$", failed, re.M)[1])
        self.assertIn("100% tests passed", self.shell(test))

    def test_a_row_without_the_number_that_is_used_is_refused(self):
        program = self.prefix / "bin" / "gristmill"
        said = self.shell([program, "new-kernel", "mine"])
        source = self.folder / "mine" / "mine.cc"
        source.write_text(re.sub("return std::acc.*", "return row[2];", source.read_text()))
        self.shell(re.search(r"^build: +(.*)$", said, re.M)[1])
        run = [program, "run", "mine", "--plugin", "mine/build/mine.so", "--input", CITIES]
        failed = self.shell(run, exit_code=2)
        self.assertIn("there is no row[2]: the length of a row is 2", failed)

    def test_the_transcript_of_the_readme(self):
        section = re.search(
            r"^## A kernel of your own.*?(?=^## )",
            (SOURCE / "README.md").read_text(encoding="utf-8"),
            re.M | re.S,
        )[0]
        (install,) = re.findall(r"^    (cmake --install .*)$", section, re.M)
        (transcript,) = re.findall(r"^```console\n(.*?)^```", section, re.M | re.S)
        home = self.folder / "home"
        (self.folder / "build").mkdir()
        (self.folder / "build" / "release").symlink_to(BUILD)
        (self.folder / "examples").symlink_to(SOURCE / "examples")
        self.environment |= {"HOME": str(home), "PATH": f"{home}/.local/bin:{os.environ['PATH']}"}
        self.shell(install)
        steps = re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", transcript, re.M)
        self.assertEqual(len(steps), 5)
        for command, shown in steps:
            self.assertRegex(self.shell(command), f"^{pattern_of(shown)}$", command)


if __name__ == "__main__":
    unittest.main(verbosity=2)
