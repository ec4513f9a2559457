"""The broker's queues under virtual time: order, locks, settlement, dead letters, deferral."""

from __future__ import annotations

import pytest
from bus_samples import START, Rig, refused, texts

from sandbox.bus.broker.errors import Reason
from sandbox.bus.broker.records import Counts, MessageState, ReceiveMode
from sandbox.bus.topology import StoreSettings


def test_messages_come_in_the_order_they_were_sent():
    """Numbers rise, and receiving follows them."""
    rig = Rig()
    rig.send("a", "b", "c")
    got = rig.receive()
    assert texts(got) == ["a", "b", "c"]
    assert [each.sequence_number for each in got] == [1, 2, 3]


def test_a_locked_message_is_nobody_elses():
    """What one receiver has locked, another does not get."""
    rig = Rig()
    rig.send("a", "b")
    assert texts(rig.receive(1)) == ["a"]
    assert texts(rig.receive()) == ["b"]
    assert rig.receive() == []


def test_completing_removes():
    """A completed message is gone, and its lock with it."""
    rig = Rig()
    rig.send("a")
    (got,) = rig.receive()
    rig.broker.complete("q", got.lock_token)
    assert rig.broker.counts()["q"] == Counts()
    with refused(Reason.MESSAGE_LOCK_LOST):
        rig.broker.complete("q", got.lock_token)


def test_receive_and_delete_leaves_nothing():
    """There is no lock and nothing to settle."""
    rig = Rig()
    rig.send("a")
    (got,) = rig.receive(mode=ReceiveMode.RECEIVE_AND_DELETE)
    assert got.lock_token is None
    assert rig.broker.counts()["q"] == Counts()


def test_an_abandoned_message_comes_back_before_later_ones():
    """It keeps its number and so its place, and counts the attempt."""
    rig = Rig()
    rig.send("a", "b")
    (first,) = rig.receive(1)
    rig.broker.abandon("q", first.lock_token)
    again = rig.receive()
    assert texts(again) == ["a", "b"]
    assert [each.delivery_count for each in again] == [1, 0]
    assert again[0].lock_token != first.lock_token


def test_a_released_message_counts_nothing():
    """Handing back unseen is no attempt, however often."""
    rig = Rig(StoreSettings(max_delivery_count=2))
    rig.send("a")
    for _ in range(5):
        (got,) = rig.receive()
        assert got.delivery_count == 0
        rig.broker.release("q", got.lock_token)


def test_an_expired_lock_counts_an_attempt():
    """At the lock's end the message is ready again and the old lock is worthless."""
    rig = Rig(StoreSettings(lock_seconds=30))
    rig.send("a")
    (first,) = rig.receive()
    assert first.locked_until == START + 30
    rig.after(29.9)
    assert rig.receive() == []
    rig.after(0.1)
    (again,) = rig.receive()
    assert again.delivery_count == 1
    with refused(Reason.MESSAGE_LOCK_LOST):
        rig.broker.complete("q", first.lock_token)


def test_an_expired_lock_is_lost_even_before_anyone_advances():
    """The order of events does not depend on when the timer happens to run."""
    rig = Rig(StoreSettings(lock_seconds=30))
    rig.send("a")
    (got,) = rig.receive()
    rig.clock.advance(30)
    with refused(Reason.MESSAGE_LOCK_LOST):
        rig.broker.complete("q", got.lock_token)


def test_a_renewed_lock_lasts_anew():
    """Renewing moves the end; locks that are not renewed still end in their turn."""
    rig = Rig(StoreSettings(lock_seconds=30))
    rig.send("a", "b")
    renewed, other = rig.receive()
    rig.after(20)
    assert rig.broker.renew_lock("q", renewed.lock_token) == START + 50
    rig.after(15)
    assert texts(rig.receive()) == ["b"]
    rig.broker.complete("q", renewed.lock_token)
    with refused(Reason.MESSAGE_LOCK_LOST):
        rig.broker.renew_lock("q", other.lock_token)


