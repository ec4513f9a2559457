"""Values to bytes, in the shortest form each type has.

Descriptors below 256 take the three-byte form ``00 53 nn``; some clients read the third byte blindly.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sandbox.bus.amqp.types import (
    Array,
    Byte,
    Char,
    CodecError,
    Decimal,
    Described,
    Float,
    Int,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_I64 = struct.Struct(">q")


def encode(value: Any) -> bytes:
    """One value as bytes.

    :raises CodecError: the value's type is none of ``types``, or it does not fit its type
    """
    out = bytearray()
    encode_into(out, value)
    return bytes(out)


def encode_into(out: bytearray, value: Any) -> None:
    """Append one value; raises what ``encode`` raises."""
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise CodecError(f"AMQP has no type for {type(value).__name__}")
    try:
        writer(out, value)
    except (struct.error, UnicodeEncodeError, OverflowError) as error:
        raise CodecError(f"the value does not fit in {type(value).__name__}") from error


def write_uint(out: bytearray, value: int) -> None:
    """Append an unsigned 32-bit integer."""
    if value == 0:
        out.append(0x43)
    elif 0 < value < 256:
        out.append(0x52)
        out.append(value)
    else:
        out.append(0x70)
        out += _U32.pack(value)


def write_binary(out: bytearray, value: bytes) -> None:
    """Append a binary."""
    _write_sized(out, 0xA0, value)


def write_list(out: bytearray, body: bytes | bytearray, count: int) -> None:
    """Append a list whose items are encoded already."""
    _write_compound(out, 0xC0, body, count)


def _write_sized(out: bytearray, constructor: int, raw: bytes) -> None:
    length = len(raw)
    if length < 256:
        out.append(constructor)
        out.append(length)
    else:
        out.append(constructor + 0x10)
        out += _U32.pack(length)
    out += raw


def _write_compound(out: bytearray, constructor: int, body: bytes | bytearray, count: int) -> None:
    size = len(body) + 1
    if size < 256 and count < 256:
        out.append(constructor)
        out.append(size)
        out.append(count)
    else:
        out.append(constructor + 0x10)
        out += _U32.pack(len(body) + 4)
        out += _U32.pack(count)
    out += body


def _write_none(out: bytearray, _value: None) -> None:
    out.append(0x40)


def _write_bool(out: bytearray, value: bool) -> None:
    out.append(0x41 if value else 0x42)


def _write_ulong(out: bytearray, value: int) -> None:
    if value == 0:
        out.append(0x44)
    elif 0 < value < 256:
        out.append(0x53)
        out.append(value)
    else:
        out.append(0x80)
        out += _U64.pack(value)


def _write_long(out: bytearray, value: int) -> None:
    if -128 <= value < 128:
        out.append(0x55)
        out.append(value & 0xFF)
    else:
        out.append(0x81)
        out += _I64.pack(value)


def _write_int(out: bytearray, value: int) -> None:
    if -128 <= value < 128:
        out.append(0x54)
        out.append(value & 0xFF)
    else:
        out.append(0x71)
        out += struct.pack(">i", value)


def _fixed(constructor: int, layout: str) -> Callable[[bytearray, Any], None]:
    packed = struct.Struct(layout)

    def write(out: bytearray, value: Any) -> None:
        raw = packed.pack(value)
        out.append(constructor)
        out += raw

    return write


def _write_char(out: bytearray, value: str) -> None:
    if len(value) != 1:
        raise CodecError("a char is not one character")
    out.append(0x73)
    out += _U32.pack(ord(value))


def _write_decimal(out: bytearray, value: Decimal) -> None:
    out.append(value.constructor)
    out += value.raw


def _write_uuid(out: bytearray, value: UUID) -> None:
    out.append(0x98)
    out += value.bytes


def _write_string(out: bytearray, value: str) -> None:
    _write_sized(out, 0xA1, value.encode("utf-8"))


def _write_symbol(out: bytearray, value: str) -> None:
    _write_sized(out, 0xA3, value.encode("ascii"))


def _write_list(out: bytearray, value: list[Any]) -> None:
    if not value:
        out.append(0x45)
        return
    body = bytearray()
    for item in value:
        encode_into(body, item)
    _write_compound(out, 0xC0, body, len(value))


def _write_map(out: bytearray, value: dict[Any, Any]) -> None:
    body = bytearray()
    for key, item in value.items():
        encode_into(body, key)
        encode_into(body, item)
    _write_compound(out, 0xC1, body, 2 * len(value))


def _write_described(out: bytearray, value: Described) -> None:
    out.append(0x00)
    encode_into(out, value.descriptor)
    encode_into(out, value.value)


def _write_array(out: bytearray, value: Array) -> None:
    body = bytearray()
    items = value.items
    while items and type(items[0]) is Described:
        descriptor = items[0].descriptor
        if not all(type(item) is Described and item.descriptor == descriptor for item in items):
            raise CodecError("an array mixes descriptors")
        body.append(0x00)
        encode_into(body, descriptor)
        items = tuple(item.value for item in items)
    kind = type(items[0]) if items else type(None)
    element = _ELEMENTS.get(kind)
    if kind is Decimal:
        element = (items[0].constructor, lambda item: item.raw)
    if element is None or any(type(item) is not kind for item in items):
        raise CodecError("an array mixes types, or holds one that AMQP does not have")
    constructor, pack = element
    body.append(constructor)
    for item in items:
        body += pack(item)
    _write_compound(out, 0xE0, body, len(value.items))


def _tail(value: Any, width: int) -> bytes:
    """A value's bytes behind its constructor, in the form with four-byte sizes."""
    if not isinstance(value, (list, dict, Array)):
        raise CodecError("only compound values have a tail")
    out = bytearray()
    encode_into(out, value)
    if out[0] == 0x45:
        return _U32.pack(4) + _U32.pack(0)
    if out[0] < width:  # the short form: widen it
        return _U32.pack(out[1] - 1 + 4) + _U32.pack(out[2]) + bytes(out[3:])
    return bytes(out[1:])


