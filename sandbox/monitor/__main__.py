"""python -m sandbox.monitor: the monitor alone."""

from __future__ import annotations

from sandbox.monitor.cli import monitor

if __name__ == "__main__":
    monitor(prog_name="python -m sandbox.monitor")
