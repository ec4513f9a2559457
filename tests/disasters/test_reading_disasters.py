"""Disasters of reading: the source is silent, says half, says it late, or says something that is not so."""

from __future__ import annotations

import pytest
from running_app import GROUP
from stage import FEW, TARGETS, TEN

from shared.core.messages import Kind, Reason
from shared.core.model import LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER, CHECK, BIN = "GET /users/{id}", "POST /users/{id}/checkMemberGroups", "GET /directory/deletedItems/{id}"
NOT_FOUND = {"status": 404, "code": "Request_ResourceNotFound", "message": "Resource does not exist."}


@pytest.mark.parametrize(
    "struck",
    [
        {"operation": CHECK, "status": 503, "probability": 0.5},
        {"operation": CHECK, "status": 404, "probability": 0.5},
        {"operation": USER, "status": 500, "probability": 0.5},
        {"operation": "POST /$batch", "status": 504, "body": "html"},
        {"operation": "POST /$batch", "cutBodyAt": 300},
    ],
    ids=["checks-503", "checks-404", "users-500", "gateway-page", "cut-short"],
)
async def test_a_read_that_fails_half_way_leads_to_a_mass_removal(stage, struck):
    """A read that fails half-way leads to a mass removal."""
    people = await stage.company(*TEN)
    await stage.leaves(people[0])
    await stage.tell(*people)
    await stage.fault(tenant="source", **struck)
    await stage.work(minutes=4)
    await stage.unharmed()
    assert await stage.all_present(people[1:])
    await stage.over()
    await stage.work(minutes=30)
    assert await stage.present(people) == people[1:]
    await stage.right()


@pytest.mark.parametrize(
    "answer",
    [
        {"body": "empty", "status": 200},
        {"answer": {}},
        {"answer": {"value": None}},
        {"answer": {"error": {"code": "UnknownError", "message": ""}}},
    ],
    ids=["nothing", "no-list", "null", "an-error-inside"],
)
@pytest.mark.parametrize("operation", [CHECK, USER], ids=["memberships", "users"])
async def test_a_success_that_says_nothing_is_taken_for_empty(stage, operation, answer):
    """A success that says nothing is taken for "in no group", or for "no attributes", and people are removed."""
    people = await stage.company()
    await stage.fault(tenant="source", operation=operation, **answer)
    await stage.tell(*people)
    await stage.work(minutes=10)
    await stage.unharmed()
    assert await stage.all_present(people)
    await stage.over()
    await stage.work(minutes=30)
    await stage.right()


@pytest.mark.parametrize("answer", [{"body": "empty", "status": 200}, {"answer": {}}], ids=["nothing", "no-id"])
async def test_an_empty_answer_about_the_bin_is_taken_for_a_deleted_user(stage, answer):
    """An empty answer about the bin is taken for a deleted user."""
    people = await stage.company()
    await stage.fault(tenant="source", operation=USER, **NOT_FOUND)
    await stage.fault(tenant="source", operation=BIN, **answer)
    await stage.tell(*people)
    await stage.work(minutes=30)
    await stage.unharmed()
    assert await stage.all_present(people)
    await stage.over()
    await stage.work(hours=1)
    await stage.right()


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404, "body": "html"},
        {"status": 404, "body": "empty"},
        {"status": 404, "code": "Directory_ObjectNotFound",
         "message": "Unable to read the company information from the directory."},
    ],
    ids=["a-page", "nothing", "no-directory"],
)  # fmt: skip
async def test_a_gateway_answers_404_for_everybody(stage, answer):
    """A gateway answers 404 for everybody, or a replica has lost its directory, and everybody is taken for purged."""
    people = await stage.company()
    for operation in (USER, BIN):
        await stage.fault(tenant="source", operation=operation, **answer)
    await stage.tell(*people)
    await stage.work(hours=2)
    await stage.unharmed()
    assert await stage.all_present(people)
    await stage.over()
    await stage.work(hours=8)
    await stage.right()


