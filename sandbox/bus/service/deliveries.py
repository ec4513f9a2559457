"""A message on its way to a receiver: header and annotations written anew, the bare message as it was sent.

The lock token is the delivery's tag in .NET's byte order; in management bodies the same token is an AMQP uuid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.bus.amqp.encode import encode_into
from sandbox.bus.amqp.types import Described, Int, Symbol, Timestamp, UInt, ULong

if TYPE_CHECKING:
    from sandbox.bus.broker.records import Delivery

BATCH_FORMAT = 0x80013700

_HEADER = ULong(0x70)
_ANNOTATIONS = ULong(0x72)
_SEQUENCE_NUMBER = Symbol("x-opt-sequence-number")
_ENQUEUED_NUMBER = Symbol("x-opt-enqueue-sequence-number")
_ENQUEUED_TIME = Symbol("x-opt-enqueued-time")
_LOCKED_UNTIL = Symbol("x-opt-locked-until")
_STATE = Symbol("x-opt-message-state")
_DEAD_LETTER_SOURCE = Symbol("x-opt-deadletter-source")
_LONGEST_MILLISECONDS = 0xFFFFFFFF
# .NET ticks: 100 ns since the year 1.
_TICKS_PER_SECOND = 10_000_000
_TICKS_AT_1970 = 621_355_968_000_000_000


def to_milliseconds(seconds: float) -> Timestamp:
    """Seconds since 1970 as AMQP counts time."""
    return Timestamp(round(seconds * 1000))


def to_ticks(seconds: float) -> int:
    """Seconds since 1970 as .NET counts time."""
    return round(seconds * 1000) * (_TICKS_PER_SECOND // 1000) + _TICKS_AT_1970


def encode_delivery(delivery: Delivery) -> bytes:
    """The whole message as bytes."""
    lifetime = delivery.time_to_live
    out = bytearray()
    header = [
        None,
        None,
        None if lifetime is None else UInt(min(round(lifetime * 1000), _LONGEST_MILLISECONDS)),
        None,
        # Always there, zero included: the .NET client fails without it.
        UInt(delivery.delivery_count),
    ]
    encode_into(out, Described(_HEADER, header))
    annotations: dict[Any, Any] = {
        **delivery.message.annotations,
        _SEQUENCE_NUMBER: delivery.sequence_number,
        _ENQUEUED_NUMBER: delivery.enqueued_sequence_number,
        _ENQUEUED_TIME: to_milliseconds(delivery.enqueued_at),
        _STATE: Int(delivery.state.value),
    }
    if delivery.locked_until is not None:
        annotations[_LOCKED_UNTIL] = to_milliseconds(delivery.locked_until)
    if delivery.dead_letter_source is not None:
        annotations[_DEAD_LETTER_SOURCE] = delivery.dead_letter_source
    encode_into(out, Described(_ANNOTATIONS, annotations))
    out += delivery.message.bare
    return bytes(out)


def delivery_tag(delivery: Delivery) -> bytes:
    """Sixteen bytes: the lock token, or the sequence number where nothing is locked."""
    if delivery.lock_token is None:
        return delivery.sequence_number.to_bytes(16, "big")
    return delivery.lock_token.bytes_le
