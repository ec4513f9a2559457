"""`check`: does the app have all that it needs, on both sides, and what to do where it has not."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.text import Text

from admin.running import REFUSED, json_option, run, settings_option
from admin.terminal import console

if TYPE_CHECKING:
    from pathlib import Path

    from shared.app.check import Line
    from shared.app.parts import Parts

_STYLES = {"pass": "green", "fail": "red", "unknown": "yellow"}


@click.command(
    epilog="Exit codes: 0 nothing fails, 1 something does, 2 a wrong argument, setting or file."
    " Example: python -m admin check"
)
@json_option
@settings_option
def check(*, as_json: bool, settings_file: Path | None) -> None:
    """Check store, topic, permissions, scoping groups, subscriptions and targets; what fails comes with its fix.

    Asks Graph, the store and the topic as the app does, and changes nothing.
    """

    async def checked(parts: Parts) -> list[Line]:
        from shared.app.check import check as lines  # noqa: PLC0415 - an HTTP client, as in `running`

        found = []
        async for line in lines(parts):
            found.append(line)
            if not as_json:
                _show(line)
        return found

    found = run(settings_file, checked)
    if as_json:
        print(json.dumps([asdict(line) for line in found], indent=2))
    if any(line.verdict == "fail" for line in found):
        sys.exit(REFUSED)


def _show(line: Line) -> None:
    out = console()
    out.print(Text(f"{line.verdict:<8}", style=_STYLES[line.verdict]), Text(f"{line.where}: {line.what}"), sep="")
    if line.found:
        out.print(Text(f"        {line.found}"))
    if line.verdict != "pass":
        out.print(Text(f"        → {line.fix}"))
