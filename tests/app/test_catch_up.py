"""Catch-up: whatever notifications missed is found by delta, and nothing is lost or removed on the way."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from running_app import GROUP

from shared.app.catch_up import catch_up
from shared.app.cursors import USERS, load_cursor, load_group_cursors
from shared.app.full_cycle import full_cycle
from shared.app.leases import take
from shared.bus.errors import BusUnavailableError
from shared.core.commands import Command
from shared.core.messages import Reason

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def begun(app):
    """An app that has compared once and follows changes from here on."""
    await catch_up(app.parts)
    await full_cycle(app.parts)
    await app.work_on()
    await app.messages("control")
    await app.cloud.control("POST", "counters/reset")


async def hinted(app, target="emea"):
    return {change.user_id for change in await app.messages(target)}


async def new_group(app, *members, name="Nested"):
    """A group of the source, with members; returns its id."""
    body = {"displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True}
    group = await app.cloud.graph("source", "POST", "/groups", body)
    for member in members:
        await app.put_in(group["id"], member)
    return group["id"]


async def test_the_first_catch_up_begins_now_and_asks_for_a_full_cycle(app):
    """What was before is the full cycle's; nobody is hinted at."""
    done = await catch_up(app.parts)
    assert (done.users, done.sent) == (0, 0)
    assert "noCursor" in done.full_cycle
    assert await app.messages("control") == [Command.FULL_CYCLE]
    assert GROUP in {group for cursor in await load_group_cursors(app.parts.store) for group in cursor.ids}


async def test_a_change_that_no_notification_told_of_is_found(app):
    """Attributes, managers, deletions: whoever changed is hinted at, in every target."""
    patti, isaiah, miriam = await app.join("PattiF", "IsaiahL", "MiriamG")
    await begun(app)
    await app.change(patti, department="Research")
    await app.cloud.graph("source", "DELETE", f"/users/{isaiah}")
    manager = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{await app.id_of('DiegoS')}"}
    await app.cloud.graph("source", "PUT", f"/users/{miriam}/manager/$ref", manager)
    done = await catch_up(app.parts)
    assert done.full_cycle == []
    for target in ("emea", "apac"):
        found = await app.messages(target)
        assert {change.user_id for change in found} >= {patti, isaiah, miriam}
        assert {change.reason for change in found} == {Reason.CATCH_UP}
        assert len({change.cycle_id for change in found}) == 1


async def test_requests_are_proportional_to_the_changes_and_not_to_the_tenant(app):
    """A catch-up that finds nothing asks once for users and once for each fifty groups."""
    await app.join("PattiF")
    await begun(app)
    assert (await catch_up(app.parts)).requests == 2
    assert await hinted(app) == set()


async def test_members_who_come_and_go_are_hinted_at(app):
    """Scope changes arrive as changes of groups, not of users."""
    await app.join("PattiF")
    await begun(app)
    [isaiah] = await app.join("IsaiahL")
    patti = await app.id_of("PattiF")
    await app.leave(patti)
    await catch_up(app.parts)
    assert await hinted(app) == {patti, isaiah}


async def test_a_nested_group_is_followed_from_the_moment_it_comes_in(app):
    """Its members are hinted at, those of groups below it too, and so is whoever joins it later."""
    await begun(app)
    patti, isaiah, miriam = [await app.id_of(alias) for alias in ("PattiF", "IsaiahL", "MiriamG")]
    below = await new_group(app, isaiah, name="Below")
    nested = await new_group(app, patti, below)
    await app.put_in(GROUP, nested)
    await catch_up(app.parts)
    assert await hinted(app) == {patti, isaiah}
    await app.put_in(below, miriam)
    await catch_up(app.parts)
    assert await hinted(app) == {miriam}
    await app.cloud.graph("source", "DELETE", f"/groups/{GROUP}/members/{nested}/$ref")
    await catch_up(app.parts)
    assert await hinted(app) == {patti, isaiah, miriam}


async def test_a_nested_group_that_comes_back_brings_its_members_again(app):
    """It was followed all the time, and nothing in it changed."""
    patti, isaiah = [await app.id_of(alias) for alias in ("PattiF", "IsaiahL")]
    nested = await new_group(app, patti, await new_group(app, isaiah, name="Below"))
    await app.put_in(GROUP, nested)
    await begun(app)
    for _ in range(2):
        await app.cloud.graph("source", "DELETE", f"/groups/{GROUP}/members/{nested}/$ref")
        await catch_up(app.parts)
        assert await hinted(app) == {patti, isaiah}
        await app.put_in(GROUP, nested)
        assert (await catch_up(app.parts)).full_cycle == []
        assert await hinted(app) == {patti, isaiah}


async def test_groups_in_a_circle_are_followed_once(app):
    """A group may hold itself by way of others."""
    await begun(app)
    one = await new_group(app, name="One")
    two = await new_group(app, one, name="Two")
    await app.put_in(one, two)
    await app.put_in(GROUP, one)
    await catch_up(app.parts)
    followed = [group for cursor in await load_group_cursors(app.parts.store) for group in cursor.ids]
    assert sorted(followed) == sorted({GROUP, one, two, *followed})
    assert len(followed) == len(set(followed))


