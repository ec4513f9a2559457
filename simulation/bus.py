"""The topic of user changes: the sandbox's broker without its wire, and an instance's way to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sandbox.bus.broker.broker import Broker
from sandbox.bus.broker.errors import BusError
from sandbox.bus.broker.message import Message
from sandbox.bus.config import read_config
from sandbox.story.topology import TOPIC, service_bus_topology
from shared.app.provision import Received
from shared.bus.errors import BusUnavailableError
from shared.core.messages import POISON
from simulation.virtual_time import loop
from simulation.weather import Fate

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from uuid import UUID

    from sandbox.bus.broker.records import Delivery
    from shared.bus.topic import PoisonMessage
    from shared.core.messages import Envelope
    from simulation.mortal import Mortal

_BATCH: Final = 100
_POISON_PATH: Final = f"{TOPIC}/Subscriptions/{POISON}"


class _Clock:
    """The broker's."""

    def __init__(self) -> None:
        self.now = loop().seconds


class Bus:
    """The namespace, shared by all instances."""

    def __init__(self, targets: Sequence[str], lock_seconds: int, ids: random.Random) -> None:
        from uuid import UUID  # noqa: PLC0415 - a name for types elsewhere

        self._earlier = asyncio.Event()
        self.broker = Broker(
            read_config(service_bus_topology(targets, lock_seconds)),
            clock=_Clock(),
            new_id=lambda: UUID(int=ids.getrandbits(128), version=4),
            on_earlier_deadline=self._earlier.set,
        )

    async def keep_time(self) -> None:
        """Do what is due, for ever."""
        while True:
            self._earlier.clear()
            self.broker.advance()
            deadline = self.broker.next_deadline()
            wait = None if deadline is None else max(0.0, deadline - loop().seconds())
            try:
                async with asyncio.timeout(wait):
                    await self._earlier.wait()
            except TimeoutError:
                continue

    def dead(self) -> int:
        """Dead-lettered messages, of all subscriptions."""
        return sum(counts.dead_lettered for counts in self.broker.counts().values())


class ReachedTopic:
    """What the app's `UserChangesTopic` does, as one instance reaches the bus."""

    def __init__(self, bus: Bus, mortal: Mortal) -> None:
        self._bus = bus
        self._mortal = mortal

    async def send(self, envelopes: Sequence[Envelope]) -> None:
        """See `UserChangesTopic.send`."""
        await self._send([_message(envelope) for envelope in envelopes])

    async def waiting(self, subscription: str) -> int:
        """See `UserChangesTopic.waiting`."""
        if await self._mortal.step(self._mortal.weather.bus) is not Fate.DONE:
            raise BusUnavailableError("simulated")
        return self._bus.broker.counts()[f"{TOPIC}/Subscriptions/{subscription}"].active

    async def park(self, poison: Sequence[PoisonMessage]) -> None:
        """See `UserChangesTopic.park`."""
        await self._send(
            [
                Message.build(
                    each.body, message_id=f"{POISON}:{each.message_id}", application_properties={"target": POISON}
                )
                for each in poison
            ]
        )
        for delivery in self._bus.broker.receive(_POISON_PATH, _BATCH):
            self._bus.broker.dead_letter(_POISON_PATH, _token(delivery), POISON)

    async def close(self) -> None:
        """See `UserChangesTopic.close`."""

    async def _send(self, messages: Sequence[Message]) -> None:
        service = self._mortal.weather.bus
        fate = await self._mortal.step(service)
        if fate is Fate.REFUSED:
            raise BusUnavailableError("simulated")
        self._bus.broker.send(TOPIC, messages)
        await self._mortal.back(service)
        if fate is Fate.LOST:
            raise BusUnavailableError("simulated, after it was done")


class Receiver:
    """A subscription's messages for one instance, a batch at a time under its locks."""

    def __init__(self, bus: Bus, subscription: str, mortal: Mortal) -> None:
        self._broker = bus.broker
        self._path = f"{TOPIC}/Subscriptions/{subscription}"
        self._mortal = mortal
        self._batch: list[Delivery] = []

    async def receive(self, most: int = _BATCH) -> list[Received]:
        """Messages that are due; waits until there are some."""
        service = self._mortal.weather.bus
        while True:
            fate = await self._mortal.step(service)
            self._batch = [] if fate is Fate.REFUSED else self._broker.receive(self._path, most)
            if self._batch and fate is Fate.DONE:
                await self._mortal.back(service)
                return [_received(delivery) for delivery in self._batch]
            if fate is not Fate.DONE:  # locked and never seen, or out of reach
                await asyncio.sleep(5)
                continue
            there = asyncio.Event()
            self._broker.wait(self._path, self, there.set)
            await there.wait()

    async def settle(self, *, done: bool) -> None:
        """Complete the batch, or give it back. What its lock does not hold any more comes again by itself."""
        fate = await self._mortal.step(self._mortal.weather.bus)
        if fate is Fate.REFUSED:
            return
        for delivery in self._batch:
            try:
                if done:
                    self._broker.complete(self._path, _token(delivery))
                else:
                    self._broker.abandon(self._path, _token(delivery))
            except BusError:
                continue


def _message(envelope: Envelope) -> Message:
    return Message.build(
        envelope.body.encode(),
        message_id=envelope.message_id,
        application_properties={} if envelope.target is None else {"target": envelope.target},
        scheduled_at=envelope.due.timestamp(),
    )


def _received(delivery: Delivery) -> Received:
    return Received(str(delivery.message.message_id), delivery.message.body)


def _token(delivery: Delivery) -> UUID:
    assert delivery.lock_token is not None  # noqa: S101 - they are received under a lock
    return delivery.lock_token
