"""Distances between all places, of the United States and of the world."""

import hashlib
import pathlib

import numpy as np

from truth_test import DATA, DATASETS, DataSetTest, Job, TruthTest, main

HERE = pathlib.Path(__file__).resolve().parent
EARTH_RADIUS_KM = 6371.0088


def great_circles(points, targets):
    """By the haversine formula, where the kernels go by chords."""
    (lat, lon), (lats, lons) = np.radians(points).T, np.radians(targets).T
    across = np.sin((lons - lon[:, None]) / 2) ** 2 * np.cos(lat)[:, None] * np.cos(lats)
    h = np.sin((lats - lat[:, None]) / 2) ** 2 + across
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(h))


class PlacesTest(TruthTest):
    def setUp(self):
        super().setUp()
        self.places = np.load(DATA / "cities_us.npy")
        self.inputs = {"points": DATA / "cities_us.npy"}
        self.some = np.arange(0, len(self.places), 97)

    def test_mean_distances(self):
        def check(found):
            self.assert_close(found["mean"].sum(), 30733098.431004632)
            self.assertEqual((found["mean"].argmin(), found["mean"].argmax()), (2030, 16295))
            self.assert_close(found["mean"].min(), 1237.5327475022225)
            self.assert_close(found["max"].sum(), 119822290.60199398)
            self.assertEqual((found["max"].argmin(), found["max"].argmax()), (15592, 8658))
            rows = great_circles(self.places[self.some], self.places)
            self.assert_close(found["mean"][self.some], rows.sum(1) / (len(self.places) - 1))
            self.assert_close(found["max"][self.some], rows.max(1), 1e-9)

        job = Job("mean_distance", self.inputs, ("mean", "max"))
        self.check_job(job, check, ("auto", 1000, "3KiB"), any_chunks=True)

    def test_nearest_neighbours(self):
        def check(found):
            index, km = found["index"], found["distance"]
            digest = hashlib.sha256(index.astype("<i4").tobytes()).hexdigest()
            self.assertEqual(digest[:16], "63918f349ba47669")
            self.assertEqual(index.sum(), 151_120_396)
            self.assertEqual((index[index] == np.arange(len(index))).sum(), 10_094)
            self.assert_close(km.sum(), 148_357.71634747, 1e-12)
            self.assert_close(np.median(km), 5.386046292451, 1e-9)
            self.assert_close(km.max(), 329.859004192936, 1e-9)
            rows = great_circles(self.places[self.some], self.places)
            rows[np.arange(len(self.some)), self.some] = np.inf
            np.testing.assert_array_equal(index[self.some], rows.argmin(1))
            self.assert_close(km[self.some], rows.min(1), 1e-9)

        job = Job("nearest", self.inputs, ("index", "distance"))
        self.check_job(job, check, ("auto", 1000, "3KiB"), any_chunks=True)

    def test_histogram_of_all_pairs(self):
        truth = np.load(HERE / "us_pair_histogram.npy")

        def check(found):
            count = len(self.places)
            self.assertEqual(
                found["count"].sum() + found["outside"].sum(), count * (count - 1) // 2
            )
            np.testing.assert_array_equal(found["count"], truth)

        params = {"bins": 400, "low": 0, "high": 20_000}
        job = Job("pair_histogram", self.inputs, ("count", "outside"), params)
        self.check_job(job, check, ("auto", 1000, "3KiB"), any_chunks=True)

    def test_matrix_of_distances(self):
        some = self.places[self.some]
        points, targets = self.save("points.npy", some), self.save("targets.npy", some[::3])
        for inputs, wanted in (
            ({"points": points}, great_circles(some, some)),
            ({"points": points, "targets": targets}, great_circles(some, some[::3])),
        ):

            def check(found):
                # The shortest distances lose digits both ways.
                np.testing.assert_allclose(found["distance"], wanted, rtol=1e-9, atol=1e-9)

            job = Job("pairwise", inputs, ("distance",))
            self.check_job(job, check, ("auto", 1, 3), any_chunks=True)


class WorldDataSetTest(DataSetTest):
    needs = {"places": "cities_world.npy", "coast": "coast_50m.npy"}

    def setUp(self):
        super().setUp()
        self.inputs = {"points": DATASETS / "cities_world.npy"}

    def test_the_shipped_places_are_those_of_the_set(self):
        for name in ("cities_world.npy", "cities_us.npy"):
            self.assertEqual((DATA / name).read_bytes(), (DATASETS / name).read_bytes())

    def test_mean_distances(self):
        def check(found):
            self.assert_close(found["mean"].sum(), 1228475765.41049, 1e-11)
            self.assertEqual((found["mean"].argmin(), found["mean"].argmax()), (38_295, 115_586))
            self.assert_close(found["mean"].min(), 4993.500979077934)
            self.assert_close(found["mean"].max(), 14893.51141985719)
            self.assert_close(found["max"].sum(), 3260968933.583664, 1e-11)

        job = Job("mean_distance", self.inputs, ("mean", "max"))
        self.check_job(job, check, ("auto", 5000, "256KiB"), any_chunks=True)

    def test_nearest_neighbours(self):
        def check(found):
            km = found["distance"]
            self.assert_close(km.mean(), 8.51644638656587, 1e-9)
            self.assert_close(km.max(), 3352.775004195409, 1e-9)
            self.assertEqual(km.argmax(), 141_516)
            self.assertEqual((km == 0).sum(), 73)

        job = Job("nearest", self.inputs, ("distance",))
        self.check_job(job, check, ("auto", 777, "64KiB"), any_chunks=True)

    def test_distances_to_the_coast(self):
        def check(found):
            km = found["distance"]
            self.assert_close(km.mean(), 241.27218702356325, 1e-9)
            self.assert_close(km.max(), 2428.838470253292, 1e-9)
            self.assertEqual((km.argmin(), km.argmax()), (96_440, 139_680))

        inputs = {**self.inputs, "targets": DATASETS / "coast_50m.npy"}
        job = Job("nearest", inputs, ("distance",))
        self.check_job(job, check, ("auto", 777, "64KiB"), any_chunks=True)


if __name__ == "__main__":
    main()
