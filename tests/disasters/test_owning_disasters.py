"""Disasters of owning: users of the target who are not ours, or not ours alone, or no longer known to be ours."""

from __future__ import annotations

import dataclasses

import pytest
from running_app import GROUP, MARKER, SOURCE_TENANT
from stage import FEW, TARGETS, TEN

from shared.core.messages import Kind
from shared.core.model import Link, LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGERS_MARKER = "99999999-0000-4000-8000-000000000001/somebody"


async def guest(stage, address, target="emea", **properties):
    """A guest invited by hand; their id."""
    body = {"invitedUserEmailAddress": address, "inviteRedirectUrl": "https://myapps.microsoft.com"}
    made = await stage.cloud.graph(target, "POST", "/invitations", body)
    if properties:
        await stage.change(made["invitedUser"]["id"], tenant=target, **properties)
    return made["invitedUser"]["id"]


async def user(stage, user_id, target="emea"):
    """A user of a target as they are now."""
    [found] = [found for found in await stage.cloud.users(target) if found["id"] == user_id]
    return found


async def test_objects_it_does_not_own_are_deleted(stage):
    """Objects it does not own are deleted: employees, guests of others, and one that a wrong import points to."""
    for target in TARGETS:
        await guest(stage, "partner@fabrikam.com", target)
        await guest(stage, "agent@fabrikam.com", target, **{MARKER: STRANGERS_MARKER})
    await stage.begin()
    people = await stage.company(*TEN)
    leaver, mistaken = people[0], await stage.id_of("JohannaL")
    enrico = "e1000000-0000-4000-8000-000000000001"
    await stage.parts.store.write_links([Link("emea", mistaken, LinkState.ACTIVE, enrico)])
    before = await user(stage, enrico)
    await stage.leaves(leaver)
    await stage.deletes(mistaken)
    await stage.check(leaver, mistaken)
    await stage.work(hours=30)
    assert await user(stage, enrico) == before
    assert (await stage.link(mistaken)).reason == "markerMissing"
    assert await stage.present(people) == people[1:]
    await stage.right(but=[mistaken])


async def test_protected_users_of_the_target_are_taken_over(stage):
    """Protected users of the target are taken over: an employee with the same address, another installation's guest."""
    people = [await stage.id_of(alias) for alias in FEW]
    enrico = "e1000000-0000-4000-8000-000000000001"
    await stage.change(enrico, tenant="emea", otherMails=["PattiF@contoso.com"])
    other = await guest(stage, "IsaiahL@contoso.com", **{MARKER: STRANGERS_MARKER})
    await stage.begin()
    await stage.joins(*people)
    await stage.work(hours=13)
    reasons = [(await stage.link(user_id)).reason for user_id in people[:2]]
    assert reasons == ["internalUser", "anotherInstallation"]
    await stage.unharmed()
    await stage.change(enrico, tenant="emea", otherMails=[])
    await stage.cloud.graph("emea", "DELETE", f"/users/{other}")
    await stage.begin()
    await stage.check(*people)
    await stage.work(minutes=5)
    await stage.right()


@pytest.mark.parametrize(
    "empty", [{"answer": {"value": []}}, {"answer": {}}, {"body": "empty", "status": 200}],
    ids=["empty-page", "no-list", "nothing"],
)  # fmt: skip
async def test_a_search_answers_with_an_empty_page(stage, empty):
    """A search of the target answers with an empty page, and those who are there already are invited and taken."""
    people = [await stage.id_of(alias) for alias in FEW]
    enrico = "e1000000-0000-4000-8000-000000000001"
    await stage.change(enrico, tenant="emea", otherMails=["PattiF@contoso.com"])
    other = await guest(stage, "IsaiahL@contoso.com", **{MARKER: STRANGERS_MARKER})
    await stage.begin()
    before = [await user(stage, enrico), await user(stage, other)]
    await stage.fault(tenant="emea", operation="GET /users", **empty)
    await stage.joins(*people)
    await stage.work(hours=2)
    await stage.unharmed()
    assert [await user(stage, enrico), await user(stage, other)] == before
    await stage.over()
    await stage.work(hours=8)
    assert (await stage.link(people[1])).reason == "anotherInstallation"
    await stage.change(enrico, tenant="emea", otherMails=[])
    await stage.cloud.graph("emea", "DELETE", f"/users/{other}")
    await stage.begin()
    await stage.check(*people)
    await stage.work(hours=8)
    await stage.right()


async def test_the_first_page_of_a_search_is_empty_and_has_a_next_one(stage):
    """The first page of a search is empty and has a next one, and the guest who stands there is doubled."""
    known = await guest(stage, "PattiF@contoso.com")
    await stage.begin()
    patti = await stage.id_of("PattiF")
    link = f"{stage.parts.source._client.root}/users?$filter=mail eq 'PattiF@contoso.com'"
    link += f"&$select=id,userType,creationType,createdDateTime,userPrincipalName,mail,{MARKER}"
    page = {"value": [], "@odata.nextLink": link.replace(" ", "%20")}
    await stage.fault(tenant="emea", operation="GET /users", count=1, answer=page)
    await stage.joins(patti)
    await stage.work(minutes=5)
    assert (await stage.in_target(patti))["id"] == known
    await stage.right()


