"""python -m simulation: what `python -m sandbox simulate` starts."""

from __future__ import annotations

import os
import sys

from simulation.cli import main

if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set is part of what a seed replays
        command = [sys.executable, "-m", "simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | {"PYTHONHASHSEED": "0"})  # noqa: S606 - this program itself
    main(prog_name="python -m sandbox simulate")
