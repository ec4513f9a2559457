"""One pass over users of one target, on the sandbox's Graph: what is written, what is not, and what is remembered."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import timedelta

import pytest
from running_app import GROUP, MARKER, SOURCE_TENANT

from shared.app.provision import provision
from shared.app.serve import serve
from shared.core.messages import Kind, Reason, UserChange
from shared.core.model import Claim, Link, LinkState
from shared.core.provisioning_event import Identity, ProvisioningEvent, Status
from shared.telemetry.json_lines import JsonLines

pytestmark = pytest.mark.asyncio(loop_scope="module")


def listen(app):
    """The provisioning log from now on: a function that gives decision, reason and status of each event."""
    log = io.StringIO()
    app.parts = dataclasses.replace(app.parts, log=JsonLines(log))

    def told():
        rows = [json.loads(line[line.index("{") :]) for line in log.getvalue().splitlines() if "{" in line]
        return [(row["Decision"], row["ReasonCode"], row["Status"]) for row in rows]

    return told


async def test_a_person_who_joins_is_invited_shaped_and_marked(app):
    """Two writes for somebody without a manager: the invitation, and one patch with all attributes and the marker."""
    [patti] = await app.join("PattiF")
    assert await app.serve(patti) == []
    user = await app.in_target(patti)
    assert user["displayName"] == "Patti Fernandez"
    assert user["userType"] == "Member"
    assert user["companyName"] == "Contoso US"
    assert user[MARKER] == f"{SOURCE_TENANT}/{patti}"
    assert await app.writes() == 2
    link = await app.link(patti)
    assert (link.state, link.target_id, link.claim, link.unlogged) == (LinkState.ACTIVE, user["id"], None, ())


async def test_a_hint_about_somebody_who_is_right_costs_nothing_in_the_target(app):
    """No write and no read of the target; one more look later, since a notification said that something changed."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.cloud.control("POST", "counters/reset")
    follow_ups = await app.serve(patti)
    assert (await app.writes(), await app.reads()) == (0, 0)
    assert [(f.change.reason, f.change.kind) for f in follow_ups] == [(Reason.SECOND_LOOK, Kind.HINT)]
    assert await app.serve(patti, reason=Reason.SECOND_LOOK) == []


async def test_a_retry_that_finds_nothing_to_do_has_its_second_look_too(app):
    """It stands for the notification that it follows on, and may have been too early as well."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.fault(tenant="source", operation="GET /users/{id}", status=503, count=1)
    [follow_up] = await app.serve(patti)
    assert (follow_up.change.reason, follow_up.change.kind) == (Reason.TRANSIENT, Kind.RETRY)
    [follow_up] = await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    assert (follow_up.change.reason, follow_up.change.kind) == (Reason.SECOND_LOOK, Kind.HINT)
    assert (await app.link(patti)).attempt == 0
    assert await app.serve(patti, reason=Reason.SECOND_LOOK) == []


async def test_nobody_leaves_the_scope_on_one_reading(app):
    """A replica may know of the leaving and not of the joining before it: both are read again, a minute on."""
    patti, isaiah = await app.join("PattiF", "IsaiahL")
    await app.serve(patti, isaiah)
    app.clock.advance(hours=1)
    for person in (patti, isaiah):
        await app.leave(person)
    app.settle_for(seconds=60)
    heard = app.clock.now() - timedelta(seconds=20)
    changes = [UserChange(person, Reason.NOTIFICATION, seen_at=heard) for person in (patti, isaiah)]
    follow_ups = await serve(app.parts, app.parts.targets["emea"], changes)
    assert await app.in_target(isaiah) is not None
    retries = [each for each in follow_ups if each.change.kind is Kind.RETRY]
    assert {each.change.user_id for each in retries} == {patti, isaiah}
    assert {each.not_before for each in retries} == {heard + timedelta(seconds=60)}
    assert (await app.link(patti)).reason == "notSettled"
    await app.put_in(GROUP, patti)
    app.clock.advance(seconds=40)
    await serve(app.parts, app.parts.targets["emea"], [each.change for each in retries])
    assert await app.in_target(patti) is not None
    assert await app.in_target(isaiah) is None
    assert ((await app.link(patti)).state, (await app.link(patti)).attempt) == (LinkState.ACTIVE, 0)


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_whom_an_administrator_asks_for_or_the_source_deleted_goes_at_once(app, is_deleted):
    """The one was shown the plan, and the other is proven by the deleted item."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    app.clock.advance(hours=1)
    app.settle_for(seconds=60)
    if is_deleted:
        await app.cloud.graph("source", "DELETE", f"/users/{patti}")
        await app.serve(patti)
    else:
        await app.leave(patti)
        await app.serve(patti, kind=Kind.CHECK, reason=Reason.ON_DEMAND)
    assert await app.in_target(patti) is None


