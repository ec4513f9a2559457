"""What several tests of the bus start from: a broker under virtual time, messages, and an encoded message."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import pytest

from sandbox.bus.amqp.encode import encode
from sandbox.bus.amqp.types import Described, ULong
from sandbox.bus.broker.broker import Broker
from sandbox.bus.broker.errors import BusError, Reason
from sandbox.bus.broker.message import Message
from sandbox.bus.clock import VirtualClock
from sandbox.bus.topology import (
    IntakeSettings,
    QueueSettings,
    StoreSettings,
    SubscriptionSettings,
    TopicSettings,
    Topology,
)

START = 1_750_000_000.0


class Ids:
    """Unique ids in a row, so that a failing test shows the same ones every time."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self) -> UUID:
        """The next one."""
        return UUID(int=next(self._numbers))


class Rig:
    """A broker with one queue ``q`` and its clock."""

    def __init__(self, store: StoreSettings | None = None, intake: IntakeSettings | None = None) -> None:
        self.clock = VirtualClock(START)
        queue = QueueSettings("q", intake or IntakeSettings(), store or StoreSettings())
        self.broker = Broker(Topology(queues=(queue,)), clock=self.clock, new_id=Ids())

    def after(self, seconds: float) -> None:
        """Let time pass as a simulation does: from deadline to deadline."""
        end = self.clock.now() + seconds
        while (deadline := self.broker.next_deadline()) is not None and deadline <= end:
            self.clock.advance_to(deadline)
            self.broker.advance()
        self.clock.advance_to(end)
        self.broker.advance()

    def send(self, *texts: str, **fields) -> None:
        """Send one message per text; the text is body and id."""
        self.broker.send("q", [message(text, **fields) for text in texts])

    def receive(self, most: int = 100, **fields):
        """Receive from the queue."""
        return self.broker.receive("q", most, **fields)

    def dead(self):
        """The dead-letter queue's messages."""
        return self.broker.peek("q/$DeadLetterQueue", most=100)


def message(text: str, **fields) -> Message:
    """A message whose body and id are the text."""
    return Message.build(text.encode(), **{"message_id": text, **fields})


def now() -> datetime:
    """The time, as the SDK's messages tell it."""
    return datetime.now(UTC)


def texts(deliveries) -> list[str]:
    """The bodies, in order."""
    return [delivery.message.body.decode() for delivery in deliveries]


def topic_broker(*subscriptions: SubscriptionSettings, intake: IntakeSettings | None = None):
    """A broker with a topic ``t``, and its clock."""
    clock = VirtualClock(START)
    topic = TopicSettings("t", intake or IntakeSettings(), subscriptions)
    return Broker(Topology(topics=(topic,)), clock=clock, new_id=Ids()), clock


def encoded(*sections: tuple[int, object]) -> bytes:
    """A message's bytes from (descriptor, value) pairs."""
    return b"".join(encode(Described(ULong(code), value)) for code, value in sections)


def refused(reason: Reason):
    """Expect the broker to refuse for this reason."""
    return pytest.raises(BusError, match=reason.condition)
