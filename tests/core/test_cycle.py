"""The comparison of a full cycle: each row of its table, and that no order and no shortcut changes what it finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.cycle import Comparison, Finding, is_plausible
from shared.core.decide import Policy
from shared.core.desired import Frozen, InScope, OutOfScope, UnknownDesired
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.fingerprints import fingerprint, names_in
from shared.core.mapping_rules import Drift
from shared.core.model import Claim, Link, LinkState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=3)
JUST_NOW = NOW - timedelta(seconds=30)
ATTRIBUTES = {"displayName": "Nestor Wilke", "department": "Ops", "officeLocation": None, "businessPhones": []}
FINGERPRINT = fingerprint(ATTRIBUTES, names_in(ATTRIBUTES))
WANTED = InScope("nestor@contoso.com", ATTRIBUTES, {}, FINGERPRINT)
LINK = Link("emea", "s", LinkState.ACTIVE, "t", fingerprint=FINGERPRINT, changed_at=LONG_AGO)
HELD_THERE = {"id": "t", "displayName": "Nestor Wilke", "department": "Ops", "officeLocation": "", "city": "Oslo"}
UNKNOWN = UnknownDesired(Fault(FaultSize.USER, "mappingFailed"))
GRACE = Policy(grace=timedelta(days=30))


def found(link=LINK, desired=WANTED, user=HELD_THERE, *, policy=Policy(), others=(), everything=False, known=False):  # noqa: B008
    """What a whole comparison finds of somebody: None for a side that does not show them."""
    links = {each.source_id: each for each in (*others, *([link] if link else []))}
    comparison = Comparison(policy, links, NOW, everything=everything)
    told = []
    if desired is not None:
        if known and isinstance(desired, InScope) and comparison.applied("s") == desired.fingerprint:
            comparison.as_applied("s", names_in(desired.attributes))
        else:
            told.append(comparison.source("s", desired))
    if user is not None:
        told.append(comparison.target("s", user, manages_manager=True))
    told += [*comparison.afterwards(), *comparison.leavers()]
    findings = [each.finding for each in told if each is not None and each.user_id == "s"]
    assert len(findings) <= 1, "one look is enough"
    assert sum(comparison.counts.by_finding.values()) >= len(findings)
    return findings[0] if findings else None


TABLE = {
    "settled, and both sides say so": ({}, None),
    "no link": ({"link": None, "user": None}, Finding.NEW),
    "no link, and blocked in the source": (
        {"link": None, "user": None, "desired": replace(WANTED, enabled=False)},
        None,
    ),
    "no link, and the rules fail": ({"link": None, "user": None, "desired": UNKNOWN}, Finding.CHANGED),
    "no link, and out of scope": ({"link": None, "user": None, "desired": OutOfScope("scopingFilter")}, None),
    "other values wanted": ({"desired": replace(WANTED, fingerprint="other")}, Finding.CHANGED),
    "back, after a soft delete": ({"link": replace(LINK, state=LinkState.SOFT_DELETED), "user": None}, Finding.CHANGED),
    "doubted since a failed write": ({"link": replace(LINK, fingerprint=None)}, Finding.CHANGED),
    "the rules fail for now": ({"desired": UNKNOWN}, None),
    "frozen by the rules": ({"desired": Frozen("inputFilter")}, None),
    "another value in the target": ({"user": HELD_THERE | {"department": "Sales"}}, Finding.DRIFTED),
    "another manager in the target": ({"user": HELD_THERE | {"manager": {"id": "m"}}}, Finding.DRIFTED),
    "another user in the target": ({"user": HELD_THERE | {"id": "u"}}, Finding.DRIFTED),
    "not in the target": ({"user": None}, Finding.DRIFTED),
    "written a moment ago, and the list is older": ({"link": replace(LINK, changed_at=JUST_NOW), "user": None}, None),
    "a drift that is reported already": (
        {"link": replace(LINK, drifted=("department",)), "user": HELD_THERE | {"department": "Sales"}},
        None,
    ),
    "a refusal that is told already": (
        {"link": replace(LINK, reason="attributesRefused:department"), "user": HELD_THERE | {"department": "Sales"}},
        None,
    ),
    "beside a drift that is reported, another": (
        {"link": replace(LINK, drifted=("department",)), "user": HELD_THERE | {"displayName": "N."}},
        Finding.DRIFTED,
    ),
    "a value that the target may have as it likes": (
        {"policy": Policy(drift={"department": Drift.TARGET_WINS}), "user": HELD_THERE | {"department": "Sales"}},
        None,
    ),
    "a manager who is there by now": (
        {
            "link": replace(LINK, manager_source_id="m"),
            "others": (replace(LINK, source_id="m", target_id="tm"),),
        },
        Finding.REFERENCE,
    ),
    "a manager who is not there yet": ({"link": replace(LINK, manager_source_id="m")}, None),
    "on no list of the source": ({"desired": None}, Finding.LEAVER),
    "out of scope by a filter": ({"desired": OutOfScope("scopingFilter")}, Finding.LEAVER),
    "removed long ago": ({"link": replace(LINK, state=LinkState.SOFT_DELETED), "desired": None, "user": None}, None),
    "dealt with as a leaver": ({"link": replace(LINK, leaving_since=LONG_AGO), "desired": None}, None),
    "grace not over": ({"link": replace(LINK, leaving_since=LONG_AGO), "desired": None, "policy": GRACE}, None),
    "grace over": (
        {"link": replace(LINK, leaving_since=NOW - timedelta(days=31)), "desired": None, "policy": GRACE},
        Finding.LEAVER,
    ),
    "claimed by a worker": ({"link": replace(LINK, claim=Claim("w", JUST_NOW), fingerprint="old")}, None),
    "claimed by a worker that is no more": (
        {"link": replace(LINK, claim=Claim("w", LONG_AGO), fingerprint="old")},
        Finding.DUE,
    ),
    "in escrow": ({"link": replace(LINK, retry_at=NOW + timedelta(hours=1), fingerprint=None)}, None),
    "in escrow, and the retry is lost": ({"link": replace(LINK, retry_at=LONG_AGO, fingerprint=None)}, Finding.DUE),
    "held": ({"link": replace(LINK, state=LinkState.HELD, fingerprint=None)}, None),
    "held, and the rules are new": (
        {"link": replace(LINK, state=LinkState.HELD, fingerprint=None), "everything": True},
        Finding.DUE,
    ),
    "dealt with as a leaver, and the rules are new": (
        {"link": replace(LINK, leaving_since=LONG_AGO), "desired": None, "everything": True},
        Finding.LEAVER,
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_table(case):
    """What is found of one person, by what links, source and target say."""
    given_, expected = TABLE[case]
    assert found(**given_) is expected


@pytest.mark.parametrize("case", TABLE)
def test_what_is_known_already_changes_nothing(case):
    """Who is taken in as applied before, without being mapped, is found for the same reasons."""
    given_, expected = TABLE[case]
    assert found(**given_, known=True) is expected


PEOPLE = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(st.permutations("abcdefgh"), PEOPLE, PEOPLE, PEOPLE)
def test_any_order_finds_the_same(order, linked, in_source, in_target):
    """Pages come as they come."""

    def run(names):
        links = {name: replace(LINK, source_id=name, target_id=name) for name in linked}
        comparison = Comparison(Policy(), links, NOW, everything=False)
        told = [comparison.source(name, WANTED) for name in names if name in in_source]
        told += [
            comparison.target(name, HELD_THERE | {"id": name}, manages_manager=True)
            for name in names
            if name in in_target
        ]
        told += [*comparison.afterwards(), *comparison.leavers()]
        return {(each.user_id, each.finding) for each in told if each is not None}

    findings = run(order)
    assert findings == run("abcdefgh")
    assert {name for name, finding in findings if finding is Finding.NEW} == set(in_source) - set(linked)
    assert {name for name, finding in findings if finding is Finding.LEAVER} == set(linked) - set(in_source)
    drifted = set(linked) & set(in_source) - set(in_target)
    assert {name for name, finding in findings if finding is Finding.DRIFTED} == drifted


def test_a_new_manager_is_found_where_the_lists_show_managers():
    """The manager's target user is looked up among the links; one who is not there yet is waited for."""
    links = {"s": LINK, "m": replace(LINK, source_id="m", target_id="tm")}
    for manager, finding in ((None, None), ("m", Finding.CHANGED), ("stranger", Finding.CHANGED)):
        comparison = Comparison(Policy(), links, NOW, everything=False)
        assert comparison.source("s", WANTED) is None
        told = comparison.manager("s", manager)
        assert (told.finding if told else None) is finding


@pytest.mark.parametrize(
    ("in_scope", "before", "plausible"),
    [(0, None, True), (90, 100, True), (89, 100, False), (0, 10, True), (0, 11, False), (200, 100, True)],
)
def test_a_survey_with_far_fewer_people_is_not_believed_at_once(in_scope, before, plausible):
    """More than a tenth and more than ten fewer than last time: perhaps a list that was cut short without a word."""
    assert is_plausible(in_scope, before) is plausible
