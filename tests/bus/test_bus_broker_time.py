"""The broker's queues under virtual time: lives, schedules, duplicates, peeking."""

from __future__ import annotations

import pytest
from bus_samples import START, Rig, message, refused, texts

from sandbox.bus.broker.errors import Reason
from sandbox.bus.broker.records import Counts, MessageState
from sandbox.bus.topology import IntakeSettings, StoreSettings


@pytest.mark.parametrize(("dead_letter", "dead"), [(True, ["a"]), (False, [])])
def test_a_message_expires_at_the_end_of_its_life(dead_letter, dead):
    """It is gone, or dead-lettered with the service's reason where the entity says so."""
    rig = Rig(StoreSettings(dead_letter_expired=dead_letter))
    rig.send("a", time_to_live=10)
    rig.send("b")
    rig.after(10)
    assert texts(rig.receive()) == ["b"]
    assert texts(rig.dead()) == dead
    if dead:
        assert rig.dead()[0].message.application_properties["DeadLetterReason"] == "TTLExpiredException"


def test_the_entitys_default_is_also_the_longest_life():
    """A message may live shorter than the entity's default, not longer."""
    rig = Rig(StoreSettings(time_to_live=10))
    rig.send("default")
    rig.send("shorter", time_to_live=5)
    rig.send("longer", time_to_live=99)
    assert [each.time_to_live for each in rig.broker.peek("q", most=3)] == [10, 5, 10]
    rig.after(5)
    assert rig.broker.counts()["q"].active == 2
    rig.after(5)
    assert rig.broker.counts()["q"].active == 0


def test_a_locked_message_outlives_its_life_until_it_is_given_back():
    """It can still be completed; given back, it expires at once."""
    rig = Rig(StoreSettings(dead_letter_expired=True))
    rig.send("a", "b", time_to_live=10)
    first, second = rig.receive()
    rig.after(20)
    rig.broker.complete("q", first.lock_token)
    rig.broker.abandon("q", second.lock_token)
    assert rig.receive() == []
    assert texts(rig.dead()) == ["b"]


def test_a_deferred_message_expires_when_it_is_asked_for():
    """Until then it stays, as the service documents."""
    rig = Rig(StoreSettings(dead_letter_expired=True))
    rig.send("a", time_to_live=10)
    (got,) = rig.receive()
    rig.broker.defer("q", got.lock_token)
    rig.after(60)
    assert rig.broker.counts()["q"].deferred == 1
    with refused(Reason.MESSAGE_NOT_FOUND):
        rig.broker.receive_deferred("q", [1])
    assert texts(rig.dead()) == ["a"]


def test_settled_messages_leave_no_timers_behind():
    """Ten thousand long-lived messages sent and completed do not pile up in memory."""
    rig = Rig(StoreSettings(time_to_live=3600))
    for number in range(10_000):
        rig.send(str(number))
        (got,) = rig.receive()
        rig.broker.complete("q", got.lock_token)
    store = rig.broker.store("q")
    assert len(store._lifetimes._heap) < 1000


def test_peeking_sees_every_state_and_touches_none():
    """Active, locked, deferred and scheduled messages show, in the order of their numbers."""
    rig = Rig()
    rig.send("locked", "deferred", "active")
    rig.broker.schedule("q", [message("scheduled", scheduled_at=START + 60)])
    _, deferred = rig.receive(2)
    rig.broker.defer("q", deferred.lock_token)
    seen = rig.broker.peek("q", most=10)
    assert texts(seen) == ["locked", "deferred", "active", "scheduled"]
    assert [each.state for each in seen] == [
        MessageState.ACTIVE,
        MessageState.DEFERRED,
        MessageState.ACTIVE,
        MessageState.SCHEDULED,
    ]
    assert texts(rig.broker.peek("q", first=2, most=2)) == ["deferred", "active"]
    assert rig.broker.counts()["q"] == Counts(active=1, locked=1, deferred=1, scheduled=1)


def test_a_scheduled_message_appears_at_its_time():
    """Not before; then with a new number and the time it appeared."""
    rig = Rig()
    (number,) = rig.broker.schedule("q", [message("late", scheduled_at=START + 60)])
    rig.send("now")
    rig.after(59)
    assert texts(rig.broker.peek("q", most=1, first=number + 1)) == ["now"]
    assert texts(rig.receive()) == ["now"]
    rig.after(1)
    (got,) = rig.receive()
    assert (texts([got]), got.enqueued_at) == (["late"], START + 60)
    assert got.sequence_number > number


def test_sending_with_a_time_to_come_schedules():
    """The annotation alone is enough; a time that has passed sends at once."""
    rig = Rig()
    rig.send("late", scheduled_at=START + 5)
    rig.send("past", scheduled_at=START - 5)
    assert texts(rig.receive()) == ["past"]
    rig.after(5)
    assert texts(rig.receive()) == ["late"]


def test_the_life_of_a_scheduled_message_begins_when_it_appears():
    """Waiting for its time costs no life."""
    rig = Rig()
    rig.send("late", scheduled_at=START + 60, time_to_live=10)
    rig.after(69)
    assert texts(rig.receive()) == ["late"]


def test_a_cancelled_message_never_appears():
    """Cancelling takes all or none, and only what still waits."""
    rig = Rig()
    numbers = rig.broker.schedule("q", [message(each, scheduled_at=START + 60) for each in ("a", "b")])
    with refused(Reason.MESSAGE_NOT_FOUND):
        rig.broker.cancel_scheduled("q", [numbers[0], 99])
    rig.broker.cancel_scheduled("q", [numbers[0]])
    rig.after(60)
    assert texts(rig.receive()) == ["b"]
    with refused(Reason.MESSAGE_NOT_FOUND):
        rig.broker.cancel_scheduled("q", [numbers[1]])


def test_duplicates_inside_the_window_are_dropped():
    """The window is counted from the first one; after it the id is new again."""
    rig = Rig(intake=IntakeSettings(duplicate_window=60))
    rig.send("a")
    rig.after(59)
    rig.send("a", "b")
    rig.after(1)
    rig.send("a")
    assert texts(rig.receive()) == ["a", "b", "a"]


def test_duplicates_are_judged_when_they_are_scheduled():
    """Not when their time comes: repeated hints for one window collapse even if they wait longer than it."""
    rig = Rig(intake=IntakeSettings(duplicate_window=60))
    (kept,) = rig.broker.schedule("q", [message("a", scheduled_at=START + 300)])
    (dropped,) = rig.broker.schedule("q", [message("a", scheduled_at=START + 301)])
    assert dropped != kept
    rig.send("a")
    with refused(Reason.MESSAGE_NOT_FOUND):
        rig.broker.cancel_scheduled("q", [dropped])
    rig.after(400)
    assert texts(rig.receive()) == ["a"]


def test_a_cancelled_messages_id_stays_remembered():
    """Cancelling does not open the window again."""
    rig = Rig(intake=IntakeSettings(duplicate_window=60))
    numbers = rig.broker.schedule("q", [message("a", scheduled_at=START + 30)])
    rig.broker.cancel_scheduled("q", numbers)
    rig.send("a")
    assert rig.receive() == []


def test_without_detection_an_id_may_repeat():
    """Duplicate detection is off unless asked for."""
    rig = Rig()
    rig.send("a", "a")
    assert texts(rig.receive()) == ["a", "a"]


def test_a_waiter_is_told_once():
    """It hears of the first message, and waits anew if it wants to hear of more."""
    rig = Rig()
    heard = []
    rig.broker.wait("q", "me", lambda: heard.append(1))
    rig.send("a", "b")
    rig.send("c")
    assert heard == [1]
