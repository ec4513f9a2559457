"""Time jumps to the next timer, and whoever waits for ever is told so."""

from __future__ import annotations

import asyncio

import pytest

from simulation import virtual_time
from simulation.virtual_time import BEGINNING, NothingWillHappenError, TimeStandsStillError


def test_a_week_passes_at_once_and_timers_come_in_their_order():
    """Each sees the time that it asked for."""
    seen = []

    async def wait(days):
        await asyncio.sleep(days * 86_400)
        seen.append((virtual_time.loop().now() - BEGINNING).days)

    async def main():
        await asyncio.gather(wait(7), wait(1), wait(3))

    virtual_time.run(main())
    assert seen == [1, 3, 7]


def test_a_deadlock_is_no_hang():
    """Nobody can end a wait without a timer."""

    async def main():
        await asyncio.Event().wait()

    with pytest.raises(NothingWillHappenError):
        virtual_time.run(main())


def test_an_endless_loop_is_no_hang():
    """Nor one that only gives way to others."""

    async def main():
        while True:  # noqa: ASYNC110 - the very thing
            await asyncio.sleep(0)

    with pytest.raises(TimeStandsStillError):
        virtual_time.run(main())
