"""An installation in a temporary folder, and commands in a shell beside it.

GRISTMILL_BUILD_DIR names the build tree, GRISTMILL_LIBDIR the folder of libraries in a prefix,
GRISTMILL_CXX the compiler.
"""

import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
BUILD = pathlib.Path(os.environ["GRISTMILL_BUILD_DIR"])
LIBDIR = os.environ["GRISTMILL_LIBDIR"]
CXX = os.environ["GRISTMILL_CXX"]
CITIES = SOURCE / "examples" / "data" / "cities_us.npy"


class InstallationTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.prefix_folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.prefix_folder.cleanup)
        cls.prefix = pathlib.Path(cls.prefix_folder.name).resolve() / "prefix"
        install = ["cmake", "--install", BUILD, "--prefix", cls.prefix]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name).resolve()
        self.environment = os.environ | {"CXX": CXX}
        # Whoever runs the tests may have set it.
        self.environment.pop("GRISTMILL_WORKER", None)

    def shell(self, command, exit_code=0):
        """What it prints, its errors included. command: a line, or words."""
        if not isinstance(command, str):
            command = shlex.join(map(str, command))
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.assertEqual(done.returncode, exit_code, f"{command}\n{done.stdout}")
        return done.stdout

    def configure(self, source, *options):
        self.shell(["cmake", "-G", "Ninja", "-S", source, "-B", "build", *options])
