"""How messages come into a queue or topic: duplicates dropped, scheduled ones held until their time.

A duplicate is judged when it is sent or scheduled, not when its time comes: that is what lets repeated hints for
the same window collapse. A cancelled message's id stays remembered.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.bus.broker.errors import BusError, Reason
from sandbox.bus.broker.records import Delivery, MessageState
from sandbox.bus.broker.timers import Alarm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.bus.broker.message import Message
    from sandbox.bus.broker.timers import Timers
    from sandbox.bus.topology import IntakeSettings


class Sink(Protocol):
    """Where messages go once they are in."""

    def next_number(self) -> int:
        """The next sequence number."""

    def check(self, message: Message) -> None:
        """Raise ``BusError`` for a message that cannot be taken."""

    def enqueue(self, message: Message, now: float, time_to_live: float | None) -> None:
        """Take a message in; ``time_to_live`` in seconds, ``None`` for no end."""


class Intake:
    """The entrance of one queue or topic. Times are seconds since 1970-01-01 UTC and are given."""

    def __init__(self, settings: IntakeSettings, sink: Sink, timers: Timers) -> None:
        self._settings = settings
        self._sink = sink
        self._scheduled: dict[int, Message] = {}
        self._due: list[tuple[float, int]] = []
        self._seen: dict[Any, float] = {}
        self._alarm = Alarm(timers, self)

    def send(self, messages: Sequence[Message], now: float) -> None:
        """Take messages in, all or none; those with a time to come are scheduled.

        :raises BusError: the entity cannot take one of them
        """
        self._check(messages)
        for message in messages:
            if self._is_duplicate(message, now):
                continue
            if message.scheduled_at is not None and message.scheduled_at > now:
                self._hold(message, message.scheduled_at)
            else:
                self._let_in(message, now)

    def schedule(self, messages: Sequence[Message], now: float) -> list[int]:
        """Take messages in for their times; their numbers can be cancelled until then.

        A duplicate gets a number too, but nothing lies behind it. Raises what ``send`` raises.
        """
        self._check(messages)
        return [
            self._sink.next_number()
            if self._is_duplicate(message, now)
            else self._hold(message, now if message.scheduled_at is None else message.scheduled_at)
            for message in messages
        ]

    def cancel(self, numbers: Sequence[int]) -> None:
        """Take scheduled messages back, all or none.

        :raises BusError: one of them is not waiting
        """
        for number in numbers:
            if number not in self._scheduled:
                raise BusError(Reason.MESSAGE_NOT_FOUND, f"no scheduled message has the number {number}")
        for number in set(numbers):
            del self._scheduled[number]

    def peek(self, first: int, most: int, session_id: str | None) -> list[Delivery]:
        """Scheduled messages from a number on."""
        return [
            Delivery(message, number, number, due, message.time_to_live, 0, MessageState.SCHEDULED, None, None, None)
            for due, number in sorted(self._due, key=lambda entry: entry[1])
            if number >= first
            and (message := self._scheduled.get(number)) is not None
            and session_id in {None, message.session_id}
        ][:most]

    def __len__(self) -> int:
        return len(self._scheduled)

    def advance(self, now: float) -> None:
        """Let in whose time has come."""
        self._alarm.rang(now)
        while self._due and self._due[0][0] <= now:
            _, number = heapq.heappop(self._due)
            message = self._scheduled.pop(number, None)
            if message is not None:
                self._let_in(message, now)
        self._alarm.set(self._due[0][0] if self._due else None)

    def _check(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._sink.check(message)

    def _hold(self, message: Message, due: float) -> int:
        number = self._sink.next_number()
        self._scheduled[number] = message
        heapq.heappush(self._due, (due, number))
        self._alarm.set(due)
        return number

    def _let_in(self, message: Message, now: float) -> None:
        limits = [limit for limit in (message.time_to_live, self._settings.time_to_live) if limit is not None]
        self._sink.enqueue(message, now, min(limits, default=None))

    def _is_duplicate(self, message: Message, now: float) -> bool:
        window = self._settings.duplicate_window
        if window is None:
            return False
        # The dictionary is in the order of arrival, so what is forgotten is at its front.
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] + window > now:
                break
            del self._seen[oldest]
        if message.message_id in self._seen:
            return True
        self._seen[message.message_id] = now
        return False
