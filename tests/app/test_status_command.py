"""`status`: how the app stands, in words and as JSON, the very report that the health function gives."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest

from shared.app.catch_up import catch_up
from shared.app.configuration import notice_configuration
from shared.app.cursors import load_cycle, save_cycle
from shared.app.full_cycle import full_cycle
from shared.app.guard_rows import change_health
from shared.app.health import health
from shared.core.model import LinkState, SubscriptionRecord
from shared.core.quarantine import ActionKind, Quarantine, TargetHealth

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def subscribed(app, **lives):
    """Subscriptions that live on for so long; a day unless told."""
    ends = app.clock.now() + timedelta(**(lives or {"days": 1}))
    for record in await app.parts.store.get_subscriptions():
        await app.parts.store.put_subscription(dataclasses.replace(record, expires_at=ends))
    if not await app.parts.store.get_subscriptions():
        for resource in ("/users", "/groups"):
            await app.parts.store.put_subscription(SubscriptionRecord(resource, "state", "https://here", "id", ends))


async def told(terminal, code):
    """The report, which ends with this exit code."""
    found, out, err = await terminal("status", "--json")
    assert (found, err) == (code, "")
    return json.loads(out)


async def test_a_new_installation_is_not_healthy_and_says_why(terminal):
    """Nobody would be told of changes."""
    code, out, err = await terminal("status")
    assert (code, err) == (1, "")
    assert out.startswith("NOT HEALTHY\n  ! There is no subscription to /users that lives")
    assert "  - No full cycle of emea has ended yet." in out
    assert "  last full cycle: none" in out


async def test_all_is_well(app, terminal):
    """Links by state, the cursors, and what the last cycle came to, in each target."""
    [patti] = await app.join("PattiF")
    await subscribed(app)
    await catch_up(app.parts)
    await full_cycle(app.parts)
    await app.serve(patti)
    report = await told(terminal, 0)
    assert (report["healthy"], report["faults"], report["notes"]) == (True, [], [])
    assert report["cursors"]["cursor:users"]["ageSeconds"] < 60
    emea = report["targets"]["emea"]
    assert (emea["active"], emea["held"], emea["escrow"], emea["pausedUntil"]) == (1, 0, 0, None)
    assert emea["lastCycle"]["counts"]["inScope"] == 1
    code, out, _ = await terminal("status")
    assert (code, out.splitlines()[0]) == (0, "healthy")
    assert "  links: 1 active" in out
    assert "1 inScope" in out


async def test_health_says_the_same(app, terminal):
    """The function and the terminal have one report."""

    async def build():
        return app.parts

    [patti] = await app.join("PattiF")
    await app.fault(tenant="emea", operation="POST /invitations", status=400, code="BadRequest", message="No.")
    await app.serve(patti)
    reply = await health(build)
    assert reply.status == 503
    assert json.loads(reply.body) == await told(terminal, 1)


async def test_whoever_fails_or_is_held_is_counted_and_makes_nothing_unhealthy(app, terminal):
    """With the command that shows them; who is held is not in escrow."""
    patti, isaiah = await app.join("PattiF", "IsaiahL")
    await subscribed(app)
    await app.fault(tenant="emea", operation="POST /invitations", status=400, code="BadRequest", message="No.")
    await app.serve(patti)
    await app.serve(isaiah, target="apac")
    link = await app.link(isaiah, "apac")
    retry_at = app.clock.now() + timedelta(hours=1)
    await app.parts.store.write_links([dataclasses.replace(link, state=LinkState.HELD, retry_at=retry_at)])
    report = await told(terminal, 0)
    assert [report["targets"][name]["escrow"] for name in ("emea", "apac")] == [1, 0]
    assert "1 users of emea fail: python -m admin escrow list" in report["notes"]
    assert "1 users of apac wait for a person: python -m admin holds list" in report["notes"]


async def test_a_quarantine_is_a_fault_and_a_pause_is_not(app, terminal):
    """The one asks for a person, the other for patience."""
    now = app.clock.now()
    await subscribed(app)
    sick = TargetHealth(
        now + timedelta(minutes=5),
        {ActionKind.CREATE: Quarantine("InvitationsBlocked", now, now + timedelta(hours=1))},
    )
    await change_health(app.parts, "emea", lambda _: (sick, None))
    report = await told(terminal, 1)
    [fault] = report["faults"]
    assert fault.startswith("emea refuses to create users since")
    assert "InvitationsBlocked" in fault
    assert report["targets"]["emea"]["quarantines"]["create"]["code"] == "InvitationsBlocked"
    assert report["targets"]["emea"]["pausedUntil"] is not None
    assert any(note.startswith("emea asked us to pause until") for note in report["notes"])
    _, out, _ = await terminal("status")
    assert "  quarantine: create, InvitationsBlocked since" in out
    assert "  paused until" in out


async def test_catch_up_that_stands_still_and_a_cycle_long_ago_are_faults(app, terminal):
    """Each with how long."""
    app.clock.advance(days=-4)
    await catch_up(app.parts)
    await full_cycle(app.parts)
    app.clock.advance(days=4)
    await subscribed(app)
    standing, *cycles = (await told(terminal, 1))["faults"]
    assert standing.startswith("Catch-up has not moved for 57")
    assert [fault[:34] for fault in cycles] == [
        "No full cycle of emea was whole si",
        "No full cycle of apac was whole si",
    ]


async def test_a_subscription_that_lapsed_is_a_fault(app, terminal):
    """Each resource for itself."""
    await subscribed(app, minutes=-1)
    faults = (await told(terminal, 1))["faults"]
    assert [fault.split(" that lives")[0] for fault in faults] == [
        "There is no subscription to /users",
        "There is no subscription to /groups",
    ]


async def test_rules_that_changed_and_a_scoping_group_that_vanished_are_noted(app, terminal):
    """Neither is wrong; both are worth knowing."""
    lost = "60000000-0000-4000-8000-00000000dead"
    emea = app.parts.sync.targets[0]
    before = dataclasses.replace(
        emea, scope=dataclasses.replace(emea.scope, groups=(*emea.scope.groups, lost)), rules="other rules"
    )
    sync = dataclasses.replace(app.parts.sync, targets=(before, *app.parts.sync.targets[1:]))
    await notice_configuration(dataclasses.replace(app.parts, sync=sync))
    await subscribed(app)
    await full_cycle(app.parts)
    record = await load_cycle(app.parts.store, "emea")
    await save_cycle(app.parts.store, dataclasses.replace(record, rules="other rules"))
    report = await told(terminal, 0)
    assert report["targets"]["emea"]["rulesChanged"] is True
    assert report["targets"]["apac"]["rulesChanged"] is False
    assert report["targets"]["emea"]["lostGroups"] == [lost]
    assert any("configuration accept --target emea" in note for note in report["notes"])
    _, out, _ = await terminal("status")
    assert f"  scoping group no longer in sync.yaml: {lost}" in out


async def test_a_store_that_cannot_be_reached_is_said_in_words(terminal, settings_of, tmp_path):
    """With 1, since it is not possible now."""
    settings_of(STORE_URL=f"sqlite:///{tmp_path}/local.settings.json/links.sqlite3")  # a file is no folder
    code, out, err = await terminal("status")
    assert (code, out) == (1, "")
    assert err
    assert "Traceback" not in err


async def test_a_setting_that_is_missing_is_said_in_words(terminal, settings_of):
    """With 2."""
    settings_of(STORE_URL=None)
    code, _, err = await terminal("status", "--json")
    assert (code, "STORE_URL" in err) == (2, True)
