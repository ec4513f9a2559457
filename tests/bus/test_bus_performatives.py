"""Frames and performatives: complete when written, checked when read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bus.amqp.decode import decode
from sandbox.bus.amqp.encode import encode
from sandbox.bus.amqp.framing import FrameInbox, FramingError, frame
from sandbox.bus.amqp.outcomes import (
    Accepted,
    Error,
    Modified,
    Received,
    Rejected,
    Released,
    describe_state,
    read_state,
)
from sandbox.bus.amqp.performatives import (
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Flow,
    Open,
    SaslInit,
    SaslOutcome,
    Transfer,
    decode_performative,
    encode_performative,
)
from sandbox.bus.amqp.types import CodecError, Described, ULong

SPARSE = [
    (Open("c"), 10),
    (Begin(1, 0, 10, 10), 8),
    (Attach("l", 0, role=True), 14),
    (Flow(0, 1, 2, 3), 11),
    (Transfer(0, 1, b"tag", 0), 11),
    (Disposition(role=True, first=1), 6),
    (Detach(0), 3),
    (End(), 1),
    (Close(), 1),
]


@pytest.mark.parametrize(("performative", "fields"), SPARSE)
def test_every_field_is_written_nulls_included(performative, fields):
    """A performative's list always has all its fields, because old clients index it by position."""
    value, _ = decode(encode_performative(performative))
    assert len(value.value) == fields


@pytest.mark.parametrize("performative", [each for each, _ in SPARSE] + [SaslInit("PLAIN", b"x"), SaslOutcome(1)])
def test_performatives_come_back(performative):
    """What is written is read again, with the payload's place behind it."""
    data = encode_performative(performative)
    assert decode_performative(data + b"payload") == (performative, len(data))


@pytest.mark.parametrize(("performative", "_fields"), SPARSE)
def test_descriptors_take_three_bytes(performative, _fields):
    """The SDKs read the descriptor from the third byte blindly."""
    assert encode_performative(performative)[:2] == b"\x00\x53"


def test_trailing_fields_may_be_missing():
    """A peer may cut a list short; what is missing is null."""
    data = encode(Described(ULong(0x12), ["name", 0, True]))
    assert decode_performative(data)[0] == Attach("name", 0, role=True)


@pytest.mark.parametrize(
    "value",
    [
        "text",
        Described(ULong(0x99), []),
        Described(ULong(0x12), ["name", 0]),  # role is missing
        Described(ULong(0x12), [None, 0, True]),
        Described(ULong(0x12), ["name", "handle", True]),
        Described(ULong(0x12), ["name", -1, True]),
        Described(ULong(0x17), [None, None]),  # too long
        Described(ULong(0x17), {}),
    ],
)
def test_wrong_performatives_are_refused(value):
    """An unknown performative, a missing field or one of the wrong type is an error."""
    with pytest.raises(CodecError):
        decode_performative(encode(value))


@given(st.lists(st.binary(max_size=100), max_size=5), st.integers(1, 50))
def test_frames_survive_any_cutting_of_the_stream(bodies, step):
    """However the bytes arrive, the same frames come out."""
    stream = b"".join(frame(number, body) for number, body in enumerate(bodies))
    inbox, got = FrameInbox(), []
    for at in range(0, len(stream), step):
        inbox.push(stream[at : at + step])
        while (found := inbox.take_frame(1000)) is not None:
            got.append((found.channel, found.body))
    assert got == list(enumerate(bodies))


@pytest.mark.parametrize(
    "header", ["00000400" + "02000000", "00000007" + "02000000", "00000008" + "01000000", "00000008" + "03000000"]
)
def test_contradictory_frames_are_refused(header):
    """A frame over the limit, or one whose header contradicts itself, is refused before its body is awaited."""
    inbox = FrameInbox()
    inbox.push(bytes.fromhex(header))
    with pytest.raises(FramingError):
        inbox.take_frame(512)


@pytest.mark.parametrize(
    "state",
    [Received(), Accepted(), Rejected(), Rejected(Error("a:b", "why", {"k": "v"})), Released(), Modified(True, False)],
)
def test_delivery_states_come_back(state):
    """Every delivery state survives the wire."""
    assert read_state(decode(encode(describe_state(state)))[0]) == state


def test_an_error_always_has_three_elements():
    """With two, the Python SDK's callback fails and its caller waits for ever."""
    assert len(Error("a:b", "why").described().value) == 3
