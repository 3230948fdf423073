"""The programs that an engine starts: a worker, or a zygote that forks workers."""

import faulthandler
import importlib
import os
import sys


def _begin(preload):
    for name in preload:
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"could not preload {name}: {error}", file=sys.stderr)


def _reseed():
    """Workers that were forked from one process must not draw the same numbers."""
    random = sys.modules.get("numpy.random")
    if random is not None:
        random.seed()


def _serve(channel):
    from . import _calls, _core, _functions

    _functions.flush_output()
    faulthandler.enable()
    code = _core.run_worker(channel, _functions.open_function, _calls.run_call, _calls.fail_call)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def worker_main(preload=()):
    from . import _core

    channel = _core.become_worker()
    _begin(preload)
    _serve(channel)


def zygote_main(preload=()):
    from . import _calls, _core, _functions  # noqa: F401

    _begin(preload)
    channel = _core.run_zygote()
    _reseed()
    _serve(channel)
