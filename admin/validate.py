"""python -m admin validate: is this sync.yaml right? Every fault at once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shared.config.faults import ConfigurationError
from shared.config.sync_file import read_sync_file


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("sync.yaml"))
def validate(file: Path) -> None:
    """Check FILE (sync.yaml where none is given). Exit code 2 and a list of faults where it is wrong."""
    try:
        sync = read_sync_file(file)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    names = ", ".join(target.name for target in sync.targets)
    print(f"{file}: right; targets: {names}")
