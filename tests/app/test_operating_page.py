"""docs/operating.md and the README: commands run as they stand there, in their order, and a target can be removed."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from datetime import timedelta

import pytest
from running_app import GROUP, ROOT

from shared.app.catch_up import catch_up
from shared.app.check_tenant import RIGHTS
from shared.app.compose import build
from shared.app.full_cycle import full_cycle
from shared.core.fault_sizes import FaultSize
from shared.core.model import SubscriptionRecord
from shared.core.reason_words import words_for
from shared.graph.faults import _TABLE, classify_sign_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Operating")[2].partition("\n## ")[0]
NOT_OF_A_TARGET = {"SubscriptionLimitExceeded"}  # only the source has subscriptions


def shown(page):
    """Each command in a block of code, and the exit code that it is said to end with."""
    found = []
    for block in re.findall(r"^ *```\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            command, _, comment = line.strip().partition("  #")
            ends = re.search(r"ends with (\d)", comment)
            found.append((command.strip(), int(ends[1]) if ends else 0))
    return found


async def test_every_command_ends_as_the_page_says(app, terminal, tmp_path, monkeypatch):
    """On a company with somebody to come, somebody who is there, and somebody who fails."""
    monkeypatch.chdir(tmp_path)
    patti, isaiah, _ = await app.join("PattiF", "IsaiahL", "NestorW")
    await app.fault(tenant="emea", operation="POST /invitations", status=400, code="BadRequest", message="No.", count=1)
    await app.serve(patti)
    await app.serve(isaiah)
    await catch_up(app.parts)
    await full_cycle(app.parts)
    ends = app.clock.now() + timedelta(days=1)
    for resource in ("/users", "/groups"):
        await app.parts.store.put_subscription(SubscriptionRecord(resource, "state", "https://here", "id", ends))
    (tmp_path / "new.yaml").write_text((ROOT / "sync.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    target_id = (await app.in_target(isaiah))["id"]
    (tmp_path / "links.csv").write_text(f"sourceId,targetId\n{isaiah},{target_id}\n", encoding="utf-8")
    for command, ends_with in [*shown(PAGE), *shown(README)]:
        words = shlex.split(command)
        assert words[:3] == ["python", "-m", "admin"], command
        if words[3] == "check" and len(words) > 4:
            issued = await app.cloud.control("POST", "tokens", {"tenant": words[-1], "roles": RIGHTS.permissions})
            (tmp_path / "token").write_text(issued["access_token"], encoding="utf-8")
            words += ["--token-file", "token"]  # where a person would be led to a browser
        code, out, err = await terminal(*words[3:])
        assert code == ends_with, f"{command}: {out}{err}"
    assert (tmp_path / "plan.md").read_text(encoding="utf-8")


async def test_both_show_every_command_of_operating():
    """The test above tests something."""
    commands = {"status", "plan", "provision", "explain", "cycle", "escrow", "holds", "links"}
    assert {command.split()[3] for command, _ in shown(README)} == commands
    assert {command.split()[3] for command, _ in shown(PAGE)} == commands | {"check", "configuration", "subscriptions"}


async def test_a_target_is_removed_as_the_page_says(app, terminal, settings_of, tmp_path):
    """A group without members, accepted; a cycle, and a release with its number: nobody is left, and nobody early."""
    app.clock.advance(minutes=-20)
    people = await app.join("PattiF", "IsaiahL")
    await catch_up(app.parts)
    await app.serve(*people)
    await app.serve(*people, target="apac")
    body = {"displayName": "Nobody", "mailEnabled": False, "securityEnabled": True, "mailNickname": "nobody"}
    group = (await app.cloud.graph("source", "POST", "/groups", body))["id"]
    text = (ROOT / "sync.yaml").read_text(encoding="utf-8").replace(f"- {GROUP}", f"- {group}")
    (tmp_path / "new.yaml").write_text(text, encoding="utf-8")
    app.clock.advance(minutes=20)
    code, out, _ = await terminal("plan", "--config", tmp_path / "new.yaml", "--target", "apac")
    assert code == 0, out
    before = app.parts
    app.parts = build(replace(before.settings, sync_file=tmp_path / "new.yaml"), before.clock)
    settings_of(SYNC_FILE=str(tmp_path / "new.yaml"))
    try:
        await catch_up(app.parts)
        await full_cycle(app.parts)
        await app.work_on()
        assert [(await app.link(user_id)).reason for user_id in people] == ["scopeGroupLost"] * 2
        for command in ("configuration accept --yes", "cycle start --here", "holds list"):
            code, _, err = await terminal(*command.split(), "--target", "emea")
            assert code == 0, err
        await app.work_on()
        assert [await app.in_target(user_id) for user_id in people].count(None) == 0
        code, _, err = await terminal("holds", "release", "--all", "--target", "emea")
        assert (code, "say --yes-remove 2" in err) == (1, True)
        code, _, err = await terminal("holds", "release", "--all", "--target", "emea", "--yes-remove", 2)
        assert code == 0, err
        await app.work_on()
        assert [await app.in_target(user_id) for user_id in people] == [None, None]
        assert [(await app.in_target(user_id, "apac")) is None for user_id in people] == [False, False]
        assert json.loads((await terminal("status", "--json"))[1])["targets"]["emea"]["active"] == 0
    finally:
        await app.parts.close()
        app.parts = before


async def test_each_quarantine_is_on_the_page_in_the_words_of_the_log():
    """Every fault of tenant size, and no other."""
    codes = {code for *_, size, code in _TABLE if size is FaultSize.TENANT} - NOT_OF_A_TARGET
    codes |= {classify_sign_in(text).code for text in ("AADSTS90002", "AADSTS700016")}
    rows = {f"| `{code}` | {words_for(code).reason} | {words_for(code).advice} |" for code in codes}
    assert set(re.findall(r"^\| `.*$", PAGE, re.MULTILINE)) == rows
