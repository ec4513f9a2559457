"""The AMQP codec: whatever has a type comes back as it was, and whatever arrives is either a value or an error."""

from __future__ import annotations

import math
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bus.amqp.decode import MAX_DEPTH, decode, skip
from sandbox.bus.amqp.encode import encode
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


def integers(kind: type, bits: int, *, signed: bool) -> st.SearchStrategy:
    """All values of an integer type."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.integers(low, high).map(kind)


CHARACTERS = st.characters(exclude_categories=["Cs"])
NUMBERS = [
    integers(UByte, 8, signed=False),
    integers(UShort, 16, signed=False),
    integers(UInt, 32, signed=False),
    integers(ULong, 64, signed=False),
    integers(Byte, 8, signed=True),
    integers(Short, 16, signed=True),
    integers(Int, 32, signed=True),
    integers(int, 64, signed=True),
    integers(Timestamp, 64, signed=True),
    st.floats(width=32, allow_nan=False).map(Float),
    st.floats(allow_nan=False),
]
TEXTS = [
    CHARACTERS.map(Char),
    st.text(CHARACTERS, max_size=300),
    st.text(st.characters(max_codepoint=127), max_size=300).map(Symbol),
    st.binary(max_size=300),
    st.uuids(),
]
OPAQUE = [
    st.binary(min_size=4, max_size=4).map(lambda raw: Decimal(0x74, raw)),
    st.binary(min_size=16, max_size=16).map(lambda raw: Decimal(0x94, raw)),
]
SIMPLE_KINDS = [st.booleans(), *NUMBERS, *TEXTS, *OPAQUE]
SIMPLE = st.one_of(st.none(), *SIMPLE_KINDS)


def compounds(children: st.SearchStrategy) -> st.SearchStrategy:
    """Values made of other values."""
    lists = st.lists(children, max_size=6)
    maps = st.dictionaries(st.text(CHARACTERS, max_size=8), children, max_size=6)
    arrays = st.one_of(*(st.lists(kind, max_size=6) for kind in [*SIMPLE_KINDS, lists, maps])).map(
        lambda items: Array(tuple(items))
    )
    described = st.builds(Described, st.integers(0, 2**64 - 1).map(ULong), children)
    described_arrays = st.lists(st.uuids(), min_size=1, max_size=4).map(
        lambda items: Array(tuple(Described(Symbol("a:b"), item) for item in items))
    )
    return st.one_of(lists, maps, arrays, described, described_arrays)


VALUES = st.recursive(SIMPLE, compounds, max_leaves=12)


def typed(value):
    """A value with every type spelled out, so that 1 and True and UInt(1) differ."""
    match value:
        case list():
            return ["list", *map(typed, value)]
        case dict():
            return ["map", *((typed(key), typed(item)) for key, item in value.items())]
        case Array(items):
            return ["array", *map(typed, items)]
        case Described(descriptor, inner):
            return ["described", typed(descriptor), typed(inner)]
        case float():
            return [type(value).__name__, repr(float(value))]
        case _:
            return [type(value).__name__, value]


@given(VALUES)
def test_every_value_comes_back_with_its_type(value):
    """Encoding and decoding returns the value, every type within it unchanged."""
    data = encode(value)
    back, end = decode(data)
    assert typed(back) == typed(value)
    assert end == len(data)


@given(VALUES, st.binary(max_size=8))
def test_skipping_finds_the_end_that_decoding_finds(value, behind):
    """A value's end is known from its sizes alone."""
    data = encode(value)
    assert skip(data + behind, 0) == len(data)


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused(data):
    """Garbage is a value or a CodecError, never another exception."""
    for read in (decode, skip):
        with suppress(CodecError):
            read(data, 0)


@given(VALUES, st.data())
def test_a_truncated_value_is_refused(value, data):
    """No prefix of a value is mistaken for it."""
    whole = encode(value)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(CodecError):
        decode(whole[:cut])


@given(VALUES, st.data())
def test_a_flipped_byte_never_breaks_the_decoder(value, data):
    """Damage anywhere in a value gives a value or a CodecError."""
    whole = bytearray(encode(value))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with suppress(CodecError):
        decode(bytes(whole))


def test_a_double_that_is_no_number_survives():
    """NaN stays NaN."""
    assert math.isnan(decode(encode(math.nan))[0])


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, "40"),
        (True, "41"),
        (UInt(0), "43"),
        (UInt(7), "5207"),
        (UInt(256), "7000000100"),
        (ULong(0x10), "5310"),
        (-1, "55ff"),
        (2**40, "810000010000000000"),
        (Int(5), "5405"),
        ("hé", "a10368c3a9"),
        (Symbol("ok"), "a3026f6b"),
        (b"\x01", "a00101"),
        ([], "45"),
        ([UInt(1), None], "c00402520140"),
        ({"a": True}, "c10502a1016141"),
        (UUID(int=1), "98" + "00" * 15 + "01"),
        (Described(ULong(0x24), []), "00532445"),
        (Array((Symbol("a"), Symbol("b"))), "e00c02b3" + "0000000161" + "0000000162"),
    ],
)
def test_values_have_the_bytes_of_the_standard(value, data):
    """Known values have exactly the bytes that the AMQP standard gives them."""
    assert encode(value).hex() == data


@pytest.mark.parametrize(
    "data",
    [
        "",  # nothing
        "3f",  # no such constructor
        "5602",  # a boolean that is neither
        "a1ff61",  # longer than what is there
        "a102c328",  # not UTF-8
        "a301ff",  # not ASCII
        "c10401a10161",  # a map with an odd count
        "d0ffffffff00000001",  # a size beyond the bytes
        "d000000004ffffffff",  # a count beyond the bytes
        "f000000005ffffffff40",  # four billion nulls in five bytes
        "c0030140",  # a size that its items do not fill
        "7300110000",  # no such character
        "c105024500",  # a list as a map's key
    ],
)
def test_malformed_values_are_refused(data):
    """Sizes and counts are checked before they are believed."""
    with pytest.raises(CodecError):
        decode(bytes.fromhex(data))


@pytest.mark.parametrize(
    "nest", [lambda inner: b"\xc0" + bytes([len(inner) + 1, 1]) + inner, lambda inner: b"\x00\x40" + inner]
)
def test_deep_nesting_is_refused(nest):
    """Depth is limited, so that a small frame cannot exhaust the stack."""
    data = b"\x40"
    for _ in range(MAX_DEPTH + 2):
        data = nest(data)
    with pytest.raises(CodecError, match="deep"):
        decode(data)


def test_endless_descriptors_are_refused():
    """A row of descriptors without a value exhausts neither reader's stack."""
    for read in (decode, skip):
        with pytest.raises(CodecError, match="deep"):
            read(b"\x00" * 100_000, 0)


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, 2**63, UByte(256), UInt(-1), Symbol("é"), Char("ab"), Array((1, "a"))]
)
def test_what_has_no_form_is_refused(value):
    """A value without an AMQP type, or beyond its range, is an error and not something else on the wire."""
    with pytest.raises(CodecError):
        encode(value)
