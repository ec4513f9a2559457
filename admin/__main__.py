"""python -m admin: the administrator's terminal."""

from __future__ import annotations

import sys

import click

from admin.evaluate import evaluate
from admin.scope import scope
from admin.validate import validate


@click.group()
def admin() -> None:
    """Check, try and operate Crosstenant."""


admin.add_command(evaluate)
admin.add_command(scope)
admin.add_command(validate)

if __name__ == "__main__":
    sys.exit(admin(prog_name="python -m admin"))
