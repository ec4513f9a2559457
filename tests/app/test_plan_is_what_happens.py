"""What a plan says is what happens: a plan of everything, then the cycle itself, compared to the letter."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from running_app import GROUP, MARKER

from shared.app.full_cycle import full_cycle
from shared.app.plan_cycle import CyclePlan
from shared.app.planned import Heading
from shared.core.decide import Action
from shared.core.messages import Kind
from shared.core.model import LinkState
from shared.telemetry.log_sink import LogTable

pytestmark = pytest.mark.asyncio(loop_scope="module")

TARGETS = ("emea", "apac")
# fmt: off
RESIDENTS = (
    "PattiF", "BrianJ", "IsaiahL", "PradeepG", "JoniS", "HenriettaM", "DiegoS", "GradyA", "DebraB", "ChristieC",
    "AllanD", "BiancaP", "DeliaD", "RaulR",
)
# fmt: on
LEAVERS = ("JoniS", "HenriettaM", "DiegoS", "GradyA")


class Rows:
    """A sink that keeps the provisioning log."""

    def __init__(self):
        self.rows = []

    async def write(self, table, rows):
        self.rows += [row for row in rows if table is LogTable.PROVISIONING]
        return frozenset(range(len(rows)))

    async def close(self):
        """Nothing is open."""


async def everything_stored(app):
    """Every link and every state row, with their etags."""
    links = []
    for target in TARGETS:
        links += [link async for page in app.parts.store.list_links(target) for link in page]
    names = [f"{kind}:{target}" for kind in ("deletions", "health", "cycle") for target in TARGETS]
    names += [f"holds:{target}:{digit}" for target in TARGETS for digit in "0123456789abcdef"]
    names += ["cycle:attempt", "lease:fullCycle", "configuration:targets"]
    states = [await app.parts.store.get_state(name) for name in names]
    return [(link, link.etag) for link in links], [(row, row.etag) for row in states if row is not None]


async def journal(app):
    return (await app.cloud.control("GET", "journal"))["value"]


async def population(app):
    """A company that has lived for a while, and on a morning on which everything happens at once."""
    ids = dict(zip(RESIDENTS, await app.join(*RESIDENTS), strict=True))
    await full_cycle(app.parts)
    await app.work_on()
    app.clock.advance(minutes=30)
    # Somebody left some time ago, and somebody is held for a reason of their own.
    await app.leave(ids["RaulR"])
    for target in TARGETS:
        await app.serve(ids["RaulR"], target=target, kind=Kind.CHECK)
        delia = await app.in_target(ids["DeliaD"], target)
        await app.change(delia["id"], tenant=target, **{MARKER: None})
        await app.serve(ids["DeliaD"], target=target, kind=Kind.CHECK)
        assert (await app.link(ids["DeliaD"], target)).state is LinkState.HELD
    app.clock.advance(days=2)  # the removal of the one who left is no charge any more
    await app.cloud.graph("source", "DELETE", f"/users/{ids['ChristieC']}")  # deleted: a leaver as well
    for alias in LEAVERS:
        await app.leave(ids[alias])
    await app.join("RaulR")  # back within thirty days
    await app.change(ids["PradeepG"], department="Treasury", mobilePhone=None)
    await app.change(ids["AllanD"], accountEnabled=False)
    await app.cloud.graph("source", "DELETE", f"/users/{ids['BiancaP']}/manager/$ref")
    for target in TARGETS:
        isaiah = await app.in_target(ids["IsaiahL"], target)
        await app.change(isaiah["id"], tenant=target, jobTitle="Local hero")
        debra = await app.in_target(ids["DebraB"], target)
        await app.cloud.graph(target, "DELETE", f"/users/{debra['id']}")
    new = dict(zip(("NestorW", "JohannaL", "MeganB"), await app.join("NestorW", "JohannaL", "MeganB"), strict=True))
    guests = dict(zip(("AdeleV", "LeeG"), await app.join("AdeleV", "LeeG"), strict=True))
    [cameron] = await app.join("CameronW")
    await app.change(cameron, accountEnabled=False)  # blocked before the first sight: not invited
    return ids | new | guests | {"CameronW": cameron}


async def planned(app):
    """The plan of both targets."""
    plan = CyclePlan(app.parts, TARGETS, lambda *_, **__: None)
    users = [user async for user in plan.run()]
    assert all(one.is_whole for one in plan.targets.values())
    return users, plan.targets


async def test_what_a_plan_says_is_what_happens(app):
    """Action for action, attribute for attribute, in both targets; and the plan itself wrote nothing."""
    ids = await population(app)
    before = (await everything_stored(app), await journal(app))
    users, tallies = await planned(app)
    assert (await everything_stored(app), await journal(app)) == before
    assert await app.messages("emea") == await app.messages("apac") == []

    sink = Rows()
    app.parts = replace(app.parts, log=sink)
    await full_cycle(app.parts)
    await app.work_on()

    said = Counter(
        (
            user.target,
            user.source_id,
            user.action.value,
            user.reason,
            tuple(sorted([change.name for change in user.attributes] + ["manager"] * (user.manager is not None))),
        )
        for user in users
        if user.action is not Action.NOTHING
    )
    happened = Counter(
        (
            row["Target"],
            json.loads(row["SourceIdentity"])["Id"],
            row["Decision"],
            row["ReasonCode"],
            tuple(json.loads(row["ChangedAttributes"])),
        )
        for row in sink.rows
    )
    assert said == happened

    changes = [change for change in (await journal(app))[len(before[1]) :] if change["tenant"] in TARGETS]
    people = {target: await people_of(app, target) for target in TARGETS}
    assert values_said(users, people) == values_written(changes)
    for user in users:
        if user.action in {Action.CREATE, Action.RESTORE}:
            holds = people[user.target][user.source_id]
            assert {change.name: holds.get(change.name) for change in user.attributes} == {
                change.name: change.after for change in user.attributes
            }
    managers = {(user.target, user.source_id): user.manager for user in users if user.manager is not None}
    for (target, source_id), manager in managers.items():
        there = people[target][manager.source_id]["id"] if manager.source_id is not None else None
        assert people[target][source_id]["manager"] == there
        assert manager.after in {there, None}

    for target in TARGETS:
        headings = tallies[target].tally.by_heading
        assert headings[Heading.CREATE] >= 3
        assert (headings[Heading.ADOPT], headings[Heading.RESTORE]) == (1, 2), "a guest; Raul and Debra"
        assert (headings[Heading.REMOVE], headings[Heading.HOLD]) == (2, 3), "of twelve, two may be removed"
        assert headings[Heading.UPDATE] >= 4
    assert ids["CameronW"] not in {user.source_id for user in users}


async def people_of(app, target):
    """Target users by the source user whose marker they carry."""
    users = (await app.cloud.control("GET", f"tenants/{target}/users"))["value"]
    return {user[MARKER].partition("/")[2]: user for user in users if user.get(MARKER)}


def values_said(users, people):
    """What the plan says that attributes of present users would be other than before."""
    return {
        (user.target, people[user.target][user.source_id]["id"], change.name): (change.before or None, change.after)
        for user in users
        for change in user.attributes
        if change.differs and user.action not in {Action.CREATE, Action.RESTORE}
    }


def values_written(changes):
    """The same from the tenants' journal."""
    made = {change["objectId"] for change in changes if change["kind"] in {"create", "restore"}}
    return {
        (change["tenant"], change["objectId"], name): (value["before"] or None, value["after"])
        for change in changes
        if change["objectId"] not in made and change["kind"] == "update"
        for name, value in change["changed"].items()
        if name != MARKER
    }


