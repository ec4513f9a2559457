"""`escrow`: whose change failed and why, and trying them again at once."""

from __future__ import annotations

import json

import pytest

from shared.core.messages import Kind, Reason

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def failing(app, *aliases):
    """People whom EMEA does not take; returns their ids, sorted."""
    ids = await app.join(*aliases)
    await app.fault(
        tenant="emea",
        operation="POST /invitations",
        status=400,
        code="BadRequest",
        message="Invalid invitation.",
        count=len(ids),
    )
    await app.serve(*ids)
    return sorted(ids)


async def test_nobody_is_in_escrow(terminal):
    """Which is said, or an empty list."""
    assert await terminal("escrow", "list") == (0, "Nobody is in escrow.\n", "")
    assert await terminal("escrow", "list", "--json") == (0, "[]\n", "")
    assert await terminal("escrow", "retry", "--all") == (0, "Nobody is in escrow.\n", "")


async def test_each_is_listed_with_why_how_often_and_until_when(app, terminal):
    """The reason in words, and what to do."""
    [patti] = await failing(app, "PattiF")
    link = await app.link(patti)
    code, out, _ = await terminal("escrow", "list", "--json")
    [told] = json.loads(out)
    assert code == 0
    assert (told["target"], told["sourceId"], told["attempts"]) == ("emea", patti, 1)
    assert (told["reason"], told["retryAt"]) == (link.reason, link.retry_at.isoformat())
    assert told["words"]
    code, out, _ = await terminal("escrow", "list", "--target", "emea")
    assert (code, out.splitlines()[-1]) == (0, "1 in escrow")
    assert f"emea {patti}: {link.reason}, 1 attempts, next {link.retry_at.isoformat(timespec='seconds')}" in out
    assert await terminal("escrow", "list", "--target", "apac") == (0, "Nobody is in escrow.\n", "")


async def test_one_is_tried_again_by_name_and_is_there(app, terminal):
    """Once what was wrong is mended; a look like any other."""
    [patti] = await failing(app, "PattiF")
    code, out, _ = await terminal("escrow", "retry", "PattiF@contoso.com")
    assert (code, out) == (0, "emea: 1 are looked at now\n")
    [change] = await app.messages("emea")
    assert (change.user_id, change.reason, change.kind, change.target) == (
        patti,
        Reason.ON_DEMAND,
        Kind.CHECK,
        "emea",
    )
    assert (await terminal("escrow", "retry", patti, "--target", "emea"))[0] == 0
    await app.work_on("emea")
    assert await app.in_target(patti) is not None
    assert await terminal("escrow", "list", "--json") == (0, "[]\n", "")


async def test_everybody_is_tried_again(app, terminal):
    """Of one target; nobody else is looked at."""
    ids = await failing(app, "PattiF", "IsaiahL")
    await app.serve(*await app.join("MiriamG"))
    code, out, _ = await terminal("escrow", "retry", "--all", "--target", "emea", "--json")
    assert (code, json.loads(out)) == (0, {"emea": 2})
    assert sorted(change.user_id for change in await app.messages("emea")) == ids
    assert await app.messages("apac") == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["retry"], 2, "name a user, or give --all"),
        (["retry", "PattiF@contoso.com", "--all"], 2, "name a user, or give --all"),
        (["retry", "PattiF@contoso.com"], 1, "is in no escrow"),
        (["retry", "nobody@contoso.com"], 1, "is not in the source"),
        (["retry", "nonsense"], 1, "is no id"),
        (["retry", "--all", "--target", "mars"], 2, "targets: emea, apac"),
        (["list", "--target", "mars"], 2, "targets: emea, apac"),
    ],
)
async def test_a_mistake_is_answered_in_words(terminal, arguments, code, said):
    """And nothing is sent."""
    found, out, err = await terminal("escrow", *arguments)
    assert (found, out, said in err) == (code, "", True), err


async def test_a_topic_that_is_not_there_is_said_in_words(app, terminal, settings_of):
    """Running it again is harmless."""
    await failing(app, "PattiF")
    settings_of(USER_CHANGES_TOPIC="nothing")
    code, out, err = await terminal("escrow", "retry", "--all")
    assert (code, out, "run this again" in err) == (1, "", True)
