"""The broker's topics under virtual time: copies, rules, and paths that lead nowhere."""

from __future__ import annotations

from uuid import UUID

import pytest
from bus_samples import START, Rig, message, refused, texts, topic_broker

from sandbox.bus.broker.errors import Reason
from sandbox.bus.broker.records import Counts
from sandbox.bus.rules.filters import FalseFilter, Rule
from sandbox.bus.rules.sql_parser import parse_sql_filter
from sandbox.bus.topology import IntakeSettings, StoreSettings, SubscriptionSettings


def test_a_topic_copies_to_every_subscription_that_matches():
    """Each copy has the subscription's own number and is settled on its own."""
    broker, _ = topic_broker(
        SubscriptionSettings("all"),
        SubscriptionSettings("emea", rules=(Rule("r", parse_sql_filter("target IS NULL OR target = 'emea'")),)),
        SubscriptionSettings("either", rules=(Rule("a", FalseFilter()), Rule("b", parse_sql_filter("target='apac'")))),
    )
    broker.send("t", [message(each, application_properties={"target": each}) for each in ("emea", "apac")])
    broker.send("t", [message("everyone")])
    got = {name: broker.receive(f"t/Subscriptions/{name}", 10) for name in ("all", "emea", "either")}
    assert {name: texts(each) for name, each in got.items()} == {
        "all": ["emea", "apac", "everyone"],
        "emea": ["emea", "everyone"],
        "either": ["apac"],
    }
    assert [each.sequence_number for each in got["emea"]] == [1, 2]
    assert [each.enqueued_sequence_number for each in got["emea"]] == [1, 3]
    broker.complete("t/subscriptions/ALL", got["all"][0].lock_token)
    assert broker.counts()["t/Subscriptions/emea"].locked == 2


def test_a_topics_life_and_window_hold_for_its_subscriptions():
    """The shortest of message's, topic's and subscription's lives wins; duplicates are the topic's to drop."""
    broker, clock = topic_broker(
        SubscriptionSettings("short", store=StoreSettings(time_to_live=5)),
        SubscriptionSettings("long", store=StoreSettings(time_to_live=50)),
        intake=IntakeSettings(time_to_live=20, duplicate_window=60),
    )
    broker.send("t", [message("a"), message("a")])
    lives = [broker.peek(f"t/Subscriptions/{name}", most=5) for name in ("short", "long")]
    assert [[each.time_to_live for each in peeked] for peeked in lives] == [[5], [20]]
    clock.advance(20)
    assert broker.counts()["t/Subscriptions/long"].active == 0


def test_rules_are_asked_when_a_scheduled_message_appears():
    """A topic counts what waits; subscriptions see it at its time."""
    broker, clock = topic_broker(SubscriptionSettings("s"))
    (number,) = broker.schedule("t", [message("a", scheduled_at=START + 10)])
    assert broker.counts() == {"t": Counts(scheduled=1), "t/Subscriptions/s": Counts()}
    clock.advance(10)
    (got,) = broker.receive("t/Subscriptions/s")
    assert got.enqueued_sequence_number > number


@pytest.mark.parametrize("path", ["nowhere", "t/Subscriptions/nowhere", "t"])
def test_what_does_not_exist_cannot_be_received_from(path):
    """Nothing is made on demand, and a topic itself gives nothing."""
    broker, _ = topic_broker(SubscriptionSettings("s"))
    with refused(Reason.ENTITY_NOT_FOUND):
        broker.receive(path)


@pytest.mark.parametrize("path", ["nowhere", "t/Subscriptions/s", "t/Subscriptions/s/$DeadLetterQueue"])
def test_only_queues_and_topics_take_messages(path):
    """Subscriptions and dead-letter queues are filled by the broker."""
    broker, _ = topic_broker(SubscriptionSettings("s"))
    with refused(Reason.ENTITY_NOT_FOUND):
        broker.send(path, [message("a")])


def test_an_unknown_token_is_a_lost_lock():
    """The broker does not tell a lock that never was from one that has ended."""
    rig = Rig()
    for settle in (rig.broker.complete, rig.broker.abandon, rig.broker.release, rig.broker.defer):
        with refused(Reason.MESSAGE_LOCK_LOST):
            settle("q", UUID(int=999))
