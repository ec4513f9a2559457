"""The configuration: the official emulator's format read whole, and every fault of it named."""

from __future__ import annotations

import json
import math

import pytest

from sandbox.bus.config import load_config, read_config
from sandbox.bus.config_fields import ConfigError
from sandbox.bus.durations import parse_duration
from sandbox.bus.rules.filters import MATCH_ALL, CorrelationFilter
from sandbox.bus.rules.sql_tree import SqlFilter
from sandbox.bus.topology import IntakeSettings, QueueSettings, StoreSettings


def namespace(**parts):
    """A document with one namespace."""
    return {"UserConfig": {"Namespaces": [{"Name": "sbemulatorns", **parts}], "Logging": {"Type": "File"}}}


def topic(*, rules=None, properties=None, subscription=None):
    """A document with one topic and one subscription."""
    inner = {"Name": "s", "Properties": subscription or {}}
    if rules is not None:
        inner["Rules"] = rules
    return namespace(Topics=[{"Name": "t", "Properties": properties or {}, "Subscriptions": [inner]}])


def sql(expression):
    """A rule with a SQL filter."""
    return {"Name": "r", "Properties": {"FilterType": "Sql", "SqlFilter": {"SqlExpression": expression}}}


def test_a_queue_is_read_with_all_its_properties():
    """Every property of the format reaches the settings, durations in seconds."""
    document = namespace(
        Queues=[
            {
                "Name": "queue.1",
                "Properties": {
                    "DeadLetteringOnMessageExpiration": True,
                    "DefaultMessageTimeToLive": "PT1H",
                    "DuplicateDetectionHistoryTimeWindow": "PT20S",
                    "ForwardDeadLetteredMessagesTo": "",
                    "ForwardTo": "",
                    "LockDuration": "PT1M30S",
                    "MaxDeliveryCount": 3,
                    "RequiresDuplicateDetection": True,
                    "RequiresSession": True,
                },
            }
        ]
    )
    expected = QueueSettings("queue.1", IntakeSettings(None, 20.0), StoreSettings(90.0, 3, 3600.0, True, True))
    assert read_config(document).queues == (expected,)


def test_what_is_left_out_has_the_services_defaults():
    """A minute's lock, ten deliveries, no end, no sessions, no duplicate detection."""
    (queue,) = read_config(namespace(Queues=[{"Name": "q"}])).queues
    assert queue == QueueSettings("q", IntakeSettings(None, None), StoreSettings(60.0, 10, None, False, False))


def test_a_duplicate_window_counts_only_where_detection_is_asked_for():
    """The window alone switches nothing on."""
    properties = {"DuplicateDetectionHistoryTimeWindow": "PT20S", "RequiresDuplicateDetection": False}
    assert read_config(topic(properties=properties)).topics[0].intake.duplicate_window is None


def test_a_subscription_without_rules_matches_all():
    """The default rule exists where the file gives none, and only there."""
    assert read_config(topic()).topics[0].subscriptions[0].rules == (MATCH_ALL,)
    (rule,) = read_config(topic(rules=[sql("a = 1")])).topics[0].subscriptions[0].rules
    assert isinstance(rule.filter, SqlFilter)


def test_a_correlation_rule_is_read():
    """System properties by Service Bus's names, the sender's own by theirs."""
    rule = {
        "Name": "r",
        "Properties": {
            "FilterType": "Correlation",
            "CorrelationFilter": {"Label": "x", "ContentType": "", "Properties": {"Region": "emea"}},
        },
    }
    (read,) = read_config(topic(rules=[rule])).topics[0].subscriptions[0].rules
    assert read.filter == CorrelationFilter((("label", "x"),), (("Region", "emea"),))