def _long_binary(raw: bytes) -> bytes:
    return _U32.pack(len(raw)) + raw


# One constructor for all items, so each type takes its widest.
_ELEMENTS: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    type(None): (0x40, lambda _item: b""),
    bool: (0x56, lambda item: b"\x01" if item else b"\x00"),
    UByte: (0x50, struct.Struct(">B").pack),
    UShort: (0x60, _U16.pack),
    UInt: (0x70, _U32.pack),
    ULong: (0x80, _U64.pack),
    Byte: (0x51, struct.Struct(">b").pack),
    Short: (0x61, struct.Struct(">h").pack),
    Int: (0x71, struct.Struct(">i").pack),
    int: (0x81, _I64.pack),
    Float: (0x72, struct.Struct(">f").pack),
    float: (0x82, struct.Struct(">d").pack),
    Timestamp: (0x83, _I64.pack),
    Char: (0x73, lambda item: _U32.pack(ord(item))),
    UUID: (0x98, lambda item: item.bytes),
    bytes: (0xB0, _long_binary),
    str: (0xB1, lambda item: _long_binary(item.encode("utf-8"))),
    Symbol: (0xB3, lambda item: _long_binary(item.encode("ascii"))),
    list: (0xD0, lambda item: _tail(item, 0xD0)),
    dict: (0xD1, lambda item: _tail(item, 0xD1)),
    Array: (0xF0, lambda item: _tail(item, 0xF0)),
}

_WRITERS: dict[type, Callable[[bytearray, Any], None]] = {
    type(None): _write_none,
    bool: _write_bool,
    UByte: _fixed(0x50, ">B"),
    UShort: _fixed(0x60, ">H"),
    UInt: write_uint,
    ULong: _write_ulong,
    Byte: _fixed(0x51, ">b"),
    Short: _fixed(0x61, ">h"),
    Int: _write_int,
    int: _write_long,
    Float: _fixed(0x72, ">f"),
    float: _fixed(0x82, ">d"),
    Timestamp: _fixed(0x83, ">q"),
    Char: _write_char,
    Decimal: _write_decimal,
    UUID: _write_uuid,
    bytes: write_binary,
    str: _write_string,
    Symbol: _write_symbol,
    list: _write_list,
    dict: _write_map,
    Described: _write_described,
    Array: _write_array,
}
