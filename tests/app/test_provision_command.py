"""`provision USER`: five steps as an administrator sees them, for real and as a dry run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from running_app import MARKER

from sandbox.tenants.directory.model import Kind as ObjectKind
from shared.app.inspection import inspect
from shared.app.on_demand import tell_dry_run
from shared.core.messages import Kind, Reason
from shared.core.model import LinkState
from shared.telemetry.log_sink import LogTable

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def steps(terminal, *arguments):
    """Exit code, and the steps by name, of one target."""
    code, out, err = await terminal("provision", "--json", *arguments)
    [told] = json.loads(out)
    assert "Traceback" not in err
    return code, {step["name"]: step for step in told["steps"]}


async def test_somebody_new_is_created_and_every_step_is_shown(app, terminal):
    """By principal name; what was read, which group, what matched, what was written."""
    [nestor] = await app.join("NestorW")
    code, found = await steps(terminal, "NestorW@contoso.com", "--target", "emea")
    assert code == 0
    assert [step["ended"] for step in found.values()] == ["passed"] * 5
    assert found["import"]["attributes"]["department"] == "Operations"
    assert found["scope"]["found"] == ["in scope: member of Cross-tenant users (60000000-0000-4000-8000-000000000001)"]
    assert found["match"]["found"] == ["not there (looked for by attributes)"]
    assert found["act"]["found"][0] == "create: The user is in scope."
    assert (await app.in_target(nestor))["department"] == "Operations"
    assert (await app.link(nestor)).state is LinkState.ACTIVE


async def test_a_dry_run_shows_the_same_and_does_nothing(app, terminal):
    """What would be written stands there with its values."""
    [nestor] = await app.join("NestorW")
    code, found = await steps(terminal, nestor, "--target", "emea", "--dry-run")
    assert code == 0
    assert found["act"]["found"][0] == "Would create"
    assert found["act"]["attributes"]["companyName"] == "Contoso US"
    assert (await app.in_target(nestor), await app.link(nestor), await app.writes()) == (None, None, 0)


async def test_a_dry_run_is_told_to_the_log_as_one(app):
    """With what would have been done; nothing of it stays with a link."""
    [nestor] = await app.join("NestorW")
    log = Log()
    parts = replace(app.parts, log=log)
    await tell_dry_run(parts, await inspect(parts, parts.targets["emea"], nestor))
    [row] = log.rows
    assert (row["Decision"], row["Status"], row["DryRun"], row["Trigger"]) == ("create", "success", True, "onDemand")
    assert json.loads(row["SourceIdentity"])["Id"] == nestor
    assert json.loads(row["InitiatedBy"])["Type"] == "user"
    assert await app.link(nestor) is None


class Log:
    """A log that takes everything."""

    def __init__(self):
        self.rows = []

    async def write(self, table, rows):
        assert table is LogTable.PROVISIONING
        self.rows += rows
        return frozenset(range(len(rows)))


async def test_somebody_who_is_right_is_told_so(app, terminal):
    """The last step is skipped, and that is no failure."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    code, found = await steps(terminal, "pattif@contoso.com", "--target", "emea")
    assert (code, found["act"]["ended"]) == (0, "skipped")
    assert found["act"]["found"] == ["Nothing to do.", "The user is as they should be."]


async def test_a_leaver_is_removed_with_the_reason(app, terminal):
    """Out of scope is what was found; the removal follows from it."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.leave(patti)
    code, found = await steps(terminal, patti, "--target", "emea")
    assert code == 0
    assert found["scope"]["found"] == ["out of scope: notInGroup: in none of the scoping groups"]
    assert found["act"]["found"][0] == "softDelete: The user is in none of the scoping groups."
    assert await app.in_target(patti) is None


async def test_a_hold_fails_the_last_step_with_what_to_do(app, terminal):
    """The same hold that the app itself would come to."""
    app.clock.advance(minutes=-20)
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.change((await app.in_target(patti))["id"], tenant="emea", **{MARKER: None})
    code, found = await steps(terminal, patti, "--target", "emea", "--dry-run")
    assert (code, found["act"]["ended"]) == (1, "failed")
    assert "Find out who took it away, and put it back." in " ".join(found["act"]["found"])
    code, found = await steps(terminal, patti, "--target", "emea")
    assert (code, found["act"]["ended"]) == (1, "failed")
    assert (await app.link(patti)).state is LinkState.HELD


async def test_what_follows_is_sent_to_the_topic(app, terminal):
    """Reports who wait for the manager are asked for, in this target alone."""
    [johanna, nestor] = await app.join("JohannaL", "NestorW")
    await app.serve(johanna)
    code, _ = await steps(terminal, nestor, "--target", "emea")
    assert code == 0
    [change] = await app.messages("emea")
    assert (change.user_id, change.reason, change.kind) == (johanna, Reason.REFERENCE, Kind.HINT)
    assert await app.messages("apac") == []


async def test_all_targets_are_served_and_shown_as_text(app, terminal):
    """A paragraph each, with the steps numbered."""
    [patti] = await app.join("PattiF")
    code, out, _ = await terminal("provision", patti)
    assert code == 0
    assert f"{patti} in emea" in out
    assert f"{patti} in apac" in out
    assert "  1 connect  passed" in out
    assert "        department: Executive Management" in out
    assert await app.in_target(patti, "apac") is not None


async def test_a_target_that_cannot_be_reached_fails_the_first_step(app, terminal):
    """Nothing is done, and the user is looked at again by the app."""
    [patti] = await app.join("PattiF")
    await app.fault(tenant="emea", operation="GET /users", status=503)
    code, found = await steps(terminal, patti, "--target", "emea")
    assert (code, found["connect"]["ended"]) == (1, "failed")
    assert found["connect"]["found"][0].startswith("emea: ")
    assert found["act"]["found"][0].startswith("Not now: ")
    assert await app.in_target(patti) is None


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("nobody@contoso.com", "is not in the source"),
        ("nonsense", "is no id, no user principal name and no mail address"),
    ],
)
async def test_somebody_who_is_not_known_is_refused(terminal, user, said):
    """With 1, in words."""
    code, out, err = await terminal("provision", user)
    assert (code, out, said in err) == (1, "", True)


async def test_a_name_that_fits_several_is_refused_with_their_ids(app, terminal):
    """Nobody is guessed."""
    patti, isaiah = await app.join("PattiF", "IsaiahL")
    directory = app.tenants.cloud.world.tenants["source"].directory  # Graph itself lets nobody write this
    directory.update(directory.live(isaiah, ObjectKind.USER), {"mail": "PattiF@contoso.com"}, "test")
    code, _, err = await terminal("provision", "PattiF@contoso.com")
    assert code == 1
    assert "is 2 users" in err
    assert patti in err
    assert isaiah in err
