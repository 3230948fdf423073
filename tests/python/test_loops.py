"""Compiled functions on chunks of rows: of ctypes, numba and Cython."""

import ctypes
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import sysconfig

import gristmill as gm
import numpy as np
import pytest

VALUES = np.random.default_rng(3).normal(size=5000)
ROWS = np.random.default_rng(4).normal(size=(1000, 3))

C_SOURCE = r"""
#include <gristmill/kernel.h>
#include <stdlib.h>

#define LOOP(name) \
  int32_t name(void** data, const int64_t* dims, const int64_t* strides, void* user); \
  int32_t name(void** data, const int64_t* dims, const int64_t* strides, void* user)

/* Two arrays of float64: the sum of all elements of both rows. */
LOOP(add_rows) {
  for (int64_t row = 0; row < dims[0]; ++row) {
    double sum = 0;
    for (int k = 0; k < 2; ++k) {
      const double* elements = (const double*)((const char*)data[k] + row * strides[k]);
      for (int64_t i = 0; i < dims[1 + k]; ++i) sum += elements[i];
    }
    *(double*)((char*)data[2] + row * strides[2]) = sum;
  }
  return user != NULL;
}

/* Nine arrays of float64: the sum of their elements. */
LOOP(add_nine) {
  for (int64_t i = 0; i < dims[0]; ++i) {
    double sum = 0;
    for (int k = 0; k < 9; ++k) sum += ((const double*)data[k])[i];
    ((double*)data[9])[i] = sum;
  }
  return 0;
}

/* A row of the result: rows, elements and bytes of a row of the first array, and of the result. */
LOOP(tell) {
  for (int64_t row = 0; row < dims[0]; ++row) {
    int64_t* told = (int64_t*)((char*)data[1] + row * strides[1]);
    told[0] = dims[0];
    told[1] = dims[1];
    told[2] = strides[0];
    told[3] = dims[2];
    told[4] = strides[1];
  }
  return 0;
}

/* Twelve bytes of each row are those of the first array. */
LOOP(copy_12) {
  for (int64_t row = 0; row < dims[0]; ++row) {
    for (int i = 0; i < 12; ++i) {
      ((char*)data[1])[row * strides[1] + i] = ((char*)data[0])[row * strides[0] + i];
    }
  }
  return 0;
}

LOOP(negate) {
  for (int64_t i = 0; i < dims[0]; ++i) {
    const double value = ((const double*)data[0])[i];
    if (value == 1e9) return 17;
    if (value == 2e9) abort();
    ((double*)data[1])[i] = -value;
  }
  return 0;
}

static LOOP(hidden) { return 0; }
int32_t (*hidden_function)(void**, const int64_t*, const int64_t*, void*) = &hidden;
"""


def compiler():
    found = shutil.which("cc")
    if found is None:
        pytest.skip("there is no C compiler")
    return found


