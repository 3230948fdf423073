"""Value at risk by paths of drawn returns: the example plug-in value_at_risk."""

import numpy as np

from splitmix import draws, mix
from truth_test import DATASETS, DataSetTest, Job, TruthTest, main


def log_returns_of_paths(returns, paths, days, seed):
    total = np.zeros(paths)
    first = np.arange(paths, dtype=np.uint64) * np.uint64(days)
    for day in range(days):
        total += returns[draws(mix(seed), first + np.uint64(day), len(returns))]
    return total


def jobs(returns, **params):
    """The map and the reduce."""
    inputs = {"returns": returns}
    plugin = "value_at_risk.so"
    histogram = ("count", "outside", "value_at_risk")
    return (
        Job("var_paths", inputs, ("result",), params, plugin),
        Job("var_histogram", inputs, histogram, params, plugin),
    )


class ReturnsTest(TruthTest):
    def setUp(self):
        super().setUp()
        days = np.random.default_rng(5).standard_t(4, 1001) / 100
        self.returns = self.save("returns.npy", days)
        self.wanted = log_returns_of_paths(days, 100_000, 7, 3)

    def test_paths(self):
        def check(found):
            self.assert_close(found["result"], np.expm1(self.wanted))

        params = {"paths": 100_000, "days": 7, "seed": 3}
        paths, _ = jobs(self.returns, **params)
        self.check_job(paths, check, ("auto", 1234, "64KiB"), any_chunks=True)

    def test_histogram(self):
        low, high, bins = -0.0503, 0.0911, 97

        def check(found):
            counts, edges = np.histogram(self.wanted, np.linspace(low, high, bins + 1))
            np.testing.assert_array_equal(found["count"], counts)
            outside = [(self.wanted < low).sum(), (self.wanted >= high).sum()]
            np.testing.assert_array_equal(found["outside"], outside)
            quantile = np.sort(self.wanted)[20_000]
            edge = edges[edges <= quantile].max()
            self.assert_close(found["value_at_risk"], -np.expm1(edge), 1e-9)

        params = {"paths": 100_000, "days": 7, "seed": 3}
        params |= {"low": low, "high": high, "bins": bins, "confidence": 0.8}
        _, histogram = jobs(self.returns, **params)
        self.check_job(histogram, check, ("auto", 1234, "64KiB"), any_chunks=True)

    def test_a_quantile_outside_of_the_bins_is_nan(self):
        for low, high in ((0.4, 0.5), (-0.5, -0.4)):
            _, histogram = jobs(self.returns, paths=1000, low=low, high=high, confidence=0.5)
            self.assertTrue(np.isnan(self.run_job(histogram)["value_at_risk"]))

    def test_what_does_not_fit_is_refused(self):
        for params, message in (
            ({"paths": -1}, '"paths" is negative'),
            ({"days": 0}, '"days" is less than 1'),
            ({"bins": 0}, '"bins" is 0, not 1 to 1000000'),
            ({"low": 1}, '"high" is not above "low"'),
            ({"confidence": 1}, '"confidence" is not between 0 and 1'),
        ):
            _, histogram = jobs(self.returns, **params)
            done = self.run_cli(*histogram.words(self.folder))
            self.assertEqual(done.returncode, 2)
            self.assertIn(message, done.stderr)
        nothing = self.save("nothing.npy", np.zeros(0))
        done = self.run_cli(*jobs(nothing)[0].words(self.folder))
        self.assertEqual(done.returncode, 2)
        self.assertIn('input "returns" has 0 days', done.stderr)


class ReturnsDataSetTest(DataSetTest):
    needs = {"sp500": "sp500_logret.npy"}

    def test_value_at_risk_of_ten_days(self):
        def check(found):
            result = found["result"]
            self.assert_close(np.sort(result)[10_000], -0.09721664481979542, 1e-9)
            self.assert_close(result.mean(), 0.0021477444132321543, 1e-9)
            np.testing.assert_allclose(result[:3], [0.04898537, 0.06003071, 0.03503332], atol=5e-9)

        def check_histogram(found):
            log_returns = np.log1p(self.run_job(paths)["result"])
            # Both know a log return to the last bits only.
            counts, _ = np.histogram(log_returns, 2400, (-0.6, 0.6))
            self.assertEqual(found["count"].sum(), 1_000_000)
            self.assertLessEqual(np.abs(found["count"] - counts).sum(), 4)
            self.assertLess(abs(found["value_at_risk"] - 0.0972166), 0.0005)

        paths, histogram = jobs(DATASETS / "sp500_logret.npy")
        self.check_job(paths, check, ("auto", 1234, "1MiB"), any_chunks=True)
        self.check_job(histogram, check_histogram, ("auto", 1234, "1MiB"), any_chunks=True)

    def test_a_hundred_million_paths(self):
        _, histogram = jobs(DATASETS / "sp500_logret.npy", paths=100_000_000)

        def check(found):
            self.assertEqual(found["count"].sum() + found["outside"].sum(), 100_000_000)
            self.assertLess(abs(found["value_at_risk"] - 0.0969), 0.001)

        self.check_job(histogram, check, ("auto", 123_456, "4MiB"), any_chunks=True)


if __name__ == "__main__":
    main()
