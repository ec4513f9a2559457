"""The app in its region: some instances of it, their timers, and the way of notifications to them."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final

from sandbox.tenants.contoso import MANAGED_IDENTITY_CLIENT_ID, READER_APP_ID, WRITER_APP_ID
from shared.config.settings import read_settings
from shared.config.sync_file import parse_sync
from simulation.bus import Bus
from simulation.instance import Cloud, Instance
from simulation.log import Log
from simulation.mortal import Mortal
from simulation.store import memory, promises
from simulation.tenants import Tenants
from simulation.virtual_time import loop
from simulation.weather import Weather

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSTANCES: Final = 2
_RESTART: Final = 15.0  # seconds
TIMERS: Final = {
    "keep_subscriptions": (900.0, 0.0),
    "catch_up": (900.0, 30.0),
    "full_cycle": (86_400.0, 10_800.0),
    "administrator": (86_400.0, 7_200.0),
}
"""How often, and when after midnight: as the sample settings have it, and once a day a person who releases holds.

Only catch-up comes a third as often: nearly all of them find nothing, and a week of the others costs half as much.
"""
CALM_TIMERS: Final = {name: TIMERS[name] for name in ("keep_subscriptions", "catch_up")} | {
    "administrator": (900.0, 300.0)
}
"""No full cycles, and somebody who waits for nothing but holds."""


class Region:
    """Everything of one simulation."""

    def __init__(self, seed: int, sync_text: str, timers: Mapping[str, tuple[float, float]] = TIMERS) -> None:
        self.weather = Weather(seed)
        self._timers = timers
        self.settings = read_settings(
            {
                "MANAGED_IDENTITY_CLIENT_ID": MANAGED_IDENTITY_CLIENT_ID,
                "READER_CLIENT_ID": READER_APP_ID,
                "WRITER_CLIENT_ID": WRITER_APP_ID,
                "ServiceBusConnection": "simulated",
                "USER_CHANGES_TOPIC": "user-changes",
                "STORE_URL": "simulated",
                "NOTIFICATION_URL": "https://localhost/api/notifications",
            }
        )
        self._sync = parse_sync(sync_text)
        self.tenants = Tenants(seed)
        names = [target.name for target in self._sync.targets]
        bus = Bus(names, round(self.settings.timing.lock.total_seconds()), random.Random(f"{seed}:locks"))
        self.cloud = Cloud(self.tenants, bus, memory(), Log(), promises())
        self.instances: list[Instance] = [self._instance() for _ in range(_INSTANCES)]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        works = [self.cloud.bus.keep_time(), self.tenants.deliver(self.post), self._keep_alive()]
        works += [self._timer(name, *times) for name, times in self._timers.items()]
        self._tasks = [asyncio.get_running_loop().create_task(work) for work in works]
        for instance in self.instances:
            instance.start()
        self.instances[0].timer("keep_subscriptions")

    def stop(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        for instance in self.instances:
            instance.mortal.kill()

    def failed(self) -> list[str]:
        """Tasks of the simulation itself that ended, which none should."""
        return [repr(task.exception()) for task in self._tasks if task.done() and not task.cancelled()]

    async def post(self, body: bytes) -> int | None:
        """Deliver a notification to one of the instances."""
        instance = self._any()
        return None if self.weather.deaf or instance is None else await instance.notified(body)

    def _any(self) -> Instance | None:
        alive = [instance for instance in self.instances if instance.mortal.alive]
        return alive[self.weather.pick(len(alive))] if alive else None

    def _instance(self) -> Instance:
        return Instance(self.cloud, Mortal(self.weather), self.settings, self._sync)

    async def _keep_alive(self) -> None:
        """The host starts a process anew that died."""
        while True:
            await asyncio.sleep(_RESTART)
            for place, instance in enumerate(self.instances):
                if not instance.mortal.alive:
                    self.instances[place] = self._instance()
                    self.instances[place].start()

    async def _timer(self, name: str, every: float, after: float) -> None:
        due = after or every
        while True:
            await asyncio.sleep(due - loop().time())
            due += every
            instance = self._any()
            if instance is not None:
                instance.timer(name)
