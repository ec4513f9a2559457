"""The full cycle: it finds whatever differs, asks for looks and writes nothing, and removes nobody by a list."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

import pytest
from running_app import MARKER, SOURCE_TENANT

from shared.app.catch_up import catch_up
from shared.app.cursors import load_cycle
from shared.app.full_cycle import full_cycle
from shared.app.leases import LeaseLostError, take
from shared.core.commands import Command
from shared.core.messages import Kind, Reason
from shared.core.model import LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = ("PattiF", "IsaiahL", "MiriamG", "PradeepG")


async def settled(app, *aliases):
    """These people present in both targets, long enough ago that lists of them are trusted; returns their ids."""
    ids = await app.join(*(aliases or PEOPLE))
    await catch_up(app.parts)
    await full_cycle(app.parts)
    await app.work_on()
    await app.messages("control")
    app.clock.advance(minutes=20)
    await full_cycle(app.parts)
    assert await asked(app) == {}
    await app.cloud.control("POST", "counters/reset")
    return ids


async def asked(app, target="emea"):
    """Whom a target is asked to look at, and how."""
    return {change.user_id: change.kind for change in await app.messages(target)}


async def test_the_first_cycle_brings_everybody_and_the_second_nobody(app):
    """Managers included: what was applied compares as equal, in the source and in the target."""
    ids = await settled(app, *PEOPLE, "DiegoS", "NestorW", "AlexW")
    for user_id in ids:
        assert await app.in_target(user_id) is not None
    record = await load_cycle(app.parts.store, "emea")
    assert (record.in_scope, record.present) == (7, 7)
    assert record.counts["sent"] == 0


async def test_nothing_to_do_costs_two_lists_and_no_write(app):
    """One page of members, one of users of ours for each target; the manager is vouched for by delta."""
    await settled(app)
    cycle = await full_cycle(app.parts)
    assert {name: one.counts()["requests"] for name, one in cycle.targets.items()} == {"emea": 2, "apac": 2}
    counters = (await app.cloud.control("GET", "counters"))["requests"]
    assert sum(counters["source"].values()) == 1, "both targets have the same group: it is read once"
    assert await app.writes() == 0


async def test_everything_that_differs_is_found(app):
    """New, changed, drifted, gone from the target, and gone from the scope; each with the look it needs."""
    patti, isaiah, miriam, pradeep = await settled(app)
    [diego] = await app.join("DiegoS")
    await app.change(patti, department="Research")
    await app.change((await app.in_target(isaiah))["id"], tenant="emea", department="Somewhere else")
    await app.cloud.graph("emea", "DELETE", f"/users/{(await app.in_target(miriam))['id']}")
    await app.leave(pradeep)
    cycle = await full_cycle(app.parts)
    assert await asked(app) == {
        diego: Kind.HINT,
        patti: Kind.HINT,
        isaiah: Kind.CHECK,
        miriam: Kind.CHECK,
        pradeep: Kind.HINT,
    }
    counts = cycle.targets["emea"].counts()
    assert {name: counts[name] for name in ("new", "changed", "drifted", "leavers", "sent")} == {
        "new": 1,
        "changed": 1,
        "drifted": 2,
        "leavers": 1,
        "sent": 5,
    }
    assert await asked(app, "apac") == {diego: Kind.HINT, patti: Kind.HINT, pradeep: Kind.HINT}
    assert await app.writes() == 2, "those that the test made itself"


async def test_what_it_finds_is_mended_within_one_cycle(app):
    """And the cycle after it finds nothing."""
    patti, isaiah, miriam, pradeep = await settled(app)
    department = (await app.in_target(isaiah))["department"]
    await app.change((await app.in_target(isaiah))["id"], tenant="emea", department="Somewhere else")
    target_id = (await app.in_target(miriam))["id"]
    await app.cloud.graph("emea", "DELETE", f"/users/{target_id}")
    await app.cloud.graph("source", "DELETE", f"/users/{pradeep}")
    await full_cycle(app.parts)
    await app.work_on()
    assert (await app.in_target(isaiah))["department"] == department
    assert (await app.in_target(miriam))["id"] == target_id
    assert await app.in_target(pradeep) is None
    assert await app.in_target(patti) is not None
    app.clock.advance(minutes=20)
    await full_cycle(app.parts)
    assert await asked(app) == {}


async def test_a_manager_who_was_changed_in_the_target_is_drift(app):
    """The target's list shows managers, and the link remembers whom we set."""
    person, manager = await app.with_manager("MiriamG")
    await settled(app, "PattiF") if manager != await app.id_of("PattiF") else await settled(app, "DiegoS")
    target_id = (await app.in_target(person))["id"]
    await app.cloud.graph("emea", "DELETE", f"/users/{target_id}/manager/$ref")
    await full_cycle(app.parts)
    assert await asked(app) == {person: Kind.CHECK}


