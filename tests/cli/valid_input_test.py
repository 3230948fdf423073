"""Requests at the edge of what is allowed, and what comes out of them."""

import json
import math

from gristmill_cli import BIN, CliTest, main, npy_bytes, random_places, read_npy

EARTH_RADIUS_KM = 6371.0088


def haversine_km(a, b):
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    h = (math.sin((lat_b - lat_a) / 2) ** 2
         + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2)
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(h))


class ValidInputTest(CliTest):
    def nearest(self, *arguments):
        """(index, distance) of a run, as lists."""
        self.succeed("run", "nearest", "-o", "index=i.npy", "-o", "distance=d.npy", *arguments)
        return read_npy(self.folder / "i.npy")[0], read_npy(self.folder / "d.npy")[0]

    def test_the_answer_is_right(self):
        flat = random_places(40)
        places = list(zip(flat[::2], flat[1::2]))
        self.write("places.npy", npy_bytes(flat, (40, 2)))
        index, distance = self.nearest("-i", "places.npy")
        for i, place in enumerate(places):
            others = [(haversine_km(place, other), j) for j, other in enumerate(places) if j != i]
            self.assertEqual(index[i], min(others)[1])
            self.assertAlmostEqual(distance[i], min(others)[0], places=6)

    def test_any_chunk_size_and_workers_give_the_same_bytes(self):
        self.write_places("places.npy", 101)
        expected = self.nearest("-i", "places.npy", "--workers", 1)
        for chunk_size in ("1", "7", "101", "102", "1000000000", "1KiB", "8GiB"):
            for workers in (1, 3):
                self.assertEqual(self.nearest("-i", "places.npy", "--workers", workers,
                                              "--chunk-size", chunk_size), expected)

    def test_chunk_size_larger_than_the_input_is_one_chunk(self):
        self.write_places("places.npy", 10)
        done = self.succeed("run", "nearest", "-i", "places.npy", "--chunk-size", 1000, "--json")
        self.assertEqual(json.loads(done.stdout)["chunks"]["total"], 1)

    def test_no_items(self):
        self.write("none.npy", npy_bytes([], (0, 2)))
        self.assertEqual(self.nearest("-i", "none.npy"), ([], []))
        self.assertEqual(read_npy(self.folder / "d.npy")[1], (0,))
        done = self.succeed("run", "nearest", "-i", "none.npy", "--json")
        summary = json.loads(done.stdout)
        self.assertEqual((summary["outcome"], summary["items"]), ("done", 0))
        self.succeed("run", "nearest", "-i", "none.npy")
        self.succeed("run", "nearest", "-i", "none.npy", "--dry-run")

    def test_a_function_of_a_shared_object(self):
        self.write("a.npy", npy_bytes([1, 2, 3, 4, 5, 6], (3, 2)))
        self.write("b.npy", npy_bytes([10, 20, 30], (3,)))
        inputs = ("-i", "a=a.npy", "-i", "b=b.npy", "-o", "sum.npy")
        library = ("-p", f"library={BIN / 'gristmill-test-loops.so'}")
        self.succeed("run", "loop", *inputs, *library, "-p", "symbol=add_rows")
        self.assertEqual(read_npy(self.folder / "sum.npy"), ([13, 27, 41], (3,)))
        shape = ("-p", "row=7", "-p", "dtype=int64", "--chunk-size", 2)
        told = ("-i", "a=a.npy", "-o", "told.npy", *library, "-p", "symbol=tell_arguments", *shape)
        self.succeed("run", "loop", *told)
        rows, told_shape = read_npy(self.folder / "told.npy")
        self.assertEqual(told_shape, (3, 7))
        self.assertEqual(rows[14:], [1, 2, 7, 16, 56, 0, 0])

    def test_one_item(self):
        self.write_places("one.npy", 1)
        index, distance = self.nearest("-i", "one.npy")
        self.assertEqual(index, [-1])
        self.assertTrue(math.isnan(distance[0]))

    def test_raw_input_at_an_odd_offset(self):
        self.write_places("places.npy", 20)
        raw = (self.folder / "places.npy").read_bytes()[-320:]
        self.write("odd.bin", b"odd" + raw)
        self.assertEqual(self.nearest("-i", "odd.bin:dtype=float64,shape=20x2,offset=3"),
                         self.nearest("-i", "places.npy"))
        done = self.succeed("run", "nearest", "-i", "odd.bin:dtype=float64,shape=20x2,offset=3",
                            "--json", "--in-memory")
        summary = json.loads(done.stdout)
        self.assertEqual(summary["bytes"]["copied"], 320)
        self.assertEqual(summary["placing_seconds"], 0, "it was copied already")

    def test_names_are_read_only_before_the_first_equals(self):
        self.write_places("a=b.npy", 20)
        self.assertEqual(self.nearest("-i", "./a=b.npy"), self.nearest("-i", "points=a=b.npy"))

    def test_later_options_override_earlier_ones(self):
        self.write_places("places.npy", 20)
        done = self.succeed("run", "nearest", "-i", "places.npy", "--workers", 2, "--chunk-size",
                            3, "--workers", 1, "--chunk-size", 4, "--json")
        summary = json.loads(done.stdout)
        self.assertEqual(summary["chunks"]["total"], 5)
        self.assertEqual(len(summary["workers"]), 1)

    def test_without_output_the_first_values_are_shown(self):
        self.write_places("places.npy", 20)
        text = self.succeed("run", "nearest", "-i", "places.npy").stdout
        index, distance = self.nearest("-i", "places.npy")
        self.assertIn(f"    {index[0]}\n    {index[1]}\n", text)
        self.assertIn(f"    {distance[0]!r}\n", text)

    def test_json_is_one_object_and_adds_up(self):
        self.write_places("places.npy", 100)
        done = self.succeed("run", "nearest", "-i", "places.npy", "-o", "distance=d.npy",
                            "--chunk-size", 8, "--workers", 2, "--json", "--progress", "plain")
        summary = json.loads(done.stdout)
        self.assertEqual(summary["schema"], 1)
        self.assertEqual(summary["outcome"], "done")
        self.assertEqual(summary["items"], 100)
        self.assertEqual(summary["chunks"],
                         {"total": 13, "run": 13, "resumed": 0, "quarantined": 0})
        self.assertEqual(summary["outputs"], [{"name": "distance", "dtype": "float64",
                                               "shape": [100], "bytes": 800, "path": "d.npy"}])
        self.assertEqual(sum(worker["items"] for worker in summary["workers"]), 100)
        self.assertEqual(sum(worker["chunks"] for worker in summary["workers"]), 13)
        self.assertEqual(summary["bytes"]["copied"], 0)
        self.assertGreaterEqual(summary["bytes"]["mapped"], 1600)
        self.assertGreaterEqual(summary["seconds"], summary["first_chunk_seconds"])

    def test_in_memory_gives_the_same_and_says_what_was_copied(self):
        self.write_places("places.npy", 50)
        self.write_places("targets.npy", 20, seed=2)
        job = ["-i", "places.npy", "-i", "targets=targets.npy"]
        expected = self.nearest(*job)
        self.assertEqual(self.nearest(*job, "--in-memory"), expected)
        done = self.succeed("run", "nearest", *job, "--in-memory", "--json")
        summary = json.loads(done.stdout)
        self.assertEqual(summary["bytes"]["copied"], 70 * 16)
        self.assertGreater(summary["placing_seconds"], 0)
        text = self.succeed("run", "nearest", *job, "--in-memory").stdout
        self.assertIn("1.1 KiB copied", text)
        self.assertIn("placed in memory in", text)
        plan = json.loads(self.succeed("run", "nearest", *job, "--in-memory", "--dry-run",
                                       "--json").stdout)
        self.assertEqual(plan["bytes"]["copied"], 70 * 16)

    def test_pages_are_counted(self):
        self.write_places("many.npy", 400_000)
        done = self.succeed("run", "copy", "-i", "many.npy", "--json", "--workers", 1)
        sizes = json.loads(done.stdout)["bytes"]
        self.assertEqual(sizes["copied"], 0)
        self.assertGreater(sizes["faulted"], 0)
        self.assertGreaterEqual(sizes["huge"], 0)
        text = self.succeed("run", "copy", "-i", "many.npy").stdout
        self.assertRegex(text, r"mapped, 0 bytes copied, .* faulted, .* huge")

    def test_json_survives_a_file_name_that_is_not_utf8(self):
        self.write_places("places.npy", 10)
        done = self.succeed("run", "nearest", "-i", "places.npy", "--json",
                            "-o", b"distance=\xff.npy".decode("utf-8", "surrogateescape"))
        self.assertEqual(json.loads(done.stdout)["outcome"], "done")

    def test_a_full_standard_output_is_an_error(self):
        self.write_places("places.npy", 10)
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = self.run_cli("inspect", "places.npy", stdout=full)
        self.assertEqual(done.returncode, 4)
        self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    main()
