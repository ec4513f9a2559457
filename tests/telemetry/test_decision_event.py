"""Which decisions are told, how far each came, and what of a person is told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.core.decide import Action, Change, Plan
from shared.core.decision_event import LogPolicy, Occasion, change_id, event_of, log_policy
from shared.core.desired import InScope, OutOfScope, SourceDeleted, UnknownDesired
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.mapping_rules import parse_mappings
from shared.core.model import Link
from shared.core.observed import Marker, Present
from shared.core.provisioning_event import Identity, ModifiedValue, Stage, Status
from shared.core.reason_words import REASON_WORDS

SHARED = Path(__file__).resolve().parents[2] / "shared"
ELSEWHERE = {"reason", "fault", "code", "name", "quarantine", "_PARTNER_UNKNOWN", "CONTENDED"}
"""What the pattern below takes for codes: a variable, or a fault whose own code is found where it is made."""

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OCCASION = Occasion(NOW - timedelta(seconds=1), NOW, NOW - timedelta(seconds=9), "notification", "cycle", "trace")
PERSON = Identity("s", "Nestor Wilke", "NestorW@contoso.com")
WANT = InScope("n@contoso.com", {"displayName": "Nestor (US)", "department": "Ops"}, {}, "f", identity=PERSON)
HELD = Present("t", Marker.OURS, external=True, attributes={
    "displayName": "Nestor", "department": "Sales", "userPrincipalName": "n#EXT#@emea",
})  # fmt: skip
LINK = Link("emea", "s", target_id="t", manager_source_id="m")
UPDATE = Plan(Action.UPDATE, "changed", "t", Change({"department": "Ops"}, set_manager="tm"))


def told(plan=UPDATE, link=LINK, fault=None, want=WANT, observed=HELD, policy=LogPolicy(), **more):  # noqa: B008
    return event_of(plan, link, fault, want, observed, occasion=OCCASION, policy=policy, **more)


def test_a_write_is_told_with_the_person_on_both_sides():
    """Names as they are from now on; names of attributes and no values."""
    event = told(refused=("mail",))
    assert event.source == PERSON
    assert event.target_user == Identity("t", "Nestor (US)", "n#EXT#@emea")
    assert (event.status, event.stage, event.changed) == (Status.SUCCESS, Stage.EXPORT, ("department", "manager"))
    assert (event.latency, event.duration) == (timedelta(seconds=9), timedelta(seconds=1))
    assert (event.trigger, event.cycle_id, event.correlation_id) == ("notification", "cycle", "trace")
    assert (event.refused, event.waits_for, event.values) == (("mail",), "m", {})


def test_nothing_to_do_and_passing_trouble_are_not_told():
    """A row for each look would bury what matters."""
    assert told(Plan(Action.NOTHING, "upToDate")) is None
    passing = Fault(FaultSize.TRANSIENT, "Timeout")
    assert told(fault=passing, link=replace(LINK, attempt=1)) is None
    assert told(fault=passing, link=replace(LINK, attempt=9)).status is Status.FAILURE


@pytest.mark.parametrize(
    ("plan", "code", "want", "stage"),
    [
        (Plan(Action.RETRY, "x"), "InsufficientRights", UnknownDesired(Fault(FaultSize.USER, "x")), Stage.IMPORT),
        (Plan(Action.RETRY, "x"), "scopingGroupUnknown", UnknownDesired(Fault(FaultSize.USER, "x")), Stage.SCOPING),
        (Plan(Action.RETRY, "x"), "mappingFailed", UnknownDesired(Fault(FaultSize.USER, "x")), Stage.PROCESSING),
        (Plan(Action.RETRY, "x"), "InsufficientRights", WANT, Stage.MATCHING),
        (UPDATE, "UnableToResolveReferenceAttributeValue", WANT, Stage.REFERENCE_RESOLUTION),
        (UPDATE, "InsufficientRights", WANT, Stage.EXPORT),
    ],
)
def test_how_far_a_failure_came(plan, code, want, stage):
    """By where its fault belongs."""
    event = told(plan, fault=Fault(FaultSize.USER, code, detail="why"), want=want)
    assert (event.status, event.stage, event.reason, event.detail) == (Status.FAILURE, stage, code, "why")
    assert event.latency is None


def test_a_leaver_is_named_by_the_target_where_the_source_has_nobody_any_more():
    """A log of people must name them, above all those who were removed."""
    event = told(Plan(Action.SOFT_DELETE, "sourceDeleted", "t"), want=SourceDeleted())
    assert event.source == Identity("s", "Nestor", "")
    event = told(Plan(Action.SOFT_DELETE, "notInGroup", "t"), want=OutOfScope("notInGroup", identity=PERSON))
    assert event.source == PERSON
    assert event.target_user.name == "Nestor"


def test_values_are_told_only_where_they_are_asked_for():
    """Of what was written: before and after, each part of a complex property by itself, long ones cut."""
    change = Change({
        "department": "Ops", "jobTitle": None, "city": "x" * 9999, "otherMails": ["a"],
        "onPremisesExtensionAttributes": {"extensionAttribute1": "new", "extensionAttribute2": None},
    })  # fmt: skip
    observed = replace(HELD, attributes={
        **HELD.attributes, "jobTitle": "Clerk", "onPremisesExtensionAttributes": {"extensionAttribute1": "old"},
    })  # fmt: skip
    values = told(Plan(Action.UPDATE, "changed", "t", change), observed=observed, policy=LogPolicy(values=True)).values
    assert values["department"] == ModifiedValue("Sales", "Ops")
    assert values["jobTitle"] == ModifiedValue("Clerk", None)
    assert values["otherMails"] == ModifiedValue(None, '["a"]')
    assert values["onPremisesExtensionAttributes.extensionAttribute1"] == ModifiedValue("old", "new")
    assert len(values["city"].new) == 256


def test_what_a_mapping_redacts_is_never_told():
    """Neither its values, nor a name that is one of them, whatever is switched on."""
    rules, faults = parse_mappings(
        {"department": "Redact([department])", "displayName": "Redact([displayName])", "city": "[city]"}
    )
    assert not faults
    policy = log_policy(rules, values=True)
    assert policy == LogPolicy(
        values=True,
        redacted=frozenset({"department", "displayName"}),
        withheld=frozenset({"department", "displayName"}),
    )
    change = Change({"department": "Ops", "displayName": "Nestor (US)", "city": "Oslo"})
    event = told(Plan(Action.UPDATE, "changed", "t", change), policy=policy)
    assert event.values == {"city": ModifiedValue(None, "Oslo")}
    assert event.changed == ("city", "department", "displayName")
    text = event.to_json()
    assert "Ops" not in text
    assert "Sales" not in text
    assert "Nestor Wilke" not in text
    assert "Nestor (US)" not in text
    assert event.source.user_principal_name == "NestorW@contoso.com"


def test_rows_of_one_change_are_joined_over_targets_and_attempts():
    """By who changed and when it was first heard of."""
    assert change_id("s", NOW) == change_id("s", NOW)
    assert change_id("s", NOW) != change_id("s", NOW + timedelta(seconds=1))
    assert told().change_id == change_id("s", NOW - timedelta(seconds=9))


def test_every_code_has_words():
    """Whatever is decided, and whatever Graph's answers are called."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in SHARED.rglob("*.py"))
    names = dict(re.findall(r'^(\w+)(?:: Final)? = "(\w+)"$', code, re.MULTILINE))
    plans = re.findall(r'Plan\(\s*Action\.(\w+),\s*"?(\w+)', code)
    codes = {names.get(name, name) for action, name in plans if action != "NOTHING"}
    codes |= {names.get(name, name) for name in re.findall(r'Fault\(\s*FaultSize\.\w+,\s*"?(\w+)', code)}
    codes |= set(re.findall(r'FaultSize\.\w+,\s*"(\w+)"\)', code))
    codes |= set(re.findall(r'OutOfScope\("(\w+)"', code))
    codes -= ELSEWHERE
    assert len(codes) > 30
    assert codes <= REASON_WORDS.keys()
