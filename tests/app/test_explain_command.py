"""`explain USER`: for every reason why somebody is or is not in a target, the sentence and what to do."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest
from running_app import GROUP, MARKER, ROOT

from sandbox.tenants.directory.model import Kind as ObjectKind
from shared.core.decide import OutOfScopeAction
from shared.core.messages import Kind
from shared.core.model import Claim

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def explained(terminal, user, *arguments):
    """What is said of a user in EMEA: the JSON, with all sentences as one text."""
    code, out, err = await terminal("explain", user, "--target", "emea", "--json", *arguments)
    assert code == 0, err
    [told] = json.loads(out)
    return told | {"text": " ".join([told["headline"], *told["facts"]]), "do": " ".join(told["toDo"])}


async def test_somebody_who_is_there_is_there_because_of_a_group(app, terminal):
    """Named with its id; there is nothing to do."""
    app.clock.advance(minutes=-20)
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    told = await explained(terminal, "PattiF@contoso.com")
    assert told["headline"] == f"Patti Fernandez is in emea, as {(await app.in_target(patti))['id']}."
    assert f"in scope. member of Cross-tenant users ({GROUP})." in told["text"]
    assert (told["there"], told["toDo"]) == (True, ["Nothing."])


async def test_it_reads_as_a_paragraph_for_each_target(app, terminal):
    """A headline, facts, and what to do."""
    [patti] = await app.join("PattiF")
    code, out, _ = await terminal("explain", patti)
    assert code == 0
    first, second = out.split("\n\n")
    assert first.splitlines()[0] == "Patti Fernandez is not in emea."
    assert f"    It happens by itself; to do it at once: python -m admin provision {patti} --target emea" in first
    assert second.splitlines()[0] == "Patti Fernandez is not in apac."


async def test_somebody_outside_the_groups_is_told_which_they_are(app, terminal):
    """And how to bring them in."""
    told = await explained(terminal, await app.id_of("MeganB"))
    assert f"The scoping groups are Cross-tenant users ({GROUP})." in told["text"]
    assert "make them a member of a scoping group" in told["do"]
    assert told["there"] is False


async def test_the_clause_of_a_filter_is_named(app, terminal, tmp_path):
    """By attribute, operator and value of the setting."""
    await app.join("PattiF")
    text = (ROOT / "sync.yaml").read_text(encoding="utf-8")
    clause = "{attribute: department, operator: EQUALS, value: Sales}"
    (tmp_path / "sync.yaml").write_text(
        text.replace("    matching: [mail", f"      filter: {clause}\n    matching: [mail"), encoding="utf-8"
    )
    settings = json.loads((tmp_path / "local.settings.json").read_text(encoding="utf-8"))
    settings["Values"]["SYNC_FILE"] = str(tmp_path / "sync.yaml")
    (tmp_path / "local.settings.json").write_text(json.dumps(settings), encoding="utf-8")
    told = await explained(terminal, "PattiF@contoso.com")
    assert told["scope"]["verdict"] == "out of scope"
    assert "department EQUALS" in told["scope"]["why"]
    assert "change the attribute that the clause names" in told["do"]


async def test_somebody_blocked_in_the_source_was_never_invited(app, terminal):
    """Until their sign-in is allowed."""
    [patti] = await app.join("PattiF")
    await app.change(patti, accountEnabled=False)
    told = await explained(terminal, patti)
    assert "blocked in the source" in told["text"]
    assert "allow their sign-in" in told["do"]


async def test_a_hold_says_why_since_when_and_how_to_go_on(app, terminal):
    """With the very command."""
    app.clock.advance(minutes=-20)
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    target_id = (await app.in_target(patti))["id"]
    await app.change(target_id, tenant="emea", **{MARKER: None})
    app.clock.advance(minutes=15)
    await app.serve(patti, kind=Kind.CHECK)
    told = await explained(terminal, patti)
    assert "The user of the target no longer carries our marker." in told["text"]
    assert told["heldSince"] is not None
    assert target_id in told["text"]
    assert f"python -m admin holds release {patti} --target emea" in told["do"]


async def test_an_escrow_says_why_how_often_and_until_when(app, terminal):
    """A user whom the target refuses."""
    [patti] = await app.join("PattiF")
    await app.fault(
        tenant="emea", operation="POST /invitations", status=400, code="BadRequest", message="Invalid invitation."
    )
    await app.serve(patti)
    link = await app.link(patti)
    assert link.retry_at is not None
    told = await explained(terminal, patti)
    assert f"1 attempts failed; the next is due at {link.retry_at.isoformat(timespec='seconds')}" in told["text"]
    assert f"python -m admin escrow retry {patti} --target emea" in told["do"]


async def test_a_quarantine_is_told_with_its_probe(app, terminal):
    """It is the target's trouble, not the user's."""
    patti, isaiah = await app.join("PattiF", "IsaiahL")
    await app.fault(
        tenant="emea",
        operation="POST /invitations",
        status=403,
        code="Forbidden",
        message="Invitations are blocked for this directory due to suspicious activity.",
    )
    await app.serve(patti)
    told = await explained(terminal, isaiah)
    assert "emea refuses to create users since" in told["text"]
    assert "Microsoft blocks invitations" in told["text"]
    assert "Open a case with Microsoft" in told["do"]


async def test_a_guest_of_the_source_is_never_synchronized_on(app, terminal):
    """Whatever group they are in."""
    [patti] = await app.join("PattiF")
    directory = app.tenants.cloud.world.tenants["source"].directory
    directory.update(directory.live(patti, ObjectKind.USER), {"userType": "Guest"}, "test")
    told = await explained(terminal, patti)
    assert "externalUser" in told["text"]
    assert "never synchronized on" in told["do"]


async def test_somebody_who_was_deleted_can_be_brought_back_for_thirty_days(app, terminal):
    """Named by object id; the target user is in the bin."""
    app.clock.advance(minutes=-20)
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    target_id = (await app.in_target(patti))["id"]
    await app.cloud.graph("source", "DELETE", f"/users/{patti}")
    app.clock.advance(minutes=2)
    await app.serve(patti)
    told = await explained(terminal, patti)
    assert "The user was deleted in the source." in told["text"]
    assert f"We soft-deleted {target_id}" in told["text"]
    assert "restore them in the source within 30 days" in told["do"]


async def test_the_days_of_grace_have_an_end(app, terminal, tmp_path):
    """Blocked now, removed then."""
    text = (ROOT / "sync.yaml").read_text(encoding="utf-8")
    (tmp_path / "sync.yaml").write_text(
        text.replace("deprovision: {outOfScope: softDelete}", "deprovision: {outOfScope: softDelete, graceDays: 7}"),
        encoding="utf-8",
    )
    settings = json.loads((tmp_path / "local.settings.json").read_text(encoding="utf-8"))
    settings["Values"]["SYNC_FILE"] = str(tmp_path / "sync.yaml")
    (tmp_path / "local.settings.json").write_text(json.dumps(settings), encoding="utf-8")
    app.allow(grace=timedelta(days=7), out_of_scope=OutOfScopeAction.SOFT_DELETE)
    app.clock.advance(minutes=-20)
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.leave(patti)
    app.clock.advance(minutes=5)
    await app.serve(patti)
    leaving_since = (await app.link(patti)).leaving_since
    told = await explained(terminal, patti)
    assert (
        f"the days of grace end at {(leaving_since + timedelta(days=7)).isoformat(timespec='seconds')}" in told["text"]
    )


async def test_another_worker_at_the_user_is_said(app, terminal):
    """Nothing is decided meanwhile."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    link = await app.link(patti)
    claim = Claim("another", app.clock.now())
    await app.parts.store.write_links([dataclasses.replace(link, claim=claim)])
    told = await explained(terminal, patti)
    assert "Another worker is at this user right now." in told["text"]


async def test_an_id_that_nobody_has_is_said(terminal):
    """It may be that of another tenant."""
    told = await explained(terminal, "00000000-0000-4000-8000-00000000dead")
    assert "Nobody of this id is in the source" in told["text"]
    assert "another tenant" in told["do"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nobody@contoso.com"], 1, "is not in the source"),
        (["nonsense"], 1, "is no id"),
        (["nobody@contoso.com", "--target", "mars"], 2, "targets: emea, apac"),
        ([], 2, "Missing argument"),
    ],
)
async def test_a_mistake_is_answered_in_words(terminal, arguments, code, said):
    """1 for who is not there, 2 for what was typed."""
    found, out, err = await terminal("explain", *arguments)
    assert (found, out, said in err) == (code, "", True), err
