"""The protocol engine: logging in, opening, attaching and ending, told frame by frame what real clients say."""

from __future__ import annotations

import pytest
from bus_raw_client import URI, RawClient, connected, error_of
from bus_samples import Rig, encoded

from sandbox.bus.amqp.connection import Phase
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
    SaslOutcome,
    Transfer,
    encode_performative,
)
from sandbox.bus.amqp.types import Array, Described, Symbol, ULong
from sandbox.bus.topology import StoreSettings


def test_the_login_offers_what_every_client_knows_as_an_array():
    """The .NET client knows MSSBCBS only; the names come as an array."""
    client = RawClient(Rig().broker)
    (offer,) = client.read(client.say(SASL_HEADER)[8:])
    assert offer.mechanisms == Array(tuple(map(Symbol, ("MSSBCBS", "ANONYMOUS", "PLAIN", "EXTERNAL"))))


@pytest.mark.parametrize(
    ("init", "code"),
    [
        (SaslInit("MSSBCBS"), 0),
        (SaslInit("ANONYMOUS"), 0),
        (SaslInit("EXTERNAL", b""), 0),
        (SaslInit("PLAIN", b"\x00RootManageSharedAccessKey\x00SAS_KEY_VALUE"), 0),
        (SaslInit("PLAIN", b"\x00RootManageSharedAccessKey\x00wrong"), 1),
        (SaslInit("PLAIN", b"nonsense"), 1),
        (SaslInit("SCRAM-SHA-1"), 1),
    ],
)
def test_a_login_succeeds_or_ends_the_connection(init, code):
    """Good logins go on; wrong ones are told so, and that is all."""
    client = RawClient(Rig().broker)
    client.read(client.say(SASL_HEADER)[8:])
    answer = client.read(client.say(frame(0, encode_performative(init), kind=SASL_FRAME)))
    assert answer == [SaslOutcome(code)]
    assert (client.connection.phase is Phase.CLOSED) == (code == 1)


def test_everything_may_be_said_in_one_breath():
    """The Python SDK sends header, open, begin and attaches without waiting for answers."""
    client = RawClient(Rig().broker)
    client.say(SASL_HEADER + frame(0, encode_performative(SaslInit("ANONYMOUS")), kind=SASL_FRAME))
    cbs = Described(ULong(0x28), ["$cbs"]), Described(ULong(0x29), ["$cbs"])
    attaches = [Attach("a", 0, False, 0, 0, *cbs, initial_delivery_count=0), Attach("b", 1, True, 0, 0, *cbs)]
    rest = frame(0, encode_performative(Open("c")))
    rest += b"".join(frame(1, encode_performative(each)) for each in [Begin(None, 0, 9, 9), *attaches])
    answers = client.read(client.say(AMQP_HEADER + rest)[8:])
    assert [type(each) for each in answers] == [Open, Begin, Attach, Flow, Attach]


def test_a_foreign_protocol_is_shown_ours_and_closed():
    """That is AMQP's answer to a header it does not speak."""
    client = RawClient(Rig().broker)
    assert client.say(b"GET / HTTP/1.1\r\n") == AMQP_HEADER
    assert client.connection.phase is Phase.CLOSED


def test_without_a_token_there_are_no_links():
    """An anonymous login alone opens nothing but the node that takes tokens."""
    client = RawClient(Rig().broker)
    client.say(SASL_HEADER + frame(0, encode_performative(SaslInit("ANONYMOUS")), kind=SASL_FRAME) + AMQP_HEADER)
    client.connection.take_output()
    client.tell(Open("c"), channel=0)
    client.tell(Begin(None, 0, 9, 9))
    for answers in (client.attach_receiver("q"), client.attach_sender("q"), client.attach_sender("q/$management", 2)):
        assert error_of(answers[-1]).condition == "amqp:unauthorized-access"


def test_an_attach_is_answered_with_its_own_source_and_target():
    """Address and modes come back as they were sent, with a count, a size and a map that clients rely on."""
    _, client = connected()
    (answer,) = client.attach_receiver(URI)
    assert answer.source.value[0] == URI
    assert (len(answer.source.value), len(answer.target.value)) == (11, 7)
    assert (answer.role, answer.snd_settle_mode, answer.rcv_settle_mode) == (False, 0, 1)
    assert (answer.initial_delivery_count, answer.max_message_size, answer.properties) == (0, 1024 * 1024, {})


@pytest.mark.parametrize("address", ["q", "/q", "Q", URI, "amqp://h/q", "sb://h:1/q"])
def test_addresses_may_be_whole_or_relative(address):
    """Scheme, authority and case make no difference."""
    _, client = connected()
    assert len(client.attach_receiver(address)) == 1


@pytest.mark.parametrize(
    ("address", "condition"),
    [("nowhere", "amqp:not-found"), ("nowhere/$management", "amqp:not-found"), (None, "amqp:invalid-field")],
)
def test_a_refusal_is_an_attach_of_nothing_and_a_detach(address, condition):
    """Source and target are null, then the link is closed with an error of three elements."""
    _, client = connected()
    for attach in (client.attach_receiver, client.attach_sender):
        attached, detached = attach(address)
        assert (attached.source, attached.target) == (None, None)
        assert detached.closed
        assert error_of(detached).condition == condition
        assert len(detached.error.value) == 3


def test_a_sender_is_granted_credit_and_topped_up():
    """It never runs dry, however many messages it sends."""
    _, client = connected()
    _, flow = client.attach_sender(URI)
    assert flow.link_credit == 1000
    data = encoded((0x73, ["id"]), (0x75, b"x"))
    answers = []
    for number in range(1001):
        answers += client.tell(Transfer(1, number, b"t", 0, settled=True), payload=data)
    tops = [each for each in answers if isinstance(each, Flow)]
    assert (tops[0].handle, tops[0].delivery_count) == (1, 501)


def test_frames_after_the_end_are_ignored():
    """The Python SDK detaches links of a session it has ended, and drops the socket without a close."""
    rig, client = connected()
    client.attach_receiver(URI)
    assert client.tell(End()) == [End()]
    assert client.tell(Detach(0, closed=True), Disposition(True, 0)) == []
    client.connection.lost()
    rig.send("a")
    assert len(rig.receive()) == 1


def test_a_close_is_answered():
    """And the connection is over."""
    _, client = connected()
    assert client.tell(Close(), channel=0) == [Close()]
    assert client.connection.phase is Phase.CLOSED


def test_locks_outlive_the_link():
    """As in the service: a receiver that goes away leaves its locks until they expire."""
    rig, client = connected(Rig(StoreSettings(lock_seconds=10)))
    client.attach_receiver(URI)
    rig.send("a")
    client.credit(1)
    client.connection.lost()
    assert rig.receive() == []
    rig.after(10)
    assert rig.receive()[0].delivery_count == 1


def test_a_handle_can_be_used_again():
    """After a detach the same handle is another link, and nothing of the first reaches it."""
    rig, client = connected()
    client.attach_receiver(URI)
    client.credit(5)
    assert client.tell(Detach(0, closed=True)) == [Detach(0, closed=True)]
    assert len(client.attach_receiver(URI)) == 1
    rig.send("a")
    assert client.hear() == []
    assert len(client.credit(1)) == 1


def test_an_idle_connection_can_be_kept_alive():
    """An empty frame, for clients that give up on silence."""
    _, client = connected()
    client.connection.heartbeat()
    assert client.connection.take_output() == bytes.fromhex("0000000802000000")
