"""`configuration accept`: a scoping group that sync.yaml names no more, and a person who says that it is meant."""

from __future__ import annotations

import dataclasses
import json

import pytest

from shared.app.configuration import lost_groups, notice_configuration
from shared.core.model import LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def one_more_group(app):
    """A group that sync.yaml named for EMEA at some time; the terminal's names it no more. Returns its id."""
    body = {"displayName": "Project", "mailEnabled": False, "securityEnabled": True, "mailNickname": "project"}
    group = (await app.cloud.graph("source", "POST", "/groups", body))["id"]
    emea = app.parts.sync.targets[0]
    before = dataclasses.replace(emea, scope=dataclasses.replace(emea.scope, groups=(*emea.scope.groups, group)))
    sync = dataclasses.replace(app.parts.sync, targets=(before, *app.parts.sync.targets[1:]))
    hands = dataclasses.replace(app.parts.targets["emea"], target=before)
    parts = dataclasses.replace(app.parts, sync=sync, targets=app.parts.targets | {"emea": hands})
    await notice_configuration(parts)
    return group, parts


async def lost(app):
    """What EMEA was scoped by, and is not any more."""
    return await lost_groups(app.parts.store, app.parts.targets["emea"].target)


async def test_nothing_was_lost(terminal):
    """Which is said; nobody is asked."""
    code, out, _ = await terminal("configuration", "accept", "--target", "emea")
    assert (code, out) == (0, "emea: sync.yaml has lost no scoping group.\n")
    code, out, _ = await terminal("configuration", "accept", "--target", "emea", "--json")
    assert (code, json.loads(out)) == (0, {"target": "emea", "accepted": []})


async def test_its_members_are_held_until_it_is_accepted_and_leave_then(app, terminal):
    """The groups are shown by name, and a person says yes."""
    app.clock.advance(minutes=-20)
    group, before = await one_more_group(app)
    patti = await app.id_of("PattiF")
    await app.put_in(group, patti)
    now = app.parts
    app.parts = before
    await app.serve(patti)
    app.parts = now
    app.clock.advance(minutes=20)
    await app.serve(patti)
    assert ((await app.link(patti)).state, (await app.link(patti)).reason) == (LinkState.HELD, "scopeGroupLost")
    code, out, err = await terminal("configuration", "accept", "--target", "emea", given="y\n")
    assert (code, f"{group} Project" in err) == (0, True)
    assert f"emea: accepted without {group}." in out
    assert await lost(app) == ()
    code, _, err = await terminal("holds", "release", patti, "--target", "emea", "--yes-remove", "1")
    assert code == 0, err
    await app.work_on("emea")
    assert await app.in_target(patti) is None


async def test_no_changes_nothing(app, terminal):
    """So does an end of input."""
    group, _ = await one_more_group(app)
    for given in ("n\n", ""):
        code, out, err = await terminal("configuration", "accept", "--target", "emea", given=given)
        assert (code, out, "May the members of 1 groups leave emea?" in err) == (1, "", True)
    assert await lost(app) == (group,)


async def test_yes_is_said_beforehand(app, terminal):
    """For a script: nobody is asked, and JSON says what was accepted."""
    group, _ = await one_more_group(app)
    code, out, err = await terminal("configuration", "accept", "--target", "emea", "--yes", "--json")
    assert (code, json.loads(out), err) == (0, {"target": "emea", "accepted": [group]}, "")
    assert await lost(app) == ()


async def test_a_group_that_was_deleted_is_shown_by_its_id(app, terminal):
    """Its name is nowhere any more."""
    group, _ = await one_more_group(app)
    await app.fault(tenant="source", operation="GET /groups/{id}", status=503)
    code, _, err = await terminal("configuration", "accept", "--target", "emea", given="n\n")
    assert (code, f"{group} (cannot be read any more)" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["accept"], "Missing option '--target'"), (["accept", "--target", "mars"], "targets: emea, apac")],
)
async def test_a_mistake_is_answered_in_words(terminal, arguments, said):
    """With 2."""
    code, out, err = await terminal("configuration", *arguments)
    assert (code, out, said in err) == (2, "", True), err
