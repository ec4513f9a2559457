"""`schema`: the JSON Schema of sync.yaml, as docs/sync.schema.json holds it for editors."""

from __future__ import annotations

import json
import sys

import click

from shared.config.sync_schema import json_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of sync.yaml, for editors."""
    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