async def test_a_manager_changed_in_the_source_is_found_where_delta_does_not_vouch(app):
    """Lists of members have no managers; without an unbroken cursor everybody's manager is read."""
    [miriam, diego, *_] = await settled(app, "MiriamG", "DiegoS", "PattiF")
    manager = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{diego}"}
    await app.cloud.graph("source", "PUT", f"/users/{miriam}/manager/$ref", manager)
    await full_cycle(app.parts)
    assert await asked(app) == {}, "delta has it, and hints"
    await app.fault(tenant="source", operation="GET /users/delta", count=1, status=410, code="syncStateNotFound")
    await catch_up(app.parts)
    assert await asked(app) == {}, "its cursor is lost, and the change with it"
    await full_cycle(app.parts)
    assert await asked(app) == {miriam: Kind.HINT}


@pytest.mark.parametrize(
    ("tenant", "operation"),
    [
        ("source", "GET /groups/{id}/transitiveMembers/microsoft.graph.user"),
        ("emea", "GET /users"),
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"status": 502, "body": "html"},
        {"cutBodyAt": 60},
        {"status": 200, "answer": {"value": None}},
        {"status": 200, "answer": {"value": [], "@odata.nextLink": "https://example.net/v1.0/users"}},
        {"status": 200, "answer": {"error": {"code": "x"}}},
    ],
)
async def test_a_list_that_is_not_whole_removes_nobody(app, tenant, operation, answer):
    """The pass fails with the page named, and the next one starts clean."""
    ids = await settled(app)
    await app.leave(ids[3])
    before = await load_cycle(app.parts.store, "emea")
    await app.fault(tenant=tenant, operation=operation, **answer)
    cycle = await full_cycle(app.parts)
    assert ", page " in cycle.targets["emea"].failure
    assert await asked(app) == {}
    assert (await load_cycle(app.parts.store, "emea")).finished_at == before.finished_at
    await app.cloud.control("DELETE", "faults")
    await full_cycle(app.parts)
    assert set(await asked(app)) == {ids[3]}


async def test_one_target_that_cannot_be_read_is_no_other_targets_trouble(app):
    """Nine go on while one fails."""
    ids = await settled(app)
    await app.leave(ids[3])
    await app.fault(tenant="emea", operation="GET /users", status=503)
    cycle = await full_cycle(app.parts)
    assert cycle.targets["emea"].failure is not None
    assert cycle.targets["apac"].failure is None
    assert set(await asked(app, "apac")) == {ids[3]}


async def test_a_source_that_suddenly_looks_empty_makes_nobody_a_leaver(app):
    """An empty page with status 200 is a list with nobody on it: not even looked at, and said."""
    everybody = [
        user["userPrincipalName"].partition("@")[0]
        for user in await app.cloud.users("source")
        if user["userType"] == "Member" and user["accountEnabled"]
    ]
    await settled(app, *everybody)
    await app.fault(
        tenant="source",
        operation="GET /groups/{id}/transitiveMembers/microsoft.graph.user",
        count=1,
        status=200,
        answer={"value": []},
    )
    cycle = await full_cycle(app.parts)
    assert cycle.targets["emea"].outcome.withheld == len(everybody)
    assert await asked(app) == {}


async def test_a_list_with_fewer_people_than_it_said_is_not_whole(app):
    """Graph counts what it lists; an end before that count is no end."""
    await settled(app)
    await app.fault(
        tenant="source",
        operation="GET /groups/{id}/transitiveMembers/microsoft.graph.user",
        count=1,
        status=200,
        answer={"value": [], "@odata.count": 500},
    )
    cycle = await full_cycle(app.parts)
    assert "IncompleteAnswer" in cycle.targets["emea"].failure


async def test_whoever_is_on_no_list_is_proven_before_removal(app):
    """A membership index that lags shows somebody as gone; the direct check says otherwise, and they stay."""
    patti, *_ = await settled(app)
    await app.fault(
        tenant="source",
        operation="GET /groups/{id}/transitiveMembers/microsoft.graph.user",
        count=1,
        status=200,
        answer={"value": []},
    )
    await full_cycle(app.parts)
    assert set(await asked_and_served(app)) >= {patti}
    assert await app.in_target(patti) is not None


async def asked_and_served(app):
    changes = await app.messages("emea")
    await app.serve(*[change.user_id for change in changes], reason=Reason.FULL_CYCLE)
    return [change.user_id for change in changes]


