"""The life of one instance of the app: it can be killed, or held still, at any step it takes in the world.

Every adapter passes here before and after what it does. Once the instance is dead nothing it does reaches the world,
also not what its `finally` blocks still try: as with a process that is gone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulation.virtual_time import VirtualTimeLoop, loop

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from simulation.weather import Fate, Service, Weather


class KilledError(BaseException):
    """The process is gone; no `except Exception` sees it."""


@dataclass(slots=True)
class Mortal:
    """One instance's life."""

    weather: Weather
    alive: bool = True
    steps_left: int | None = None  # to live
    loop: VirtualTimeLoop = field(default_factory=loop)  # of whose time it lives
    _held: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[object]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._held.set()

    def start(self, work: Coroutine[object, object, object]) -> asyncio.Task[object]:
        """Do some work until it ends or the instance does."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen, so that nobody is warned of it

    def kill(self) -> None:
        """End it, in the middle of whatever it does."""
        self.alive = False
        self._held.set()
        for task in list(self._tasks):
            task.cancel()

    def hold(self) -> None:
        """Let it stand still, as a machine may that is moved."""
        self._held.clear()

    def release(self) -> None:
        """Let it go on, with what it knew."""
        self._held.set()

    async def step(self, service: Service) -> Fate:
        """The way of a request to a service; what becomes of it there."""
        await self._pass(service)
        return self.weather.fate(service)

    async def back(self, service: Service) -> None:
        """The way of the answer."""
        await self._pass(service)

    async def sleep(self, seconds: float) -> None:
        """Wait, as the app asks for it."""
        self._check()
        await asyncio.sleep(seconds)
        await self._still()

    async def _pass(self, service: Service) -> None:
        self._check()
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left <= 0:
                self.kill()
                raise KilledError
        delay = self.weather.delay(service)
        if not self.loop.jump(delay):
            await asyncio.sleep(delay)
        await self._still()

    async def _still(self) -> None:
        await self._held.wait()
        self._check()

    def _check(self) -> None:
        if not self.alive:
            raise KilledError
