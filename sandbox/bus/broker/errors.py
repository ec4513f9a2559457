"""Why the broker refuses. Each reason is the condition Service Bus names on the wire, with its management status.

BusError(reason, description)
"""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """A condition and the status code the management node answers with."""

    ENTITY_NOT_FOUND = ("amqp:not-found", 404)
    NOT_ALLOWED = ("amqp:not-allowed", 400)
    NOT_IMPLEMENTED = ("amqp:not-implemented", 501)
    INVALID_FIELD = ("amqp:invalid-field", 400)
    UNAUTHORIZED = ("amqp:unauthorized-access", 401)
    MESSAGE_TOO_LARGE = ("amqp:link:message-size-exceeded", 403)
    MESSAGE_LOCK_LOST = ("com.microsoft:message-lock-lost", 410)
    SESSION_LOCK_LOST = ("com.microsoft:session-lock-lost", 410)
    SESSION_CANNOT_BE_LOCKED = ("com.microsoft:session-cannot-be-locked", 410)
    MESSAGE_NOT_FOUND = ("com.microsoft:message-not-found", 404)
    TIMEOUT = ("com.microsoft:timeout", 408)

    @property
    def condition(self) -> str:
        """The AMQP error condition."""
        return self.value[0]

    @property
    def status(self) -> int:
        """The status code in a management response."""
        return self.value[1]


class BusError(Exception):
    """The broker refused an operation; nothing of it was done."""

    def __init__(self, reason: Reason, description: str) -> None:
        super().__init__(f"{reason.condition}: {description}")
        self.reason = reason
        self.description = description


def entity_not_found(path: str) -> BusError:
    """Nothing is at ``path``. The JavaScript SDK knows this case by the sentence, not by the condition."""
    return BusError(Reason.ENTITY_NOT_FOUND, f"The messaging entity '{path}' could not be found.")
