"""The login that precedes a connection.

Offers ``MSSBCBS`` first because the .NET client, and so the Functions host, knows no other; it means the same as
ANONYMOUS: the token comes later, over ``$cbs``. Names are offered as an array, as the service does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sandbox.bus.amqp.performatives import SaslInit, SaslMechanisms, SaslOutcome
from sandbox.bus.amqp.types import Array, Symbol

OFFER = SaslMechanisms(Array(tuple(Symbol(name) for name in ("MSSBCBS", "ANONYMOUS", "PLAIN", "EXTERNAL"))))


class SaslCode(Enum):
    """The outcomes AMQP defines that this server uses."""

    OK = 0
    AUTH = 1


@dataclass(frozen=True, slots=True)
class PlainCredentials:
    """What a client said with PLAIN: the name and key of a shared access policy."""

    name: str
    key: str

    def __repr__(self) -> str:
        return f"PlainCredentials(name={self.name!r}, key=…)"


def answer(init: SaslInit) -> tuple[SaslOutcome, PlainCredentials | None]:
    """The outcome of a login, and the credentials it carried, which are the caller's to judge."""
    match init.mechanism:
        case "MSSBCBS" | "ANONYMOUS" | "EXTERNAL":
            return SaslOutcome(SaslCode.OK.value), None
        case "PLAIN":
            parts = (init.initial_response or b"").split(b"\x00")
            if len(parts) != 3:
                return SaslOutcome(SaslCode.AUTH.value), None
            name, key = (part.decode("utf-8", "replace") for part in parts[1:])
            return SaslOutcome(SaslCode.OK.value), PlainCredentials(name, key)
        case _:
            return SaslOutcome(SaslCode.AUTH.value), None
