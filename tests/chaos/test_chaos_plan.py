"""The plan of a chaos: the same from the same seed, and one that makes sense."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sandbox.chaos.deeds import (
    CutBus,
    Delete,
    Hire,
    Invite,
    Join,
    KillHost,
    Leave,
    Nest,
    Poison,
    Restore,
    StrikeGraph,
    StrikeLogs,
    Unnest,
    WithdrawConsent,
)
from sandbox.chaos.life import LATEST_JOIN
from sandbox.chaos.plan import Beginning, plan
from sandbox.monitor.ingestion import faults as log_faults
from sandbox.tenants import faults as graph_faults
from sandbox.tenants.people import contoso

PEOPLE = [person.alias for person in contoso()]
SCOPE = "Everybody"
BEGINNING = Beginning(PEOPLE, {SCOPE: PEOPLE[:20], "Engineering": PEOPLE[9:13]}, SCOPE, ("emea", "apac"))
SEEDS = range(1, 21)


def test_the_same_seed_plans_the_same_and_another_something_else():
    """Event by event, word by word."""
    assert plan(7, 180, BEGINNING) == plan(7, 180, BEGINNING)
    assert plan(7, 180, BEGINNING) != plan(8, 180, BEGINNING)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_deed_makes_sense_when_it_comes(seed):
    """Nobody leaves where they are not, is restored who was not deleted, or does anything before they are hired."""
    known, deleted = set(PEOPLE), set()
    members = {group: set(aliases) for group, aliases in BEGINNING.members.items()}
    nested = set()
    for event in plan(seed, 180, BEGINNING):
        match event.deed:
            case Hire(person, _, _, group):
                assert person not in known
                known.add(person)
                if group is not None:
                    members[group].add(person)
            case Join(person, group):
                assert person in known - deleted
                assert person not in members[group]
                members[group].add(person)
            case Leave(person, group):
                assert person in known - deleted
                members[group].remove(person)
            case Delete(person):
                assert person in known - deleted
                deleted.add(person)
            case Restore(person):
                deleted.remove(person)
            case Nest(group):
                assert group not in nested
                nested.add(group)
            case Unnest(group):
                nested.remove(group)


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_is_invited_by_hand_joins_soon(seed):
    """Else there would be nobody to adopt."""
    events = plan(seed, 180, BEGINNING)
    for event in events:
        if isinstance(event.deed, Invite):
            joins = [
                later.at
                for later in events
                if isinstance(later.deed, Join) and later.deed.person == event.deed.person and later.at >= event.at
            ]
            assert joins
            assert min(joins) - event.at <= LATEST_JOIN or min(joins) == 180


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_is_one_that_can_be_scripted(seed):
    """And ends by itself, after a few requests."""
    for event in plan(seed, 180, BEGINNING):
        match event.deed:
            case StrikeGraph(fault):
                _, _, count = graph_faults.read(dict(fault))
                assert count is not None
            case StrikeLogs(fault):
                assert log_faults.read(fault).count <= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_outages_come_one_after_the_other(seed):
    """A host that was killed is back before the next outage; a consent is withdrawn once, in the first half."""
    events = plan(seed, 180, BEGINNING)
    outages = [event for event in events if isinstance(event.deed, KillHost | CutBus | WithdrawConsent)]
    assert outages
    assert all(later.at - earlier.at >= 14 for earlier, later in pairwise(outages))
    withdrawn = [event.at for event in outages if isinstance(event.deed, WithdrawConsent)]
    assert len(withdrawn) <= 1
    assert all(at < 90 for at in withdrawn)
    assert sum(isinstance(event.deed, Poison) for event in events) <= 2


def test_every_kind_of_deed_comes_in_some_minutes():
    """A kind that never comes would be one that nobody tries."""
    kinds = {type(event.deed).__name__ for seed in SEEDS for event in plan(seed, 180, BEGINNING)}
    assert kinds == {
        "Hire", "Join", "Leave", "Change", "Report", "Delete", "Restore", "Nest", "Unnest",
        "Invite", "EditInTarget", "DeleteInTarget", "RunTimer", "ReleaseHolds",
        "StrikeGraph", "StrikeLogs", "Manners", "Forge", "Poison", "KillHost", "CutBus", "WithdrawConsent",
    }  # fmt: skip
