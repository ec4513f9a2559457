"""An event loop whose time jumps: where everybody waits, the next timer is due at once.

A week passes in the time that its work takes, and in the same order each time: nothing here reads a clock, opens a
socket or starts a thread, so the order of the steps follows from the program and its seed alone.
"""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence, Sized

_Result = TypeVar("_Result")

BEGINNING: Final = datetime(2026, 3, 2, tzinfo=UTC)
"""When every simulation begins, a Monday."""

_MOMENT: Final = 1e-6  # seconds: a wait below is none
_TOO_MANY: Final = 1_000_000


class NothingWillHappenError(Exception):
    """Everybody waits for somebody, and no timer is set: a deadlock."""


class TimeStandsStillError(Exception):
    """Somebody is always ready to do something, and no time passes: an endless loop."""


class _Jump(selectors.SelectSelector):
    """Looks at no socket; a wait for a time is over as soon as it begins."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        self._rounds = 0  # without a wait

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingWillHappenError
        self._rounds = 0 if timeout > _MOMENT else self._rounds + 1
        if self._rounds > _TOO_MANY:
            raise TimeStandsStillError
        self.passed += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop over virtual time; `time` is the seconds since `BEGINNING`."""

    _ready: Sized  # asyncio's own: who can go on now,
    _scheduled: Sequence[asyncio.TimerHandle]  # and who waits for a time, the first one first

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._jump.passed

    def now(self) -> datetime:
        """The same as a moment."""
        return BEGINNING + timedelta(seconds=self.time())

    def seconds(self) -> float:
        """The same in seconds since 1970."""
        return BEGINNING.timestamp() + self.time()

    def jump(self, seconds: float) -> bool:
        """Let some time pass at once, if nothing else happens meanwhile: nobody is ready, and no timer is due."""
        until = self._jump.passed + seconds
        if self._ready or (self._scheduled and self._scheduled[0].when() <= until):
            return False
        self._jump.passed = until
        return True


def run(main: Coroutine[Any, Any, _Result]) -> _Result:
    """Run to the end under virtual time.

    Raises:
        NothingWillHappenError, TimeStandsStillError: it can never come to an end.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def loop() -> VirtualTimeLoop:
    """The loop that runs."""
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualTimeLoop)  # noqa: S101 - there is no other in a simulation
    return running
