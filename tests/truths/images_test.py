"""k-means: one step, the loop of the example program kmeans, and the labels by nearest."""

import re

import numpy as np

from truth_test import DATASETS, DataSetTest, Job, TruthTest, main

STEP_OUTPUTS = ("centroids", "count", "inertia")


def step(points, centroids):
    """New centroids, counts, inertia and labels; the lowest of equally near centroids wins."""
    squares = ((points[:, None, :] - centroids) ** 2).sum(axis=2)
    labels = squares.argmin(axis=1)
    count = np.bincount(labels, minlength=len(centroids))
    moved = np.array([points[labels == k].mean(axis=0) for k in range(len(centroids))])
    return moved, count, squares.min(axis=1).sum(), labels


class KMeansTest(TruthTest):
    def setUp(self):
        super().setUp()
        centres = np.random.default_rng(2).integers(20, 236, (7, 24))
        noise = np.random.default_rng(3).normal(0, 8, (700, 24))
        self.points = np.clip(np.tile(centres, (100, 1)) + noise, 0, 255).astype(np.uint8)

    def run_program(self, points, clusters, passes, *labels):
        """The lines of passes, and the counts."""
        done = self.succeed(points, clusters, passes, *labels, program="kmeans")
        inertia = [float(text) for text in re.findall(r"(?m)inertia ([^,]+),", done.stdout)]
        (counts,) = re.findall(r"points per cluster: (.*)", done.stdout)
        return inertia, [int(text) for text in counts.split()]

    def test_step(self):
        centroids = self.points[:7] + 0.25
        moved, count, inertia, labels = step(self.points.astype(np.float64), centroids)
        for dtype in (np.uint8, np.float32, np.float64):

            def check(found):
                self.assert_close(found["centroids"], moved)
                np.testing.assert_array_equal(found["count"], count)
                self.assert_close(found["inertia"], inertia)

            inputs = {
                "points": self.save("points.npy", self.points.astype(dtype)),
                "centroids": self.save("first.npy", centroids),
            }
            job = Job("kmeans_step", inputs, STEP_OUTPUTS)
            self.check_job(job, check, ("auto", 7, "4KiB"))
        inputs = {"points": self.save("points.npy", self.points), "targets": inputs["centroids"]}
        job = Job("nearest", inputs, ("index",), {"metric": "euclidean"})
        np.testing.assert_array_equal(self.run_job(job)["index"], labels)

    def test_program(self):
        centroids = self.points[:7].astype(np.float64)
        inertias = []
        for _ in range(4):
            centroids, count, inertia, _ = step(self.points.astype(np.float64), centroids)
            inertias.append(inertia)
        for dtype in (np.uint8, np.float32, np.float64):
            points = self.save("points.npy", self.points.astype(dtype))
            found, counts = self.run_program(points, 7, 4, "labels.npy")
            self.assert_close(found, inertias)
            self.assertEqual(counts, count.tolist())
            labels = step(self.points.astype(np.float64), centroids)[3]
            np.testing.assert_array_equal(np.load(self.folder / "labels.npy"), labels)

    def test_program_refuses_what_it_cannot_do(self):
        points = self.save("points.npy", self.points.astype(np.int16))
        for words, code, message in (
            ((points,), 2, "usage: kmeans"),
            ((points, "seven", 4), 2, "usage: kmeans"),
            ((points, 701, 4), 1, "cannot make 701 clusters of an array of 700 x 24"),
            ((points, 7, 4), 1, "points must be uint8, float32 or float64"),
            (("absent.npy", 7, 4), 1, "absent.npy"),
        ):
            done = self.run_cli(*words, program="kmeans")
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(message, done.stderr)


class ImagesDataSetTest(DataSetTest):
    needs = {"fashion": "fashion_train_x.npy"}

    run_program = KMeansTest.run_program

    def test_first_step(self):
        points = DATASETS / "fashion_train_x.npy"
        first = self.save("first.npy", np.load(points, mmap_mode="r")[:10].astype(np.float64))

        def check(found):
            self.assertEqual(found["inertia"], 232_050_750_366)
            self.assertEqual(found["count"].sum(), 60_000)

        job = Job("kmeans_step", {"points": points, "centroids": first}, STEP_OUTPUTS)
        self.check_job(job, check, ("auto", 100, "1MiB"))

    def test_twenty_passes(self):
        points = DATASETS / "fashion_train_x.npy"
        inertia, counts = self.run_program(points, 10, 20)
        self.assertEqual(inertia[0], 232_050_750_366)
        self.assert_close(inertia[1], 138_907_558_518.4, 1e-12)
        self.assert_close(inertia[19], 126_973_852_005.2, 1e-12)
        wanted = [5065, 7439, 6363, 6252, 7720, 8817, 6908, 3103, 5223, 3110]
        self.assertEqual(counts, wanted)

        # The points that pass 20 counts are those that are nearest after 19.
        self.run_program(points, 10, 19, "labels.npy")
        labels = np.load(self.folder / "labels.npy")
        self.assertEqual(np.bincount(labels).tolist(), wanted)
        classes = np.load(DATASETS / "fashion_train_y.npy")
        table = np.zeros((10, 10), dtype=int)
        np.add.at(table, (labels, classes), 1)
        self.assertAlmostEqual(table.max(axis=1).sum() / 60_000, 0.54003, places=5)


if __name__ == "__main__":
    main()
