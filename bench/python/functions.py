"""What the contenders run. Workers of all of them can import it."""

import os

import numpy as np


def nothing():
    pass


def pid():
    return os.getpid()


def microsecond(x):
    """About 1 us of Python; the table says what it took in a loop."""
    x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    x = (x ^ (x >> 7)) + 3
    x = (x * 69069 + 1) & 0x7FFFFFFF
    x = (x ^ (x >> 11)) + 5
    x = (x * 1664525 + 1013904223) & 0x7FFFFFFF
    x = (x ^ (x >> 5)) + 7
    x = (x * 22695477 + 1) & 0x7FFFFFFF
    x = (x ^ (x >> 9)) + 11
    return x & 0xFF


def microseconds(items):
    return [microsecond(item) for item in items]


def total(rows):
    return float(rows.sum())


def root(rows):
    return np.sqrt(rows)


def of_slice(function, array, begin, end):
    return function(array[begin:end])


def of_slice_into(function, array, out, begin, end):
    out[begin:end] = function(array[begin:end])
