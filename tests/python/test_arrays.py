"""Datasets: arrays that are shared without copies."""

import gc

import gristmill as gm
import numpy as np
import pytest


@pytest.fixture(scope="module")
def engine():
    with gm.Engine(workers=2) as made:
        yield made


def test_a_shared_array_has_the_same_elements_and_cannot_be_written(engine):
    array = np.arange(12.0).reshape(4, 3)
    shared = engine.share(array)
    assert np.array_equal(shared, array)
    with pytest.raises(ValueError, match="change a copy"):
        shared[0] = 1
    with pytest.raises(ValueError, match="change a copy"):
        shared += 1


def test_the_same_array_is_stored_once(engine):
    array = np.arange(1000.0)
    shared = engine.share(array)
    assert engine.share(array) is shared
    assert engine.share(shared) is shared
    assert engine.share(array, refresh=True) is not shared


def test_a_changed_array_is_stored_again(engine):
    array = np.arange(100.0)
    before = engine.share(array)
    array[3] = -1
    after = engine.share(array)
    assert before[3] == 3 and after[3] == -1


def test_parts_of_datasets_are_not_copied(engine):
    shared = engine.share(np.arange(100.0))
    part = engine.share(shared[10:20])
    assert np.shares_memory(part, shared)


def test_an_array_of_a_mapped_file_is_that_file(engine, tmp_path):
    np.save(tmp_path / "a.npy", np.arange(50))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert np.array_equal(engine.share(mapped[5:]), np.arange(5, 50))


def test_a_mapped_file_whose_name_another_has_is_copied(engine, tmp_path):
    np.save(tmp_path / "a.npy", np.arange(5))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    np.save(tmp_path / "b.npy", np.arange(5) + 100)
    (tmp_path / "b.npy").rename(tmp_path / "a.npy")
    assert np.array_equal(engine.share(mapped), np.arange(5))


def test_new_memory_is_sealed_without_a_copy_once_no_array_uses_it(engine):
    new = engine.empty((10,), "int32")
    array = np.asarray(new)
    array[:] = np.arange(10)
    with pytest.raises(gm.InvalidError, match="arrays still use"):
        new.seal()
    del array
    assert new.seal().sum() == 45
    with pytest.raises(gm.InvalidError, match="was sealed"):
        new[0] = 1


@pytest.mark.parametrize(
    "array",
    [
        np.array(["2020-01-01", "2021-05-06"], "M8[D]"),
        np.array([(1.5, 2), (2.5, 3)], [("x", "f8"), ("n", "i2")]),
        np.array([True, False]),
        np.array([b"ab", b"c"]),
        np.arange(3, dtype=">i4"),
        np.empty((0, 3)),
    ],
    ids=["dates", "records", "bool", "bytes", "big-endian", "no rows"],
)
def test_any_fixed_size_dtype_can_be_shared(engine, array):
    shared = engine.share(array)
    assert shared.dtype == array.dtype
    assert np.array_equal(np.asarray(shared), array)


def test_objects_are_refused(engine):
    with pytest.raises(gm.InvalidError, match="Python objects"):
        engine.share(np.array([object()]))


def test_results_outlive_their_engine():
    with gm.Engine(workers=1) as engine:
        result = engine.map_chunks(np.negative, np.arange(1000.0), dtype="f8")
        mean = engine.run("describe", result)["mean"]
    gc.collect()
    assert np.array_equal(result, -np.arange(1000.0))
    result[0] = 7
    assert float(mean) == pytest.approx(-499.5)


def test_arithmetic_on_datasets_gives_ordinary_arrays(engine):
    shared = engine.share(np.arange(4.0))
    assert type(shared + 1) is np.ndarray
    assert isinstance(shared.sum(), np.float64)