async def test_a_replica_answers_404_for_a_living_user(stage):
    """A replica answers 404 for a living user."""
    people = await stage.company()
    await stage.fault(tenant="source", operation=USER, path=people[0], **NOT_FOUND)
    await stage.tell(*people)
    await stage.work(minutes=4)
    await stage.unharmed()
    assert await stage.all_present(people)
    await stage.over()
    await stage.work(minutes=30)
    await stage.right()


@pytest.mark.parametrize(
    "answer", [{"status": 503}, {"body": "empty", "status": 200}, {"answer": {}}, NOT_FOUND],
    ids=["503", "nothing", "no-id", "404"],
)  # fmt: skip
async def test_a_group_whose_read_failed_is_skipped_and_its_people_pruned(stage, answer):
    """A group whose read failed is skipped, and its people are pruned."""
    people = await stage.company()
    await stage.fault(tenant="source", operation="GET /groups/{id}", **answer)
    await stage.leaves(people[0])
    await stage.work(minutes=10)
    assert await stage.all_present(people), "nothing is proof while the group is not known to exist"
    await stage.over()
    await stage.work(hours=2)
    assert await stage.present(people) == people[1:]
    await stage.right()


async def test_one_user_who_vanished_stops_the_run(stage):
    """One user who vanished stops the run for everybody."""
    people = await stage.company()
    gone, changed = people[0], people[1]
    await stage.cloud.graph("source", "DELETE", f"/users/{gone}")
    await stage.cloud.graph("source", "DELETE", f"/directory/deletedItems/{gone}")
    await stage.change(changed, department="Research")
    await stage.tell(*people)
    await stage.work(seconds=15)
    assert {(await stage.in_target(changed, target))["department"] for target in TARGETS} == {"Research"}
    assert await stage.all_present(people), "one look that finds nobody proves nothing"
    await stage.work(minutes=30)
    assert await stage.present(people) == people[1:]
    await stage.right()


async def test_deletes_are_lost_when_notifications_are_deferred(stage):
    """Deletes are lost when notifications come after the user is out of the bin too, twice, and out of order."""
    people = await stage.company()
    gone = people[0]
    await stage.cloud.graph("source", "DELETE", f"/users/{gone}")
    await stage.cloud.graph("source", "DELETE", f"/directory/deletedItems/{gone}")
    stage.advance(hours=4)
    await stage.tell(gone)
    await stage.tell_members(removed=[gone])
    await stage.tell(gone)
    await stage.tell_members(added=[gone])
    await stage.work(hours=1)
    assert await stage.present(people) == people[1:]
    await stage.right()


async def test_people_who_left_the_scope_are_never_removed(stage):
    """People who left the scope are never removed: only the group tells, a nested group, a blocked user."""
    await stage.add("60000000-0000-4000-8000-000000000002")  # Engineering, as a whole
    nested = await stage.id_of("JohannaL")
    await stage.tell(*[await stage.id_of(alias) for alias in ("JohannaL", "LidiaH", "HenriettaM", "GerhartM")])
    people = await stage.company(*FEW)
    leaver, blocked = people[0], people[1]
    await stage.change(blocked, accountEnabled=False)
    await stage.tell(blocked)
    await stage.work(hours=25)
    await stage.remove(leaver)
    await stage.tell_members(removed=[leaver])
    await stage.work(hours=25)
    await stage.remove(nested, group="60000000-0000-4000-8000-000000000002")
    await stage.tell_members(removed=[nested], group="60000000-0000-4000-8000-000000000002")
    await stage.work(hours=25)
    await stage.remove(blocked)
    await stage.tell_members(removed=[blocked])
    await stage.work(hours=25)
    assert await stage.present([leaver, nested, blocked]) == []
    await stage.right()


@pytest.mark.parametrize("looked", [False, True], ids=["before-we-looked", "after-we-looked"])
async def test_a_user_is_deleted_and_restored_within_minutes(stage, looked):
    """A user is deleted and restored within minutes, and ends up as somebody new without their permissions."""
    people = await stage.company()
    before = await stage.target_users(people)
    await stage.deletes(people[0])
    await stage.work(minutes=2 if looked else 0)
    assert (await stage.in_target(people[0]) is None) is looked
    await stage.cloud.graph("source", "POST", f"/directory/deletedItems/{people[0]}/restore")
    await stage.tell(people[0])
    await stage.work(minutes=10)
    assert await stage.target_users(people) == before
    await stage.right()


