"""The protocol engine: session links, which may be answered late or never."""

from __future__ import annotations

from bus_raw_client import SESSION_FILTER, URI, RawClient, connected, error_of
from bus_samples import START, Rig

from sandbox.bus.amqp.performatives import (
    Detach,
)
from sandbox.bus.amqp.types import Symbol, UInt
from sandbox.bus.topology import StoreSettings


def sessions() -> tuple[Rig, RawClient]:
    """A rig whose queue has sessions, and a client."""
    return connected(Rig(StoreSettings(requires_session=True, lock_seconds=30)))


def test_a_named_session_is_granted_with_its_end_in_ticks():
    """The source comes back with the filter; the properties are ours alone, and the time is .NET's."""
    _, client = sessions()
    (answer,) = client.attach_receiver(URI, filters={SESSION_FILTER: "s1"}, properties={Symbol("x"): 1})
    assert answer.source.value[0] == URI
    assert answer.source.value[7] == {SESSION_FILTER: "s1"}
    ticks = int((START + 30) * 10**7) + 621355968000000000
    assert answer.properties == {Symbol("com.microsoft:locked-until-utc"): ticks}


def test_the_next_session_is_waited_for():
    """The attach stays unanswered until a session is free, and is then answered with its name."""
    rig, client = sessions()
    assert client.attach_receiver(URI, filters={SESSION_FILTER: None}) == []
    rig.send("a", session_id="s7")
    (answer,) = client.hear()
    assert answer.source.value[7] == {SESSION_FILTER: "s7"}
    assert len(client.credit(1)) == 1
    assert client.scheduler.timers[0].cancelled


def test_waiting_for_a_session_ends_in_time():
    """After the client's own timeout the link is refused with the service's condition."""
    rig, client = sessions()
    timeout = {Symbol("com.microsoft:timeout"): UInt(4950)}
    client.attach_receiver(URI, filters={SESSION_FILTER: None}, properties=timeout)
    (timer,) = client.scheduler.timers
    assert timer.delay == 4.95
    timer.callback()
    attached, detached = client.hear()
    assert attached.source is None
    assert error_of(detached).condition == "com.microsoft:timeout"
    rig.send("a", session_id="s1")
    assert client.hear() == []
    assert rig.broker.accept_session("q") is not None


def test_a_client_that_left_is_granted_nothing():
    """A waiter whose link is gone does not swallow a session."""
    rig, client = sessions()
    client.attach_receiver(URI, filters={SESSION_FILTER: None})
    client.tell(Detach(0, closed=True))
    assert client.scheduler.timers[0].cancelled
    rig.send("a", session_id="s1")
    client.hear()
    assert rig.broker.accept_session("q").session_id == "s1"


def test_without_a_timeout_a_client_waits_for_65_seconds():
    """The service's own patience."""
    _, client = sessions()
    client.attach_receiver(URI, filters={SESSION_FILTER: None})
    assert client.scheduler.timers[0].delay == 65


def test_a_session_that_is_held_is_refused_at_once():
    """By name there is no waiting."""
    rig, client = sessions()
    rig.broker.accept_session("q", "s1")
    _, detached = client.attach_receiver(URI, filters={SESSION_FILTER: "s1"})
    assert error_of(detached).condition == "com.microsoft:session-cannot-be-locked"


def test_an_expired_session_detaches_its_link():
    """The client hears that the session's lock is lost."""
    rig, client = sessions()
    client.attach_receiver(URI, filters={SESSION_FILTER: "s1"})
    rig.after(30)
    (detached,) = client.hear()
    assert error_of(detached).condition == "com.microsoft:session-lock-lost"


def test_a_lost_connection_frees_its_session_at_once():
    """Its messages go back uncounted."""
    rig, client = sessions()
    rig.send("a", session_id="s1")
    client.attach_receiver(URI, filters={SESSION_FILTER: "s1"})
    client.credit(1)
    client.connection.lost()
    (got,) = rig.receive(hold=rig.broker.accept_session("q"))
    assert got.delivery_count == 0


def test_receivers_must_be_of_the_entitys_kind():
    """A session filter on a plain entity, or none where sessions are required, is refused; dead letters are plain."""
    _, client = sessions()
    assert error_of(client.attach_receiver(URI)[-1]).condition == "amqp:not-allowed"
    assert len(client.attach_receiver(URI + "/$deadletterqueue", handle=5)) == 1
    _, plain = connected()
    answers = plain.attach_receiver(URI, filters={SESSION_FILTER: None})
    assert error_of(answers[-1]).condition == "amqp:not-allowed"
