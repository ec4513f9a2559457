"""Lets `python -m sandbox.host` start the host alone."""

from sandbox.host.cli import host

if __name__ == "__main__":
    host()