async def test_a_second_plan_after_the_cycle_has_nothing_to_say(app):
    """But for what waits for a person."""
    await app.join(*RESIDENTS)
    users, _ = await planned(app)
    assert {user.heading for user in users} == {Heading.CREATE, Heading.UPDATE}
    await full_cycle(app.parts)
    await app.work_on()
    app.clock.advance(minutes=30)
    users, tallies = await planned(app)
    assert users == []
    assert [one.tally.changes for one in tallies.values()] == [0, 0]


async def test_a_manager_who_comes_with_the_plan_is_told_of_as_what_follows(app):
    """Nestor and his reports join together: each is created, and gets him by a second write."""
    nestor, johanna = await app.join("NestorW", "JohannaL")
    users, _ = await planned(app)
    follows = [user for user in users if user.follows and user.source_id == johanna]
    assert [(user.action, user.manager.source_id, user.manager.after) for user in follows] == [
        (Action.UPDATE, nestor, None)
    ] * 2


async def test_a_list_that_is_not_whole_makes_the_plan_of_that_target_not_whole(app):
    """The page is named, and nobody is told to leave because of it."""
    ids = await app.join(*RESIDENTS[:4])
    await full_cycle(app.parts)
    await app.work_on()
    await app.leave(ids[0])
    app.clock.advance(minutes=30)
    await app.fault(tenant="emea", operation="GET /users", status=503)
    plan = CyclePlan(app.parts, TARGETS, lambda *_, **__: None)
    users = [user async for user in plan.run()]
    assert "page 1" in plan.targets["emea"].failure
    assert not plan.targets["emea"].is_whole
    assert [(user.target, user.heading) for user in users] == [("apac", Heading.REMOVE)]


async def test_progress_is_told_as_it_is_made(app):
    """Pages read, users found, users planned."""
    await app.join("PattiF", "IsaiahL")
    told = []
    plan = CyclePlan(app.parts, ["emea"], lambda target, **counts: told.append((target, counts)))
    assert len([user async for user in plan.run()]) >= 2
    assert told[-1] == ("emea", {"read": told[-1][1]["read"], "found": 2, "planned": 2})
    assert GROUP in app.parts.targets["emea"].target.scope.groups
