"""The whole product on the whole sandbox: each part a process of its own, everything over the wire."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from sandbox.story.play import Play
from sandbox.story.run import Options, Sandbox

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, timeout: int = 170) -> subprocess.CompletedProcess[str]:
    """The sandbox's command, as a user would type it."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_the_day_ends_with_every_target_right(tmp_path):
    """Contoso's day and forty more people: adopted, updated, blocked, removed, restored, held and released in both."""
    report_file = tmp_path / "report.json"
    done = run("--once", "--users", "40", "--report", str(report_file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Workbook          http://127.0.0.1:" in done.stdout
    report = json.loads(report_file.read_text(encoding="utf-8"))
    assert report["passed"] is True
    for target in report["targets"].values():
        assert target["expected"] == target["actual"] == 28 + 40 - 9
        assert target["missing"] == target["unexpected"] == target["different"] == []
    assert report["requests"]["emea"]["POST /invitations"] == report["requests"]["apac"]["POST /invitations"]
    assert report["latencySeconds"]["p50"] < 1 + 2 + 5  # window, settle, and five


def test_the_day_can_begin_with_tenants_that_know_nothing_of_each_other():
    """Four kinds of command, each shown, and the whole day is played on what they made."""
    done = run("--once", "--from-nothing")
    assert done.returncode == 0, done.stdout + done.stderr
    typed = [
        line.split("python -m admin ")[1].split()[:2] for line in done.stdout.splitlines() if ": python -m" in line
    ]
    assert typed == [
        ["register"],
        ["register", "--managed-identity"],
        ["onboard", "target"],
        ["onboard", "target"],
        ["onboard", "source"],
    ]
    assert "Redeem invitations automatically: off → on" in done.stdout


def test_a_wrong_configuration_ends_with_code_2_and_all_of_its_faults(tmp_path):
    """Before anything is started."""
    wrong = tmp_path / "sync.yaml"
    wrong.write_text("source: {tenantId: no}\ntargets: [{name: Emea, tenantId: x, scope: {}}]\n", encoding="utf-8")
    done = run("--once", "--sync", str(wrong))
    assert done.returncode == 2
    for path in ("source.tenantId", "targets[0].name", "targets[0].tenantId", "targets[0].scope"):
        assert path in done.stderr, done.stderr


@pytest.mark.timeout(240)
async def test_a_host_killed_in_the_middle_of_the_load_ends_in_the_same_state():
    """SIGKILL between invitation and commit, twice; whoever comes after takes over, and nobody is doubled or lost."""
    async with Sandbox(Options(users=60, lock=10)) as sandbox:
        await sandbox.subscribe()
        play = Play(sandbox, lambda _line: None)
        await play.prepare()
        load = play.day.chapters()[0]
        await load.play()
        for seconds in (4.5, 6.0):
            await asyncio.sleep(seconds)  # the fault itself: a crash has a moment, and this is it
            await sandbox.host.kill()
            await sandbox.start_host()
        comparisons = await play.converge(80)
        assert all(comparison.right for comparison in comparisons.values()), comparisons
        invitations = (await sandbox.cloud.control("GET", "counters"))["requests"]["emea"]["POST /invitations"]
        assert invitations >= 83


async def test_the_webhook_and_health_answer_over_http():
    """What Graph, a forger and an administrator get from the running app."""
    async with Sandbox(Options()) as sandbox:
        await sandbox.subscribe()
        tls = ssl.create_default_context(cafile=sandbox.tenants.ready["ca"])
        keys = json.loads(Path(sandbox.host.ready["keysFile"]).read_text(encoding="utf-8"))
        api = f"{sandbox.host.ready['url']}/api"
        forged = {"value": [{"clientState": "guess", "subscriptionId": "x", "tenantId": "y"}]}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            for body, status in (
                (b"{", 400),
                (b'{"value": 7}', 400),
                (json.dumps(forged).encode(), 202),
                (b" " * (1024 * 1024 + 1), 413),
            ):
                async with session.post(f"{api}/notifications", data=body) as response:
                    assert response.status == status
            async with session.post(f"{api}/notifications?validationToken=Hello%20Graph") as response:
                assert (response.status, response.content_type) == (200, "text/plain")
                assert await response.text() == "Hello Graph"
            async with session.get(f"{api}/health") as response:
                assert response.status == 401
            async with session.get(f"{api}/health", headers={"x-functions-key": keys["masterKey"]}) as response:
                assert response.status == 200
                assert (await response.json())["healthy"] is True
