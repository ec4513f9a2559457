"""Bytes to values. Input comes from anyone, so every size is checked before it is believed.

Costs are bounded by the bytes that arrived: no count may exceed them, and nesting is limited.
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

MAX_DEPTH = 32


def decode(data: bytes, at: int = 0) -> tuple[Any, int]:
    """Read one value.

    :returns: the value and the offset behind it
    :raises CodecError: the bytes are truncated, malformed, or nested deeper than ``MAX_DEPTH``
    """
    try:
        return _value(data, at, 0)
    except (struct.error, IndexError) as error:
        raise CodecError("the value is cut short") from error
    except UnicodeDecodeError as error:
        raise CodecError("a text is not valid in its encoding") from error
    except (OverflowError, ValueError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError("a value is out of its type's range") from error


def skip(data: bytes, at: int) -> int:
    """Offset behind the value at ``at``, found from sizes alone, without decoding it.

    :raises CodecError: the bytes are truncated, start with an unknown constructor, or describe without end
    """
    return _skip(data, at, 0)


def _skip(data: bytes, at: int, depth: int) -> int:
    try:
        constructor = data[at]
        at += 1
        if constructor == 0x00:
            if depth >= MAX_DEPTH:
                raise CodecError("the value is nested too deeply")
            return _skip(data, _skip(data, at, depth + 1), depth + 1)
        if constructor not in _DECODERS:
            raise CodecError(f"no type has the constructor 0x{constructor:02x}")
        width = _FIXED_WIDTHS.get(constructor >> 4)
        if width is not None:
            end = at + width
        elif (constructor >> 4) % 2 == 0:  # 0xA_, 0xC_, 0xE_: one byte of size
            end = at + 1 + data[at]
        else:
            end = at + 4 + _U32.unpack_from(data, at)[0]
    except (struct.error, IndexError) as error:
        raise CodecError("the value is cut short") from error
    if end > len(data):
        raise CodecError("the value is cut short")
    return end


_FIXED_WIDTHS = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
_U32 = struct.Struct(">I")


def _value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    constructor = data[at]
    if constructor == 0x00:
        if depth >= MAX_DEPTH:
            raise CodecError("the value is nested too deeply")
        descriptor, at = _value(data, at + 1, depth + 1)
        value, at = _value(data, at, depth + 1)
        return Described(descriptor, value), at
    decoder = _DECODERS.get(constructor)
    if decoder is None:
        raise CodecError(f"no type has the constructor 0x{constructor:02x}")
    return decoder(data, at + 1, depth)


def _constant(value: Any) -> Callable[[bytes, int, int], tuple[Any, int]]:
    return lambda _data, at, _depth: (value, at)


def _number(layout: str, make: Callable[[Any], Any]) -> Callable[[bytes, int, int], tuple[Any, int]]:
    packed = struct.Struct(layout)
    width = packed.size

    def number(data: bytes, at: int, _depth: int) -> tuple[Any, int]:
        return make(packed.unpack_from(data, at)[0]), at + width

    return number


def _opaque(constructor: int, width: int) -> Callable[[bytes, int, int], tuple[Any, int]]:
    def opaque(data: bytes, at: int, _depth: int) -> tuple[Any, int]:
        return Decimal(constructor, _slice(data, at, width)), at + width

    return opaque


def _slice(data: bytes, at: int, length: int) -> bytes:
    end = at + length
    if end > len(data):
        raise CodecError("the value is cut short")
    return data[at:end]


def _uuid(data: bytes, at: int, _depth: int) -> tuple[Any, int]:
    return UUID(bytes=_slice(data, at, 16)), at + 16


def _sized(wide: bool, make: Callable[[bytes], Any]) -> Callable[[bytes, int, int], tuple[Any, int]]:
    def sized(data: bytes, at: int, _depth: int) -> tuple[Any, int]:
        if wide:
            length = _U32.unpack_from(data, at)[0]
            at += 4
        else:
            length = data[at]
            at += 1
        return make(_slice(data, at, length)), at + length

    return sized


def _text(raw: bytes) -> str:
    return raw.decode("utf-8")


def _symbol(raw: bytes) -> Symbol:
    return Symbol(raw.decode("ascii"))


def _char(code: int) -> Char:
    return Char(chr(code))


def _compound(data: bytes, at: int, wide: bool) -> tuple[int, int, int]:
    """Count, offset of the first item, and offset behind the last."""
    if wide:
        size = _U32.unpack_from(data, at)[0]
        count = _U32.unpack_from(data, at + 4)[0]
        first, end = at + 8, at + 4 + size
    else:
        size, count = data[at], data[at + 1]
        first, end = at + 2, at + 1 + size
    # Every item of a list or map takes a byte at least; an array of nulls could promise billions in none.
    if end > len(data) or first > end or count > size:
        raise CodecError("a compound value's size and count do not fit its bytes")
    return count, first, end


def _list(wide: bool) -> Callable[[bytes, int, int], tuple[Any, int]]:
    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        count, at, end = _compound(data, at, wide)
        items, at = _items(data, at, count, depth)
        _check_end(at, end)
        return items, at

    return read


def _map(wide: bool) -> Callable[[bytes, int, int], tuple[Any, int]]:
    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        count, at, end = _compound(data, at, wide)
        if count % 2:
            raise CodecError("a map has a key without a value")
        items, at = _items(data, at, count, depth)
        _check_end(at, end)
        try:
            return dict(zip(items[::2], items[1::2], strict=True)), at
        except TypeError as error:
            raise CodecError("a map has a compound key") from error

    return read


def _items(data: bytes, at: int, count: int, depth: int) -> tuple[list[Any], int]:
    if depth >= MAX_DEPTH:
        raise CodecError("the value is nested too deeply")
    items = []
    for _ in range(count):
        item, at = _value(data, at, depth + 1)
        items.append(item)
    return items, at


def _array(wide: bool) -> Callable[[bytes, int, int], tuple[Any, int]]:
    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        count, at, end = _compound(data, at, wide)
        if depth >= MAX_DEPTH:
            raise CodecError("the value is nested too deeply")
        constructor = data[at]
        at += 1
        descriptors: list[Any] = []
        while constructor == 0x00:
            if len(descriptors) >= MAX_DEPTH:
                raise CodecError("the value is nested too deeply")
            descriptor, at = _value(data, at, depth + 1)
            descriptors.append(descriptor)
            constructor = data[at]
            at += 1
        decoder = _DECODERS.get(constructor)
        if decoder is None:
            raise CodecError(f"no type has the constructor 0x{constructor:02x}")
        items = []
        for _ in range(count):
            item, at = decoder(data, at, depth + 1)
            for descriptor in reversed(descriptors):
                item = Described(descriptor, item)
            items.append(item)
        _check_end(at, end)
        return Array(tuple(items)), at

    return read


def _check_end(at: int, end: int) -> None:
    if at != end:
        raise CodecError("a compound value's items do not fill its size")


def _boolean(data: bytes, at: int, _depth: int) -> tuple[Any, int]:
    if data[at] > 1:
        raise CodecError("a boolean is neither 0 nor 1")
    return data[at] == 1, at + 1


_DECODERS: dict[int, Callable[[bytes, int, int], tuple[Any, int]]] = {
    0x40: _constant(None),
    0x41: _constant(True),
    0x42: _constant(False),
    0x43: _constant(UInt(0)),
    0x44: _constant(ULong(0)),
    0x45: lambda _data, at, _depth: ([], at),
    0x50: _number(">B", UByte),
    0x51: _number(">b", Byte),
    0x52: _number(">B", UInt),
    0x53: _number(">B", ULong),
    0x54: _number(">b", Int),
    0x55: _number(">b", int),
    0x56: _boolean,
    0x60: _number(">H", UShort),
    0x61: _number(">h", Short),
    0x70: _number(">I", UInt),
    0x71: _number(">i", Int),
    0x72: _number(">f", Float),
    0x73: _number(">I", _char),
    0x74: _opaque(0x74, 4),
    0x80: _number(">Q", ULong),
    0x81: _number(">q", int),
    0x82: _number(">d", float),
    0x83: _number(">q", Timestamp),
    0x84: _opaque(0x84, 8),
    0x94: _opaque(0x94, 16),
    0x98: _uuid,
    0xA0: _sized(wide=False, make=bytes),
    0xA1: _sized(wide=False, make=_text),
    0xA3: _sized(wide=False, make=_symbol),
    0xB0: _sized(wide=True, make=bytes),
    0xB1: _sized(wide=True, make=_text),
    0xB3: _sized(wide=True, make=_symbol),
    0xC0: _list(wide=False),
    0xC1: _map(wide=False),
    0xD0: _list(wide=True),
    0xD1: _map(wide=True),
    0xE0: _array(wide=False),
    0xF0: _array(wide=True),
}