async def test_a_check_that_comes_to_nothing_is_a_check_when_it_is_tried_again(app):
    """A full cycle found drift, and the target could not be read: nobody else would look there before the next one."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    app.clock.advance(hours=1)
    await app.change((await app.in_target(patti))["id"], tenant="emea", city="Elsewhere")
    await app.fault(tenant="emea", operation="GET /users/{id}", status=503, count=1)
    [follow_up] = await app.serve(patti, kind=Kind.CHECK, reason=Reason.FULL_CYCLE)
    assert (follow_up.change.kind, follow_up.change.reason) == (Kind.RECHECK, Reason.TRANSIENT)
    assert await serve(app.parts, app.parts.targets["emea"], [follow_up.change]) == []
    assert (await app.in_target(patti))["city"] != "Elsewhere"


async def test_one_changed_attribute_is_one_write(app):
    """Whether or not the last write is recent."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    for hours, department in ((0, "Research"), (1, "Legal")):
        app.clock.advance(hours=hours)
        await app.change(patti, department=department)
        await app.cloud.control("POST", "counters/reset")
        await app.serve(patti)
        assert await app.writes() == 1
        assert (await app.in_target(patti))["department"] == department


async def test_a_cleared_value_is_cleared(app):
    """Null flows: what is gone at the source goes in the target."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.change(patti, jobTitle=None)
    await app.serve(patti)
    assert (await app.in_target(patti)).get("jobTitle") is None


async def test_blocking_sign_in_at_the_source_blocks_it_in_the_target_and_back(app):
    """The user stays; only sign-in is blocked."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    for enabled, state in ((False, LinkState.DISABLED), (True, LinkState.ACTIVE)):
        await app.change(patti, accountEnabled=enabled)
        await app.serve(patti)
        assert (await app.in_target(patti))["accountEnabled"] is enabled
        assert (await app.link(patti)).state is state


async def test_somebody_blocked_before_they_had_a_user_gets_none(app):
    """As in Entra."""
    [patti] = await app.join("PattiF")
    await app.change(patti, accountEnabled=False)
    await app.serve(patti)
    assert await app.in_target(patti) is None


async def test_leaving_the_group_soft_deletes_and_coming_back_restores_the_same_object(app):
    """One write to leave; the object id stays."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    before = await app.in_target(patti)
    await app.leave(patti)
    await app.cloud.control("POST", "counters/reset")
    await app.serve(patti)
    assert await app.writes() == 1
    assert await app.in_target(patti) is None
    assert (await app.link(patti)).state is LinkState.SOFT_DELETED
    await app.join("PattiF")
    await app.serve(patti)
    assert (await app.in_target(patti))["id"] == before["id"]
    assert (await app.link(patti)).state is LinkState.ACTIVE


async def test_a_user_deleted_at_the_source_is_soft_deleted(app):
    """Their deleted item is the proof."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.cloud.graph("source", "DELETE", f"/users/{patti}")
    await app.serve(patti)
    assert await app.in_target(patti) is None


