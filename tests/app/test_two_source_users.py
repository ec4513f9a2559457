"""Two source users who would share one target user: both held and named, in one pass and across passes."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest
from running_app import MARKER, SOURCE_TENANT

from sandbox.tenants.directory.model import Kind as ObjectKind
from shared.core.messages import Kind
from shared.core.model import Claim, Link, LinkState
from shared.telemetry.json_lines import JsonLines

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADELE = "Adele V. (guest)"


def match_by(app, *precedence):
    """Configure the matching of EMEA."""
    hands = app.parts.targets["emea"]
    target = dataclasses.replace(
        hands.target, matching=precedence, policy=dataclasses.replace(hands.target.policy, adopt=bool(precedence))
    )
    app.parts = dataclasses.replace(
        app.parts, targets={**app.parts.targets, "emea": dataclasses.replace(hands, target=target)}
    )


def listen(app):
    """The provisioning log of what follows."""
    told = io.StringIO()
    app.parts = dataclasses.replace(app.parts, log=JsonLines(told))
    return lambda: [json.loads(line[line.index("{") :]) for line in told.getvalue().splitlines() if "{" in line]


def set_in_directory(app, tenant, user_id, **properties):
    """Change what Graph would not let anybody write."""
    directory = app.tenants.cloud.world.tenants[tenant].directory
    directory.update(directory.live(user_id, ObjectKind.USER), properties, "test")


async def named(app, name, tenant="emea"):
    [user] = [user for user in await app.cloud.users(tenant) if user["displayName"] == name]
    return user


def share_address(app, *ids):
    for user_id in ids:
        set_in_directory(app, "source", user_id, mail="shared@contoso.com")


async def test_two_users_of_one_pass_with_one_address_are_both_held_and_named(app):
    """Nobody is invited; each one's event names both."""
    events = listen(app)
    patti, miriam = await app.join("PattiF", "MiriamG")
    share_address(app, patti, miriam)
    await app.serve(patti, miriam)
    assert await app.writes() == 0
    for user_id in (patti, miriam):
        link = await app.link(user_id)
        assert (link.state, link.reason, link.target_id) == (LinkState.HELD, "twoSourceUsers", None)
    assert [(event["ReasonCode"], set(json.loads(event["Objects"]))) for event in events()] == [
        ("twoSourceUsers", {patti, miriam})
    ] * 2


async def test_of_two_who_were_held_together_none_wins_by_coming_alone(app):
    """The one takes the other along, and the trouble is told once."""
    events = listen(app)
    patti, miriam = await app.join("PattiF", "MiriamG")
    share_address(app, patti, miriam)
    await app.serve(patti, miriam)
    await app.serve(patti)
    await app.serve(miriam, kind=Kind.CHECK)
    assert await app.writes() == 0
    assert len(events()) == 2


async def test_a_held_user_whose_other_is_another_workers_waits(app):
    """What the other wants is not known, so nothing is done; a message comes again."""
    patti, miriam = await app.join("PattiF", "MiriamG")
    share_address(app, patti, miriam)
    await app.serve(patti, miriam)
    link = await app.link(miriam)
    await app.parts.store.write_links([dataclasses.replace(link, claim=Claim("another", app.clock.now()))])
    follow_ups = await app.serve(patti)
    assert patti in {follow_up.change.user_id for follow_up in follow_ups}
    assert await app.writes() == 0


async def test_both_are_created_once_one_of_them_has_an_address_of_their_own(app):
    """A look at either of them is enough."""
    patti, miriam = await app.join("PattiF", "MiriamG")
    share_address(app, patti, miriam)
    await app.serve(patti, miriam)
    await app.change(miriam, mail="miriam.g@contoso.com")
    await app.serve(miriam)
    assert (await app.in_target(patti))["mail"] == "shared@contoso.com"
    assert (await app.in_target(miriam))["mail"] == "miriam.g@contoso.com"


async def test_who_comes_later_is_held_and_the_linked_one_stays(app):
    """Across passes: the target user is somebody else's already, and both are named."""
    events = listen(app)
    patti, miriam = await app.join("PattiF", "MiriamG")
    share_address(app, patti, miriam)
    await app.serve(patti)
    before = await app.in_target(patti)
    await app.serve(miriam)
    assert await app.in_target(patti) == before
    assert (await app.link(miriam)).reason == "twoSourceUsers"
    assert (await app.link(patti)).state is LinkState.ACTIVE
    assert set(json.loads(events()[-1]["Objects"])) == {before["id"], patti, miriam}


async def test_two_who_match_one_guest_are_both_held(app):
    """By different attributes: the guest is neither's until somebody says whose."""
    match_by(app, "mail", "employeeId")
    guest = await named(app, ADELE)
    await app.change(guest["id"], tenant="emea", employeeId="P-9")
    adele, patti = await app.join("AdeleV", "PattiF")
    await app.change(patti, employeeId="P-9")
    await app.serve(adele, patti)
    assert {(await app.link(user_id)).reason for user_id in (adele, patti)} == {"twoSourceUsers"}
    assert (await named(app, ADELE))["id"] == guest["id"]


async def test_an_invitation_that_leads_to_anothers_user_is_not_followed(app):
    """No look showed anybody, and Graph answers with a user who is linked to somebody else: nothing more is written."""
    patti, miriam = await app.join("PattiF", "MiriamG")
    await app.serve(patti)
    before = await app.in_target(patti)
    share_address(app, miriam)
    # Entra knows the account behind an address even where no attribute of the target user shows it.
    app.tenants.cloud.world.tenants["emea"].directory.homes[SOURCE_TENANT, miriam] = before["id"]
    [follow_up] = await app.serve(miriam)
    assert follow_up.change.kind is Kind.RETRY
    assert (await app.link(miriam)).target_id is None
    after = await app.in_target(patti)
    assert (after["id"], after["displayName"], after[MARKER]) == (before["id"], before["displayName"], before[MARKER])
    await app.serve(miriam)
    assert (await app.link(miriam)).reason == "twoSourceUsers"


async def test_a_link_that_a_crash_left_at_anothers_user_is_held(app):
    """Two links to one target user: the one whose marker it bears goes on, the other waits for a person."""
    patti, miriam = await app.join("PattiF", "MiriamG")
    await app.serve(patti)
    target_id = (await app.in_target(patti))["id"]
    await app.parts.store.write_links([Link("emea", miriam, target_id=target_id)])
    await app.serve(miriam)
    assert (await app.link(miriam)).reason == "twoSourceUsers"
    await app.change(patti, department="Research")
    await app.serve(patti)
    assert (await app.in_target(patti))["department"] == "Research"
