"""python -m admin validate: is this sync.yaml right? Every fault at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from admin.running import json_option
from shared.config.faults import ConfigurationError
from shared.config.sync_file import read_sync_file


@click.command(epilog="Exit codes: 0 right, 2 wrong. Example: python -m admin validate new.yaml")
@click.argument("file", type=click.Path(path_type=Path), default=Path("sync.yaml"))
@json_option
def validate(file: Path, *, as_json: bool) -> None:
    """Check FILE (sync.yaml where none is given), and list every fault with its path."""
    try:
        sync = read_sync_file(file)
    except ConfigurationError as error:
        if as_json:
            faults = [{"path": fault.path, "message": fault.message} for fault in error.faults]
            print(json.dumps({"file": str(file), "targets": [], "faults": faults}))
        else:
            print(error, file=sys.stderr)
        sys.exit(2)
    names = [target.name for target in sync.targets]
    if as_json:
        print(json.dumps({"file": str(file), "targets": names, "faults": []}))
    else:
        print(f"{file}: right; targets: {', '.join(names)}")
