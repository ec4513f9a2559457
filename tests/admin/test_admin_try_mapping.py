"""`python -m admin try-mapping` on the sandbox's tenants, over the wire."""

from __future__ import annotations

import json
import re

import pytest
from admin_terminal import ADELE, MEGAN, NESTOR, ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULES = """
source: {tenantId: 50000000-0000-4000-8000-000000000001}
targets:
  - name: emea
    tenantId: e0000000-0000-4000-8000-000000000002
    scope:
      groups: [60000000-0000-4000-8000-000000000001]
      %s
    mappings:
      jobTitle: 'Redact([jobTitle])'
      department: {expression: '[faxNumber]', default: Unknown}
      city: {expression: 'CDate([displayName])', skipOnError: true}
      mobile: {expression: '[faxNumber]', whenNull: keep}
      state: '[faxNumber]'
"""


def rules(folder, scope=""):
    """A sync.yaml for one test."""
    path = folder / "sync.yaml"
    path.write_text(RULES % scope)
    return path


async def test_a_user_in_scope_is_shown_attribute_by_attribute(terminal):
    """Expression, source value and result stand in one row; the verdict names the group."""
    trial = await terminal.trial(NESTOR)
    assert trial["verdict"] == "in scope"
    assert "60000000-0000-4000-8000-000000000001" in trial["why"]
    assert trial["target_user"] == "not there"
    row = trial["rows"]["displayName"]
    assert row["expression"] == "[displayName]"
    assert row["source"] == {"displayName": "Nestor Wilke"}
    assert (row["result"], row["present"]) == ("Nestor Wilke", None)
    assert trial["rows"]["userType"]["note"] == "at creation only"
    assert trial["rows"]["companyName"]["source"] == {}


async def test_a_guest_who_is_there_already_shows_what_the_target_holds(terminal):
    """Found by mail, as provisioning would find her."""
    trial = await terminal.trial(ADELE)
    assert trial["target_user"] == "e1000000-0000-4000-8000-000000000009, not marked yet"
    row = trial["rows"]["displayName"]
    assert (row["result"], row["present"]) == ("Adele Vance", "Adele V. (guest)")


async def test_a_user_may_be_named_by_id(terminal):
    """The id gives what the name gives."""
    trial = await terminal.trial(NESTOR)
    assert await terminal.trial(trial["source_id"]) == trial


async def test_somebody_outside_the_groups_is_out_of_scope_and_still_shown(terminal):
    """The verdict says why; the rows say what would be written."""
    trial = await terminal.trial(MEGAN)
    assert (trial["verdict"], trial["why"]) == ("out of scope", "notInGroup: in none of the scoping groups")
    assert trial["rows"]["displayName"]["result"] == "Megan Bowen"


async def test_each_kind_of_result_says_what_happens_to_it(terminal, tmp_path):
    """Cleared, kept, default, failed; and a redacted value is shown nowhere."""
    trial = await terminal.trial(NESTOR, "--sync", rules(tmp_path))
    rows = trial["rows"]
    assert rows["state"]["note"] == "cleared"
    assert rows["mobile"]["note"] == "left alone"
    assert rows["department"]["note"] == "cleared; at creation the default, Unknown"
    assert rows["city"]["note"].startswith("failed, this attribute is left alone: ")
    assert rows["jobTitle"]["result"] == "[Redact]"
    assert set(rows["jobTitle"]["source"].values()) == {"[Redact]"}
    assert "Director" not in str(trial)


@pytest.mark.parametrize(
    ("scope", "verdict", "why"),
    [
        ("filter: {attribute: department, operator: EQUALS, value: Nowhere}", "out of scope", "scopingFilter: "),
        ("inputFilter: {attribute: department, operator: EQUALS, value: Nowhere}", "left as they are", "inputFilter: "),
        ("filter: {attribute: department, operator: IS NOT NULL}", "in scope", "member of "),
    ],
)
async def test_the_clause_that_decided_is_named(terminal, tmp_path, scope, verdict, why):
    """Scoping filter and input filter differ in what becomes of the user."""
    trial = await terminal.trial(NESTOR, "--sync", rules(tmp_path, scope))
    assert trial["verdict"] == verdict
    assert trial["why"].startswith(why)
    assert "department" in trial["why"]


async def test_a_user_who_cannot_be_mapped_is_not_written_and_the_reason_is_named(terminal, tmp_path):
    """The failing attribute and its reason stand in the verdict."""
    path = rules(tmp_path)
    path.write_text(path.read_text().replace(", skipOnError: true", ""))
    trial = await terminal.trial(NESTOR, "--sync", path)
    assert trial["verdict"] == "cannot be written"
    assert trial["why"].startswith("mappingFailed: city: ")


async def test_the_table_holds_expressions_as_they_are_written(terminal):
    """Brackets are no markup."""
    code, out, _ = await terminal.try_mapping(NESTOR)
    assert code == 0
    assert re.search(r"displayName +│ \[displayName\] +│ displayName: Nestor Wilke +│ Nestor Wilke +│ - ", out)


@pytest.mark.parametrize("user", ["nobody@contoso.com", "00000000-0000-4000-8000-00000000dead", "a/b", ""])
async def test_a_user_who_is_not_there_ends_with_1(terminal, user):
    """The message says so, and names nothing else."""
    code, out, err = await terminal.try_mapping(user)
    assert (code, out) == (1, "")
    assert "is not in the source" in err or "is no id" in err
    assert "Traceback" not in err


async def test_a_source_that_refuses_us_ends_with_1_and_its_code(terminal, tmp_path):
    """An app that is not known there may not read."""
    held = json.loads(terminal.settings.read_text())
    held["Values"]["READER_CLIENT_ID"] = "99999999-0000-4000-8000-000000000000"
    settings = tmp_path / "local.settings.json"
    settings.write_text(json.dumps(held))
    code, out, err = await terminal.run("try-mapping", "--target", "emea", "--user", NESTOR, "--settings", settings)
    assert (code, out) == (1, "")
    assert f"{NESTOR}: cannot be read in the source: " in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "nowhere"), "--target: must be one of emea, apac"),
        (("--sync", "/nowhere/sync.yaml"), "cannot be read"),
        (("--settings", ROOT / "sync.yaml"), "cannot be read"),
        (("--settings", "{}"), "must have an object Values"),
        ((), "ServiceBusConnection__fullyQualifiedNamespace: is missing"),
    ],
)
async def test_a_wrong_configuration_ends_with_2(terminal, tmp_path, arguments, message):
    """Target, sync.yaml, settings file, and settings that are missing."""
    if "{}" in arguments:
        (tmp_path / "empty.json").write_text("{}")
        arguments = ("--settings", tmp_path / "empty.json")
    settings = ("--settings", terminal.settings) if arguments and arguments[0] != "--settings" else ()
    target = () if "--target" in arguments else ("--target", "emea")
    code, out, err = await terminal.run("try-mapping", "--user", NESTOR, *target, *settings, *arguments)
    assert (code, out) == (2, ""), err
    assert message in err
    assert "Traceback" not in err
