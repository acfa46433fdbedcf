"""Runs the server: `python -m annals_server --data ./annals-data`."""

import os
import sys

from annals_server import find_program

if __name__ == "__main__":
    program = find_program()
    os.execv(program, [program, *sys.argv[1:]])
