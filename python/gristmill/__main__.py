"""The command line: python -m gristmill, or gristmill."""

import os
import pathlib
import sys

PROGRAM = pathlib.Path(__file__).parent / "bin" / "gristmill"


def main():
    """Becomes the program gristmill with this process's arguments."""
    os.execv(PROGRAM, [str(PROGRAM), *sys.argv[1:]])


if __name__ == "__main__":
    main()