async def test_two_cycles_never_overlap_and_a_killed_one_keeps_nobody_waiting(app):
    """The lease of a worker that died ends by itself."""
    await settled(app)
    lease = await take(app.parts.store, app.parts.clock, "fullCycle", timedelta(minutes=10))
    assert await full_cycle(app.parts) is None
    app.clock.advance(minutes=11)
    assert await full_cycle(app.parts) is not None
    app.clock.advance(minutes=6)
    with pytest.raises(LeaseLostError):
        await lease.extend()


async def test_a_cycle_that_was_killed_starts_again_without_harm(app):
    """Cancelled after its first page: whoever was asked for is asked for again, and nothing else happened."""
    ids = await app.join(*PEOPLE)
    with pytest.raises(asyncio.CancelledError):
        await full_cycle(dataclasses.replace(app.parts, topic=Killing(app.parts.topic)))
    await asked(app)
    app.clock.advance(minutes=11)
    await full_cycle(app.parts)
    await app.work_on("emea")
    for user_id in ids:
        assert await app.in_target(user_id) is not None


class Killing:
    """A topic whose sender is killed right after it sent something."""

    def __init__(self, topic):
        self._topic = topic

    async def send(self, envelopes):
        await self._topic.send(envelopes)
        raise asyncio.CancelledError


async def test_a_directory_that_changes_while_the_cycle_runs_loses_nobody(app):
    """Somebody joins and somebody leaves between the two lists: the next cycle, at the latest, has both right."""
    patti, *_ = await settled(app)

    async def meanwhile():
        await app.join("DiegoS")
        await app.leave(patti)

    await asyncio.gather(full_cycle(app.parts), meanwhile())
    await app.work_on("emea")
    app.clock.advance(minutes=20)
    await full_cycle(app.parts)
    await app.work_on("emea")
    assert await app.in_target(patti) is None
    assert await app.in_target(await app.id_of("DiegoS")) is not None


async def test_changed_rules_look_at_everybody_who_waits_too(app):
    """Another matching rule may end a hold; another policy may end a grace."""
    patti, *_ = await settled(app)
    target_id = (await app.in_target(patti))["id"]
    await app.change(target_id, tenant="emea", **{MARKER: f"{SOURCE_TENANT}/another"})
    await app.serve(patti, kind=Kind.CHECK)
    assert (await app.link(patti)).state is LinkState.HELD
    await full_cycle(app.parts)
    assert patti not in await asked(app), "held: a timer looks at those once a day"
    hands = app.parts.targets["emea"]
    other = dataclasses.replace(hands, target=dataclasses.replace(hands.target, rules="others"))
    app.parts = dataclasses.replace(app.parts, targets=app.parts.targets | {"emea": other})
    await full_cycle(app.parts)
    assert (await asked(app))[patti] is Kind.CHECK


async def test_a_target_that_a_deployment_adds_is_filled(app):
    """Catch-up notices that no cycle has compared it yet, and asks for one; the others are left in peace."""
    both = app.parts
    alone = {"emea": both.targets["emea"]}
    app.parts = dataclasses.replace(
        both, targets=alone, sync=dataclasses.replace(both.sync, targets=both.sync.targets[:1])
    )
    ids = await app.join(*PEOPLE)
    await catch_up(app.parts)
    await full_cycle(app.parts)
    await app.work_on("emea")
    await app.messages("apac")
    await app.messages("control")
    assert await app.in_target(ids[0], "apac") is None
    app.parts = both
    await catch_up(app.parts)
    assert Command.FULL_CYCLE in await app.messages("control")
    await app.cloud.control("POST", "counters/reset")
    await full_cycle(app.parts)
    await app.work_on()
    for user_id in ids:
        assert await app.in_target(user_id, "apac") is not None
    assert await app.writes("emea") == 0


async def test_a_clock_that_jumps_ahead_removes_nobody_and_repairs_nothing_needlessly(app):
    """A month passes for the app alone: everything is overdue, and nothing is wrong."""
    ids = await settled(app)
    app.clock.advance(days=40)
    await full_cycle(app.parts)
    await app.work_on()
    assert await app.writes() == 0
    for user_id in ids:
        assert await app.in_target(user_id) is not None


async def test_a_lost_retry_is_found_by_the_cycle(app):
    """A user in escrow whose message is gone for good is asked for an hour after it was due."""
    patti, *_ = await settled(app)
    [link] = (await app.parts.store.get_links("emea", [patti])).values()
    lost = dataclasses.replace(link, attempt=3, retry_at=app.clock.now() - timedelta(hours=2), fingerprint=None)
    await app.parts.store.write_links([lost])
    await full_cycle(app.parts)
    assert await asked(app) == {patti: Kind.CHECK}
