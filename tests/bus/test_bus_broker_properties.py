"""The broker under random histories: no message is ever lost or doubled, and equal histories end equally."""

from __future__ import annotations

from bus_samples import Rig
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bus.broker.errors import BusError
from sandbox.bus.topology import StoreSettings

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 3)),
        st.tuples(st.just("receive"), st.integers(1, 3)),
        st.tuples(
            st.sampled_from(["complete", "abandon", "release", "defer", "dead_letter", "renew"]), st.integers(0, 9)
        ),
        st.tuples(st.just("deferred"), st.integers(1, 12)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
    ),
    max_size=40,
)


def play(steps) -> tuple[Rig, set[str], set[str], list]:
    """Play a history; returns the rig, what was sent, what was completed, and everything that was seen."""
    rig = Rig(StoreSettings(max_delivery_count=3, lock_seconds=30))
    sent: set[str] = set()
    completed: set[str] = set()
    seen: list = []
    locked: list = []
    for action, number in steps:
        try:
            match action:
                case "send":
                    names = [f"m{len(sent) + offset}" for offset in range(number)]
                    sent.update(names)
                    rig.send(*names)
                case "receive":
                    locked += rig.receive(number)
                case "deferred":
                    locked += rig.broker.receive_deferred("q", [number])
                case "wait":
                    rig.after(number)
                case "renew" if locked:
                    rig.broker.renew_lock("q", locked[number % len(locked)].lock_token)
                case "complete" if locked:
                    chosen = locked[number % len(locked)]
                    rig.broker.complete("q", chosen.lock_token)
                    completed.add(chosen.message.message_id)
                case _ if locked:
                    getattr(rig.broker, action)("q", locked[number % len(locked)].lock_token)
        except BusError as error:
            seen.append(error.reason)
        seen.append(rig.broker.counts()["q"])
    return rig, sent, completed, seen


def kept(rig: Rig) -> list[str]:
    """Ids of all messages in the queue and its dead-letter queue."""
    found = rig.broker.peek("q", most=1000) + rig.broker.peek("q/$DeadLetterQueue", most=1000)
    return [each.message.message_id for each in found]


@given(STEPS)
def test_every_message_is_somewhere_exactly_once(steps):
    """What was sent and not completed is in the queue or its dead-letter queue, once."""
    rig, sent, completed, _ = play(steps)
    assert sorted(kept(rig)) == sorted(sent - completed)


@given(STEPS)
def test_the_counts_add_up(steps):
    """Every message counts in exactly one state."""
    rig, sent, completed, _ = play(steps)
    counts = rig.broker.counts()["q"]
    total = counts.active + counts.locked + counts.deferred + counts.dead_lettered
    assert total == len(sent - completed)


@given(STEPS)
def test_what_is_active_can_be_received(steps):
    """After all locks have ended nothing is stuck: every active message comes out."""
    rig, _, _, _ = play(steps)
    rig.after(1000)
    counts = rig.broker.counts()["q"]
    assert counts.locked == 0
    assert len(rig.receive(1000)) == counts.active


@given(STEPS)
def test_equal_histories_end_equally(steps):
    """The broker has no chance and no clock of its own."""
    assert play(steps)[3] == play(steps)[3]
