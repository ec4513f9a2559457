"""What the broker keeps of one message in one place, and what it shows of it to others.

``Kept`` changes and stays inside the broker; ``Delivery`` is a picture of it at one moment and goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from sandbox.bus.broker.message import Message


class MessageState(Enum):
    """Service Bus's states of a message, by their number on the wire."""

    ACTIVE = 0
    DEFERRED = 1
    SCHEDULED = 2


class ReceiveMode(Enum):
    """Whether receiving locks a message or takes it away."""

    PEEK_LOCK = "peek-lock"
    RECEIVE_AND_DELETE = "receive-and-delete"


@dataclass(slots=True, eq=False)
class Kept:
    """One message in one store. Times are seconds since 1970-01-01 UTC.

    ``delivery_count`` counts the deliveries that failed; ``lock_token`` is set while someone holds it, and
    ``locked_until`` with it, unless a session's lock governs.
    """

    message: Message
    sequence_number: int
    enqueued_sequence_number: int
    enqueued_at: float
    expires_at: float | None
    time_to_live: float | None
    delivery_count: int = 0
    deferred: bool = False
    dead_letter_source: str | None = None
    lock_token: UUID | None = None
    locked_until: float = 0.0

    def show(self, locked_until: float | None) -> Delivery:
        """A picture of it as it is now."""
        return Delivery(
            self.message,
            self.sequence_number,
            self.enqueued_sequence_number,
            self.enqueued_at,
            self.time_to_live,
            self.delivery_count,
            MessageState.DEFERRED if self.deferred else MessageState.ACTIVE,
            self.dead_letter_source,
            self.lock_token,
            locked_until,
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as a receiver sees it. ``lock_token`` and ``locked_until`` are ``None`` where nothing is locked.

    ``delivery_count`` is the number of earlier attempts, so 0 at the first.
    """

    message: Message
    sequence_number: int
    enqueued_sequence_number: int
    enqueued_at: float
    time_to_live: float | None
    delivery_count: int
    state: MessageState
    dead_letter_source: str | None
    lock_token: UUID | None
    locked_until: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages of an entity are in which state; no message counts twice.

    ``active`` are those that wait for a receiver, not those one has locked.
    """

    active: int = 0
    locked: int = 0
    deferred: int = 0
    scheduled: int = 0
    dead_lettered: int = 0
