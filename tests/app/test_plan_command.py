"""`plan` as an administrator types it: what is shown, what a program gets, and what no name can do to a page."""

from __future__ import annotations

import json
import re

import pytest
from running_app import ROOT

from shared.app.full_cycle import full_cycle

pytestmark = pytest.mark.asyncio(loop_scope="module")

NASTY = "[bold]Rob`|**<b>x</b>\u202e@everyone\x1b[31m"


async def settled(app, *aliases):
    """People who are in both targets, long enough ago."""
    ids = await app.join(*aliases)
    await full_cycle(app.parts)
    await app.work_on()
    return ids


async def test_nothing_to_do_is_said_and_ends_with_0(app, terminal):
    """The summary stands there all the same."""
    await settled(app, "PattiF")
    code, out, err = await terminal("plan")
    assert (code, err) == (0, "")
    assert "emea: nothing to do; 1 in scope, 1 there now" in out


async def test_creates_updates_and_removals_are_shown_and_end_with_3(app, terminal):
    """Attributes before and after, the reason in words, and whether the budget would hold somebody."""
    patti, isaiah, pradeep = await settled(app, "PattiF", "IsaiahL", "PradeepG")
    await app.change(patti, department="Research")
    await app.leave(isaiah)
    await app.leave(pradeep)
    [joni] = await app.join("JoniS")
    code, out, _ = await terminal("plan", "--target", "emea")
    assert code == 3
    assert re.search(rf"emea +create +Joni Sherman .*\n +{joni}", out)
    assert "department: Executive Management → Research" in out
    assert "The user is in none of the scoping groups." in out
    assert "Would be removed: The user is in none of the scoping groups." in out
    assert "emea: 1 to create, 1 to update, 1 to remove, 1 held; 2 in scope, 3 there now" in out
    assert "apac" not in out


async def test_a_program_gets_everything_as_json(app, terminal, tmp_path):
    """One object, in a file that is only there when it is whole."""
    [patti] = await settled(app, "PattiF")
    await app.change(patti, department="Research")
    file = tmp_path / "plan.json"
    code, out, _ = await terminal("plan", "--json", "--output", file)
    assert (code, out) == (3, "")
    told = json.loads(file.read_text(encoding="utf-8"))
    assert [(user["target"], user["sourceId"], user["action"]) for user in told["users"]] == [
        ("emea", patti, "update"),
        ("apac", patti, "update"),
    ]
    [change] = [change for change in told["users"][0]["attributes"] if change["differs"]]
    assert (change["name"], change["before"], change["after"]) == ("department", "Executive Management", "Research")
    assert told["targets"]["emea"]["counts"]["update"] == 1
    assert not list(tmp_path.glob(".plan.json*"))


async def test_no_name_breaks_out_of_markdown_or_steers_a_terminal(app, terminal):
    """Every sign that could mean something is coded; control characters are shown by their code points."""
    [patti] = await settled(app, "PattiF")
    await app.change(patti, displayName=NASTY, department="a\nb | c")
    code, out, _ = await terminal("plan", "--target", "emea", "--format", "markdown")
    assert code == 3
    rows = [line for line in out.splitlines() if "update" in line and patti[:8] in line.replace("&#45;", "-")]
    assert len(rows) == 1, "a line break in a value breaks no row"
    assert rows[0].count("|") == 4
    for sign in ("<b>", "`", "**", "@", "[bold]", "\x1b", "\u202e"):
        assert sign not in rows[0].replace("<br>", "")
    assert "&#64;everyone" in rows[0]
    code, out, _ = await terminal("plan", "--target", "emea")
    assert "[bold]Rob`|**<b>x</b>\\u202e@everyone\\u001b[31m" in re.sub(r"\s*\n\s*", "", out)
    assert "\x1b" not in out


async def test_another_configuration_is_planned_and_changes_nothing(app, terminal, tmp_path):
    """A new mapping shows what it would write; redacted values stay hidden."""
    [patti] = await settled(app, "PattiF")
    text = (ROOT / "sync.yaml").read_text(encoding="utf-8")
    new = tmp_path / "new.yaml"
    new.write_text(
        text.replace("companyName: '\"Contoso US\"'", "companyName: '\"Contoso\"'\n      city: 'Redact(\"Oslo\")'"),
        encoding="utf-8",
    )
    links = [link async for page in app.parts.store.list_links("emea") for link in page]
    code, out, _ = await terminal("plan", "--config", new, "--json")
    assert code == 3
    told = {user["target"]: user for user in json.loads(out)["users"]}
    changes = {change["name"]: change for change in told["emea"]["attributes"] if change["differs"]}
    assert (changes["companyName"]["before"], changes["companyName"]["after"]) == ("Contoso US", "Contoso")
    assert (changes["city"]["before"], changes["city"]["after"]) == ("(redacted)", "(redacted)")
    assert "Oslo" not in out
    assert [link async for page in app.parts.store.list_links("emea") for link in page] == links
    assert (await app.in_target(patti))["companyName"] == "Contoso US"


async def test_some_users_are_planned_by_id_name_or_address(app, terminal):
    """With those for whom there is nothing to do."""
    [patti] = await settled(app, "PattiF")
    megan = await app.id_of("MeganB")
    code, out, _ = await terminal(
        "plan", "--target", "emea", "--users", f"PattiF@contoso.com,{megan}", "--users", "isaiahl@contoso.com", "--json"
    )
    told = {user["sourceId"]: (user["action"], user["reason"]) for user in json.loads(out)["users"]}
    assert told == {
        patti: ("nothing", "upToDate"),
        megan: ("nothing", "notInGroup"),
        await app.id_of("IsaiahL"): ("nothing", "notInGroup"),
    }
    assert code == 0


async def test_a_plan_that_is_not_whole_ends_with_1_and_says_why(app, terminal):
    """The list and its page; and who could not be read."""
    [patti] = await settled(app, "PattiF")
    await app.change(patti, department="Research")
    await app.fault(tenant="emea", operation="GET /users/{id}", status=503)
    code, out, _ = await terminal("plan", "--target", "emea")
    assert code == 1
    assert "1 users could not be read; run this again" in out
    await app.fault(tenant="source", operation="GET /groups/.*", status=503)
    code, out, _ = await terminal("plan", "--target", "emea")
    assert code == 1
    assert "this plan is not whole: members of a scoping group, page 1" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--target", "mars"], 2, "targets: emea, apac"),
        (["--users", "nobody@contoso.com"], 1, "is not in the source"),
        (["--users", "nonsense"], 1, "is no id"),
        (["--config", "no-such.yaml"], 2, "does not exist"),
        (["--config", "README.md"], 2, "README.md"),
        (["--output", "/proc/nowhere/plan.json"], 2, "cannot be written"),
        (["--format", "xml"], 2, "is not one of"),
    ],
)
async def test_a_mistake_is_answered_in_words(terminal, arguments, code, said, monkeypatch):
    """Without a traceback."""
    monkeypatch.chdir(ROOT)
    found, out, err = await terminal("plan", *arguments)
    assert (found, said in err, out) == (code, True, ""), err
