"""`subscriptions`: the subscriptions to the source's changes get a new clientState."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from admin.running import json_option, run, settings_option
from shared.app.commands import command
from shared.core.commands import Command

if TYPE_CHECKING:
    from pathlib import Path

    from shared.app.parts import Parts


@click.group()
def subscriptions() -> None:
    """The subscriptions to the source's changes."""


@subscriptions.command(
    epilog="Exit codes: 0 asked for; 1 the topic cannot be reached; 2 a wrong argument, setting or file."
    " Example: python -m admin subscriptions rotate"
)
@json_option
@settings_option
def rotate(*, as_json: bool, settings_file: Path | None) -> None:
    """Replace the subscriptions by new ones with another clientState.

    The app is asked to do it, over the topic; it does it by itself every 30 days. Notifications of the old ones are
    believed for five hours more, so none is lost.
    """

    async def ask(parts: Parts) -> None:
        await command(parts, Command.ROTATE_SUBSCRIPTIONS)

    run(settings_file, ask)
    asked = {"asked": Command.ROTATE_SUBSCRIPTIONS.value}
    print(
        json.dumps(asked) if as_json else "The app was asked to replace its subscriptions; its log tells when it did."
    )
