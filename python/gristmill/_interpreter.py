"""How to start Python programs that see what this one sees: the same interpreter, flags and path."""

import importlib.util
import subprocess
import sys

from ._errors import InvalidError

_PROGRAM = "import sys; sys.path[:] = {path!r}; sys.argv[:] = ['gristmill'];"
_PROGRAM += " from gristmill._worker import {main}; {main}({preload!r})"


_PRELOAD = ("numpy",)


def names_to_preload(names):
    """The modules that workers load before they are needed."""
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if not isinstance(name, str):
            raise InvalidError(f"preload has {name!r}, which is no name of a module")
        package, _, _ = name.partition(".")  # to look further would import it here
        if package not in sys.modules and importlib.util.find_spec(package) is None:
            raise InvalidError(f'there is no module "{name}" to preload')
    return (*_PRELOAD, *names)


def words(main, preload):
    """The words of a command that calls gristmill._worker.MAIN(preload)."""
    path = [entry for entry in sys.path if isinstance(entry, str)]
    program = _PROGRAM.format(path=path, main=main, preload=tuple(preload))
    flags = subprocess._args_from_interpreter_flags()  # what multiprocessing passes on
    return [sys.executable, *flags, "-c", program]
