"""Asking the app itself for something that cannot wait for its timer; `control` carries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.commands import Command, Order, command_envelope

if TYPE_CHECKING:
    from shared.app.parts import Parts


async def command(parts: Parts, *commands: Command, target: str | None = None) -> None:
    """Ask for commands to be carried out at once, for one target or for all.

    Raises:
        BusUnavailableError: they could not be sent.
    """
    now = parts.clock.now()
    await parts.topic.send([command_envelope(Order(one, target), now, parts.settings.timing) for one in commands])
