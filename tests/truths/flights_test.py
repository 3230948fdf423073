"""Flights of the United States: delays by airport, resampled, binned and chosen."""

import numpy as np

from splitmix import draws, mix
from truth_test import DATA, DATASETS, DataSetTest, Job, TruthTest, main

MINUTE, DELAY, DISTANCE, ORIGIN = 0, 1, 2, 3
AIRPORTS = 229
LATE = 15
GROUP_OUTPUTS = ("count", "mean", "std", "min", "max", "share")
GROUP_PARAMS = {"groups": AIRPORTS, "value": DELAY, "key": ORIGIN, "threshold": LATE}


def delays_by_origin(flights):
    """The outputs of group_stats, by sorting where the kernel scatters."""
    order = np.argsort(flights[:, ORIGIN], kind="stable")
    keys, delays = flights[order, ORIGIN], flights[order, DELAY].astype(np.float64)
    stats = {name: np.full(AIRPORTS, np.nan) for name in GROUP_OUTPUTS}
    stats["count"] = np.bincount(keys, minlength=AIRPORTS)
    for key, own in zip(np.unique(keys), np.split(delays, np.flatnonzero(np.diff(keys)) + 1)):
        stats["mean"][key], stats["std"][key] = own.mean(), own.std()
        stats["min"][key], stats["max"][key] = own.min(), own.max()
        stats["share"][key] = (own >= LATE).mean()
    return stats


def resampled_sums(values, samples, seed):
    counters = np.arange(len(values))
    return [
        values[draws(mix(seed + sample), counters, len(values))].sum() for sample in range(samples)
    ]


class FlightsTest(TruthTest):
    def setUp(self):
        super().setUp()
        self.file = DATA / "flights.npy"
        self.flights = np.load(self.file).astype(np.int64)

    def test_delays_by_origin(self):
        wanted = delays_by_origin(self.flights)
        served = wanted["count"] > 0
        self.assertEqual(served.sum(), 209)

        def check(found):
            np.testing.assert_array_equal(found["count"], wanted["count"])
            for name in GROUP_OUTPUTS[1:]:
                np.testing.assert_allclose(
                    found[name][served], wanted[name][served], rtol=1e-12, atol=1e-12
                )

        job = Job("group_stats", {"rows": self.file}, GROUP_OUTPUTS, GROUP_PARAMS)
        self.check_job(job, check, ("auto", 777, "4KiB"))

    def test_sums_of_samples(self):
        wanted = resampled_sums(self.flights[:, DELAY], 300, 42)

        def check(found):
            np.testing.assert_array_equal(found["sum"], wanted)
            self.assert_close(found["mean"], np.array(wanted) / len(self.flights))

        params = {"samples": 300, "seed": 42, "column": DELAY, "generator": "splitmix64"}
        job = Job("bootstrap", {"values": self.file}, ("sum", "mean"), params)
        self.check_job(job, check, ("auto", 7, "64KiB"), any_chunks=True)

    def test_histogram_of_delays(self):
        low, high, bins = -20, 60, 16
        delays = self.flights[:, DELAY]

        def check(found):
            counts, edges = np.histogram(delays, bins, (low, high))
            np.testing.assert_array_equal(found["count"], counts)
            np.testing.assert_array_equal(found["edges"], edges)
            self.assertEqual(found["outside"], len(delays) - counts.sum())

        params = {"bins": bins, "low": low, "high": high, "column": DELAY}
        job = Job("histogram", {"values": self.file}, ("count", "edges", "outside"), params)
        self.check_job(job, check, ("auto", 777, "4KiB"), any_chunks=True)

    def test_late_flights(self):
        late = self.flights[:, DELAY] >= LATE

        def check(found):
            np.testing.assert_array_equal(found["rows"], self.flights[late])
            np.testing.assert_array_equal(found["index"], np.flatnonzero(late))

        params = {"column": DELAY, "where": f">= {LATE}"}
        job = Job("select", {"rows": self.file}, ("rows", "index"), params)
        self.check_job(job, check, ("auto", 777, "4KiB"), any_chunks=True)