def correlation(**fields):
    """A rule with a correlation filter."""
    return {"Name": "r", "Properties": {"FilterType": "Correlation", "CorrelationFilter": fields}}


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "the file: (itself): must be an object"),
        ({}, "the file: UserConfig: must be an object"),
        ({"UserConfig": {}}, "the file: UserConfig.Namespaces: must be a list"),
        ({"UserConfig": {"Namespaces": []}}, "the file: UserConfig.Namespaces: must hold exactly one"),
        ({"UserConfig": {"Namespaces": [{}], "Entities": 1}}, "the file: UserConfig.Entities: is not known"),
        (namespace(Queue=[]), "namespace sbemulatorns: Queue: is not known"),
        (namespace(Queues={}), "namespace sbemulatorns: Queues: must be a list"),
        (namespace(Queues=[{}]), "queue number 1: Name: is missing"),
        (namespace(Queues=[{"Name": "-q"}]), "queue -q: Name: must be at most 260"),
        (namespace(Queues=[{"Name": "q"}, {"Name": "Q"}]), "queue Q: Name: is used twice"),
        (namespace(Queues=[{"Name": "x"}], Topics=[{"Name": "x"}]), "topic x: Name: is used twice"),
        (topic(subscription={"LockDuration": "1m"}), "topic t, subscription s: Properties.LockDuration: '1m' is not"),
        (topic(subscription={"LockDuration": "PT6M"}), "Properties.LockDuration: 'PT6M' is outside"),
        (topic(subscription={"LockDuration": 60}), "Properties.LockDuration: must be an ISO 8601"),
        (topic(subscription={"LockDuration": "PT0S"}), "Properties.LockDuration: 'PT0S' is outside"),
        (topic(subscription={"MaxDeliveryCount": 0}), "Properties.MaxDeliveryCount: must be a whole number"),
        (topic(subscription={"MaxDeliveryCount": True}), "Properties.MaxDeliveryCount: must be a whole number"),
        (topic(subscription={"RequiresSession": "yes"}), "Properties.RequiresSession: must be true or false"),
        (topic(subscription={"ForwardTo": "q"}), "Properties.ForwardTo: forwarding is not supported"),
        (topic(subscription={"ForwardDeadLetteredMessagesTo": "q"}), "ForwardDeadLetteredMessagesTo: forwarding"),
        (topic(subscription={"LockDurations": "PT1M"}), "Properties.LockDurations: is not known"),
        (topic(properties={"RequiresSession": True}), "topic t: Properties.RequiresSession: is not known"),
        (
            topic(properties={"DuplicateDetectionHistoryTimeWindow": "PT5S"}),
            "topic t: Properties.DuplicateDetectionHistoryTimeWindow: 'PT5S' is outside",
        ),
        (topic(rules=[sql("a ~ 1")]), "topic t, subscription s, rule r: Properties.SqlFilter.SqlExpression: '~'"),
        (topic(rules=[sql("a + 1 = 2")]), "Properties.SqlFilter.SqlExpression: a comparison"),
        (topic(rules=[sql("")]), "Properties.SqlFilter.SqlExpression: is missing"),
        (topic(rules=[sql("a=1"), sql("b=1")]), "rule r: Name: is used twice"),
        (topic(rules=[{"Name": "r", "Properties": {}}]), "rule r: Properties.FilterType: is missing"),
        (topic(rules=[{"Name": "r", "Properties": {"FilterType": "Sql"}}]), "Properties.SqlFilter: must be an object"),
        (topic(rules=[{"Name": "r", "Properties": {"FilterType": "Xml"}}]), "Properties.FilterType: 'Xml' is none of"),
        (
            topic(rules=[{"Name": "r", "Properties": {"FilterType": "True", "Action": {"SqlExpression": "SET a=1"}}}]),
            "Properties.Action: rule actions are not supported",
        ),
        (
            topic(
                rules=[
                    {
                        "Name": "r",
                        "Properties": {
                            "FilterType": "Sql",
                            "SqlFilter": {"SqlExpression": "a=@p", "Parameters": {"@p": 1}},
                        },
                    }
                ]
            ),
            "Properties.SqlFilter.Parameters: parameters are not supported",
        ),
        (topic(rules=[correlation()]), "Properties.CorrelationFilter.(itself): names no property"),
        (topic(rules=[correlation(Lable="x")]), "Properties.CorrelationFilter.Lable: is not known"),
        (topic(rules=[correlation(Label=5)]), "Properties.CorrelationFilter.Label: must be a text"),
        (topic(rules=[correlation(Properties={"a": []})]), "Properties.CorrelationFilter.Properties.a: must be"),
    ],
)
def test_a_fault_names_entity_and_field(document, fault):
    """Whatever is wrong or not supported is refused, by the name of its entity and field."""
    with pytest.raises(ConfigError) as caught:
        read_config(document)
    assert any(fault in each for each in caught.value.faults), caught.value.faults


def test_all_faults_come_at_once():
    """One run shows everything there is to repair."""
    document = namespace(
        Queues=[{"Name": "q", "Properties": {"MaxDeliveryCount": 0, "LockDuration": "x"}}],
        Topics=[{"Name": "t", "Subscriptions": [{"Name": "s", "Rules": [sql("a"), {"Name": "b"}]}]}],
    )
    with pytest.raises(ConfigError) as caught:
        read_config(document)
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize(("content", "fault"), [(None, "No such file"), ("{", "is not JSON"), ("\xff", "is not JSON")])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path, content, fault):
    """A missing or broken file is told like any other fault."""
    path = tmp_path / "Config.json"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match=fault):
        load_config(path)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    """Editors on Windows write one."""
    path = tmp_path / "Config.json"
    path.write_text(json.dumps(namespace(Queues=[{"Name": "q"}])), encoding="utf-8-sig")
    assert load_config(path).queues[0].name == "q"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1M", 60.0),
        ("PT1H30M", 5400.0),
        ("P1DT0.5S", 86_400.5),
        ("P14D", 1_209_600.0),
        ("P10675199DT2H48M5.4775807S", math.inf),
    ],
)
def test_durations_are_seconds(text, seconds):
    """Days to fractions of a second are understood, and .NET's longest means without end."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "1M", "PT1", "P1Y", "P1M", "PT-1S", "pt1m", "PT1M ", "P1DT"])
def test_other_texts_are_no_durations(text):
    """Years and months have no length in seconds; anything else is a mistake."""
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_duration(text)
