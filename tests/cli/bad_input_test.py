"""Requests that are refused before anything is started, and what is said about them.

Each case stands beside its positive control: the same request with the one mistake mended.
"""

import os

from gristmill_cli import BIN, CliTest, main, npy_bytes, random_places

PLACES = ["--input", "places.npy"]


class BadInputTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write_places("places.npy", 50)

    def refuse(self, arguments, *named, exit_code=2):
        """Ends with that code, names these things on stderr, leaves nothing behind."""
        before = self.files()
        done = self.run_cli(*arguments)
        self.assertEqual(done.returncode, exit_code, done.stderr + done.stdout)
        self.assertTrue(done.stderr.startswith("gristmill: "), done.stderr)
        for name in named:
            self.assertIn(name, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.files(), before)
        return done.stderr

    def refuse_run(self, arguments, *named, exit_code=2):
        arguments = ["run", "nearest", "--output", "distance=km.npy", *arguments]
        return self.refuse(arguments, *named, exit_code=exit_code)

    def accept_run(self, arguments):
        self.succeed("run", "nearest", "--output", "distance=km.npy", *arguments)
        self.assertTrue((self.folder / "km.npy").exists())
        (self.folder / "km.npy").unlink()

    def test_input_that_is_no_file(self):
        self.accept_run(PLACES)
        self.refuse_run(["--input", "absent.npy"], '"absent.npy"')
        (self.folder / "folder.npy").mkdir()
        self.refuse_run(["--input", "folder.npy"], '"folder.npy"', "directory")
        os.mkfifo(self.folder / "pipe.npy")
        self.refuse_run(["--input", "pipe.npy"], '"pipe.npy"', "FIFO")
        self.refuse_run(["--input", "points="], "points=")

    def test_malformed_npy(self):
        good = npy_bytes(random_places(50), (50, 2))
        files = {
            "empty": b"",
            "not_npy": b"latitude,longitude\n" * 100,
            "short_header": good[:40],
            "short_data": good[:-8],
            "shape_lies": npy_bytes(random_places(50), (51, 2)),
            "shape_overflows": npy_bytes([0, 0], (2**62, 2**62)),
            "shape_negative": npy_bytes([0, 0], (-1, 2)),
            "no_shape": npy_bytes([0], (1,), header="{'descr': '<f8', 'fortran_order': False}"),
            "header_is_code": npy_bytes([0], (1,), header="__import__('os').abort()"),
            "objects": npy_bytes([0, 0], (1, 2), descr="|O"),
            "structured": npy_bytes([0, 0], (1, 2), descr=[("a", "<f8")]),
            "strings": npy_bytes([0, 0], (1, 2), descr="<U4"),
        }
        for name, content in files.items():
            with self.subTest(name):
                self.write(f"{name}.npy", content)
                self.refuse_run(["--input", f"{name}.npy"], f'"{name}.npy"')
        for version in (1, 2, 3):
            self.write("good.npy", npy_bytes(random_places(50), (50, 2), version=version))
            self.accept_run(["--input", "good.npy"])

    def test_refused_layouts_come_with_a_hint(self):
        self.write("big.npy", npy_bytes([0, 0], (1, 2), descr=">f8"))
        self.assertIn("hint:", self.refuse_run(["--input", "big.npy"], '"big.npy"', "endian"))
        self.write("order.npy", npy_bytes([0, 0], (1, 2), order=True))
        self.assertIn("hint:", self.refuse_run(["--input", "order.npy"], '"order.npy"', "Fortran"))

    def test_raw_files(self):
        self.write("raw.bin", npy_bytes(random_places(50), (50, 2))[-800:])
        self.accept_run(["--input", "raw.bin:dtype=float64,shape=50x2"])
        self.accept_run(["--input", "raw.bin:dtype=float64,shape=49x2,offset=16"])
        for layout, named in (
            ("dtype=float64,shape=50x2,offset=16", "raw.bin"),
            ("dtype=float64,shape=51x2", "raw.bin"),
            ("dtype=float64,shape=50x2,offset=100000", "raw.bin"),
            ("dtype=float64,shape=4611686018427387904x4", "4611686018427387904"),
            ("dtype=float64,shape=50x-2", '"50x-2"'),
            ("dtype=float64,shape=", "shape"),
            ("dtype=float64,shape=50x2,offset=-8", '"-8"'),
            ("dtype=float64", "shape"),
            ("dtype=flaot64,shape=50x2", '"float64"'),
            ("dtype=float64,shap=50x2", '"shape"'),
            ("shape=50x2,dtype=float64", "dtype"),
        ):
            with self.subTest(layout):
                self.refuse_run(["--input", f"raw.bin:{layout}"], named)

    def test_outputs(self):
        job = ["run", "nearest", *PLACES]
        self.succeed(*job, "--output", "distance=km.npy")
        self.refuse([*job, "--output", "distance=absent/km.npy"], "absent")
        (self.folder / "folder.npy").mkdir()
        self.refuse([*job, "--output", "distance=folder.npy"], "folder.npy")
        self.refuse([*job, "--output", "distance=places.npy"], "places.npy")
        self.refuse([*job, "--output", "distance=./places.npy"], "places.npy")
        os.link(self.folder / "places.npy", self.folder / "link.npy")
        self.refuse([*job, "--output", "distance=link.npy"], "link.npy")
        self.refuse([*job, "--output", "distance=a.npy", "--output", "index=a.npy"], "a.npy")
        self.refuse([*job, "--output", "a.npy", "--output", "b.npy"], "a.npy", "b.npy")
        self.refuse([*job, "--output", "a.npy"], "nearest", "index")
        self.refuse([*job, "--output", "distance="], "distance=")

    def test_output_folder_that_must_not_be_written(self):
        self.refuse_run([*PLACES, "--output", "index=/proc/out.npy"], "/proc")
        if os.geteuid() != 0:
            (self.folder / "sealed").mkdir(mode=0o500)
            self.refuse_run([*PLACES, "--output", "index=sealed/out.npy"], "sealed")

    def test_output_on_a_read_only_file_system(self):
        with self.file_system("sealed", "ro"):
            self.refuse_run([*PLACES, "--output", "index=sealed/out.npy"], "sealed", "read-only")

    def test_a_function_that_cannot_be_called(self):
        run = ["run", "loop", "-i", "a=places.npy", "-o", "out.npy", "-p"]
        library = f"library={BIN / 'gristmill-test-loops.so'}"
        self.refuse([*run, library], "symbol")
        self.refuse([*run, library, "-p", "symbol=none"], "does not export", '"none"')
        self.refuse([*run, "library=loops.so", "-p", "symbol=f"], "not absolute")
        self.refuse([*run, "library=/absent.so", "-p", "symbol=f"], '"/absent.so"', "No such file")
        self.refuse([*run, library, "-p", "symbol=add_rows", "-p", "dtype=double"], '"double"')

    def test_unknown_names_offer_the_nearest(self):
        self.refuse(["run", "nearst", *PLACES], '"nearst"', '"nearest"')
        self.refuse(["kernels", "mean_distanc"], '"mean_distanc"', '"mean_distance"')
        self.refuse_run(["--input", "pionts=places.npy"], '"pionts"', '"points"')
        self.refuse_run([*PLACES, "--output", "indx=i.npy"], '"indx"', '"index"')
        self.refuse_run([*PLACES, "--param", "metrik=haversine"], '"metrik"', '"metric"')
        self.refuse_run([*PLACES, "--param", "metric=euclidian"], "euclidian", "euclidean")
        self.accept_run([*PLACES, "--param", "metric=euclidean"])
        self.accept_run(["--input", "points=places.npy", "--output", "index=i.npy"])

    def test_missing_and_doubled(self):
        self.refuse_run([], "points")
        self.refuse_run(["--input", "targets=places.npy"], "points")
        self.refuse_run([*PLACES, *PLACES], "places.npy")
        self.refuse_run([*PLACES, "--output", "distance=a.npy"], '"distance"', "twice")
        self.refuse_run([*PLACES, "--param", "metric=a", "--param", "metric=b"], "metric", "twice")

    def test_what_does_not_suit_the_kernel(self):
        self.write("flat.npy", npy_bytes(random_places(50), (100,)))
        self.write("cube.npy", npy_bytes(random_places(50), (10, 5, 2)))
        self.write("wide.npy", npy_bytes(range(150), (50, 3)))
        self.write("complex.npy", npy_bytes(random_places(50), (50, 1), descr="<c16"))
        self.refuse_run(["--input", "flat.npy"], "points")
        self.refuse_run(["--input", "cube.npy"], "points")
        self.refuse_run(["--input", "complex.npy"], "points", "complex128")
        self.refuse_run(["--input", "wide.npy"], "euclidean")
        self.accept_run(["--input", "wide.npy", "--param", "metric=euclidean"])
        self.refuse_run(["--input", "wide.npy", "--input", "targets=places.npy",
                         "--param", "metric=euclidean"], "targets")

    def test_chunk_size(self):
        for text in ("0", "-1", "many", "1.5", "0KiB", "-4KiB", "5 parsecs", "", "9" * 30):
            with self.subTest(text):
                self.refuse_run([*PLACES, f"--chunk-size={text}"] if text else
                                [*PLACES, "--chunk-size", ""], f'"{text}"', "chunk size")
        for text in ("auto", "1", "7", "1KiB", "1000000000"):
            self.accept_run([*PLACES, "--chunk-size", text])

    def test_workers(self):
        for text in ("0", "-3", "1000000", "two", "1.5", "9" * 30):
            with self.subTest(text):
                self.refuse_run([*PLACES, "--workers", text], f'"{text}"', "workers", "4096")
        self.accept_run([*PLACES, "--workers", "3"])

    def test_memory_and_cache(self):
        for text in ("0", "-1", "many", "1.5GiB", "4 GiB", "4TiB", "9" * 30, "9999999999GiB"):
            with self.subTest(text):
                self.refuse_run([*PLACES, f"--memory={text}"], f'"{text}"', "memory limit", "GiB")
        for text in ("-1", "many", "1.5GiB"):
            with self.subTest(text):
                self.refuse_run([*PLACES, f"--cache={text}"], f'"{text}"', "cache limit", "GiB")
        self.accept_run([*PLACES, "--memory", "1GiB", "--cache", "0"])
        self.accept_run([*PLACES, "--memory", "1000000000", "--cache", "64KiB"])

    def test_a_memory_limit_below_the_outputs(self):
        self.write_places("many.npy", 300_000)
        job = ["run", "mean_distance", "--input", "many.npy"]
        self.refuse([*job, "--memory", "3MiB"], "mean", "beyond the memory limit",
                    "8.0 MiB were asked for", "the limit of 3.0 MiB", exit_code=4)

    def test_a_memory_limit_below_the_inputs(self):
        self.write_places("many.npy", 300_000)
        job = ["run", "copy", "--input", "many.npy", "--output", "again.npy", "--in-memory"]
        self.refuse([*job, "--memory", "4MiB"], '"many.npy" in memory', "6.0 MiB were asked for",
                    "the limit of 4.0 MiB", exit_code=4)
        self.succeed(*job, "--memory", "6MiB")

    def test_nothing_is_placed_for_a_job_that_is_wrong(self):
        stderr = self.refuse_run([*PLACES, "--in-memory", "--param", "metric=euclid",
                                  "--progress", "plain"], '"euclid"')
        self.assertNotIn("placing", stderr)

    def test_plugins(self):
        self.refuse_run([*PLACES, "--plugin", "absent.so"], "absent.so")
        self.write("text.so", "no shared object\n")
        self.refuse_run([*PLACES, "--plugin", "text.so"], "text.so")
        self.refuse(["kernels", "--plugin", "text.so"], "text.so")

    def test_names_of_new_kernels(self):
        for name in ("", "Solar", "solar-time", "solar time", "1st", "../up", "sol\u00e1r", "a.b"):
            with self.subTest(name):
                self.refuse(["new-kernel", name], f'"{name}"', "lower-case identifier")
        self.refuse(["new-kernel", "install"], '"install"', "CMake")
        self.refuse(["new-kernel", "a" * 300], "a" * 300, "too long")
        self.refuse(["new-kernel", "one", "two"], '"two"')
        self.refuse(["new-kernel", "one", "--foldre", "x"], '"--foldre"', '"--folder"')
        self.succeed("new-kernel", "_1st")

    def test_a_new_kernel_leaves_what_exists_alone(self):
        (self.folder / "mine").mkdir()
        self.write("yours", "a file")
        (self.folder / "link").symlink_to("absent")
        for name in ("mine", "yours", "link"):
            self.assertIn("hint:", self.refuse(["new-kernel", name], f'"{name}"', "exists"))
        self.succeed("new-kernel", "mine", "--folder", "mine")
        self.refuse(["new-kernel", "mine", "--folder", "mine"], '"mine/mine"')

    def test_folders_in_which_no_kernel_can_be_made(self):
        for folder in ("absent", "/proc", "places.npy"):
            self.refuse(["new-kernel", "mine", "--folder", folder], f'"{folder}/mine"')
        with self.file_system("sealed", "ro"):
            self.refuse(["new-kernel", "mine", "--folder", "sealed"], '"sealed/mine"', "read-only")

    def test_a_new_kernel_on_a_full_file_system_is_taken_back(self):
        with self.file_system("small", "size=8k"):
            self.refuse(["new-kernel", "mine", "--folder", "small"], '"small/mine/', "space",
                        exit_code=4)

    def test_command_line(self):
        self.refuse([], "no command")
        self.refuse(["rnu"], '"rnu"', '"run"')
        self.refuse(["run"], "kernel", "run --help")
        self.refuse(["inspect"], "file")
        self.refuse(["new-kernel"], "name", "new-kernel --help")
        self.refuse_run([*PLACES, "--wokers", "2"], '"--wokers"', '"--workers"')
        self.refuse_run([*PLACES, "--dry-rnu=1"], '"--dry-rnu"', '"--dry-run"')
        self.refuse_run([*PLACES, "more"], '"more"')
        self.refuse_run([*PLACES, "--workers"], '"--workers"')
        self.refuse_run([*PLACES, "--progress", "baar"], '"baar"')
        self.refuse_run([*PLACES, "--param", "metric"], '"metric"')
        self.refuse(["inspect", "absent.npy"], '"absent.npy"')
        self.succeed("inspect", "places.npy")


if __name__ == "__main__":
    main()