def compile_c(source, made, *flags):
    words = [compiler(), "-shared", "-fPIC", "-O2", f"-I{gm.get_include()}", *flags]
    done = subprocess.run([*words, "-o", made, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loops")
    (folder / "loops.c").write_text(C_SOURCE)
    return ctypes.CDLL(str(compile_c(folder / "loops.c", folder / "loops.so")))


@pytest.fixture(scope="module")
def engine():
    with gm.Engine(workers=2) as made:
        yield made


@pytest.fixture
def no_python_worker(engine, monkeypatch):
    """Fails the test that starts Python workers."""

    def refuse():
        raise AssertionError("Python workers were asked for")

    monkeypatch.setattr(engine, "_function_core", refuse)


# ctypes


def test_a_function_of_a_library_runs_in_native_workers(engine, library, no_python_worker):
    sums = engine.map_chunks(library.add_rows, ROWS, VALUES[:1000], dtype="f8", chunk_size=77)
    assert np.allclose(sums, ROWS.sum(axis=1) + VALUES[:1000])
    assert sums.flags.writeable


def test_a_function_is_told_rows_elements_and_strides(engine, library, no_python_worker):
    told = engine.map_chunks(library.tell, ROWS, dtype="i8", shape=(5, 1), chunk_size=300)
    assert told[0, :, 0].tolist() == [300, 3, 24, 5, 40]
    assert told[999, :, 0].tolist() == [100, 3, 24, 5, 40]


def test_a_result_can_be_a_file_and_a_job(engine, library, no_python_worker, tmp_path):
    path = tmp_path / "out.npy"
    job = engine.map_chunks(library.negate, VALUES, dtype="f8", out=path, wait=False)
    assert np.array_equal(job.result(), -VALUES)
    assert np.array_equal(np.load(path), -VALUES)
    assert job.insights()["items"] == len(VALUES)


def test_arrays_that_are_not_contiguous_are_copied(engine, library, no_python_worker):
    assert np.array_equal(engine.map_chunks(library.negate, ROWS[:, 1], dtype="f8"), -ROWS[:, 1])


def test_dates_are_whole_numbers_to_native_workers(engine, library, no_python_worker):
    days = np.arange(10).astype("M8[D]")
    told = engine.map_chunks(library.tell, days, dtype="m8[s]", shape=(5,), chunk_size=10)
    assert told.dtype == "m8[s]" and told[0].astype("i8").tolist() == [10, 1, 8, 5, 40]


def test_no_rows_give_no_rows(engine, library):
    assert engine.map_chunks(library.negate, VALUES[:0], dtype="f8").shape == (0,)


def test_records_go_to_python_workers(engine, library):
    records = np.zeros(100, dtype=[("a", "i4"), ("b", "f8")])
    records["a"] = np.arange(100)
    records["b"] = VALUES[:100]
    result = engine.map_chunks(library.copy_12, records, dtype=records.dtype, chunk_size=7)
    assert np.array_equal(result, records)
    told = engine.map_chunks(library.tell, records, dtype="i8", shape=(5,), chunk_size=30)
    assert told[0].tolist() == [30, 1, 12, 5, 40]


def test_many_arrays_go_to_python_workers(engine, library):
    sums = engine.map_chunks(library.add_nine, *[VALUES] * 9, dtype="f8")
    assert np.allclose(sums, 9 * VALUES)


@pytest.mark.parametrize("dtype", ["f8", [("x", "f8")]], ids=["native", "python"])
def test_an_answer_that_is_not_zero_fails_the_chunk(engine, library, dtype):
    values = VALUES.copy()
    values[1234] = 1e9
    with pytest.raises(gm.FailedError, match="negate.* returned 17") as failure:
        engine.map_chunks(library.negate, values.view(dtype), dtype=dtype, chunk_size=1000)
    assert "rows 1,000 to 1,999" in str(failure.value) or "rows 1000 to 1999" in str(failure.value)
    left = engine.map_chunks(
        library.negate,
        values.view(dtype),
        dtype="f8",
        chunk_size=1000,
        on_error="skip",
        fill=5,
        bisect=True,
    )
    assert left[1234] == 5 and np.array_equal(np.delete(left, 1234), np.delete(-values, 1234))


def test_a_crash_is_blamed_like_that_of_any_kernel(engine, library):
    values = VALUES.copy()
    values[1234] = 2e9
    with pytest.raises(gm.FailedError, match="SIGABRT") as failure:
        engine.map_chunks(library.negate, values, dtype="f8", chunk_size=1000, retries=0)
    assert "chunk 1" in str(failure.value)
    assert np.array_equal(engine.map_chunks(library.negate, VALUES, dtype="f8"), -VALUES)


def test_a_library_may_be_loaded_by_a_relative_path(engine, library, tmp_path, monkeypatch):
    shutil.copy(library._name, tmp_path / "near.so")
    monkeypatch.chdir(tmp_path)
    near = ctypes.CDLL("./near.so")
    monkeypatch.chdir("/")
    assert np.array_equal(engine.map_chunks(near.negate, VALUES, dtype="f8"), -VALUES)


def test_a_library_that_was_built_again_is_refused(engine, library, tmp_path):
    path = tmp_path / "again.so"
    shutil.copy(library._name, path)
    loaded = ctypes.CDLL(str(path))
    engine.map_chunks(loaded.negate, VALUES, dtype="f8")
    shutil.copy(path, tmp_path / "new.so")
    os.rename(tmp_path / "new.so", path)
    with pytest.raises(gm.InvalidError, match="built again or removed"):
        engine.map_chunks(loaded.negate, VALUES, dtype="f8")


def test_what_no_library_exports_is_refused(engine, library):
    prototype = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 4)
    of_python = prototype(lambda *_: 0)
    hidden = prototype.in_dll(library, "hidden_function")
    for function in (of_python, hidden, prototype()):
        with pytest.raises(gm.InvalidError, match="not exported by any shared object") as failure:
            engine.map_chunks(function, VALUES, dtype="f8")
        assert "ctypes.CDLL(path).name" in str(failure.value)


def test_a_declared_signature_must_have_four_arguments(engine, library):
    other = ctypes.CDLL(library._name).negate
    other.argtypes = [ctypes.c_double]
    with pytest.raises(gm.InvalidError, match="has 1 arguments"):
        engine.map_chunks(other, VALUES, dtype="f8")


def test_a_function_of_the_program_itself_is_refused(engine):
    if "/libpython" in pathlib.Path("/proc/self/maps").read_text():
        pytest.skip("Python is a shared object")
    with pytest.raises(gm.InvalidError, match="in no shared object"):
        engine.map_chunks(ctypes.pythonapi.Py_IncRef, VALUES, dtype="f8")


def test_a_plug_in_may_hide_the_kernel(engine, library, monkeypatch):
    class Core:
        def kernel(self, name):
            return {"name": name, "plugin": "/plugins/mine.so"}

    monkeypatch.setattr(engine, "_native_core", Core)
    with pytest.raises(gm.InvalidError, match='"/plugins/mine.so" hides the built-in one'):
        engine.map_chunks(library.negate, VALUES, dtype="f8")


def test_the_dtype_must_be_said(engine, library):
    with pytest.raises(gm.InvalidError, match="dtype of the result must be said"):
        engine.map_chunks(library.negate, VALUES)


def test_a_shape_may_be_one_length_and_must_be_possible(engine, library):
    def zeros(rows):
        return np.zeros((len(rows), 3))

    for function in (library.negate, zeros):
        made = engine.map_chunks(function, VALUES, dtype="f8", shape=3)
        assert made.shape == (len(VALUES), 3)
        for shape in (-1, (2, -1), 1.5, "3", (2**70,)):
            with pytest.raises(gm.InvalidError, match="is no shape"):
                engine.map_chunks(function, VALUES, dtype="f8", shape=shape)


def test_foreign_byte_order_is_refused(engine, library):
    with pytest.raises(gm.InvalidError, match="another byte order"):
        engine.map_chunks(library.negate, VALUES.astype(">f8"), dtype="f8")


@pytest.mark.parametrize("rows", [(), (np.float64(1),), (VALUES, VALUES[1:])])
def test_arrays_without_the_same_rows_are_refused(engine, library, rows):
    with pytest.raises(gm.InvalidError):
        engine.map_chunks(library.negate, *rows, dtype="f8")


def test_other_calls_refuse_compiled_functions(engine, library):
    with pytest.raises(gm.InvalidError, match="map_chunks"):
        engine.flat_map_chunks(library.negate, VALUES, dtype="f8")
    with pytest.raises(gm.InvalidError, match="map_chunks"):
        engine.reduce_chunks(library.negate, max, VALUES)


# numba


@pytest.fixture(scope="module")
def loops():
    """The module with numba's functions, compiled once."""
    pytest.importorskip("numba", reason="numba is not installed")
    import numba_loops

    return numba_loops


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "gristmill" / "loops"


def test_a_cfunc_runs_without_python_and_is_linked_once(loops, library, cache):
    with gm.Engine(workers=2) as engine:
        result = engine.map_chunks(loops.make_sine(), VALUES, dtype="f8", chunk_size=300)
        assert engine._functions is None, "no Python worker was started"
        assert np.allclose(result, np.sin(VALUES), rtol=1e-14, atol=0)
        (made,) = cache.iterdir()
        assert stat.S_IMODE(cache.stat().st_mode) == 0o700
        before = made.stat()
        function = loops.make_sine()
        again = engine.map_chunks(function, VALUES, dtype="f8")
        assert np.array_equal(again, engine.map_chunks(function, VALUES, dtype="f8"))
        after = made.stat()
        assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
        assert engine._functions is None


def test_one_cfunc_is_one_file(engine, loops, cache, no_python_worker):
    function = loops.make_sine()
    engine.map_chunks(function, VALUES, dtype="f8")
    (made,) = cache.iterdir()
    before = made.stat()
    engine.map_chunks(function, VALUES, dtype="f8")
    assert [made] == list(cache.iterdir()) and made.stat().st_mtime_ns == before.st_mtime_ns


def test_programs_that_link_the_same_cfunc_at_a_time_share_it(loops, cache):
    script = """
import gristmill as gm, numba_loops, numpy as np
with gm.Engine(workers=1) as engine:
    print(engine.map_chunks(numba_loops.make_sine(), np.zeros(3), dtype="f8"))
    assert engine._functions is None
"""
    path = os.pathsep.join([str(pathlib.Path(loops.__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for program in programs:
        assert program.communicate()[0] == "[0. 0. 0.]\n" and program.returncode == 0
    assert [made.suffix for made in cache.iterdir()] == [".so"]


def test_a_cache_that_was_emptied_is_filled_again(engine, loops, cache, no_python_worker):
    function = loops.make_sine()
    engine.map_chunks(function, VALUES, dtype="f8")
    shutil.rmtree(cache)
    engine.map_chunks(function, VALUES, dtype="f8")
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("size", [0, 40, 5000])
def test_a_damaged_file_in_the_cache_is_made_again(loops, cache, size):
    function = loops.make_sine()
    for _ in range(2):
        with gm.Engine(1) as engine:
            made = engine.map_chunks(function, VALUES, dtype="f8")
        assert np.allclose(made, np.sin(VALUES))
        (file,) = cache.iterdir()
        os.truncate(file, size)
        gm._numba_loops._known.clear()  # as in the next program


def test_a_cfunc_of_several_arrays_with_a_number_as_answer(engine, loops, cache, no_python_worker):
    quotient = loops.make_quotient()
    result = engine.map_chunks(quotient, ROWS, VALUES[:1000], dtype="f8", shape=(3,))
    assert np.array_equal(result, ROWS / VALUES[:1000, None])
    divisors = VALUES[:1000].copy()
    divisors[700] = 0
    with pytest.raises(gm.FailedError, match="quotient.* returned 7"):
        engine.map_chunks(quotient, ROWS, divisors, dtype="f8", shape=(3,))


def test_the_options_of_a_cfunc_count(engine, loops, cache, no_python_worker):
    result = engine.map_chunks(loops.make_reciprocal(), np.zeros(10), dtype="f8")
    assert np.isposinf(result).all()


@pytest.mark.parametrize("name", ["allocating", "capturing", "calling_by_address"])
def test_what_needs_numba_runs_in_python_workers(engine, loops, cache, name):
    function, expected = getattr(loops, f"make_{name}")()
    if name == "calling_by_address":
        with pytest.raises(gm.InvalidError, match="cannot be sent to workers"):
            engine.map_chunks(function, VALUES, dtype="f8")
    else:
        result = engine.map_chunks(function, VALUES, dtype="f8", chunk_size=1300)
        assert np.allclose(result, expected(VALUES))
    assert not list(cache.iterdir())


def test_without_a_linker_or_a_cache_it_runs_in_python_workers(loops, cache, monkeypatch):
    with gm.Engine(workers=1) as engine:
        monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
        assert np.allclose(engine.map_chunks(loops.make_sine(), VALUES, dtype="f8"), np.sin(VALUES))
        assert engine._native is None
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
        monkeypatch.setenv("PATH", "/nowhere")
        engine.map_chunks(loops.make_sine(), VALUES, dtype="f8")
        assert engine._native is None and not list(cache.iterdir())


def test_a_cache_that_others_can_write_is_not_used(loops, cache):
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    with gm.Engine(workers=1) as engine:
        engine.map_chunks(loops.make_sine(), VALUES, dtype="f8")
        assert engine._native is None
    assert not list(cache.iterdir())


def test_what_a_cfunc_raises_fails_the_job(engine, loops, cache):
    values = VALUES.copy()
    values[3210] = 0
    with pytest.raises(gm.FailedError, match="ValueError: zero"):
        engine.map_chunks(loops.make_raising(), values, dtype="f8", chunk_size=1000)


def test_another_signature_is_refused_and_the_right_one_told(engine, loops):
    with pytest.raises(gm.InvalidError, match=r"float64\(float64\)") as failure:
        engine.map_chunks(loops.make_other(), VALUES, dtype="f8")
    assert "int32(CPointer(voidptr), CPointer(int64), CPointer(int64), voidptr)" in str(
        failure.value
    )


def test_the_pointer_of_a_cfunc_is_refused(engine, loops):
    with pytest.raises(gm.InvalidError, match="not exported"):
        engine.map_chunks(loops.make_sine().ctypes, VALUES, dtype="f8")


def test_functions_of_njit_are_functions_like_any_other(engine, loops):
    assert np.array_equal(engine.map_chunks(loops.double, VALUES, chunk_size=1000), 2 * VALUES)
    total = engine.reduce_chunks(loops.total, loops.add, VALUES, chunk_size=1000)
    assert np.isclose(total, VALUES.sum())
    with gm.Executor(1) as executor:
        assert np.array_equal(executor.submit(loops.double, VALUES).result(), 2 * VALUES)


# Cython

CYTHON_SOURCE = """
# cython: language_level=3
from libc.stdint cimport int32_t, int64_t

cdef api int32_t negate(void** data, const int64_t* dims, const int64_t* strides,
                        void* user) noexcept nogil:
    cdef int64_t i
    for i in range(dims[0]):
        (<double*>data[1])[i] = -(<const double*>data[0])[i]
    return 0

cdef api int plain(void** data, const long* dims, const long long* strides, void* user) except -1:
    return negate(data, <const int64_t*>dims, <const int64_t*>strides, user)

cdef api int32_t raising(void** data, const int64_t* dims, const int64_t* strides,
                         void* user) except? -1:
    raise ValueError("never")

cdef api int32_t answering(void** data, const int64_t* dims, const int64_t* strides,
                           void* user) noexcept:
    return 5

cdef api double other(double x) noexcept:
    return x
"""


@pytest.fixture(scope="module")
def cython_module(tmp_path_factory):
    """The name of a module that workers can import, and this process has not imported."""
    pytest.importorskip("Cython", reason="Cython is not installed")
    folder = tmp_path_factory.mktemp("cython")
    name = "gristmill_test_loops"
    (folder / f"{name}.pyx").write_text(CYTHON_SOURCE)
    include = sysconfig.get_path("include")
    if not os.path.exists(os.path.join(include, "Python.h")):
        pytest.skip("the headers of Python are not installed")
    subprocess.run([sys.executable, "-m", "cython", "-3", f"{name}.pyx"], cwd=folder, check=True)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    compile_c(folder / f"{name}.c", folder / (name + suffix), f"-I{include}")
    sys.path.insert(0, str(folder))
    yield name
    sys.path.remove(str(folder))
    sys.modules.pop(name, None)


@pytest.fixture
def cython_engine(cython_module):
    with gm.Engine(workers=2) as made:
        yield made


@pytest.mark.parametrize("name", ["negate", "plain"])
def test_a_cython_function_is_imported_by_workers(cython_engine, cython_module, name):
    function = gm.cython_function(cython_module, name)
    result = cython_engine.map_chunks(function, VALUES, dtype="f8", chunk_size=700)
    assert np.array_equal(result, -VALUES)
    assert cython_module not in sys.modules
    assert repr(function) == f"gristmill.cython_function('{cython_module}', '{name}')"


@pytest.mark.parametrize(
    "name, words", [("raising", "ValueError: never"), ("answering", "answering returned 5")]
)
def test_what_a_cython_function_raises_or_answers_fails_the_job(
    cython_engine, cython_module, name, words
):
    with pytest.raises(gm.FailedError, match=words):
        cython_engine.map_chunks(gm.cython_function(cython_module, name), VALUES, dtype="f8")


@pytest.mark.parametrize(
    "name, words",
    [("missing", "does not export a C function"), ("other", r"is double \(double\)")],
)
def test_a_cython_function_that_cannot_be_called_is_refused(
    cython_engine, cython_module, name, words
):
    with pytest.raises(gm.FailedError, match=words):
        cython_engine.map_chunks(gm.cython_function(cython_module, name), VALUES, dtype="f8")
    __import__(cython_module)
    try:
        with pytest.raises(gm.InvalidError, match=words):
            gm.cython_function(cython_module, name)
    finally:
        del sys.modules[cython_module]


def test_a_module_that_is_not_there_is_refused():
    with pytest.raises(gm.InvalidError, match='no module "gristmill_no_such.thing"'):
        gm.cython_function("gristmill_no_such.thing", "f")
