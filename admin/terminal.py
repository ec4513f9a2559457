"""The console that commands print lines of text to: as wide as the terminal, and wide where there is none."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console

_WIDTH: Final = 160  # characters, where no terminal says


def console() -> Console:
    """Standard output. Nothing in a text is coloured because of what it looks like."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
