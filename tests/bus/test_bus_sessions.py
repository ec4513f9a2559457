"""Sessions under virtual time: who holds one, in what order its messages come, and what ends a hold."""

from __future__ import annotations

from bus_samples import START, Rig, message, refused, texts, topic_broker

from sandbox.bus.broker.errors import Reason
from sandbox.bus.broker.records import Counts, ReceiveMode
from sandbox.bus.topology import StoreSettings, SubscriptionSettings


def rig(**settings) -> Rig:
    """A broker whose queue has sessions."""
    return Rig(StoreSettings(requires_session=True, lock_seconds=30, **settings))


def test_a_hold_gets_its_sessions_messages_in_order():
    """And none of another session's."""
    one = rig()
    one.send("a1", "a2", session_id="a")
    one.send("b1", session_id="b")
    one.send("a3", session_id="a")
    hold = one.broker.accept_session("q", "a")
    assert texts(one.receive(hold=hold)) == ["a1", "a2", "a3"]


def test_the_next_session_is_the_one_that_waited_longest():
    """Each is given once, and none when all are held."""
    one = rig()
    one.send("b1", session_id="b")
    one.send("a1", session_id="a")
    holds = [one.broker.accept_session("q") for _ in range(3)]
    assert [hold and hold.session_id for hold in holds] == ["b", "a", None]


def test_a_held_session_is_nobody_elses():
    """Asking for it by name is refused while it is held."""
    one = rig()
    hold = one.broker.accept_session("q", "a")
    with refused(Reason.SESSION_CANNOT_BE_LOCKED):
        one.broker.accept_session("q", "a")
    one.broker.release_session("q", hold)
    assert one.broker.accept_session("q", "a") is not None


def test_a_named_session_needs_no_messages():
    """It can be held before its first message comes, and hears of it."""
    one = rig()
    hold = one.broker.accept_session("q", "a")
    heard = []
    one.broker.wait("q", "me", lambda: heard.append(1), hold=hold)
    one.send("b1", session_id="b")
    assert heard == []
    one.send("a1", session_id="a")
    assert heard == [1]
    assert texts(one.receive(hold=hold)) == ["a1"]


def test_a_message_for_a_held_session_does_not_free_it():
    """It goes to the holder; nobody else is offered the session."""
    one = rig()
    one.broker.accept_session("q", "a")
    one.send("a1", session_id="a")
    assert one.broker.accept_session("q") is None


def test_letting_go_gives_back_uncounted():
    """Unsettled messages are in their places again, with no attempt counted, and the session is free."""
    one = rig(max_delivery_count=1)
    one.send("a1", "a2", session_id="a")
    hold = one.broker.accept_session("q")
    one.receive(hold=hold)
    one.broker.release_session("q", hold)
    hold = one.broker.accept_session("q")
    again = one.receive(hold=hold)
    assert texts(again) == ["a1", "a2"]
    assert [each.delivery_count for each in again] == [0, 0]


def test_an_expired_hold_counts_and_tells_its_holder():
    """The session is free again, its locked messages have failed once, the old hold is worthless."""
    one = rig()
    one.send("a1", session_id="a")
    lost = []
    hold = one.broker.accept_session("q", on_lost=lambda: lost.append(1))
    (got,) = one.receive(hold=hold)
    assert got.locked_until == hold.locked_until == START + 30
    one.after(30)
    assert lost == [1]
    with refused(Reason.MESSAGE_LOCK_LOST):
        one.broker.complete("q", got.lock_token)
    with refused(Reason.SESSION_LOCK_LOST):
        one.receive(hold=hold)
    (again,) = one.receive(hold=one.broker.accept_session("q"))
    assert again.delivery_count == 1


def test_a_renewed_hold_lasts_anew():
    """Holds that are not renewed end in their turn."""
    one = rig()
    renewed, other = (one.broker.accept_session("q", name) for name in ("a", "b"))
    one.after(20)
    assert one.broker.renew_session("q", renewed) == START + 50
    one.after(15)
    assert (renewed.lost, other.lost) == (False, True)
    with refused(Reason.SESSION_LOCK_LOST):
        one.broker.renew_session("q", other)


def test_too_many_expired_holds_dead_letter_a_message():
    """The dead-letter queue of an entity with sessions has none itself."""
    one = rig(max_delivery_count=2)
    one.send("a1", session_id="a")
    for _ in range(2):
        one.receive(hold=one.broker.accept_session("q"))
        one.after(30)
    assert one.broker.accept_session("q") is None
    (dead,) = one.broker.receive("q/$DeadLetterQueue")
    assert dead.message.application_properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"


