"""Messages: the sender's bytes stay as they are, whatever the broker reads from them or adds."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

import pytest
from bus_samples import Ids, encoded
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bus.amqp.types import CodecError, Int, Symbol, Timestamp, UByte, UInt
from sandbox.bus.broker.message import Message, split_batch

PROPERTIES, APPLICATION, DATA, VALUE = 0x73, 0x74, 0x75, 0x77


def test_the_parts_that_route_are_read():
    """Id, session, life and time are found; the bare message is kept to the byte."""
    bare = encoded((PROPERTIES, ["id", *[None] * 9, "session"]), (APPLICATION, {"n": Int(3)}), (DATA, b"body"))
    data = (
        encoded((0x70, [None, None, UInt(1500)]), (0x72, {Symbol("x-opt-scheduled-enqueue-time"): Timestamp(2000)}))
        + bare
    )
    message = Message.parse(data, Ids())
    assert (message.message_id, message.session_id, message.time_to_live, message.scheduled_at) == (
        "id",
        "session",
        1.5,
        2.0,
    )
    assert message.bare == bare
    assert message.body == b"body"


def test_a_missing_id_is_given():
    """A message without an id gets one, because clients fail without; its other properties stay."""
    message = Message.parse(encoded((PROPERTIES, [None, None, "to"]), (DATA, b"x")), Ids())
    assert message.message_id == str(UUID(int=1))
    assert message.properties[2] == "to"


def test_a_message_without_properties_gets_them():
    """Even a bare body becomes a message with an id."""
    message = Message.parse(encoded((VALUE, "x")), Ids())
    assert message.properties[0] == str(UUID(int=1))


def test_delivery_annotations_are_for_one_hop():
    """They do not travel on."""
    message = Message.parse(encoded((0x71, {Symbol("hop"): 1}), (PROPERTIES, ["id"]), (DATA, b"x")), Ids())
    assert b"hop" not in message.bare


@given(
    st.dictionaries(st.text(max_size=5), st.one_of(st.integers(0, 255).map(UByte), st.uuids(), st.none()), max_size=5)
)
def test_added_properties_leave_the_others_bytes_alone(properties):
    """A dead-letter reason is added without decoding what the sender set."""
    before = Message.parse(encoded((PROPERTIES, ["id"]), (APPLICATION, properties), (DATA, b"x")), Ids())
    after = before.with_application_properties({"DeadLetterReason": "why"})
    expected = {**properties, "DeadLetterReason": "why"}
    assert after.application_properties == expected
    assert {k: type(v) for k, v in after.application_properties.items()} == {k: type(v) for k, v in expected.items()}
    assert after.body == b"x"


def test_an_added_property_replaces_its_namesake():
    """A message dead-lettered before carries the new reason only."""
    once = Message.build(b"x", message_id="id").with_application_properties({"DeadLetterReason": "first"})
    twice = once.with_application_properties({"DeadLetterReason": "second"})
    assert twice.application_properties == {"DeadLetterReason": "second"}


def test_a_batch_is_its_data_sections_and_nothing_of_its_envelope():
    """The envelope repeats the first message's id and session; each message keeps its own."""
    inner = [encoded((PROPERTIES, [name]), (DATA, name.encode())) for name in ("a", "b")]
    envelope = encoded((PROPERTIES, ["a", *[None] * 9, "s"]), *((DATA, each) for each in inner))
    assert [(each.message_id, each.session_id) for each in split_batch(envelope, Ids())] == [("a", None), ("b", None)]


@pytest.mark.parametrize(
    "data",
    [
        b"garbage",
        encoded((0x7F, b"x")),  # no such section
        encoded((PROPERTIES, {"not": "a list"})),
        encoded((PROPERTIES, [None] * 14)),
        encoded((PROPERTIES, [["a list as an id"]])),
        encoded((DATA, b"x"))[:-1],
    ],
)
def test_what_is_no_message_is_refused(data):
    """Malformed messages are errors, not messages."""
    with pytest.raises(CodecError):
        Message.parse(data, Ids())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data):
    """Garbage never raises anything but CodecError."""
    for read in (Message.parse, split_batch):
        with suppress(CodecError):
            read(data, Ids())
