"""The protocol engine: credit, windows and what a delivery looks like."""

from __future__ import annotations

from bus_raw_client import URI, connected
from bus_samples import START, message

from sandbox.bus.amqp.decode import decode
from sandbox.bus.amqp.performatives import (
    Flow,
    Transfer,
)
from sandbox.bus.amqp.types import Symbol, UInt


def test_credit_is_absolute_and_a_repeat_grants_nothing_new():
    """Credit counts from the delivery count it was granted at."""
    rig, client = connected()
    client.attach_receiver(URI)
    rig.send(*"abcde")
    assert len(client.credit(2)) == 2
    assert client.credit(2) == []
    assert len(client.credit(2, count=2)) == 2


def test_credit_granted_before_messages_crossed_is_used_up():
    """A grant counted from long ago is what is left of it, and never wraps around to billions."""
    rig, client = connected()
    client.attach_receiver(URI)
    rig.send(*"abcde")
    client.credit(3)
    assert client.credit(1, count=0) == []
    assert len(client.credit(2, count=2)) == 1


def test_open_credit_gets_later_messages():
    """What arrives while credit is open is pushed without being asked for."""
    rig, client = connected()
    client.attach_receiver(URI)
    client.credit(10)
    rig.send("a")
    assert [type(each) for each in client.hear()] == [Transfer]


def test_a_drain_is_answered():
    """The JavaScript SDK waits for it: credit is used up, and the flow says so."""
    rig, client = connected()
    client.attach_receiver(URI)
    rig.send("a")
    answers = client.credit(10, drain=True)
    assert [type(each) for each in answers] == [Transfer, Flow]
    flow = answers[-1]
    assert (flow.drain, flow.link_credit, flow.delivery_count) == (True, 0, 10)
    rig.send("b")
    assert client.hear() == []


def test_the_peers_window_is_respected():
    """Frames beyond it wait until it opens, however much credit there is."""
    rig, client = connected(window=3)
    client.attach_receiver(URI)
    rig.send(*"abcde")
    assert len(client.credit(10, incoming=3)) == 3
    assert rig.broker.counts()["q"].locked == 3
    assert len(client.credit(10, incoming=3, seen=3)) == 2


def test_a_large_message_is_cut_to_the_peers_frames():
    """No frame is larger than the peer takes; the pieces make the message."""
    rig, client = connected(frame_size=512)
    client.attach_receiver(URI)
    rig.broker.send("q", [message("x" * 2000)])
    pieces = client.credit(1)
    assert len(pieces) > 4
    assert [each.more for each in pieces] == [True] * (len(pieces) - 1) + [False]
    assert [each.delivery_id for each in pieces] == [0] + [None] * (len(pieces) - 1)
    assert all(len(each) < 512 for each in client.payloads)
    assert b"x" * 2000 in b"".join(client.payloads)


def test_a_held_back_message_is_whole_when_the_window_opens():
    """Half a message waits in line, and a drain waits for it."""
    rig, client = connected(window=2, frame_size=512)
    client.attach_receiver(URI)
    rig.broker.send("q", [message("x" * 2000)])
    got = client.credit(1, incoming=2, drain=True)
    assert [type(each) for each in got] == [Transfer, Transfer]
    got += client.credit(1, incoming=100, seen=2, drain=True)
    assert [each.more for each in got if isinstance(each, Transfer)][-1] is False
    assert isinstance(got[-1], Flow)
    assert got[-1].drain


def test_a_congested_socket_is_given_nothing():
    """Messages stay ready for others while this client does not read."""
    rig, client = connected()
    client.attach_receiver(URI)
    client.connection.congested = True
    rig.send("a")
    assert client.credit(10) == []
    assert rig.broker.counts()["q"].active == 1
    client.connection.resume()
    assert len(client.hear()) == 1


def test_deliveries_carry_what_clients_rely_on():
    """The count is there even at zero, the tag is the lock token, the annotations have the service's types."""
    rig, client = connected()
    client.attach_receiver(URI)
    rig.send("a")
    (transfer,) = client.credit(1)
    assert len(transfer.delivery_tag) == 16
    header, at = decode(client.payloads[0])
    annotations, _ = decode(client.payloads[0], at)
    assert header.value[4] == UInt(0)
    assert type(header.value[4]) is UInt
    found = {str(key): (type(value).__name__, value) for key, value in annotations.value.items()}
    assert found["x-opt-sequence-number"] == ("int", 1)
    assert found["x-opt-enqueue-sequence-number"] == ("int", 1)
    assert found["x-opt-enqueued-time"] == ("Timestamp", START * 1000)
    assert found["x-opt-locked-until"] == ("Timestamp", (START + 60) * 1000)
    assert found["x-opt-message-state"] == ("Int", 0)
    assert all(isinstance(key, Symbol) for key in annotations.value)


def test_a_settled_link_deletes_on_sending():
    """Receive-and-delete: transfers are settled, without a lock's end."""
    rig, client = connected()
    client.attach_receiver(URI, settled=True)
    rig.send("a")
    (transfer,) = client.credit(1)
    assert transfer.settled
    assert b"x-opt-locked-until" not in client.payloads[0]
    assert rig.broker.counts()["q"].active == 0


def test_a_window_that_opens_is_every_links():
    """The flow that opens it may name any link; the others go on sending too."""
    rig, client = connected(window=1)
    client.attach_receiver(URI, handle=0)
    client.attach_receiver(URI, handle=1)
    rig.send("a", "b")
    assert len(client.credit(1, handle=0, incoming=1)) == 1
    assert client.credit(1, handle=1, incoming=0, seen=1) == []
    (got,) = client.credit(1, handle=0, count=0, incoming=10, seen=1)
    assert got.handle == 1