async def test_the_scoping_group_is_deleted(stage):
    """The scoping group is deleted, and everybody with it."""
    people = await stage.company(*TEN)
    await stage.cloud.graph("source", "DELETE", f"/groups/{GROUP}")
    await stage.tell(*people)
    await stage.tell_members(removed=people)
    await stage.work(hours=2)
    await stage.unharmed()
    assert await stage.all_present(people)
    assert {(await stage.link(user_id)).reason for user_id in people} == {"scopingGroupUnknown"}
    await stage.cloud.graph("source", "POST", f"/directory/deletedItems/{GROUP}/restore")
    await stage.work(hours=13)
    await stage.right()


async def test_the_scoping_group_is_emptied_at_once(stage):
    """The scoping group is emptied at once by a script, and filled again an hour later."""
    people = await stage.company(*TEN)
    before = {target: await stage.target_users(people, target) for target in TARGETS}
    await stage.leaves(*people)
    await stage.work(hours=1)
    for target in TARGETS:
        states = await stage.states(people, target)
        assert (states.count(LinkState.SOFT_DELETED), states.count(LinkState.HELD)) == (1, 9)
        assert len(await stage.present(people, target)) == 9
    await stage.joins(*people)
    await stage.work(minutes=10)
    assert {target: await stage.target_users(people, target) for target in TARGETS} == before
    await stage.right()


async def test_a_membership_check_meets_a_stale_replica(stage):
    """A membership check meets replicas that are minutes late, while people come, change, go and come back."""
    slow = {"count": 3, "medianSeconds": 15, "p99Seconds": 60, "indexMedianSeconds": 40, "indexP99Seconds": 150}
    people = await stage.company()
    before = await stage.target_users(people)
    await stage.cloud.control("POST", "profile", {"replicas": slow})
    newcomer = await stage.id_of("JoniS")
    await stage.joins(newcomer)
    await stage.change(people[1], department="Research")
    await stage.tell(people[1])
    await stage.leaves(people[0])
    await stage.work(seconds=40)
    await stage.joins(people[0])
    await stage.work(hours=1)
    await stage.check(*people, newcomer, reason=Reason.RELEASED, kind=Kind.CHECK)
    await stage.work(hours=1)
    assert await stage.target_users(people) == before
    await stage.right()


async def test_pages_after_the_first_are_missed(stage):
    """Pages after the first are missed: of 120 members only the first hundred exist, and the rest are removed."""
    made = await stage.cloud.control(
        "POST", "users/generate", {"tenant": "source", "count": 120, "groups": [GROUP], "managers": False}
    )
    await stage.tell(*made["ids"])
    await stage.work(minutes=5)
    await stage.right()
    await stage.tell(*made["ids"])
    await stage.work(minutes=5)
    assert set(await stage.states(made["ids"])) == {LinkState.ACTIVE}
    await stage.right()


async def test_a_stale_replica_denies_who_has_just_come_or_gone(stage):
    """A replica that is behind denies somebody who has just come, or still knows somebody who has just gone."""
    people = await stage.company()
    comer, leaver = await stage.id_of("JoniS"), people[0]
    await stage.joins(comer)
    await stage.leaves(leaver)
    await stage.work(seconds=12)
    assert sorted(await stage.present([comer, leaver])) == sorted([comer, leaver]), "nobody goes on the first reading"
    await stage.work(seconds=63)
    assert await stage.present([comer, leaver]) == [comer]
    await stage.fault(tenant="source", operation=CHECK, path=comer, answer={"value": []})
    await stage.fault(tenant="source", operation=CHECK, path=leaver, answer={"value": [GROUP]})
    await stage.tell(comer, leaver)
    await stage.work(seconds=30)
    assert await stage.present([comer, leaver]) == [comer]
    await stage.over()
    await stage.work(minutes=10)
    await stage.right()
