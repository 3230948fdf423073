"""Any array comes back as NumPy has it: shapes, dtypes, strides, chunk sizes."""

import gristmill as gm
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DTYPES = [
    "?",
    "i1",
    "u2",
    "<i4",
    ">i4",
    "i8",
    "f2",
    "f4",
    ">f8",
    "c8",
    "c16",
    "M8[ns]",
    ">M8[D]",
    "m8[s]",
    "S3",
    "U2",
    "V5",
    [("x", "f8"), ("n", ">i2")],
    [("point", "f4", (2,)), ("ok", "?")],
    np.dtype([("a", "u1"), ("b", "f8")], align=True),
]

few = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def engine():
    with gm.Engine(workers=2) as made:
        yield made


@st.composite
def arrays(draw, least_rows=0):
    """Random bytes in an array, perhaps a view with steps, reversed or transposed."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    sides = draw(st.lists(st.integers(0, 5), max_size=2))
    shape = (draw(st.integers(least_rows, 40)), *sides)
    step = draw(st.sampled_from([1, 2, -1]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    whole = (shape[0] * abs(step), *shape[1:])
    size = int(np.prod(whole)) * dtype.itemsize
    if dtype.kind in "?U":
        # Not every byte is one of their values.
        array = random.integers(0, 2, size=whole).astype(dtype)
    else:
        raw = random.integers(0, 256, size=size, dtype=np.uint8)
        if dtype.names:
            raw %= 2
        array = np.frombuffer(raw.tobytes(), dtype).reshape(whole)
    array = array[::step]
    if len(shape) == 3 and draw(st.booleans()):
        array = array.transpose(0, 2, 1)
    return array


def rows_of_arrays():
    """Without what NumPy changes when it pickles an array: the byte order of dates."""
    return arrays(least_rows=1).filter(lambda array: array.dtype.str != ">M8[D]")


chunk_sizes = st.one_of(st.just("auto"), st.integers(1, 50))


def bits(array):
    """The bytes of the elements: NaN is NaN, and what lies between fields does not count."""
    array = np.asarray(array)
    if array.dtype.names:
        return [bits(array[name]) for name in array.dtype.names]
    return np.ascontiguousarray(array).tobytes()


def same(left, right):
    return (left.dtype, left.shape, bits(left)) == (right.dtype, right.shape, bits(right))


@few
@given(array=arrays())
def test_a_shared_array_is_the_array(engine, array):
    assert same(np.asarray(engine.share(array)), array)


@few
@given(array=arrays())
def test_sealed_memory_has_what_was_written(engine, array):
    new = engine.empty(array.shape, array.dtype)
    new[...] = array
    assert same(new.seal(), array)


@few
@given(array=arrays(), offset=st.integers(0, 3))
def test_an_opened_file_is_the_array(engine, array, offset, tmp_path):
    array = np.ascontiguousarray(array)
    raw = tmp_path / "a.raw"
    raw.write_bytes(b"x" * (offset * 16) + array.tobytes())
    opened = engine.open(raw, array.dtype, array.shape, offset=offset * 16)
    assert same(np.asarray(opened), array)
    name, _ = gm._arrays.engine_dtype(array.dtype)
    if array.dtype == np.dtype(name):
        np.save(tmp_path / "a.npy", array)
        assert same(np.asarray(engine.open(tmp_path / "a.npy")), array)


@few
@given(array=rows_of_arrays(), chunk_size=chunk_sizes)
def test_rows_come_back_in_their_places(engine, array, chunk_size):
    result = engine.map_chunks(lambda rows: rows[:, ...], array, chunk_size=chunk_size)
    assert same(result, array)


@few
@given(array=arrays(least_rows=1), other=arrays(least_rows=1), chunk_size=chunk_sizes)
def test_chunks_of_several_arrays_are_the_same_rows(engine, array, other, chunk_size):
    rows = min(len(array), len(other))
    array, other = array[:rows], other[:rows]

    def look(part, other_part):
        return np.array([[part.nbytes, other_part.nbytes]] * len(part), "i8")

    result = engine.map_chunks(look, array, other, chunk_size=chunk_size)
    per_row = [array.nbytes // rows, other.nbytes // rows]
    chunks = result / np.maximum(per_row, 1)
    assert result.shape == (rows, 2)
    if all(per_row):
        assert np.array_equal(chunks[:, 0], chunks[:, 1])


@few
@given(array=rows_of_arrays(), chunk_size=chunk_sizes, keep=st.integers(1, 4))
def test_any_number_of_rows_keeps_their_order(engine, array, chunk_size, keep):
    numbers = np.arange(len(array))
    result = engine.flat_map_chunks(
        lambda rows, number: rows[number % keep == 0], array, numbers, chunk_size=chunk_size
    )
    assert same(result, array[::keep])
