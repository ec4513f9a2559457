"""``python -m sandbox.bus``: the bus alone."""

from sandbox.bus.cli import bus

bus()
