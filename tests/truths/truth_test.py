"""The base of the tests of jobs with a known answer: real data, through the command line.

An answer is known from the literature of the data, or computed here with NumPy by another route
than the kernel's. Each job runs with several numbers of workers and sizes of chunks; the results
have the same bits for all workers, and if `any_chunks` for all chunk sizes, too.
"""

import dataclasses
import os
import pathlib
import sys
import unittest

import numpy as np

from gristmill_cli import BIN, DATA, SOURCE, CliTest

__all__ = ["BIN", "DATA", "DATASETS", "DataSetTest", "Job", "TruthTest", "main"]

DATASETS = pathlib.Path(os.environ.get("GRISTMILL_DATASETS") or SOURCE / "build" / "datasets")
SKIPPED = 77  # what CTest takes for "did not run"


@dataclasses.dataclass
class Job:
    """What to run; inputs and params by name, plug-ins by the name of their file in bin/."""

    kernel: str
    inputs: dict
    outputs: tuple
    params: dict = dataclasses.field(default_factory=dict)
    plugin: str = ""

    def words(self, folder):
        words = ["run", self.kernel]
        for name, path in self.inputs.items():
            words += ["--input", f"{name}={path}"]
        for name, value in self.params.items():
            words += ["--param", f"{name}={value}"]
        for name in self.outputs:
            words += ["--output", f"{name}={folder / name}.npy"]
        if self.plugin:
            words += ["--plugin", BIN / self.plugin]
        return words


class TruthTest(CliTest):
    def run_job(self, job, workers=2, chunk_size="auto"):
        """The outputs as arrays, by name."""
        options = ["--workers", workers, "--chunk-size", chunk_size]
        self.succeed(*job.words(self.folder), *options)
        return {name: np.load(self.folder / f"{name}.npy") for name in job.outputs}

    def save(self, name, values):
        path = self.folder / name
        np.save(path, values)
        return path

    def check_job(self, job, check, chunk_sizes=("auto",), workers=(1, 2, 3, 8), any_chunks=False):
        """Runs a job with all of these, the last twice, and calls check with what differs."""
        first = None
        for chunk_size in chunk_sizes:
            if not any_chunks:
                first = None
            for count in (*workers, workers[-1]):
                try:
                    results = self.run_job(job, count, chunk_size)
                    if first is None:
                        check(results)
                        first = results
                    for name in job.outputs:
                        same = results[name].tobytes() == first[name].tobytes()
                        self.assertTrue(same, f'"{name}" has other bits')
                except AssertionError as error:
                    error.add_note(f"{job.kernel}, {count} workers, chunks: {chunk_size}")
                    raise

    def assert_close(self, found, wanted, relative=1e-12):
        np.testing.assert_allclose(found, wanted, rtol=relative, atol=0)


class DataSetTest(TruthTest):
    """Needs what scripts/datasets fetches: the sets, and a file of each."""

    needs = {}

    @classmethod
    def setUpClass(cls):
        missing = [name for name, file in cls.needs.items() if not (DATASETS / file).exists()]
        if missing:
            raise unittest.SkipTest(
                f"not in {DATASETS}: {', '.join(missing)}. "
                f"To fetch what is missing: scripts/datasets {' '.join(missing)}"
            )


def main():
    """Runs the classes that are named; if all of them were skipped, says so."""
    result = unittest.main(exit=False, verbosity=2).result
    if result.testsRun == 0 and result.skipped:
        print("\nSKIPPED:", *{reason for _, reason in result.skipped}, sep="\n", file=sys.stderr)
        sys.exit(SKIPPED)
    sys.exit(0 if result.wasSuccessful() else 1)