@pytest.mark.parametrize("how", ["abandon", "expire"])
def test_too_many_attempts_end_in_the_dead_letter_queue(how):
    """The attempt that reaches the maximum moves the message, with the service's reason."""
    rig = Rig(StoreSettings(max_delivery_count=3, lock_seconds=10))
    rig.send("a")
    for attempt in range(3):
        (got,) = rig.receive()
        assert got.delivery_count == attempt
        if how == "abandon":
            rig.broker.abandon("q", got.lock_token)
        else:
            rig.after(10)
    assert rig.receive() == []
    (dead,) = rig.dead()
    assert dead.message.application_properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"
    assert (dead.dead_letter_source, dead.delivery_count) == ("q", 3)


def test_dead_lettering_keeps_the_message_and_adds_why():
    """Body, id and properties stay; reason and description are properties; both may be missing."""
    rig = Rig()
    rig.send("a", application_properties={"k": "v"})
    rig.send("b")
    first, second = rig.receive()
    rig.broker.dead_letter("q", first.lock_token, "poison", "cannot be read")
    rig.broker.dead_letter("q", second.lock_token)
    dead = rig.dead()
    assert texts(dead) == ["a", "b"]
    assert dead[0].message.application_properties == {
        "k": "v",
        "DeadLetterReason": "poison",
        "DeadLetterErrorDescription": "cannot be read",
    }
    assert dead[1].message.application_properties == {}
    assert dead[0].enqueued_at == first.enqueued_at


def test_a_dead_letter_can_be_received_but_never_buried_deeper():
    """The dead-letter queue locks and completes, counts for ever, and has no dead-letter queue."""
    rig = Rig(StoreSettings(max_delivery_count=1, time_to_live=5))
    rig.send("a")
    (got,) = rig.receive()
    rig.broker.abandon("q", got.lock_token)
    for _ in range(3):
        (dead,) = rig.broker.receive("q/$deadletterqueue")
        rig.broker.abandon("q/$DeadLetterQueue", dead.lock_token)
    rig.after(100)
    (dead,) = rig.broker.receive("q/$DeadLetterQueue")
    with refused(Reason.NOT_ALLOWED):
        rig.broker.dead_letter("q/$DeadLetterQueue", dead.lock_token)
    rig.broker.complete("q/$DeadLetterQueue", dead.lock_token)
    assert rig.dead() == []


def test_a_deferred_message_comes_by_its_number_only():
    """Receiving passes it by; its number brings it back, locked, and then it can be completed."""
    rig = Rig()
    rig.send("a", "b")
    first, second = rig.receive()
    rig.broker.defer("q", first.lock_token)
    rig.broker.abandon("q", second.lock_token)
    assert texts(rig.receive()) == ["b"]
    (back,) = rig.broker.receive_deferred("q", [first.sequence_number])
    assert (texts([back]), back.state, back.delivery_count) == (["a"], MessageState.DEFERRED, 0)
    with refused(Reason.MESSAGE_NOT_FOUND):
        rig.broker.receive_deferred("q", [first.sequence_number])
    rig.broker.complete("q", back.lock_token)
    with refused(Reason.MESSAGE_NOT_FOUND):
        rig.broker.receive_deferred("q", [first.sequence_number])


def test_an_abandoned_deferred_message_stays_deferred():
    """It waits for its number again, and the attempt counts."""
    rig = Rig(StoreSettings(max_delivery_count=2))
    rig.send("a")
    (got,) = rig.receive()
    rig.broker.defer("q", got.lock_token)
    (back,) = rig.broker.receive_deferred("q", [1])
    rig.broker.abandon("q", back.lock_token)
    assert rig.receive() == []
    (back,) = rig.broker.receive_deferred("q", [1])
    assert back.delivery_count == 1
    rig.broker.abandon("q", back.lock_token)
    assert texts(rig.dead()) == ["a"]


def test_deferred_messages_come_all_or_none():
    """One wrong number leaves all of them where they are."""
    rig = Rig()
    rig.send("a", "b")
    (first, _) = rig.receive()
    rig.broker.defer("q", first.lock_token)
    with refused(Reason.MESSAGE_NOT_FOUND):
        rig.broker.receive_deferred("q", [1, 2])
    assert texts(rig.broker.receive_deferred("q", [1])) == ["a"]
