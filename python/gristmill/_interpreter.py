"""How to start Python programs that see what this one sees: the same interpreter, flags and path."""

import subprocess
import sys

_PROGRAM = "import sys; sys.path[:] = {path!r}; sys.argv[:] = ['gristmill'];"
_PROGRAM += " from gristmill._worker import {main}; {main}({preload!r})"


def words(main, preload):
    """The words of a command that calls gristmill._worker.MAIN(preload)."""
    path = [entry for entry in sys.path if isinstance(entry, str)]
    program = _PROGRAM.format(path=path, main=main, preload=tuple(preload))
    flags = subprocess._args_from_interpreter_flags()  # what multiprocessing passes on
    return [sys.executable, *flags, "-c", program]
