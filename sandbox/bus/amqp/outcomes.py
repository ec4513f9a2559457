"""Delivery states and errors: what a peer says became of a message, and why a link or session ended.

An error always carries three elements. A list cut short makes the Python SDK's callback fail silently, and the
call that waits for it never returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.bus.amqp.types import CodecError, Described, Symbol, UInt, ULong


@dataclass(frozen=True, slots=True)
class Error:
    """Why something was refused: an AMQP condition, a sentence, and details."""

    condition: str
    description: str
    info: dict[Any, Any] | None = None

    def described(self) -> Described:
        """Its form on the wire."""
        return Described(ULong(0x1D), [Symbol(self.condition), self.description, self.info or {}])


@dataclass(frozen=True, slots=True)
class Received:
    """Not an outcome yet: how much of the message has arrived."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Done."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not acceptable; ``error`` says why, or is absent where a peer's own rejection is confirmed."""

    error: Error | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """Given back unseen."""


@dataclass(frozen=True, slots=True)
class Modified:
    """Given back, seen. ``undeliverable_here`` asks not to be given it again."""

    delivery_failed: bool = False
    undeliverable_here: bool = False


DeliveryState = Received | Accepted | Rejected | Released | Modified


def describe_state(state: DeliveryState) -> Described:
    """A delivery state's form on the wire, every field present."""
    match state:
        case Received():
            return Described(ULong(0x23), [UInt(0), ULong(0)])
        case Accepted():
            return Described(ULong(0x24), [])
        case Rejected(error):
            return Described(ULong(0x25), [error.described() if error else None])
        case Released():
            return Described(ULong(0x26), [])
        case Modified(failed, undeliverable):
            return Described(ULong(0x27), [failed, undeliverable, None])


def read_state(value: Any) -> DeliveryState | None:
    """A delivery state from the wire; ``None`` for a null.

    :raises CodecError: the value is no delivery state
    """
    if value is None:
        return None
    if not isinstance(value, Described) or not isinstance(value.value, list):
        raise CodecError("a delivery state is not a described list")
    fields = [*value.value, None, None, None]
    match value.descriptor:
        case 0x23:
            return Received()
        case 0x24:
            return Accepted()
        case 0x25:
            return Rejected(read_error(fields[0]))
        case 0x26:
            return Released()
        case 0x27:
            return Modified(fields[0] is True, fields[1] is True)
        case _:
            raise CodecError("a delivery state of an unknown kind")


def read_error(value: Any) -> Error | None:
    """An error from the wire; ``None`` for a null.

    :raises CodecError: the value is no error
    """
    if value is None:
        return None
    if not isinstance(value, Described) or value.descriptor != 0x1D or not isinstance(value.value, list):
        raise CodecError("an error is not a described list")
    fields = [*value.value, None, None, None]
    return Error(str(fields[0]), str(fields[1] or ""), fields[2] if isinstance(fields[2], dict) else None)
