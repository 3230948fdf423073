"""CPython's own tests of executors, imported from the interpreter and run with gristmill.Executor.

What is excluded is skipped with its reason; most of these read private attributes of
ProcessPoolExecutor, and test_executor.py or this file tests the same by other means.
"""

import importlib.util
import multiprocessing
import os
import pickle
import re
import tempfile
import unittest
import unittest.mock

import gristmill as gm
import pytest


def _has_tests():
    try:
        return importlib.util.find_spec("test.test_concurrent_futures.executor") is not None
    except ModuleNotFoundError:
        return False


if not _has_tests():
    pytest.skip(
        "this interpreter has no test.test_concurrent_futures as a package (CPython 3.12 or newer)",
        allow_module_level=True,
    )

from test import support  # noqa: E402
from test.support.script_helper import assert_python_ok  # noqa: E402
from test.test_concurrent_futures import (  # noqa: E402
    test_as_completed,
    test_deadlock,
    test_init,
    test_process_pool,
    test_shutdown,
    test_wait,
)
from test.test_concurrent_futures.util import BaseTestCase, ExecutorMixin  # noqa: E402

_PROCESSES = "reads _processes: "

EXCLUDED = {
    "test_killed_child": _PROCESSES + "a dead worker breaks no executor here, it fails its call",
    "test_idle_process_reuse_one": _PROCESSES + "all workers start with the first call",
    "test_idle_process_reuse_multiple": _PROCESSES + "all workers start with the first call",
    "test_max_tasks_per_child": _PROCESSES + "test_executor.py counts process ids",
    "test_saturation": _PROCESSES + "and semaphores go to multiprocessing's own children only",
    "test_max_tasks_per_child_defaults_to_spawn_context": "reads _mp_context, which is not used",
    "test_python_finalization_error": "lets the second thread fail; there is one",
    "test_ressources_gced_in_workers": "managers let multiprocessing's own children in only: "
    "test_arguments_are_freed_after_the_call",
    "test_shutdown_deadlock_pickle": "reads _executor_manager_thread: "
    "test_a_pickling_error_after_shutdown",
    "test_gh105829_should_not_deadlock_if_wakeup_pipe_full": "replaces parts of "
    "ProcessPoolExecutor, so it would test nothing",
}


class Executor(gm.Executor):
    @property
    def _broken(self):
        return self._queue.broken


class _Mixin(ExecutorMixin):
    executor_type = Executor

    def setUp(self):
        support.environment_altered = False
        super().setUp()

    def tearDown(self):
        super().tearDown()
        self.assertFalse(support.environment_altered, "threads or processes are left")

    def get_context(self):
        return multiprocessing.get_context("spawn")  # accepted, and not used

    def _fail_on_deadlock(self, executor):
        executor.kill_workers()
        self.fail("the executor is in a deadlock")


def _tests_of(mixin):
    """The tests of a mixin, those that are excluded marked so."""
    skipped = {
        name: unittest.skip(reason)(getattr(mixin, name))
        for name, reason in EXCLUDED.items()
        if hasattr(mixin, name)
    }
    return type(mixin.__name__, (mixin,), skipped)


def _run_with_ours(*words):
    """As CPython's assert_python_ok, for a program with gristmill's executor.

    What workers print arrives on stderr here, behind their number.
    """
    ours = "from gristmill import Executor"
    words = [word.replace("from concurrent.futures import Executor", ours) for word in words]
    package = os.path.dirname(os.path.dirname(gm.__file__))
    code, out, err = assert_python_ok(*words, __isolated=False, PYTHONPATH=package)
    line = re.compile(rb"^gristmill: worker \d+: (.*\n?)", re.M)
    return code, out + b"".join(line.findall(err)), line.sub(b"", err)


class TestWait(_Mixin, _tests_of(test_wait.WaitTests), BaseTestCase):
    pass


class TestAsCompleted(_Mixin, _tests_of(test_as_completed.AsCompletedTests), BaseTestCase):
    pass


class TestShutdown(_Mixin, _tests_of(test_shutdown.ExecutorShutdownTest), BaseTestCase):
    def setUp(self):
        ours = unittest.mock.patch.object(test_shutdown, "assert_python_ok", _run_with_ours)
        ours.start()
        self.addCleanup(ours.stop)
        super().setUp()


class TestDeadlock(_Mixin, _tests_of(test_deadlock.ExecutorDeadlockTest), BaseTestCase):
    TIMEOUT = 60

    def test_a_pickling_error_after_shutdown(self):
        self.executor.submit(id, 42).result()
        future = self.executor.submit(id, test_deadlock.ErrorAtPickle())
        self.executor.shutdown(wait=False)
        self.assertRaises(pickle.PicklingError, future.result)
        self.executor.shutdown()


class TestInitializer(_Mixin, test_init.InitializerMixin, BaseTestCase):
    pass


class TestFailingInitializer(_Mixin, test_init.FailingInitializerMixin, BaseTestCase):
    pass


class MarksItsEnd:
    """Leaves a file where it ends in another process than the one that made it."""

    def __init__(self, path):
        self.path = path
        self.maker = os.getpid()

    def __del__(self):
        if os.getpid() != self.maker:
            open(self.path, "w").close()


# These are ExecutorTest and more.
class TestProcessPool(_Mixin, _tests_of(test_process_pool.ProcessPoolExecutorTest), BaseTestCase):
    def setUp(self):
        # Its own cause of an exception is looked for by type.
        ours = unittest.mock.patch(
            "concurrent.futures.process._RemoteTraceback", gm.RemoteTraceback
        )
        ours.start()
        self.addCleanup(ours.stop)
        super().setUp()

    def test_arguments_are_freed_after_the_call(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "end")
            self.executor.submit(id, MarksItsEnd(path)).result()
            self.assertTrue(os.path.exists(path))