async def test_a_user_who_cannot_be_found_at_all_leaves_only_after_minutes(app):
    """Purged from the bin too: one read proves nothing, two reads some minutes apart do."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.cloud.graph("source", "DELETE", f"/users/{patti}")
    await app.cloud.graph("source", "DELETE", f"/directory/deletedItems/{patti}")
    [follow_up] = await app.serve(patti)
    assert await app.in_target(patti) is not None
    app.clock.advance(minutes=2)
    await app.serve(patti)
    assert await app.in_target(patti) is not None
    app.clock.advance(minutes=4)
    assert follow_up.not_before <= app.clock.now()
    await app.serve(patti)
    assert await app.in_target(patti) is None


async def test_nobody_leaves_while_the_scoping_group_is_not_known_to_exist(app):
    """A group that was deleted empties itself; that is no reason to remove its members' users."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.cloud.graph("source", "DELETE", f"/groups/{GROUP}")
    [follow_up] = await app.serve(patti)
    assert follow_up.change.reason is Reason.ESCROW
    assert await app.in_target(patti) is not None
    assert (await app.link(patti)).reason == "scopingGroupUnknown"


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("operation", ["GET /users/{id}", "POST /users/{id}/checkMemberGroups"])
async def test_a_source_that_cannot_be_read_removes_nobody(app, operation, status):
    """Unknown never deletes."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.leave(patti)
    await app.fault(tenant="source", operation=operation, status=status, count=1)
    [follow_up] = await app.serve(patti)
    assert follow_up.change.kind is Kind.RETRY
    assert await app.in_target(patti) is not None
    await app.serve(patti)
    assert await app.in_target(patti) is None


async def test_a_guest_invited_by_hand_is_adopted_and_stays_a_guest(app):
    """The same object gets our marker and the mapped attributes; nobody is invited twice."""
    [guest] = [user["id"] for user in await app.cloud.users("emea") if user["displayName"] == "Adele V. (guest)"]
    [adele] = await app.join("AdeleV")
    await app.serve(adele)
    user = await app.in_target(adele)
    assert (user["id"], user["userType"], user["displayName"]) == (guest, "Guest", "Adele Vance")


async def test_an_employee_of_the_target_is_never_taken_over(app):
    """A mail address in common holds the user, and says which object is in the way."""
    [enrico] = [user["id"] for user in await app.cloud.users("emea") if user["displayName"] == "Enrico Cattaneo"]
    [patti] = await app.join("PattiF")
    await app.change(enrico, tenant="emea", otherMails=["PattiF@contoso.com"])
    before = [user for user in await app.cloud.users("emea") if user["id"] == enrico]
    await app.serve(patti)
    assert [user for user in await app.cloud.users("emea") if user["id"] == enrico] == before
    link = await app.link(patti)
    assert (link.state, link.reason) == (LinkState.HELD, "internalUser")


async def test_another_installations_user_is_never_touched(app):
    """Its marker names another source; ours is not written over it."""
    [guest] = [user["id"] for user in await app.cloud.users("emea") if user["displayName"] == "Adele V. (guest)"]
    await app.change(guest, tenant="emea", **{MARKER: "99999999-0000-4000-8000-000000000001/somebody"})
    [adele] = await app.join("AdeleV")
    await app.serve(adele)
    [user] = [user for user in await app.cloud.users("emea") if user["id"] == guest]
    assert user["displayName"] == "Adele V. (guest)"
    assert (await app.link(adele)).reason == "anotherInstallation"


async def test_an_external_user_of_the_source_is_not_synchronized_on(app):
    """So two installations that synchronize both ways cannot echo."""
    body = {
        "invitedUserEmailAddress": "someone@fabrikam.com",
        "inviteRedirectUrl": "https://myapps.microsoft.com",
        "invitedUserDisplayName": "Someone",
    }
    guest = (await app.cloud.graph("source", "POST", "/invitations", body))["invitedUser"]["id"]
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{guest}"}
    await app.cloud.graph("source", "POST", f"/groups/{GROUP}/members/$ref", reference)
    await app.serve(guest)
    assert await app.in_target(guest) is None


async def test_members_of_a_nested_group_are_in_scope(app):
    """Engineering joins the scoping group as a whole."""
    johanna = await app.id_of("JohannaL")
    reference = {"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/60000000-0000-4000-8000-000000000002"}
    await app.cloud.graph("source", "POST", f"/groups/{GROUP}/members/$ref", reference)
    await app.serve(johanna)
    assert await app.in_target(johanna) is not None


async def test_a_manager_is_set_once_both_are_there_whichever_came_first(app):
    """The report waits for the manager; when the manager arrives, the report is looked at again."""
    nestor, manager = await app.with_manager("NestorW")
    await app.serve(nestor)
    assert (await app.in_target(nestor)).get("manager") is None
    assert (await app.link(nestor)).manager_source_id == manager
    follow_ups = await app.serve(manager)
    assert [(f.change.user_id, f.change.reason) for f in follow_ups] == [(nestor, Reason.REFERENCE)]
    await app.cloud.control("POST", "counters/reset")
    await app.serve(nestor, reason=Reason.REFERENCE)
    assert await app.writes() == 1
    held = (await app.in_target(nestor))["manager"]
    assert (held["id"] if isinstance(held, dict) else held) == (await app.in_target(manager))["id"]


async def test_whoever_fails_is_not_sent_on_by_those_who_wait_with_them(app):
    """The two wait for one another: while Graph is down each is tried again after a pause, and not at once."""
    nestor, manager = await app.with_manager("NestorW")
    await app.serve(nestor)
    await app.serve(manager)
    assert (await app.link(nestor)).manager_source_id == manager
    await app.fault(tenant="emea", operation="PATCH /users/{id}", status=500)
    await app.fault(tenant="emea", operation="PUT /users/{id}/manager/$ref", status=500)
    for _ in range(2):
        follow_ups = await app.serve(nestor, manager, reason=Reason.REFERENCE)
        assert [f.change.reason for f in follow_ups if f.change.user_id == nestor] == [Reason.TRANSIENT]


async def test_managers_in_a_circle_do_no_harm(app):
    """Two people who manage each other end with each other as manager."""
    patti, isaiah = await app.join("PattiF", "IsaiahL")
    for one, other in ((patti, isaiah), (isaiah, patti)):
        reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{other}"}
        await app.cloud.graph("source", "PUT", f"/users/{one}/manager/$ref", reference)
    follow_ups = await app.serve(patti, isaiah)
    await app.serve(*[follow_up.change.user_id for follow_up in follow_ups], reason=Reason.REFERENCE)
    for one, other in ((patti, isaiah), (isaiah, patti)):
        held = (await app.in_target(one))["manager"]
        assert (held["id"] if isinstance(held, dict) else held) == (await app.in_target(other))["id"]


async def test_a_fresh_claim_of_another_worker_is_respected(app):
    """The user is looked at a little later; nothing is read or written in the target."""
    [patti] = await app.join("PattiF")
    await app.parts.store.write_links([Link("emea", patti, claim=Claim("another", app.clock.now()))])
    [follow_up] = await app.serve(patti)
    assert follow_up.change.reason is Reason.CONTENTION
    assert (await app.writes(), await app.reads()) == (0, 0)


async def test_a_stale_claim_is_taken_over(app):
    """Whoever made it is no more; the target is looked at again."""
    [patti] = await app.join("PattiF")
    await app.parts.store.write_links([Link("emea", patti, claim=Claim("another", app.clock.now()))])
    app.clock.advance(minutes=6)
    await app.serve(patti)
    assert await app.in_target(patti) is not None


async def test_an_invitation_whose_answer_was_lost_makes_no_second_user(app):
    """The write happened; the next attempt finds the user and goes on from there."""
    [patti] = await app.join("PattiF")
    await app.fault(tenant="emea", operation="POST /invitations", status=504, apply=True, count=1)
    [follow_up] = await app.serve(patti)
    assert follow_up.change.kind is Kind.RETRY
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    assert await app.in_target(patti) is not None
    twins = [user for user in await app.cloud.users("emea") if user.get("mail") == "PattiF@contoso.com"]
    assert len(twins) == 1


async def test_an_invitation_whose_answer_was_lost_is_finished_where_nobody_may_be_adopted(app):
    """A user who came to be while our invitation was on its way is no stranger."""
    [patti] = await app.join("PattiF")
    app.allow(adopt=False)
    await app.fault(tenant="emea", operation="POST /invitations", status=504, apply=True, count=1)
    await app.serve(patti)
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    assert (await app.link(patti)).state is LinkState.ACTIVE
    assert await app.in_target(patti) is not None


@pytest.mark.parametrize("operation", ["POST /invitations", "PATCH /users/{id}"])
async def test_an_unfinished_invitation_of_somebody_who_left_is_shown_to_a_person(app, operation):
    """Without our marker nobody is removed. The hold names the user, and ends once somebody has deleted them."""
    [patti] = await app.join("PattiF")
    before = {user["id"] for user in await app.cloud.users("emea")}
    await app.fault(tenant="emea", operation=operation, status=504, apply="invitations" in operation)
    await app.serve(patti)
    await app.cloud.control("DELETE", "faults")
    [invited] = {user["id"] for user in await app.cloud.users("emea")} - before
    await app.leave(patti)
    app.clock.advance(minutes=2)
    [follow_up] = await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    assert follow_up.change.kind is Kind.RETRY, "a replica may not have heard of our marker yet"
    app.clock.advance(minutes=15)
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    link = await app.link(patti)
    assert (link.state, link.reason) == (LinkState.HELD, "invitationUnfinished")
    assert invited in {user["id"] for user in await app.cloud.users("emea")}
    await app.cloud.graph("emea", "DELETE", f"/users/{invited}")
    await app.serve(patti, kind=Kind.CHECK, reason=Reason.RELEASED)
    assert (await app.link(patti)).state is LinkState.SOFT_DELETED


async def test_a_crash_between_invitation_and_patch_is_resumed(app):
    """The invited id was remembered before anything else was written, so no adoption rule is needed."""
    [patti] = await app.join("PattiF")
    await app.fault(tenant="emea", operation="PATCH /users/{id}", status=500)
    await app.serve(patti)
    link = await app.link(patti)
    assert (link.state, link.claim) == (LinkState.NEW, None)
    assert link.target_id is not None
    await app.cloud.control("DELETE", "faults")
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    assert (await app.in_target(patti))["id"] == link.target_id


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("POST /directory/deletedItems/{id}/restore", {"status": 504, "apply": True}),
        ("PATCH /users/{id}", {"status": 429, "headers": {"Retry-After": "1"}}),
    ],
)
async def test_a_restore_that_was_not_finished_leaves_nobody_behind_who_left_again(app, operation, answer):
    """The link cannot say that the user is in the bin, so whoever hears that they left looks at the target."""
    patti, colleague = await app.join("PattiF", "IsaiahL")
    await app.serve(patti, colleague)
    await app.leave(patti)
    app.clock.advance(hours=1)
    await app.serve(patti)
    app.clock.advance(days=2)  # the deletion budget has room again
    await app.join("PattiF")
    await app.fault(tenant="emea", operation=operation, count=1, **answer)
    [follow_up] = await app.serve(patti)
    assert follow_up.change.kind is Kind.RETRY
    assert await app.in_target(patti) is not None
    await app.leave(patti)
    app.clock.advance(minutes=2)
    await app.serve(patti, kind=Kind.RETRY, reason=follow_up.change.reason)
    assert await app.in_target(patti) is None
    assert (await app.link(patti)).state is LinkState.SOFT_DELETED


async def test_throttling_waits_as_long_as_graph_says_and_spends_no_attempt(app):
    """Retry-After becomes the time of the next message."""
    [patti] = await app.join("PattiF")
    await app.fault(tenant="emea", operation="POST /invitations", status=429, headers={"Retry-After": "37"}, count=1)
    before = app.clock.now()
    [follow_up] = await app.serve(patti)
    assert follow_up.change.reason is Reason.THROTTLED
    assert 36 <= (follow_up.not_before - before).total_seconds() <= 45
    assert (await app.link(patti)).attempt == 0


async def test_one_refused_user_leaves_the_others_of_the_batch_alone(app):
    """Two are created; the third is in escrow with a reason, and is tried again in a minute."""
    ids = await app.join("PattiF", "IsaiahL", "MiriamG")
    await app.fault(
        tenant="emea", operation="POST /invitations", status=400, code="BadRequest",
        message="Group email address is not supported.", count=1,
    )  # fmt: skip
    follow_ups = await app.serve(*ids)
    escrowed = [f for f in follow_ups if f.change.reason is Reason.ESCROW]
    assert len(escrowed) == 1
    link = await app.link(escrowed[0].change.user_id)
    assert (link.reason, link.attempt) == ("InvitationCreationFailureInvalidPropertyValue", 1)
    assert link.retry_at is not None
    assert sum([await app.in_target(user_id) is not None for user_id in ids]) == 2


async def test_a_hold_is_told_once(app):
    """Every further look at the same trouble adds no row to the provisioning log."""
    [guest] = [user["id"] for user in await app.cloud.users("emea") if user["displayName"] == "Adele V. (guest)"]
    await app.change(guest, tenant="emea", **{MARKER: "another/somebody"})
    [adele] = await app.join("AdeleV")
    told = io.StringIO()
    app.parts = dataclasses.replace(app.parts, log=JsonLines(told))
    for _ in range(3):
        await app.serve(adele)
    assert (await app.link(adele)).reason == "anotherInstallation"
    assert told.getvalue().count("anotherInstallation") == 1


async def test_a_report_is_told_even_if_the_pass_that_brought_the_manager_crashed(app):
    """After its commit and before its hints were sent: the manager's message comes again and tells."""
    nestor, manager = await app.with_manager("NestorW")
    await app.serve(nestor)
    lost = await app.serve(manager)
    assert lost
    again = await app.serve(manager, reason=Reason.SECOND_LOOK)
    assert [(f.change.user_id, f.change.reason) for f in again] == [(nestor, Reason.REFERENCE)]