async def test_users_who_are_there_already_answer_with_a_conflict(stage):
    """Users who are there already answer with 409 for ever, or are doubled."""
    people = [await stage.id_of(alias) for alias in FEW]
    known = [await guest(stage, f"{alias}@contoso.com", target) for alias in FEW for target in TARGETS]
    await stage.begin()
    await stage.fault(tenant="emea", operation="PATCH /users/{id}", status=409, code="Conflict", count=3)
    await stage.joins(*people)
    await stage.work(hours=1)
    found = {user_id for target in TARGETS for user_id in (await stage.target_users(people, target)).values()}
    assert found == set(known)
    await stage.right()


async def test_two_people_have_one_mail_address(stage):
    """Two people have one mail address, and one of them gets the other's user."""
    people = await stage.company()
    patti, twin = people[0], await stage.id_of("JoniS")
    address = (await user(stage, twin, "source"))["mail"]
    before = await stage.target_users(people)
    stage.set_in_directory(twin, mail="PattiF@contoso.com")
    await stage.joins(twin)
    await stage.work(hours=1)
    held = await stage.link(twin)
    assert (held.state, held.reason) == (LinkState.HELD, "twoSourceUsers")
    assert await stage.in_target(twin) is None
    stage.set_in_directory(twin, mail=address)
    await stage.tell(twin, patti)
    await stage.work(minutes=10)
    assert await stage.target_users(people) == before
    await stage.right()


@pytest.mark.parametrize("event", ["changes", "leaves"])
async def test_the_targets_administrator_took_our_marker_away(stage, event):
    """The target's administrator took our marker away, and the user is changed, or deleted, all the same."""
    people = await stage.company()
    patti = people[0]
    target_user = (await stage.in_target(patti))["id"]
    marker = (await user(stage, target_user))[MARKER]
    await stage.change(target_user, tenant="emea", **{MARKER: None})
    stage.advance(hours=1)
    before = await user(stage, target_user)
    if event == "leaves":
        await stage.leaves(patti)
    else:
        await stage.change(patti, department="Research")
        await stage.tell(patti)
    await stage.work(hours=8)
    assert await user(stage, target_user) == before
    assert (await stage.link(patti)).reason == "markerMissing"
    await stage.change(target_user, tenant="emea", **{MARKER: marker})
    await stage.check(patti)
    await stage.work(minutes=10)
    await stage.right()


async def test_a_person_gets_a_new_name_and_address(stage):
    """A person gets a new name, address and user name, and becomes somebody else in the target."""
    people = await stage.company()
    before = {target: await stage.target_users(people, target) for target in TARGETS}
    names = {"surname": "Nilsson", "displayName": "Patti Nilsson", "mail": "PattiN@contoso.com"}
    await stage.change(people[0], **names, userPrincipalName="PattiN@contoso.com")
    await stage.tell(people[0])
    await stage.work(minutes=5)
    assert {target: await stage.target_users(people, target) for target in TARGETS} == before
    await stage.right()


async def test_the_link_table_and_the_target_disagree(stage):
    """The link table and the target disagree, and every later run ends with 404."""
    people = await stage.company()
    purged, binned = people[0], people[1]
    users = await stage.target_users(people)
    for person in (purged, binned):
        await stage.cloud.graph("emea", "DELETE", f"/users/{users[person]}")
    await stage.cloud.graph("emea", "DELETE", f"/directory/deletedItems/{users[purged]}")
    stage.advance(hours=1)
    for person in people:
        await stage.change(person, department="Research")
    await stage.tell(*people)
    await stage.work(hours=1)
    after = await stage.target_users(people)
    assert after[purged] not in {None, users[purged]}
    assert {person: after[person] for person in people[1:]} == {person: users[person] for person in people[1:]}
    await stage.right()


async def test_all_links_are_lost(stage):
    """The link table is lost as a whole, and everybody is invited again or nobody is known any more."""
    people = await stage.company()
    before = {target: await stage.target_users(people, target) for target in TARGETS}
    stage.settings = dataclasses.replace(
        stage.settings, store_url=stage.settings.store_url.replace("links", "new-links")
    )
    await stage.restart()
    await stage.check(*people, kind=Kind.HINT)
    await stage.work(hours=1)
    assert {target: await stage.target_users(people, target) for target in TARGETS} == before
    await stage.leaves(people[0])
    await stage.work(minutes=5)
    await stage.right()


async def test_a_search_misses_somebody_who_may_not_be_adopted(stage):
    """A search misses a guest of long standing, whom the rules forbid to adopt, and the invitation takes them over."""
    sync = {
        "source": {"tenantId": SOURCE_TENANT},
        "targets": [
            {"name": name, "tenantId": stage.tenants.describe()["tenants"][name]["id"], "scope": {"groups": [GROUP]},
             "matching": [], "mappings": {"companyName": '"Contoso US"'}}
            for name in TARGETS
        ],
    }  # fmt: skip
    known = await guest(stage, "PattiF@contoso.com")
    stage.advance(hours=1)
    await stage.restart(sync)
    await stage.begin()
    before = await user(stage, known)
    patti, isaiah = await stage.id_of("PattiF"), await stage.id_of("IsaiahL")
    await stage.fault(tenant="emea", operation="GET /users", answer={"value": []})
    await stage.joins(patti, isaiah)
    await stage.work(minutes=30)
    assert await user(stage, known) == before
    await stage.over()
    await stage.work(hours=2)
    assert (await stage.link(patti)).reason == "adoptionNotAllowed"
    await stage.cloud.graph("emea", "DELETE", f"/users/{known}")
    await stage.cloud.graph("emea", "DELETE", f"/directory/deletedItems/{known}")
    await stage.begin()
    await stage.check(patti, isaiah)
    await stage.work(minutes=10)
    await stage.right()
