"""Attributes that a target user does not take: the rest is written, and the refusal is told once."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest
from running_app import MARKER

from sandbox.tenants.directory.directory import Origin
from sandbox.tenants.directory.model import Kind as ObjectKind
from shared.core.decide import Action, Change, Plan
from shared.core.mapping import parse_mappings
from shared.core.messages import Kind, Reason
from shared.core.model import LinkState
from shared.core.refusals import as_written, is_old_news, reason_to_keep
from shared.telemetry.json_lines import JsonLines

pytestmark = pytest.mark.asyncio(loop_scope="module")


def directory(app):
    return app.tenants.cloud.world.tenants["emea"].directory


async def arrived(app, alias, **origin):
    """Somebody who is in EMEA already; then their user there becomes what `origin` says."""
    [user_id] = await app.join(alias)
    await app.serve(user_id)
    target = await app.in_target(user_id)
    directory(app).origins[target["id"]] = Origin(**origin)
    app.clock.advance(hours=1)
    told = io.StringIO()
    app.parts = dataclasses.replace(app.parts, log=JsonLines(told))
    await app.cloud.control("POST", "counters/reset")
    return user_id, lambda: [
        json.loads(line[line.index("{") :]) for line in told.getvalue().splitlines() if "{" in line
    ]


def map_attribute(app, name, expression):
    """Map one more attribute in EMEA."""
    rules, faults = parse_mappings({name: expression})
    assert faults == ()
    hands = app.parts.targets["emea"]
    target = dataclasses.replace(hands.target, mappings=(*hands.target.mappings, *rules))
    hands = dataclasses.replace(hands, target=target)
    app.parts = dataclasses.replace(app.parts, targets={**app.parts.targets, "emea": hands})


async def test_the_rest_of_a_user_whom_exchange_owns_is_written(app):
    """One request is refused, the second goes without the attribute of Exchange; no escrow, and a warning."""
    patti, events = await arrived(app, "PattiF", exchange_mastered=True)
    map_attribute(app, "extensionAttribute1", "[city]")
    await app.change(patti, department="Research")
    assert await app.serve(patti) == []
    user = await app.in_target(patti)
    assert user["department"] == "Research"
    assert await app.writes() == 2
    link = await app.link(patti)
    assert (link.state, link.attempt, link.retry_at) == (LinkState.ACTIVE, 0, None)
    assert link.reason == "attributesRefused:onPremisesExtensionAttributes"
    [event] = events()
    assert (event["Status"], event["ReasonCode"]) == ("success", link.reason.partition(":")[0])
    assert event["ChangedAttributes"] == '["department"]'


async def test_a_refusal_that_is_known_is_told_once(app):
    """A hint costs nothing, a check is refused once more and says nothing; another change is told without a warning."""
    patti, events = await arrived(app, "PattiF", exchange_mastered=True)
    map_attribute(app, "extensionAttribute1", "[city]")
    await app.serve(patti)
    assert len(events()) == 1
    await app.cloud.control("POST", "counters/reset")
    assert await app.serve(patti, reason=Reason.SECOND_LOOK) == []
    assert await app.writes() == 0
    app.clock.advance(hours=1)
    assert await app.serve(patti, kind=Kind.CHECK) == []
    assert await app.writes() == 1
    assert len(events()) == 1
    app.clock.advance(hours=1)
    await app.change(patti, department="Legal")
    await app.serve(patti)
    assert [event["ReasonCode"] for event in events()[1:]] == ["changed"]
    app.clock.advance(hours=1)
    await app.serve(patti, kind=Kind.CHECK)
    assert len(events()) == 2


async def test_sensitive_attributes_of_somebody_with_a_role_are_left_out(app):
    """The department is written, the telephone is not."""
    patti, events = await arrived(app, "PattiF", privileged=True)
    await app.change(patti, department="Research", businessPhones=["+1 555 0100"])
    assert await app.serve(patti) == []
    user = await app.in_target(patti)
    assert user["department"] == "Research"
    assert user["businessPhones"] != ["+1 555 0100"]
    assert [(event["ReasonCode"], event["RefusedAttributes"]) for event in events()] == [
        ("attributesRefused", '["businessPhones"]')
    ]


async def test_two_refusals_of_one_update_take_two_more_requests(app):
    """One is about a role, the next about Exchange; what is left is written by the third."""
    patti, events = await arrived(app, "PattiF", privileged=True, exchange_mastered=True)
    map_attribute(app, "extensionAttribute1", "[city]")
    await app.change(patti, department="Research", businessPhones=["+1 555 0100"])
    assert await app.serve(patti) == []
    assert (await app.in_target(patti))["department"] == "Research"
    assert await app.writes() == 3
    [event] = events()
    assert event["ReasonCode"] == "attributesRefused"
    assert event["RefusedAttributes"] == '["businessPhones","onPremisesExtensionAttributes"]'


async def test_somebody_who_cannot_be_blocked_stays_in_sight(app):
    """A leaver with a role in the target: the rest is written, and the block is tried again, not waved through."""
    patti, events = await arrived(app, "PattiF", privileged=True)
    await app.change(patti, department="Research", accountEnabled=False)
    [follow_up] = await app.serve(patti)
    assert follow_up.change.reason is Reason.ESCROW
    user = await app.in_target(patti)
    assert (user["department"], user["accountEnabled"]) == ("Research", True)
    assert (await app.link(patti)).reason == "InsufficientRights"
    assert [event["Status"] for event in events()] == ["failure"]


async def test_of_a_user_mastered_on_premises_only_what_is_the_clouds_is_written(app):
    """All else is refused, and is no failure."""
    patti, events = await arrived(app, "PattiF")
    target = (await app.in_target(patti))["id"]
    users = directory(app)
    users.update(users.live(target, ObjectKind.USER), {"onPremisesSyncEnabled": True}, "test")
    map_attribute(app, "usageLocation", '"GB"')
    await app.change(patti, department="Research")
    assert await app.serve(patti) == []
    user = await app.in_target(patti)
    assert user["usageLocation"] == "GB"
    assert user["department"] != "Research"
    assert [event["RefusedAttributes"] for event in events()] == ['["department"]']


async def test_an_app_without_rights_fails_as_before(app):
    """Every request is refused, so it is not about single attributes."""
    patti, _ = await arrived(app, "PattiF")
    await app.fault(tenant="emea", operation="PATCH /users/{id}", status=403, code="Authorization_RequestDenied")
    await app.change(patti, department="Research", mobilePhone="+1 555 0100", businessPhones=["+1 555 0101"])
    [follow_up] = await app.serve(patti)
    assert follow_up.change.reason is Reason.ESCROW
    assert (await app.link(patti)).reason == "InsufficientRights"


async def test_the_marker_is_never_left_out(app):
    """Somebody who is adopted without a telephone is adopted; the proof that we own them is written."""
    [guest] = [user["id"] for user in await app.cloud.users("emea") if user["displayName"] == "Adele V. (guest)"]
    directory(app).origins[guest] = dataclasses.replace(directory(app).origins[guest], privileged=True)
    [adele] = await app.join("AdeleV")
    assert await app.serve(adele) == []
    user = await app.in_target(adele)
    assert user[MARKER]
    assert user["displayName"] == "Adele Vance"
    assert (await app.link(adele)).reason.startswith("attributesRefused:accountEnabled")


UPDATE = Plan(Action.UPDATE, "changed", "t", Change({"department": "x", "mail": "y"}))

NEWS = [
    # refused, the reason before, told reason, kept reason, old news
    ((), None, "changed", "changed", False),
    (("mail",), None, "attributesRefused:mail", "attributesRefused:mail", False),
    (("mail",), "attributesRefused:mail", "changed", "attributesRefused:mail", False),
    (("department", "mail"), "attributesRefused:department,mail", "changed", "attributesRefused:department,mail", True),
    (("department", "mail"), "attributesRefused:mail", "attributesRefused:department,mail",
     "attributesRefused:department,mail", False),
    ((), "attributesRefused:mail", "changed", "changed", False),
    ((), "attributesRefused:otherMails", "changed", "attributesRefused:otherMails", False),
    (("mail",), "severalMatches", "attributesRefused:mail", "attributesRefused:mail", False),
]  # fmt: skip


@pytest.mark.parametrize(("refused", "before", "told", "kept", "old"), NEWS)
async def test_what_is_told_and_what_is_kept_of_a_refusal(refused, before, told, kept, old):
    """A warning when a name is new; memory of what an update did not try; silence when nothing else came of it."""
    assert as_written(UPDATE, refused, before).reason == told
    assert reason_to_keep(UPDATE, refused, before) == kept
    assert is_old_news(UPDATE, refused, before) is old