async def test_events_that_were_not_acknowledged_stay_with_their_link_and_are_sent_next_time(app):
    """A crash after the commit loses no event."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    link = await app.link(patti)
    event = ProvisioningEvent(app.clock.now(), "emea", Identity(patti), "update", Status.SUCCESS, "changed")
    await app.parts.store.write_links([dataclasses.replace(link, unlogged=(event.to_json(),))])
    taken = io.StringIO()
    await provision(dataclasses.replace(app.parts, log=JsonLines(taken)), "emea", [])
    assert event.event_id in taken.getvalue()
    assert (await app.link(patti)).unlogged == ()


async def test_a_user_purged_from_the_target_is_made_anew(app):
    """The link is a cache: what it says is gone when the target says so."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    old = (await app.in_target(patti))["id"]
    await app.cloud.graph("emea", "DELETE", f"/users/{old}")
    await app.cloud.graph("emea", "DELETE", f"/directory/deletedItems/{old}")
    app.clock.advance(hours=1)
    await app.serve(patti, kind=Kind.CHECK)
    new = await app.in_target(patti)
    assert new is not None
    assert new["id"] != old
    assert (await app.link(patti)).target_id == new["id"]


async def test_whoever_is_made_anew_and_not_finished_is_no_stranger(app):
    """The link says new as soon as they are invited, whatever it said of the one before them."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    old = (await app.in_target(patti))["id"]
    await app.cloud.graph("emea", "DELETE", f"/users/{old}")
    await app.cloud.graph("emea", "DELETE", f"/directory/deletedItems/{old}")
    app.clock.advance(hours=1)
    await app.fault(tenant="emea", operation="PATCH /users/{id}", status=500)
    await app.serve(patti, kind=Kind.CHECK)
    await app.cloud.control("DELETE", "faults")
    link = await app.link(patti)
    assert (link.state, link.target_id == old) == (LinkState.NEW, False)
    app.clock.advance(hours=1)
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    assert (await app.in_target(patti))["id"] == link.target_id
    assert (await app.link(patti)).state is LinkState.ACTIVE


async def invited_by_hand_while_away(app):
    """Patti was ours, left, and was then invited by hand: her id, our user in the bin, and the guest."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    old = (await app.in_target(patti))["id"]
    await app.leave(patti)
    await app.serve(patti)
    body = {
        "invitedUserEmailAddress": "PattiF@contoso.com",
        "inviteRedirectUrl": "https://myapplications.microsoft.com",
    }
    guest = (await app.cloud.graph("emea", "POST", "/invitations", body))["invitedUser"]["id"]
    return patti, old, guest


