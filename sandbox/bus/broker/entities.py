"""Queues and topics: an intake, and where what comes in goes.

A topic copies a message to every subscription one of whose rules matches; rules are asked when the message
becomes active, not when it is scheduled.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.bus.broker.errors import BusError, Reason
from sandbox.bus.broker.intake import Intake
from sandbox.bus.broker.records import Counts
from sandbox.bus.broker.session_store import SessionStore
from sandbox.bus.broker.store import Store
from sandbox.bus.rules.view import MessageView

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sandbox.bus.broker.message import Message
    from sandbox.bus.broker.records import Delivery
    from sandbox.bus.broker.timers import Timers
    from sandbox.bus.rules.filters import Rule
    from sandbox.bus.topology import QueueSettings, StoreSettings, TopicSettings

DEAD_LETTER_SUFFIX = "/$DeadLetterQueue"


def make_store(path: str, settings: StoreSettings, timers: Timers, new_id: Callable[[], UUID]) -> Store:
    """A store with its dead-letter queue, which has neither sessions nor ends nor a dead-letter queue of its own."""
    plain = replace(
        settings, requires_session=False, max_delivery_count=None, time_to_live=None, dead_letter_expired=False
    )
    dead_letters = Store(path + DEAD_LETTER_SUFFIX, plain, timers, new_id, None)
    kind = SessionStore if settings.requires_session else Store
    return kind(path, settings, timers, new_id, dead_letters)


class Queue:
    """A queue: what is sent to it is received from it."""

    def __init__(self, settings: QueueSettings, timers: Timers, new_id: Callable[[], UUID]) -> None:
        self.store = make_store(settings.name, settings.store, timers, new_id)
        self.intake = Intake(settings.intake, self, timers)

    def next_number(self) -> int:
        """Scheduled and active messages share one row of numbers."""
        return self.store.next_number()

    def check(self, message: Message) -> None:
        """Refuse what the queue cannot hold."""
        if self.store.settings.requires_session and message.session_id is None:
            raise BusError(Reason.NOT_ALLOWED, f"{self.store.path} requires a session id on every message")

    def enqueue(self, message: Message, now: float, time_to_live: float | None) -> None:
        """Make a message active."""
        self.store.put(message, now, time_to_live)

    def peek(self, first: int, most: int, session_id: str | None) -> list[Delivery]:
        """Messages of every state, scheduled ones too, in the order of their numbers."""
        found = self.store.peek(first, most, session_id) + self.intake.peek(first, most, session_id)
        return sorted(found, key=lambda delivery: delivery.sequence_number)[:most]

    def counts(self) -> Counts:
        """How many messages are in which state."""
        return replace(self.store.counts(), scheduled=len(self.intake))


class Topic:
    """A topic: what is sent to it is copied to its subscriptions."""

    def __init__(self, settings: TopicSettings, timers: Timers, new_id: Callable[[], UUID]) -> None:
        self.path = settings.name
        self.intake = Intake(settings.intake, self, timers)
        self.subscriptions: list[tuple[tuple[Rule, ...], Store]] = [
            (
                subscription.rules,
                make_store(f"{settings.name}/Subscriptions/{subscription.name}", subscription.store, timers, new_id),
            )
            for subscription in settings.subscriptions
        ]
        self._last_number = 0

    def next_number(self) -> int:
        """The topic numbers what it takes in; each subscription numbers again."""
        self._last_number += 1
        return self._last_number

    def check(self, _message: Message) -> None:
        """A topic takes every message; what a subscription cannot hold, that subscription dead-letters."""

    def enqueue(self, message: Message, now: float, time_to_live: float | None) -> None:
        """Copy a message to the subscriptions it belongs to."""
        number = self.next_number()
        view = MessageView(message)
        for rules, store in self.subscriptions:
            if any(rule.filter.matches(view) for rule in rules):
                store.put(message, now, time_to_live, number)

    def counts(self) -> Counts:
        """A topic itself holds scheduled messages only."""
        return Counts(scheduled=len(self.intake))
