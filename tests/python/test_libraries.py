"""Libraries that take an executor, or its map, as they take those of the standard library."""

import asyncio
import os

import gristmill as gm
import numpy as np
import pytest


@pytest.fixture(scope="module")
def executor():
    with gm.Executor(2) as executor:
        yield executor


def bowl(x):
    return float(((x - 0.5) ** 2).sum())


class TestSciPy:
    """`workers=` is a function like map."""

    @pytest.fixture
    def optimize(self):
        return pytest.importorskip("scipy.optimize")

    def test_differential_evolution(self, optimize, executor):
        words = {"seed": 1, "maxiter": 20, "updating": "deferred", "polish": False}
        bounds = [(-2, 2)] * 3
        ours = optimize.differential_evolution(bowl, bounds, workers=executor.map, **words)
        serial = optimize.differential_evolution(bowl, bounds, **words)
        assert np.array_equal(ours.x, serial.x)
        assert ours.nfev == serial.nfev

    def test_differential_evolution_of_a_closure(self, optimize, executor):
        target = np.array([0.25, -1])
        found = optimize.differential_evolution(
            lambda x: ((x - target) ** 2).sum(),
            [(-2, 2)] * 2,
            workers=executor.map,
            updating="deferred",
            seed=1,
        )
        assert np.allclose(found.x, target, atol=1e-4)

    def test_brute(self, optimize, executor):
        ranges = (slice(-1, 1, 0.1), slice(-1, 1, 0.1))
        words = {"full_output": True, "finish": None}
        ours = optimize.brute(bowl, ranges, workers=executor.map, **words)
        serial = optimize.brute(bowl, ranges, **words)
        for mine, other in zip(ours, serial):
            assert np.array_equal(mine, other)


class TestDask:
    @pytest.fixture
    def dask(self):
        return pytest.importorskip("dask")

    def test_delayed(self, dask, executor):
        @dask.delayed
        def double(x):
            return 2 * x

        @dask.delayed
        def process(_):
            return os.getpid()

        total = dask.delayed(sum)([double(i) for i in range(50)])
        assert total.compute(scheduler=executor) == 2450
        assert dask.compute(process(0), scheduler=executor)[0] in executor.worker_pids()

    def test_arrays(self, dask, executor):
        array = pytest.importorskip("dask.array")
        lazy = array.from_array(np.arange(1_000_000.0).reshape(1000, 1000), chunks=(100, 1000))
        sums = (lazy * 2).sum(axis=1).compute(scheduler=executor)
        assert np.array_equal(sums, 2 * np.arange(1_000_000.0).reshape(1000, 1000).sum(axis=1))

    def test_exceptions(self, dask, executor):
        with pytest.raises(ZeroDivisionError):
            dask.delayed(lambda: 1 / 0)().compute(scheduler=executor)


class TestAsyncio:
    def test_run_in_executor(self, executor):
        async def work():
            loop = asyncio.get_running_loop()
            calls = [loop.run_in_executor(executor, pow, 2, i) for i in range(50)]
            return await asyncio.gather(*calls)

        assert asyncio.run(work()) == [2**i for i in range(50)]

    def test_exceptions(self, executor):
        async def work():
            return await asyncio.get_running_loop().run_in_executor(executor, divmod, 1, 0)

        with pytest.raises(ZeroDivisionError):
            asyncio.run(work())
