"""The protocol engine: nonsense and damage close a connection and nothing else."""

from __future__ import annotations

import random

import pytest
from bus_raw_client import RawClient, connected
from bus_samples import Rig, encoded
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bus.amqp.connection import MAX_FRAME_SIZE, Phase
from sandbox.bus.amqp.framing import AMQP_HEADER, SASL_FRAME, SASL_HEADER, frame
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
    Transfer,
    encode_performative,
)
from sandbox.bus.amqp.types import Described, ULong


@pytest.mark.parametrize(
    "data",
    [
        frame(0, b"garbage"),
        frame(1, b"\x00\x53\x10\x45"),
        (MAX_FRAME_SIZE + 1).to_bytes(4, "big") + b"\x02\x00\x00\x00",
        b"\x00\x00\x00\x08\x00\x00\x00\x00",
        frame(1, encode_performative(SaslInit("ANONYMOUS"))),
        frame(1, b"", kind=SASL_FRAME),
    ],
)
def test_nonsense_closes_the_connection_with_a_reason(data):
    """The client is told what was wrong, and everything it held is let go."""
    _, client = connected()
    (closed,) = client.read(client.say(data))
    assert isinstance(closed, Close)
    assert len(closed.error.value) == 3
    assert client.connection.phase is Phase.CLOSED


@given(st.integers(0, 2**32), st.integers(1, 12))
def test_damaged_conversations_never_break_the_engine(seed, damage):
    """A real conversation with bytes flipped anywhere ends in answers or a close, never in an exception."""
    chance = random.Random(seed)
    rig = Rig()
    client = RawClient(rig.broker)
    said = [
        SASL_HEADER
        + frame(0, encode_performative(SaslInit("PLAIN", b"\0RootManageSharedAccessKey\0SAS_KEY_VALUE")), kind=1),
        AMQP_HEADER + frame(0, encode_performative(Open("c"))) + frame(1, encode_performative(Begin(None, 0, 9, 9))),
    ]
    node = Described(ULong(0x28), ["q"]), Described(ULong(0x29), ["q"])
    said += [
        frame(1, encode_performative(each), payload)
        for each, payload in [
            (Attach("a", 0, False, 0, 0, *node, initial_delivery_count=0), b""),
            (Attach("b", 1, True, 0, 1, *node), b""),
            (Transfer(0, 0, b"t", 0), encoded((0x73, ["id"]), (0x74, {"a": 1}), (0x75, b"x"))),
            (Flow(0, 9, 0, 9, 1, 0, 5), b""),
            (Disposition(True, 0, 0, False, Described(ULong(0x24), [])), b""),
            (Detach(1, closed=True), b""),
            (End(), b""),
        ]
    ]
    stream = bytearray(b"".join(said))
    for _ in range(damage):
        stream[chance.randrange(len(said[0]), len(stream))] = chance.randrange(256)
    at = 0
    while at < len(stream):
        size = chance.randrange(1, 200)
        client.say(bytes(stream[at : at + size]))
        at += size
    client.connection.lost()
    rig.after(1000)
