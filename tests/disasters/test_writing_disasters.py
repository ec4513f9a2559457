"""Disasters of writing: an answer is lost, a worker dies, an object is too young, something between us is down."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from stage import FEW, TARGETS, TEN, WorkerDied

from shared.app.provision import provision
from shared.core.messages import Kind
from shared.core.model import LinkState
from shared.store.errors import StoreUnavailable

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVITE, PATCH, DELETE = "POST /invitations", "PATCH /users/{id}", "DELETE /users/{id}"
RESTORE, MANAGER = "POST /directory/deletedItems/{id}/restore", "PUT /users/{id}/manager/$ref"


class Wrapped:
    """A store in which something happens at a write of links."""

    def __init__(self, store, before=None, after=None):
        self._store = store
        self._before, self._after = before, after
        self.writes = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def write_links(self, links):
        self.writes += 1
        if self._before:
            self._before(self.writes)
        written = await self._store.write_links(links)
        if self._after:
            self._after(self.writes)
        return written


def dies_at(number):
    def die(writes):
        if writes == number:
            raise WorkerDied

    return die


async def test_a_429_aborts_the_run(stage):
    """A 429 in the middle of a load aborts the run."""
    people = [await stage.id_of(alias) for alias in TEN]
    for operation in (INVITE, PATCH, "POST /users/{id}/checkMemberGroups", "GET /users"):
        await stage.fault(operation=operation, status=429, probability=0.4, headers={"Retry-After": "20"}, count=12)
    await stage.joins(*people)
    await stage.work(hours=1)
    await stage.right()
    attempts = [(await stage.link(user_id)).attempt for user_id in people]
    assert attempts == [0] * len(people), "throttling is nobody's fault"


@pytest.mark.parametrize("loss", [{"status": 504}, {"reset": True}], ids=["504", "reset"])
@pytest.mark.parametrize("operation", [INVITE, PATCH, MANAGER])
async def test_the_answer_to_a_write_of_somebody_new_is_lost(stage, operation, loss):
    """The answer to an invitation, an update or a manager is lost while the write was made, and somebody is doubled."""
    people = [await stage.id_of(alias) for alias in FEW]
    await stage.fault(operation=operation, apply=True, count=3, **loss)
    await stage.joins(*people)
    await stage.work(hours=1)
    await stage.right()
    for target in TARGETS:
        mails = [user["mail"] for user in await stage.cloud.users(target) if user.get("mail")]
        assert len(mails) == len(set(mails)), "somebody is doubled"


@pytest.mark.parametrize("loss", [{"status": 504}, {"reset": True}], ids=["504", "reset"])
async def test_the_answer_to_a_removal_or_a_restore_is_lost(stage, loss):
    """The answer to a removal, and then to a restore, is lost while it was made, and the object with it."""
    people = await stage.company()
    before = await stage.target_users(people)
    await stage.fault(operation=DELETE, apply=True, count=2, **loss)
    await stage.leaves(people[0])
    await stage.work(minutes=20)
    await stage.right()
    assert await stage.states(people[:1]) == [LinkState.SOFT_DELETED]
    await stage.fault(operation=RESTORE, apply=True, count=2, **loss)
    await stage.joins(people[0])
    await stage.work(minutes=20)
    assert await stage.target_users(people) == before
    await stage.right()


@pytest.mark.parametrize(
    "answer",
    [
        {"cutBodyAt": 60},
        {"status": 502, "body": "html"},
        {"status": 200, "body": "html"},
        {"status": 200, "body": "empty"},
    ],
    ids=["cut", "502-page", "200-page", "nothing"],
)
async def test_a_gateway_answers_with_a_page_or_half_of_one(stage, answer):
    """A gateway answers a batch of writes with a page of its own, or with half of the answer, or with nothing."""
    people = await stage.company()
    await stage.fault(tenant="emea", operation=r"POST /\$batch", count=3, **answer)
    joiner, changed, leaver = await stage.id_of("JoniS"), people[1], people[0]
    await stage.change(changed, department="Research")
    await stage.tell(changed)
    await stage.joins(joiner)
    await stage.leaves(leaver)
    await stage.work(minutes=1)
    await stage.unharmed()
    await stage.work(hours=1)
    await stage.right()


async def test_items_in_the_middle_of_a_batch_fail(stage):
    """Items in the middle of a batch fail with 503, 429, 404 and 424, and the whole batch is repeated, or forgotten."""
    people = [await stage.id_of(alias) for alias in TEN]
    for status, code in ((503, "x"), (429, "TooManyRequests"), (404, "Request_ResourceNotFound"), (424, "Failed")):
        for operation in (INVITE, PATCH) if status != 404 else (PATCH,):
            await stage.fault(operation=operation, status=status, code=code, probability=0.3, count=2)
    await stage.joins(*people)
    await stage.work(hours=1)
    await stage.right()
    for person in people:
        await stage.change(person, department="Research")
    for status in (503, 404, 409, 424):
        await stage.fault(operation=PATCH, status=status, code="x", probability=0.3, count=2)
    await stage.tell(*people)
    await stage.work(hours=2)
    await stage.right()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3])
async def test_the_first_run_dies_before_its_state_is_written(stage, write, moment):
    """The first run dies before its state is written, and everybody is there twice from then on."""
    people = [await stage.id_of(alias) for alias in FEW]
    stage.store = lambda store: Wrapped(store, **{moment: dies_at(write)})
    await stage.restart()
    await stage.joins(*people)
    await stage.work(hours=1)
    await stage.right()
    for target in TARGETS:
        mails = [user["mail"] for user in await stage.cloud.users(target) if user.get("mail")]
        assert len(mails) == len(set(mails)), "somebody is doubled"


@pytest.mark.parametrize("write", [1, 2])
async def test_a_worker_dies_while_somebody_is_removed(stage, write):
    """A worker dies while somebody is removed, before or after the write, and somebody else goes too, or nobody."""
    people = await stage.company()
    stage.store = lambda store: Wrapped(store, before=dies_at(write))
    await stage.restart()
    await stage.leaves(people[0])
    await stage.change(people[1], department="Research")
    await stage.tell(people[1])
    await stage.work(hours=1)
    assert await stage.present(people) == people[1:]
    await stage.right()


async def test_somebody_who_was_just_invited_answers_with_404(stage):
    """Somebody who was just invited answers with 404 for minutes, and the run gives up or invites them again."""
    people = [await stage.id_of(alias) for alias in FEW]
    slow = {"count": 3, "medianSeconds": 15, "p99Seconds": 60, "staleWriteShare": 0.9}
    await stage.cloud.control("POST", "profile", {"replicas": slow})
    await stage.fault(operation=PATCH, status=404, code="Directory_ObjectNotFound", probability=0.7, count=40)
    await stage.fault(
        operation=MANAGER, status=400, code="Request_BadRequest", message="Not a valid reference update.", count=4
    )
    await stage.joins(*people)
    await stage.work(hours=3)
    await stage.right()


async def test_an_invited_user_never_appears(stage):
    """An invitation is answered with an id, and the user never appears."""
    people = [await stage.id_of(alias) for alias in FEW]
    await stage.cloud.control("POST", "profile", {"invitations": {"neverAppearsShare": 1.0}})
    await stage.joins(*people)
    await stage.work(minutes=10)
    await stage.unharmed()
    await stage.cloud.control("POST", "profile", {"invitations": {"neverAppearsShare": 0.0}})
    await stage.work(hours=9)
    await stage.right()


async def test_the_bus_takes_nothing_for_a_while(stage):
    """The bus takes nothing for a while, and what was left to do is forgotten."""
    people = await stage.company()
    await stage.fault(tenant="emea", operation=PATCH, status=503, count=3)
    for person in people[:3]:
        await stage.change(person, department="Research")
    await stage.tell(*people[:3])
    stage.topic.down = True
    await stage.work(seconds=40)
    stage.topic.down = False
    await stage.work(minutes=30)
    await stage.right()


async def test_the_store_is_away_for_a_while(stage):
    """The store is away for a while, between a removal and its commit too."""
    people = await stage.company()
    until = stage.now().timestamp() + 120

    def away(_):
        if stage.now().timestamp() < until:
            raise StoreUnavailable("write links", "timeout")

    stage.store = lambda store: Wrapped(store, after=away)
    await stage.restart()
    await stage.leaves(people[0])
    await stage.joins(await stage.id_of("JoniS"))
    await stage.work(hours=2)
    assert await stage.present(people) == people[1:]
    await stage.right()


async def test_two_workers_serve_the_same_people_at_once(stage):
    """Two workers serve the same people at once: a batch came again while it was at work."""
    people = await stage.company()
    joiner = await stage.id_of("JoniS")
    await stage.joins(joiner)
    await stage.leaves(people[0])
    await stage.change(people[1], department="Research")
    await stage.tell(people[1], people[1], people[0])
    stage.advance(seconds=15)
    for target in TARGETS:
        batch = stage.topic.take(target)
        await asyncio.gather(*[provision(stage.parts, target, batch) for _ in range(3)])
    await stage.work(hours=1)
    await stage.right()


async def test_hints_come_late_twice_and_in_no_order(stage):
    """Hints come late, twice, in no order and not at all, while people come, change and go."""
    people = await stage.company()
    joiner = await stage.id_of("JoniS")
    await stage.add(joiner)
    await stage.remove(people[0])
    await stage.change(people[1], department="Research")
    await stage.add(people[0])
    await stage.change(people[1], department="Legal")
    await stage.remove(joiner)
    await stage.tell_members(added=[people[0], joiner])
    await stage.work(minutes=2)
    await stage.tell_members(removed=[people[0]], added=[joiner])
    await stage.add(joiner)
    await stage.tell(people[1])
    await stage.tell_members(removed=[joiner])
    await stage.work(minutes=10)
    await stage.right()


async def test_the_configuration_lost_a_target(stage):
    """The configuration lost a target, and everybody there is removed, or nobody is known when it comes back."""
    people = await stage.company()
    both = stage.parts.targets
    stage.parts = dataclasses.replace(stage.parts, targets={"apac": both["apac"]})
    await stage.leaves(people[0])
    await stage.work(minutes=1, targets=("apac",))
    assert await stage.present(people, "emea") == people
    assert await stage.present(people, "apac") == people[1:]
    stage.parts = dataclasses.replace(stage.parts, targets=both)
    await stage.check(*people, kind=Kind.CHECK)
    await stage.work(minutes=10)
    await stage.right()
