"""Giving messages back to the bus: where nothing can be sent, nothing can be put off either.

The host hands out at once what was given back, and the bus dead-letters a message that it has handed out thirty times.
So whoever gives back rests first: a bus that is too busy to take anything, and still delivers, costs nobody a change.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from shared.bus.errors import BusUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.app.parts import Clock

REST: Final = 10.0
"""Seconds; far less than is left of the message lock when a batch ends."""


@asynccontextmanager
async def given_back(clock: Clock) -> AsyncIterator[None]:
    """Let a `BusUnavailableError` out after a rest."""
    try:
        yield
    except BusUnavailableError:
        await clock.sleep(REST)
        raise
