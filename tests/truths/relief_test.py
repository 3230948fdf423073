"""Windows over heights of the Earth: roughness, and the slopes of the example plug-in."""

import numpy as np

from truth_test import DATA, DATASETS, DataSetTest, Job, TruthTest, main


def slopes(grid, first_latitude, periodic):
    """Horn's slope in degrees, by whole arrays; cells of a twelfth of a degree."""
    heights = grid.astype(np.float64)
    west, east = np.roll(heights, 1, axis=1), np.roll(heights, -1, axis=1)
    x = (east[:-2] + 2 * east[1:-1] + east[2:]) - (west[:-2] + 2 * west[1:-1] + west[2:])
    columns = west + 2 * heights + east
    y = columns[2:] - columns[:-2]
    latitudes = first_latitude + np.arange(len(grid)) / 12
    dy = np.pi * 6371008.8 / 180 / 12
    dx = dy * np.cos(np.radians(latitudes[1:-1]))[:, None]
    slope = np.full(grid.shape, np.nan)
    slope[1:-1] = np.degrees(np.arctan(np.hypot(x / (8 * dx), y / (8 * dy))))
    if not periodic:
        slope[:, [0, -1]] = np.nan
    return slope


def slope_job(grid, **params):
    return Job("terrain_slope", {"grid": grid}, ("slope",), params, "terrain_slope.so")


class ReliefTest(TruthTest):
    def setUp(self):
        super().setUp()
        self.relief = np.load(DATA / "relief.npy")

    def test_slopes(self):
        for dtype in ("i2", "f4", "f8"):
            for periodic in (True, False):

                def check(found):
                    wanted = slopes(self.relief, 25, periodic)
                    np.testing.assert_allclose(found["slope"], wanted, rtol=1e-6)

                grid = self.save("grid.npy", self.relief.astype(dtype))
                job = slope_job(grid, first_latitude=25, periodic=str(periodic).lower())
                chunk_sizes = ("auto", 7, "64KiB") if dtype == "f8" else ("auto",)
                self.check_job(job, check, chunk_sizes, any_chunks=True)

    def test_grids_that_do_not_fit_are_refused(self):
        done = self.run_cli(*slope_job(DATA / "relief.npy", first_latitude=80).words(self.folder))
        self.assertEqual(done.returncode, 2)
        self.assertIn(
            "the rows go from latitude 80.000000 to 96.583333, beyond a pole", done.stderr
        )
        narrow = self.save("narrow.npy", np.zeros((5, 2)))
        done = self.run_cli(*slope_job(narrow).words(self.folder))
        self.assertEqual(done.returncode, 2)
        self.assertIn('input "grid" is 5 x 2, less than 3 x 3', done.stderr)

    def test_windows(self):
        rows, columns = 5, 9

        def padded(edges):
            modes = {"valid": None, "nearest": "edge", "periodic": "wrap"}
            grid = self.relief.astype(np.float64)
            for axis, (edge, half) in enumerate(zip(edges, (rows // 2, columns // 2))):
                if modes[edge]:
                    width = [(half, half) if axis == i else (0, 0) for i in range(2)]
                    grid = np.pad(grid, width, mode=modes[edge])
            return np.lib.stride_tricks.sliding_window_view(grid, (rows, columns))

        for edges in (("valid", "periodic"), ("nearest", "nearest"), ("valid", "valid")):
            windows = padded(edges)

            def check(found):
                self.assert_close(found["mean"], windows.mean((2, 3)), 1e-11)
                np.testing.assert_allclose(found["std"], windows.std((2, 3)), rtol=1e-9, atol=1e-9)
                for name, of in (("min", np.min), ("max", np.max), ("median", np.median)):
                    np.testing.assert_array_equal(found[name], of(windows, (2, 3)))

            params = {"size": f"{rows},{columns}", "edges": ",".join(edges)}
            outputs = ("mean", "std", "median", "min", "max")
            job = Job("window", {"grid": DATA / "relief.npy"}, outputs, params)
            self.check_job(job, check, ("auto", 7, "64KiB"), any_chunks=True)


class ReliefDataSetTest(DataSetTest):
    needs = {"relief": "etopo5.npy"}

    def setUp(self):
        super().setUp()
        self.latitudes = -90 + np.arange(2161) / 12

    def test_the_shipped_relief_is_a_part_of_it(self):
        whole = np.load(DATASETS / "etopo5.npy", mmap_mode="r")
        np.testing.assert_array_equal(np.load(DATA / "relief.npy"), whole[1380:1580, 840:1240])

    def test_slopes(self):
        def check(found):
            slope = found["slope"][np.abs(self.latitudes) <= 60]
            self.assert_close(slope.mean(dtype=np.float64), 0.5547016191, 1e-9)
            self.assertAlmostEqual(slope.max(), 20.178375, places=5)

        job = slope_job(DATASETS / "etopo5.npy")
        self.check_job(job, check, ("auto", 1, "1MiB"), any_chunks=True)

    def test_roughness(self):
        def check(found):
            std = found["std"]
            self.assertEqual(std.shape, (2131, 4320))
            self.assert_close(std.mean(), 370.37562796, 1e-10)
            self.assertEqual(np.unravel_index(std.argmax(), std.shape), (773, 3475))
            self.assert_close(std.max(), 3478.576408986909, 1e-10)

        params = {"size": "31,31", "edges": "valid,periodic"}
        job = Job("window", {"grid": DATASETS / "etopo5.npy"}, ("std",), params)
        self.check_job(job, check, ("auto", 100, "1MiB"), any_chunks=True)


if __name__ == "__main__":
    main()