class FlightsDataSetTest(DataSetTest):
    needs = {"flights3m": "flights3m.npy"}

    def setUp(self):
        super().setUp()
        self.file = DATASETS / "flights3m.npy"
        self.flights = np.load(self.file, mmap_mode="r")

    def test_the_shipped_flights_are_a_part_of_it(self):
        np.testing.assert_array_equal(np.load(DATA / "flights.npy"), self.flights[::300])
        codes = (DATASETS / "flights3m_airports.txt").read_bytes()
        self.assertEqual((DATA / "flights_airports.txt").read_bytes(), codes)

    def test_delays_by_origin(self):
        wanted = delays_by_origin(self.flights)
        codes = (DATASETS / "flights3m_airports.txt").read_text().split()
        chicago = codes.index("ORD")

        def check(found):
            count, mean = found["count"], found["mean"]
            np.testing.assert_array_equal(count, wanted["count"])
            for name in GROUP_OUTPUTS[1:]:
                np.testing.assert_allclose(found[name], wanted[name], rtol=1e-11, atol=1e-11)
            self.assertEqual(round((count * mean).sum()), 20_003_603)
            self.assertEqual(count[chicago], 166_341)
            self.assert_close(mean[chicago], 9.27365472132547)
            busy = np.where(count >= 1000, mean, 0)
            self.assertEqual((codes[busy.argmax()], codes[busy.argmin()]), ("BGR", "GTF"))
            self.assert_close((busy.max(), busy.min()), (16.572343, -4.028336), 1e-6)

        job = Job("group_stats", {"rows": self.file}, GROUP_OUTPUTS, GROUP_PARAMS)
        self.check_job(job, check, ("auto", 10_000, "1MiB"))

    def test_sums_of_samples(self):
        def check(found):
            first = [20080374, 20081929, 20024588, 20028803, 19974989]
            self.assertEqual(found["sum"][:5].tolist(), first)
            self.assertEqual(found["sum"].sum(), 400_543_091)

        params = {"samples": 20, "column": DELAY, "generator": "splitmix64"}
        job = Job("bootstrap", {"values": self.file}, ("sum",), params)
        self.check_job(job, check, ("auto", 1, 7), any_chunks=True)

    def test_a_thousand_samples(self):
        def check(found):
            self.assertEqual(found["sum"].sum(), 20_003_763_739)
            self.assertAlmostEqual(found["mean"].std(ddof=1), 0.018943, places=6)
            bounds = np.quantile(found["mean"], (0.025, 0.975))
            np.testing.assert_allclose(bounds, (6.6315, 6.7055), atol=2e-4)

        params = {"samples": 1000, "column": 0, "generator": "splitmix64"}
        inputs = {"values": DATASETS / "flights3m_delay.npy"}
        job = Job("bootstrap", inputs, ("sum", "mean"), params)
        self.check_job(job, check, ("auto", 1, 7), any_chunks=True)

    def test_the_other_generator_agrees_with_theory(self):
        def check(found):
            delays = self.flights[:, DELAY].astype(np.float64)
            wanted = delays.std() / np.sqrt(len(delays))
            # Four deviations of a deviation that is estimated from a thousand samples.
            self.assert_close(found["mean"].std(ddof=1), wanted, 4 / np.sqrt(2000))
            far = abs(found["mean"].mean() - delays.mean())
            self.assertLess(far, 4 * wanted / np.sqrt(1000))

        params = {"samples": 1000, "generator": "philox"}
        inputs = {"values": DATASETS / "flights3m_delay.npy"}
        job = Job("bootstrap", inputs, ("mean",), params)
        self.check_job(job, check, ("auto", 1, 7), any_chunks=True)


if __name__ == "__main__":
    main()
