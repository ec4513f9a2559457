"""The nine frames of a connection and the three of a login, as values.

Each is written with *every* field, nulls included: releases of the Python SDK before 7.15 index the list by
position and fail on a short one. Reading is lenient about length, strict about types.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sandbox.bus.amqp.decode import decode
from sandbox.bus.amqp.encode import encode_into, write_binary, write_list, write_uint
from sandbox.bus.amqp.types import CodecError, Described, Symbol, UByte, ULong, UShort

if TYPE_CHECKING:
    from collections.abc import Callable

SENDER = False
RECEIVER = True


@dataclass(frozen=True, slots=True)
class Open:
    """Opens a connection. ``idle_time_out`` in milliseconds."""

    container_id: str
    hostname: str | None = None
    max_frame_size: int | None = None
    channel_max: int | None = None
    idle_time_out: int | None = None
    outgoing_locales: Any = None
    incoming_locales: Any = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: Any = None


@dataclass(frozen=True, slots=True)
class Begin:
    """Opens a session; windows count transfer frames."""

    remote_channel: int | None
    next_outgoing_id: int
    incoming_window: int
    outgoing_window: int
    handle_max: int | None = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: Any = None


@dataclass(frozen=True, slots=True)
class Attach:
    """Opens a link; ``role`` is the sender of the frame's own."""

    name: str
    handle: int
    role: bool
    snd_settle_mode: int | None = None
    rcv_settle_mode: int | None = None
    source: Any = None
    target: Any = None
    unsettled: Any = None
    incomplete_unsettled: bool | None = None
    initial_delivery_count: int | None = None
    max_message_size: int | None = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: Any = None


@dataclass(frozen=True, slots=True)
class Flow:
    """Windows of a session, and credit of a link where ``handle`` is given."""

    next_incoming_id: int | None
    incoming_window: int
    next_outgoing_id: int
    outgoing_window: int
    handle: int | None = None
    delivery_count: int | None = None
    link_credit: int | None = None
    available: int | None = None
    drain: bool | None = None
    echo: bool | None = None
    properties: Any = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A message or a piece of one; the payload follows the frame."""

    handle: int
    delivery_id: int | None = None
    delivery_tag: bytes | None = None
    message_format: int | None = None
    settled: bool | None = None
    more: bool | None = None
    rcv_settle_mode: int | None = None
    state: Any = None
    resume: bool | None = None
    aborted: bool | None = None
    batchable: bool | None = None


@dataclass(frozen=True, slots=True)
class Disposition:
    """What became of deliveries ``first`` to ``last``."""

    role: bool
    first: int
    last: int | None = None
    settled: bool | None = None
    state: Any = None
    batchable: bool | None = None


@dataclass(frozen=True, slots=True)
class Detach:
    """Ends a link."""

    handle: int
    closed: bool | None = None
    error: Any = None


@dataclass(frozen=True, slots=True)
class End:
    """Ends a session."""

    error: Any = None


@dataclass(frozen=True, slots=True)
class Close:
    """Ends a connection."""

    error: Any = None


@dataclass(frozen=True, slots=True)
class SaslMechanisms:
    """What logins the server offers."""

    mechanisms: Any


@dataclass(frozen=True, slots=True)
class SaslInit:
    """The login a client chose."""

    mechanism: str
    initial_response: bytes | None = None
    hostname: str | None = None


@dataclass(frozen=True, slots=True)
class SaslOutcome:
    """0 for success, 1 for a failed login."""

    code: int
    additional_data: bytes | None = None


Performative = (
    Open | Begin | Attach | Flow | Transfer | Disposition | Detach | End | Close | SaslMechanisms | SaslInit
) | SaslOutcome


def encode_performative(value: Performative) -> bytes:
    """A performative's bytes, every field written."""
    layout = _LAYOUTS[type(value)]
    body = bytearray()
    for name, kind in layout.fields:
        field = getattr(value, name)
        if field is None:
            body.append(0x40)
        else:
            kind.write(body, field)
    out = bytearray((0x00, 0x53, layout.code))
    write_list(out, body, len(layout.fields))
    return bytes(out)