async def test_a_nested_group_that_is_deleted_asks_for_a_full_cycle(app):
    """Who was in it is not to be had any more."""
    patti = await app.id_of("PattiF")
    nested = await new_group(app, patti)
    await app.put_in(GROUP, nested)
    await begun(app)
    await app.cloud.graph("source", "DELETE", f"/groups/{nested}")
    done = await catch_up(app.parts)
    assert "nestedGroupDeleted" in done.full_cycle
    assert await app.messages("control") == [Command.FULL_CYCLE]


async def test_a_scoping_group_that_is_deleted_is_said_and_removes_nobody(app):
    """Its members are looked at by nobody because of it; the operations log tells."""
    [patti] = await app.join("PattiF")
    await begun(app)
    await app.cloud.graph("source", "DELETE", f"/groups/{GROUP}")
    await catch_up(app.parts)
    await full_cycle(app.parts)
    await app.work_on()
    assert await app.in_target(patti) is not None


async def test_the_cursor_moves_only_after_its_hints_were_taken(app):
    """A bus that is down costs a repetition, and nobody."""
    [patti] = await app.join("PattiF")
    await begun(app)
    await app.change(patti, department="Research")
    before = await load_cursor(app.parts.store, USERS)
    down = dataclasses.replace(app.parts, topic=Down())
    with pytest.raises(BusUnavailableError):
        await catch_up(down)
    assert (await load_cursor(app.parts.store, USERS)).link == before.link
    await catch_up(app.parts)
    assert patti in await hinted(app)


class Down:
    """A topic that takes nothing."""

    async def send(self, envelopes):
        if envelopes:
            raise BusUnavailableError


@pytest.mark.parametrize("answer", [{"status": 410, "code": "syncStateNotFound"}, {"status": 400, "code": "x"}])
async def test_an_expired_cursor_begins_anew_and_asks_for_a_full_cycle(app, answer):
    """410, or the 400 that Graph really answers old tokens with."""
    await begun(app)
    await app.fault(tenant="source", operation="GET /users/delta", count=1, **answer)
    done = await catch_up(app.parts)
    assert "cursorExpired" in done.full_cycle
    assert await app.messages("control") == [Command.FULL_CYCLE]
    assert (await catch_up(app.parts)).full_cycle == []


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"status": 502, "body": "html"},
        {"cutBodyAt": 40},
        {"status": 200, "answer": {"value": "?"}},
        {"status": 403, "code": "Authorization_RequestDenied"},  # the consent may come back, and the cursor is good
    ],
)
async def test_a_page_that_cannot_be_read_fails_the_pass_and_the_next_one_goes_on(app, answer):
    """Nothing is removed, the cursor stays, and the page is named."""
    [patti] = await app.join("PattiF")
    await begun(app)
    await app.change(patti, department="Research")
    await app.fault(tenant="source", operation="GET /users/delta", count=1, **answer)
    done = await catch_up(app.parts)
    [failure] = done.failures
    assert failure.startswith("users/delta, page 1: ")
    assert patti not in await hinted(app)
    assert (await catch_up(app.parts)).failures == []
    assert patti in await hinted(app)


async def test_a_link_that_leads_elsewhere_is_not_followed(app):
    """The token of the source goes to the source's Graph alone, in this pass and in the next."""
    await begun(app)
    elsewhere = {"value": [], "@odata.nextLink": "https://example.net/v1.0/users/delta?$skiptoken=x"}
    await app.fault(tenant="source", operation="GET /users/delta", count=1, status=200, answer=elsewhere)
    done = await catch_up(app.parts)
    assert done.failures == ["users/delta, page 1: foreignLink"]
    assert (await catch_up(app.parts)).failures == []


async def test_two_catch_ups_do_not_overlap(app):
    """The second one has nothing to do."""
    await begun(app)
    lease = await take(app.parts.store, app.parts.clock, "catchUp", timedelta(minutes=5))
    assert await catch_up(app.parts) is None
    await lease.give_back()
    assert await catch_up(app.parts) is not None


async def test_a_change_of_the_rules_asks_for_a_full_cycle_once_an_hour_until_it_succeeds(app):
    """Noticed by the rules' digest; a cycle that fails is not begun again at once."""
    await begun(app)
    hands = app.parts.targets["emea"]
    target = dataclasses.replace(hands.target, rules="others")
    app.parts = dataclasses.replace(
        app.parts, targets=app.parts.targets | {"emea": dataclasses.replace(hands, target=target)}
    )
    assert (await catch_up(app.parts)).full_cycle == ["emea: rulesChanged"]
    await app.fault(tenant="source", operation="GET /groups/.*", status=503)
    await full_cycle(app.parts)
    await app.cloud.control("DELETE", "faults")
    assert (await catch_up(app.parts)).full_cycle == []
    app.clock.advance(hours=2)
    assert (await catch_up(app.parts)).full_cycle == ["emea: rulesChanged"]
    await full_cycle(app.parts)
    assert (await catch_up(app.parts)).full_cycle == []
