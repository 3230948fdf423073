"""Functions that numba compiles, for test_loops.py; each call makes a new one."""

import ctypes

import numba
import numpy as np
from numba import carray, types

SIGNATURE = types.int32(
    types.CPointer(types.voidptr),
    types.CPointer(types.int64),
    types.CPointer(types.int64),
    types.voidptr,
)


def make_sine():
    @numba.cfunc(SIGNATURE)
    def sine(data, dims, strides, user):
        values = carray(data[0], (dims[0],), types.float64)
        out = carray(data[1], (dims[0],), types.float64)
        for i in range(dims[0]):
            out[i] = np.sin(values[i])
        return 0

    return sine


def make_quotient():
    @numba.cfunc(SIGNATURE)
    def quotient(data, dims, strides, user):
        rows = carray(data[0], (dims[0], dims[1]), types.float64)
        divisors = carray(data[1], (dims[0],), types.float64)
        out = carray(data[2], (dims[0], dims[3]), types.float64)
        for i in range(dims[0]):
            divisor = divisors[i]  # out might be the same memory for all that the compiler knows
            if divisor == 0:
                return 7
            for j in range(dims[1]):
                out[i, j] = rows[i, j] / divisor
        return 0

    return quotient


def make_reciprocal():
    @numba.cfunc(SIGNATURE, error_model="numpy")
    def reciprocal(data, dims, strides, user):
        values = carray(data[0], (dims[0],), types.float64)
        out = carray(data[1], (dims[0],), types.float64)
        for i in range(dims[0]):
            out[i] = 1 / values[i]
        return 0

    return reciprocal


def make_allocating():
    @numba.cfunc(SIGNATURE, error_model="numpy")
    def infinite(data, dims, strides, user):
        values = carray(data[0], (dims[0],), types.float64)
        out = carray(data[1], (dims[0],), types.float64)
        zeros = np.zeros(dims[0])
        for i in range(dims[0]):
            out[i] = values[i] / zeros[i]  # raises by default
        return 0

    return infinite, lambda values: np.copysign(np.inf, values)


def make_capturing():
    table = np.arange(200_000.0)  # numba keeps large arrays where they are

    @numba.cfunc(SIGNATURE)
    def shifted(data, dims, strides, user):
        values = carray(data[0], (dims[0],), types.float64)
        out = carray(data[1], (dims[0],), types.float64)
        for i in range(dims[0]):
            out[i] = values[i] + table[7]
        return 0

    return shifted, lambda values: values + 7


def make_calling_by_address():
    cosine = ctypes.CDLL("libm.so.6").cos
    cosine.restype, cosine.argtypes = ctypes.c_double, [ctypes.c_double]

    @numba.cfunc(SIGNATURE)
    def cosines(data, dims, strides, user):
        values = carray(data[0], (dims[0],), types.float64)
        out = carray(data[1], (dims[0],), types.float64)
        for i in range(dims[0]):
            out[i] = cosine(values[i])
        return 0

    return cosines, np.cos


def make_raising():
    @numba.cfunc(SIGNATURE)
    def raising(data, dims, strides, user):
        values = carray(data[0], (dims[0],), types.float64)
        for i in range(dims[0]):
            if values[i] == 0:
                raise ValueError("zero")
        return 0

    return raising


def make_other():
    @numba.cfunc("float64(float64)")
    def other(x):
        return x

    return other


@numba.njit
def double(values):
    return 2 * values


@numba.njit
def total(values):
    return values.sum()


@numba.njit
def add(a, b):
    return a + b