async def test_somebody_who_was_invited_by_hand_while_away_is_adopted_and_not_collided_with(app):
    """Our own user lies in the bin, and Graph restores nobody beside a user of the same name."""
    patti, old, guest = await invited_by_hand_while_away(app)
    app.clock.advance(hours=1)
    await app.join("PattiF")
    await app.serve(patti)
    assert guest != old
    assert (await app.in_target(patti))["id"] == guest
    link = await app.link(patti)
    assert (link.state, link.target_id) == (LinkState.ACTIVE, guest)


async def test_whose_old_name_was_taken_while_away_is_invited_anew(app):
    """Renamed while away, and invited by hand before: no address of today leads to the guest who stands in the way."""
    patti, old, guest = await invited_by_hand_while_away(app)
    await app.change(patti, userPrincipalName="PattiN@contoso.com", mail="PattiN@contoso.com")
    app.clock.advance(hours=1)
    await app.join("PattiN")
    [again] = await app.serve(patti)
    assert ((await app.link(patti)).reason, again.change.reason) == ("RestoreConflict", Reason.TRANSIENT)
    app.clock.advance(hours=1)
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    there = await app.in_target(patti)
    assert (there["id"] == guest, there["id"] == old) == (True, False)
    link = await app.link(patti)
    assert (link.state, link.target_id) == (LinkState.ACTIVE, guest)


async def test_what_an_attempt_without_an_answer_wrote_is_told_by_the_next(app):
    """It finds nothing left to do; the administrator finds in the log that something was written."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.change(patti, department="Legal")
    await app.fault(tenant="emea", operation="PATCH /users/{id}", status=504, apply=True)
    await app.serve(patti)
    await app.cloud.control("DELETE", "faults")
    app.clock.advance(hours=1)
    told = listen(app)
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    assert told() == [("nothing", "resumed", "success")]
    await app.serve(patti, kind=Kind.CHECK)
    assert len(told()) == 1


async def test_whom_an_attempt_invited_is_remembered_before_the_next_one_writes(app):
    """Or a second death would leave nobody who knows when they were invited."""
    [patti] = await app.join("PattiF")
    await app.fault(tenant="emea", operation="POST /invitations", status=504, apply=True, count=1)
    await app.serve(patti)
    await app.fault(tenant="emea", operation="PATCH /users/{id}", status=504, apply=True)
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    await app.cloud.control("DELETE", "faults")
    link = await app.link(patti)
    assert (link.state, link.target_id) == (LinkState.NEW, (await app.in_target(patti))["id"])
    told = listen(app)
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.TRANSIENT)
    assert told() == [("create", "resumed", "success")]
