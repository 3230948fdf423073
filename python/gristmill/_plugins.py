"""Where the package has what kernel plug-ins are built with."""

import pathlib

_PACKAGE = pathlib.Path(__file__).parent


def get_include():
    """The folder for a compiler's -I: <gristmill/kernel.hpp> and what it includes."""
    return str(_PACKAGE / "include")


def get_cmake_dir():
    """The folder for CMake's -Dgristmill_DIR=: find_package(gristmill COMPONENTS kernel)."""
    return str(_PACKAGE / "lib" / "cmake" / "gristmill")
