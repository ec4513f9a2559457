"""python -m sandbox: the cloud on one machine."""

from __future__ import annotations

from sandbox.cli import sandbox

if __name__ == "__main__":
    sandbox(prog_name="python -m sandbox")
