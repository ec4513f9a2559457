"""The AMQP types that Python's own do not tell apart.

A value that is decoded and sent again must keep its type on the wire: a ``uuid`` that comes back as a string no
longer equals itself to the peer. So each AMQP type maps to exactly one Python type, and back:

==============  =======================   ==================  ===========================
AMQP            Python                    AMQP                Python
==============  =======================   ==================  ===========================
null            None                      boolean             bool
long            int                       double              float
string          str                       binary              bytes
uuid            uuid.UUID                 list                list
map             dict                      array               Array
ubyte … int     UByte … Int               float               Float
timestamp       Timestamp (ms, UTC)       char                Char
symbol          Symbol                    decimal32/64/128    Decimal (opaque)
described       Described
==============  =======================   ==================  ===========================

This module holds no wire format; see ``encode`` and ``decode``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class UByte(int):
    """Unsigned, 8 bits."""

    __slots__ = ()


class UShort(int):
    """Unsigned, 16 bits."""

    __slots__ = ()


class UInt(int):
    """Unsigned, 32 bits."""

    __slots__ = ()


class ULong(int):
    """Unsigned, 64 bits."""

    __slots__ = ()


class Byte(int):
    """Signed, 8 bits."""

    __slots__ = ()


class Short(int):
    """Signed, 16 bits."""

    __slots__ = ()


class Int(int):
    """Signed, 32 bits. A plain ``int`` is AMQP's long, 64 bits."""

    __slots__ = ()


class Timestamp(int):
    """Milliseconds since 1970-01-01 UTC, signed."""

    __slots__ = ()


class Float(float):
    """IEEE 754, 32 bits. A plain ``float`` is AMQP's double."""

    __slots__ = ()


class Char(str):
    """One Unicode character."""

    __slots__ = ()


class Symbol(str):
    """A name from a constrained domain, ASCII."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Decimal:
    """A decimal floating point number, carried as its constructor (0x74, 0x84 or 0x94) and its bytes."""

    constructor: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Described:
    """A value with a descriptor that says what it stands for."""

    descriptor: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Array:
    """Values of one type, written with one constructor."""

    items: tuple[Any, ...]


class CodecError(ValueError):
    """Bytes that are no AMQP, or a value that AMQP has no type for. The message holds no payload."""