def decode_performative(frame: bytes) -> tuple[Performative, int]:
    """The performative at a frame body's start, and the offset of the payload behind it.

    :raises CodecError: no such performative, a mandatory field missing, or a field of the wrong type
    """
    value, at = decode(frame)
    if not isinstance(value, Described) or not isinstance(value.value, list):
        raise CodecError("a frame does not start with a performative")
    layout = _BY_CODE.get(value.descriptor) if isinstance(value.descriptor, int) else None
    if layout is None:
        raise CodecError("a frame holds an unknown performative")
    items = value.value
    if len(items) > len(layout.fields):
        raise CodecError(f"{layout.make.__name__} has too many fields")
    for item, (name, kind) in zip(items, layout.fields, strict=False):
        if item is not None and not kind.accepts(item):
            raise CodecError(f"{layout.make.__name__}'s {name} has the wrong type")
    if any(index >= len(items) or items[index] is None for index in layout.mandatory):
        raise CodecError(f"{layout.make.__name__} lacks a mandatory field")
    made: Performative = layout.make(*items)
    return made, at


@dataclass(frozen=True, slots=True)
class _Kind:
    write: Callable[[bytearray, Any], None]
    accepts: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class _Layout:
    code: int
    make: Callable[..., Any]
    fields: tuple[tuple[str, _Kind], ...]
    mandatory: range


def _written_as(make: Callable[[Any], Any]) -> Callable[[bytearray, Any], None]:
    return lambda out, value: encode_into(out, make(value))


def _unsigned(value: Any) -> bool:
    return isinstance(value, int) and type(value) is not bool and 0 <= value <= 0xFFFFFFFF


_ANY = _Kind(encode_into, lambda _value: True)
_BOOL = _Kind(encode_into, lambda value: type(value) is bool)
_UBYTE = _Kind(_written_as(UByte), _unsigned)
_USHORT = _Kind(_written_as(UShort), _unsigned)
_UINT = _Kind(write_uint, _unsigned)
_ULONG = _Kind(_written_as(ULong), lambda value: isinstance(value, int) and type(value) is not bool)
_TEXT = _Kind(_written_as(str), lambda value: isinstance(value, str))
_SYMBOL = _Kind(_written_as(Symbol), lambda value: isinstance(value, str))
_BINARY = _Kind(write_binary, lambda value: isinstance(value, bytes))


def _layout(code: int, make: Any, mandatory: range, *kinds: _Kind) -> _Layout:
    names = [field.name for field in fields(make)]
    return _Layout(code, make, tuple(zip(names, kinds, strict=True)), mandatory)


_CAPABILITIES_AND_PROPERTIES = (_ANY, _ANY, _ANY)
_LAYOUTS: dict[type, _Layout] = {
    Open: _layout(0x10, Open, range(1), _TEXT, _TEXT, _UINT, _USHORT, _UINT, _ANY, _ANY, *_CAPABILITIES_AND_PROPERTIES),
    Begin: _layout(0x11, Begin, range(1, 4), _USHORT, _UINT, _UINT, _UINT, _UINT, *_CAPABILITIES_AND_PROPERTIES),
    Attach: _layout(
        0x12,
        Attach,
        range(3),
        *(_TEXT, _UINT, _BOOL, _UBYTE, _UBYTE, _ANY, _ANY),
        *(_ANY, _BOOL, _UINT, _ULONG, *_CAPABILITIES_AND_PROPERTIES),
    ),
    Flow: _layout(0x13, Flow, range(1, 4), _UINT, _UINT, _UINT, _UINT, _UINT, _UINT, _UINT, _UINT, _BOOL, _BOOL, _ANY),
    Transfer: _layout(
        0x14, Transfer, range(1), _UINT, _UINT, _BINARY, _UINT, _BOOL, _BOOL, _UBYTE, _ANY, _BOOL, _BOOL, _BOOL
    ),
    Disposition: _layout(0x15, Disposition, range(2), _BOOL, _UINT, _UINT, _BOOL, _ANY, _BOOL),
    Detach: _layout(0x16, Detach, range(1), _UINT, _BOOL, _ANY),
    End: _layout(0x17, End, range(0), _ANY),
    Close: _layout(0x18, Close, range(0), _ANY),
    SaslMechanisms: _layout(0x40, SaslMechanisms, range(1), _ANY),
    SaslInit: _layout(0x41, SaslInit, range(1), _SYMBOL, _BINARY, _TEXT),
    SaslOutcome: _layout(0x44, SaslOutcome, range(1), _UBYTE, _BINARY),
}
_BY_CODE = {layout.code: layout for layout in _LAYOUTS.values()}
