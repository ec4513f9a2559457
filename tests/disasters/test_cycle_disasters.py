"""Disasters of lists and of delta: what looks at everybody at once, and must conclude nothing about anybody from it."""

from __future__ import annotations

import pytest
import pytest_asyncio
from stage import TARGETS, TEN

from shared.app.catch_up import catch_up
from shared.app.full_cycle import full_cycle

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEMBERS = "GET /groups/{id}/transitiveMembers/microsoft.graph.user"
DELTA, GROUP_DELTA = "GET /users/delta", "GET /groups/delta"


@pytest_asyncio.fixture(loop_scope="module")
async def company(stage):
    """Ten people who are there, a cursor that follows everybody, and a full cycle behind them; their ids."""
    people = await stage.company(*TEN)
    await catch_up(stage.parts)
    await stage.work(minutes=15)
    await stage.right()
    return people


async def unheard(stage, people):
    """Somebody comes, somebody changes, somebody goes, and no notification tells of it."""
    comer = await stage.id_of("JohannaL")
    await stage.add(comer)
    await stage.change(people[1], department="Research")
    await stage.remove(people[0])


async def both_cycles(stage):
    """Both timers, and what follows from them."""
    await catch_up(stage.parts)
    await stage.work(minutes=5)
    await full_cycle(stage.parts)
    await stage.work(minutes=15)


async def test_every_notification_is_lost(stage, company):
    """Every notification is lost, silently and for ever."""
    await unheard(stage, company)
    await catch_up(stage.parts)
    await stage.work(minutes=5)
    await stage.right()


@pytest.mark.parametrize(
    "answer", [{"status": 503}, {"status": 429}, {"cutBodyAt": 50}, {"body": "html", "status": 200}, {"answer": {}}],
    ids=["503", "429", "cut-short", "a-page", "no-list"],
)  # fmt: skip
@pytest.mark.parametrize("operation", [MEMBERS, "GET /users", DELTA, GROUP_DELTA])
async def test_a_list_breaks_off_in_the_middle(stage, company, operation, answer):
    """A list breaks off in the middle of paging, and whoever was not on it is removed."""
    await unheard(stage, company)
    first = {"value": [{"id": company[3]}], "@odata.nextLink": next_link(stage, operation)}
    await stage.fault(operation=operation, answer=first, count=1)
    await stage.fault(operation=operation, **answer)
    await both_cycles(stage)
    await stage.unharmed()
    assert set(await stage.present(company)) >= set(company[1:])
    await stage.over()
    await both_cycles(stage)
    await stage.right()


def next_link(stage, operation):
    """A link that leads to the same list again."""
    group = stage.parts.sync.targets[0].scope.groups[0]
    path = operation.removeprefix("GET ").replace("{id}", group)
    return f"{stage.settings.graph_endpoint}/v1.0{path}?$select=id"


@pytest.mark.parametrize("operation", [MEMBERS, "GET /users", DELTA])
async def test_a_list_answers_with_an_empty_page(stage, company, operation):
    """A list answers with an empty page that looks like the whole of it, and everybody is removed."""
    await stage.fault(operation=operation, answer={"value": []})
    await both_cycles(stage)
    await stage.unharmed()
    for target in TARGETS:
        assert await stage.present(company, target) == company
    await stage.over()
    await unheard(stage, company)
    await both_cycles(stage)
    await stage.right()


async def test_delta_says_removed_of_somebody_who_is_there(stage, company):
    """Delta says "removed" of people who are there, and they are."""
    removed = [{"id": user_id, "@removed": {"reason": "deleted"}} for user_id in company]
    group = stage.parts.sync.targets[0].scope.groups[0]
    members = [{"@odata.type": "#microsoft.graph.user", **item} for item in removed]
    link = f"{stage.settings.graph_endpoint}/v1.0"
    await stage.fault(
        operation=DELTA, answer={"value": removed, "@odata.nextLink": f"{link}/users/delta?$deltatoken=latest"}, count=1
    )
    groups = [{"id": group, "members@delta": members}, {"id": group, "@removed": {"reason": "deleted"}}]
    await stage.fault(
        operation=GROUP_DELTA,
        answer={"value": groups, "@odata.nextLink": f"{link}/groups/delta?$deltatoken=latest"},
        count=1,
    )
    await both_cycles(stage)
    for target in TARGETS:
        assert await stage.present(company, target) == company
    await unheard(stage, company)
    await both_cycles(stage)
    await stage.right()


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 410, "code": "syncStateNotFound"},
        {"status": 410, "code": "resyncRequired"},
        {"status": 400, "code": "Request_UnsupportedQuery",
         "message": "DeltaLink older than 30 days is not supported."},
        {"status": 400, "code": "Directory_ExpiredPageToken"},
    ],
    ids=["410-not-found", "410-resync", "400-too-old", "400-page-token"],
)  # fmt: skip
async def test_the_delta_token_expires(stage, company, answer):
    """The delta token expires while notifications are lost, and what happened in between is never heard of."""
    await unheard(stage, company)
    await stage.fault(tenant="source", operation=DELTA, path="users/delta", count=1, **answer)
    await stage.fault(tenant="source", operation=GROUP_DELTA, count=1, **answer)
    await catch_up(stage.parts)
    await stage.work(minutes=15)
    await stage.right()


async def test_the_app_sleeps_through_the_life_of_the_token(stage, company):
    """The app is down for nine days, longer than a delta token lives, and starts as if nothing had happened."""
    await unheard(stage, company)
    stage.advance(days=9)
    await stage.restart()
    await catch_up(stage.parts)
    await stage.work(minutes=15)
    await stage.right()
