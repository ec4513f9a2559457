"""The protocol engine: sending, receiving and settling, told frame by frame what real clients say."""

from __future__ import annotations

import pytest
from bus_raw_client import URI, connected
from bus_samples import Rig, encoded

from sandbox.bus.amqp.outcomes import Accepted, Error, Modified, Rejected, Released, read_state
from sandbox.bus.amqp.performatives import (
    Disposition,
    Flow,
    Transfer,
)
from sandbox.bus.amqp.types import Symbol
from sandbox.bus.topology import StoreSettings


def test_a_message_may_come_in_pieces():
    """It is put together from all its transfers and answered once."""
    rig, client = connected()
    client.attach_sender(URI)
    data = encoded((0x73, ["id"]), (0x75, b"x" * 1000))
    answers = client.tell(Transfer(1, 0, b"t", 0, more=True), payload=data[:300])
    answers += client.tell(Transfer(1, more=True), payload=data[300:600])
    answers += client.tell(Transfer(1), payload=data[600:])
    assert [(each.first, read_state(each.state)) for each in answers] == [(0, Accepted())]
    assert rig.receive()[0].message.body == b"x" * 1000


def test_an_aborted_message_never_was():
    """The pieces are dropped, and the next message stands by itself."""
    rig, client = connected()
    client.attach_sender(URI)
    client.tell(Transfer(1, 0, b"t", 0, more=True), payload=b"half")
    client.tell(Transfer(1, aborted=True))
    client.tell(Transfer(1, 1, b"u", 0), payload=encoded((0x73, ["id"]), (0x75, b"x")))
    assert [each.message.message_id for each in rig.receive()] == ["id"]


def test_an_oversized_message_is_rejected_and_the_link_lives_on():
    """It is not kept in memory, its sender hears why, and the next message is taken."""
    rig, client = connected()
    client.attach_sender(URI)
    piece = b"x" * 500_000
    client.tell(Transfer(1, 0, b"t", 0, more=True), payload=piece)
    client.tell(Transfer(1, more=True), payload=piece)
    (answer,) = client.tell(Transfer(1), payload=piece)
    state = read_state(answer.state)
    assert isinstance(state, Rejected)
    assert state.error.condition == "amqp:link:message-size-exceeded"
    client.tell(Transfer(1, 1, b"u", 0), payload=encoded((0x73, ["id"]), (0x75, b"x")))
    assert len(rig.receive()) == 1


def test_a_malformed_message_is_rejected():
    """The sender hears of it, and nothing is enqueued."""
    rig, client = connected()
    client.attach_sender(URI)
    (answer,) = client.tell(Transfer(1, 0, b"t", 0), payload=b"garbage")
    assert read_state(answer.state).error.condition == "amqp:decode-error"
    assert len(answer.state.value[0].value) == 3
    assert rig.receive() == []


def test_the_incoming_window_is_opened_again():
    """A client that counts frames is never stopped by a window we forgot."""
    _, client = connected()
    client.attach_sender(URI)
    answers = []
    for _ in range(33_000):
        answers += client.tell(Transfer(1, 0, b"t", 0, more=True), payload=b"")
    assert any(isinstance(each, Flow) and each.handle is None and each.incoming_window == 65535 for each in answers)


@pytest.mark.parametrize(
    ("said", "answered", "counts"),
    [
        (Accepted(), Accepted(), (0, 0, 0)),
        (Modified(delivery_failed=True), Modified(delivery_failed=True), (1, 0, 0)),
        (Modified(), Modified(), (1, 0, 0)),
        (Modified(delivery_failed=True, undeliverable_here=True), Modified(True, True), (0, 1, 0)),
        (Rejected(Error("com.microsoft:dead-letter", "d", {Symbol("DeadLetterReason"): "r"})), Rejected(), (0, 0, 1)),
        (Rejected(), Rejected(), (0, 0, 1)),
        (Released(), Released(), (1, 0, 0)),
    ],
)
def test_every_outcome_is_carried_out_and_confirmed_in_kind(said, answered, counts):
    """The answer is settled and of the request's kind; a dead letter is confirmed without an error."""
    rig, client = connected()
    client.attach_receiver(URI)
    rig.send("a")
    client.credit(1)
    (answer,) = client.settle(0, said)
    assert (answer.role, answer.settled, answer.first, answer.last) == (False, True, 0, 0)
    assert read_state(answer.state) == answered
    found = rig.broker.counts()["q"]
    assert (found.active, found.deferred, found.dead_lettered) == counts


def test_a_settled_disposition_is_not_answered():
    """The SDK's hand-back of messages nobody waits for: back in place, count unchanged, no answer."""
    rig, client = connected()
    client.attach_receiver(URI)
    rig.send("a")
    client.credit(1)
    assert client.settle(0, Released(), settled=True) == []
    assert rig.receive()[0].delivery_count == 0


def test_a_lost_lock_is_rejected_with_its_condition():
    """Settling too late is an error of three elements, not silence."""
    rig, client = connected(Rig(StoreSettings(lock_seconds=10)))
    client.attach_receiver(URI)
    rig.send("a")
    client.credit(1)
    rig.after(10)
    answer = next(each for each in client.settle(0, Accepted()) if isinstance(each, Disposition))
    assert read_state(answer.state).error.condition == "com.microsoft:message-lock-lost"


def test_ranges_are_settled_and_bounds_are_not_believed():
    """First to last inclusive; a range of four billion touches only what is known."""
    rig, client = connected()
    client.attach_receiver(URI)
    rig.send(*"abcdef")
    client.credit(6)
    assert [each.first for each in client.settle(1, Accepted(), last=3)] == [1, 2, 3]
    assert [each.first for each in client.settle(0, Accepted(), last=2**32 - 1)] == [0, 4, 5]
    assert client.settle(77, Accepted()) == []