def test_a_sessions_state_outlives_its_messages():
    """Until it is set to nothing; then the session is forgotten."""
    one = rig()
    one.send("a1", session_id="a")
    hold = one.broker.accept_session("q")
    one.broker.set_session_state("q", hold, b"half way")
    (got,) = one.receive(hold=hold)
    one.broker.complete("q", got.lock_token)
    one.broker.release_session("q", hold)
    assert one.broker.session_names("q") == ["a"]
    hold = one.broker.accept_session("q", "a")
    assert one.broker.session_state("q", hold) == b"half way"
    one.broker.set_session_state("q", hold, None)
    one.broker.release_session("q", hold)
    assert one.broker.session_names("q") == []


def test_sessions_can_be_listed_by_when_their_state_changed():
    """Without a time all with messages or a state are named, with one those whose state is newer."""
    one = rig()
    one.send("a1", session_id="messages")
    for name in ("old", "new"):
        one.broker.set_session_state("q", one.broker.accept_session("q", name), b"x")
        one.after(10)
    assert one.broker.session_names("q") == ["messages", "old", "new"]
    assert one.broker.session_names("q", changed_since=START + 5) == ["new"]


def test_deferred_messages_belong_to_their_session():
    """Only the session's holder gets them by number."""
    one = rig()
    one.send("a1", session_id="a")
    hold = one.broker.accept_session("q", "a")
    (got,) = one.receive(hold=hold)
    one.broker.defer("q", got.lock_token)
    other = one.broker.accept_session("q", "b")
    with refused(Reason.MESSAGE_NOT_FOUND):
        one.broker.receive_deferred("q", [1], hold=other)
    with refused(Reason.SESSION_LOCK_LOST):
        one.broker.receive_deferred("q", [1])
    (back,) = one.broker.receive_deferred("q", [1], hold=hold)
    one.broker.complete("q", back.lock_token)
    assert one.broker.counts()["q"] == Counts()


def test_a_session_whose_messages_expired_is_not_offered():
    """A receiver is never granted an empty session because of what was once in it."""
    one = rig()
    one.send("a1", session_id="a", time_to_live=5)
    one.send("b1", session_id="b")
    one.after(5)
    assert one.broker.accept_session("q").session_id == "b"
    assert one.broker.accept_session("q") is None


def test_a_session_with_only_deferred_messages_is_not_offered():
    """Deferred messages come by number to who asks for the session by name; they make it no next one."""
    one = rig()
    one.send("deferred", session_id="a")
    hold = one.broker.accept_session("q")
    (got,) = one.receive(hold=hold)
    one.broker.defer("q", got.lock_token)
    one.send("expires", session_id="a", time_to_live=5)
    one.broker.release_session("q", hold)
    one.after(5)
    assert one.broker.accept_session("q") is None
    assert one.broker.accept_session("q", "a") is not None


def test_a_message_without_session_is_refused_by_a_queue():
    """The whole batch is, and nothing of it is taken."""
    one = rig()
    with refused(Reason.NOT_ALLOWED):
        one.broker.send("q", [message("with", session_id="a"), message("without")])
    assert one.broker.counts()["q"] == Counts()


def test_a_message_without_session_is_dead_lettered_by_a_subscription():
    """A topic takes it; the subscription that cannot hold it says why."""
    broker, _ = topic_broker(SubscriptionSettings("s", store=StoreSettings(requires_session=True)))
    broker.send("t", [message("without")])
    (dead,) = broker.receive("t/Subscriptions/s/$DeadLetterQueue")
    assert dead.message.application_properties["DeadLetterReason"] == "Session ID is null."


def test_sessions_and_plain_receiving_do_not_mix():
    """Without a hold there is nothing to receive from a session entity, and the other way round."""
    with refused(Reason.NOT_ALLOWED):
        rig().receive()
    with refused(Reason.NOT_ALLOWED):
        Rig().broker.accept_session("q")
    with refused(Reason.NOT_ALLOWED):
        Rig().receive(hold=rig().broker.accept_session("q", "a"))


def test_a_messages_own_lock_cannot_be_renewed_in_a_session():
    """The session's lock is renewed instead."""
    one = rig()
    one.send("a1", session_id="a")
    (got,) = one.receive(hold=one.broker.accept_session("q"))
    with refused(Reason.NOT_ALLOWED):
        one.broker.renew_lock("q", got.lock_token)


def test_receive_and_delete_works_in_a_session():
    """Nothing is left behind when the session is let go."""
    one = rig()
    one.send("a1", session_id="a")
    hold = one.broker.accept_session("q")
    assert texts(one.receive(hold=hold, mode=ReceiveMode.RECEIVE_AND_DELETE)) == ["a1"]
    one.broker.release_session("q", hold)
    assert one.broker.session_names("q") == []


def test_whoever_waits_for_a_session_hears_when_one_is_freed():
    """A release with messages left frees it, and the waiter finds them there."""
    one = rig()
    one.send("a1", session_id="a")
    hold = one.broker.accept_session("q")
    one.receive(hold=hold)
    found = []
    store = one.broker.session_store("q")
    store.wait_for_session("me", lambda: found.append(one.broker.accept_session("q")))
    one.broker.release_session("q", hold)
    assert texts(one.receive(hold=found[0])) == ["a1"]
