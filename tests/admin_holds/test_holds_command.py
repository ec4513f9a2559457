"""`holds` as an administrator types it: what is shown, what is refused, and what goes out on the topic."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from azure.servicebus.aio import ServiceBusClient
from click.testing import CliRunner

from admin.holds import holds
from sandbox.bus.config import read_config
from sandbox.bus.server import BusServer
from sandbox.story.topology import service_bus_topology
from shared.core.hold_notes import HoldNote, encode_notes
from shared.core.messages import Kind, decode
from shared.core.model import Link, LinkState, StateRow
from shared.store.sqlite import SQLiteStore

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).resolve().parents[2]
SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
GROUP = "60000000-0000-4000-8000-000000000001"


def user(number: int) -> str:
    """The id of a source user."""
    return f"0a1b2c3d-0000-4000-8000-{number:012d}"


def target_user(number: int) -> str:
    """The id of their target user."""
    return f"1a1b2c3d-0000-4000-8000-{number:012d}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bus():
    """A bus for the module; each test takes its messages off it."""
    server = BusServer(read_config(service_bus_topology(["emea", "apac"], 60)))
    await server.start()
    yield server
    await server.stop()


class Terminal:
    """An administrator's terminal, and the store behind it."""

    def __init__(self, store, environment, bus):
        self.store = store
        self.environment = environment
        self.bus = bus

    async def run(self, *arguments):
        """Exit code, standard output, standard error."""
        done = await asyncio.to_thread(CliRunner(env=self.environment).invoke, holds, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    async def hold(self, *numbers, reason="deletionBudget", target="emea"):
        """Hold users, with notes."""
        await self.store.write_links(
            [Link(target, user(n), LinkState.HELD, target_user(n), reason=reason) for n in numbers]
        )
        old = await self.store.get_state(f"holds:{target}:0")
        notes = {user(n): HoldNote(SINCE, reason, (target_user(n),)) for n in numbers}
        await self.store.put_state(StateRow(f"holds:{target}:0", encode_notes(notes), old.etag if old else None))

    async def sent(self, count, target="emea"):
        """Ids of so many users who are to be checked, off the bus."""
        found = set()
        async with (
            ServiceBusClient.from_connection_string(self.bus.connection_string) as client,
            client.get_subscription_receiver("user-changes", target, max_wait_time=20) as receiver,
        ):
            async for message in receiver:
                change = decode(b"".join(message.body))
                assert (change.kind, change.target) == (Kind.CHECK, target)
                found.add(change.user_id)
                await receiver.complete_message(message)
                if len(found) == count:
                    break
        return found


@pytest_asyncio.fixture(loop_scope="module")
async def terminal(bus, tmp_path):
    """A terminal for two targets; in EMEA, 40 live users, so that four may be removed."""
    (tmp_path / "sync.yaml").write_text(
        json.dumps(
            {
                "source": {"tenantId": "50000000-0000-4000-8000-000000000001"},
                "targets": [
                    {"name": name, "tenantId": f"e0000000-0000-4000-8000-00000000000{n}", "scope": {"groups": [GROUP]}}
                    for n, name in enumerate(("emea", "apac"))
                ],
            }
        ),
        encoding="utf-8",
    )
    environment = {
        "SYNC_FILE": str(tmp_path / "sync.yaml"),
        "MANAGED_IDENTITY_CLIENT_ID": user(1),
        "READER_CLIENT_ID": user(2),
        "WRITER_CLIENT_ID": user(3),
        "ServiceBusConnection": bus.connection_string,
        "USER_CHANGES_TOPIC": "user-changes",
        "STORE_URL": f"sqlite:///{tmp_path}/links.sqlite3",
        "NOTIFICATION_URL": "https://localhost:1/api/notifications",
        "WINDOW_SECONDS": "0.1",
        "SETTLE_SECONDS": "0",
    }
    store = SQLiteStore(tmp_path / "links.sqlite3")
    await store.write_links([Link("emea", user(n), LinkState.ACTIVE, target_user(n)) for n in range(100, 140)])
    yield Terminal(store, environment, bus)
    await store.close()


async def test_nothing_held_is_said(terminal):
    """And is no fault."""
    assert await terminal.run("list") == (0, "Nothing is held.\n", "")
    assert await terminal.run("release", "--all") == (0, "Nothing is held.\n", "")
    code, out, _ = await terminal.run("list", "--json")
    assert (code, json.loads(out)) == (0, [])


async def test_a_hold_is_listed_with_its_reason_its_time_and_what_to_run(terminal):
    """The command that is shown is one that can be run."""
    await terminal.hold(1)
    await terminal.hold(2, reason="severalMatches", target="apac")
    code, out, _ = await terminal.run("list")
    assert code == 0
    assert f"emea {user(1)}: deletionBudget since 2026-03-01T12:00:00+00:00, objects {target_user(1)}" in out
    assert "2 held, 1 of them removals" in out
    code, out, _ = await terminal.run("list", "--target", "emea", "--json")
    [hold] = json.loads(out)
    assert hold["run"] == f"python -m admin holds release {user(1)} --target emea"
    code, out, _ = await terminal.run(*hold["run"].split()[4:])
    assert (code, out) == (0, "emea: 1 removals released, 0 other holds will be looked at again\n")
    assert await terminal.sent(1) == {user(1)}


async def test_a_user_is_shown_and_released_by_either_id(terminal):
    """Upper case is the same id."""
    await terminal.hold(1)
    for name in (user(1), target_user(1), user(1).upper()):
        code, out, _ = await terminal.run("show", name)
        assert (code, out.splitlines()[0][:41]) == (0, f"emea {user(1)}")
    code, _, _ = await terminal.run("release", target_user(1))
    assert code == 0
    assert await terminal.sent(1) == {user(1)}


async def test_a_release_of_what_is_held_no_more_is_refused_with_the_present_facts(terminal):
    """And the others that were named with it are not released either."""
    await terminal.hold(1)
    code, out, err = await terminal.run("release", user(1), user(100), user(77))
    assert (code, out) == (1, "")
    assert f"emea {user(100)}: not held; state active, target user {target_user(100)}" in err
    assert f"{user(77)}: no target knows this user" in err
    assert await terminal.store.get_state("deletions:emea") is None


async def test_more_removals_than_the_budget_allows_need_their_exact_number(terminal):
    """Ten per cent of forty are four; six are held."""
    await terminal.hold(*range(6))
    code, _, err = await terminal.run("release", "--all")
    assert (code, "--yes-remove 6" in err, "allows 4" in err) == (1, True, True)
    code, _, err = await terminal.run("release", "--all", "--yes-remove", "7")
    assert (code, "say --yes-remove 6" in err) == (1, True)
    assert await terminal.store.get_state("deletions:emea") is None
    code, out, _ = await terminal.run("release", "--all", "--yes-remove", "6", "--json")
    assert (code, json.loads(out)) == (0, [{"target": "emea", "removals": 6, "looks": 0}])
    assert await terminal.sent(6) == {user(n) for n in range(6)}


async def test_named_users_count_like_all_of_them(terminal):
    """Six names are six removals, and two targets' removals are counted together."""
    await terminal.hold(*range(6))
    await terminal.hold(0, target="apac")
    names = [user(n) for n in range(6)]
    code, _, err = await terminal.run("release", *names)
    assert (code, "nothing was released" in err, "--yes-remove 7" in err) == (1, True, True)
    assert await terminal.store.get_state("deletions:emea") is None
    code, _, _ = await terminal.run("release", *names, "--target", "emea", "--yes-remove", "6")
    assert code == 0
    assert await terminal.sent(6) == set(names)


async def test_releases_that_wait_count_with_the_next_ones(terminal):
    """The budget cannot be had in slices: after four of four, one more needs its number."""
    await terminal.hold(*range(6))
    code, _, _ = await terminal.run("release", *[user(n) for n in range(4)])
    assert code == 0
    assert await terminal.sent(4) == {user(n) for n in range(4)}
    code, _, err = await terminal.run("release", user(4))
    assert (code, "--yes-remove 1" in err) == (1, True)
    code, _, _ = await terminal.run("release", user(4), "--yes-remove", "1")
    assert code == 0
    assert await terminal.sent(1) == {user(4)}


async def test_a_hold_that_ended_while_it_was_listed_is_not_released(terminal):
    """What was held a moment ago and is active now is told as it is now, and nothing is asked of anybody."""
    await terminal.hold(1)
    held = (await terminal.store.get_links("emea", [user(1)]))[user(1)]
    await terminal.store.write_links([replace(held, state=LinkState.ACTIVE, reason="upToDate")])
    code, out, err = await terminal.run("release", user(1))
    assert (code, out) == (1, "")
    assert f"emea {user(1)}: not held; state active, target user {target_user(1)}, last decision upToDate" in err
    assert await terminal.store.get_state("deletions:emea") is None


async def test_other_holds_are_only_looked_at_again(terminal):
    """There is nothing to let pass, so no number is needed and no release is stored."""
    await terminal.hold(*range(6), reason="severalMatches")
    code, out, _ = await terminal.run("release", "--all")
    assert (code, out) == (0, "emea: 0 removals released, 6 other holds will be looked at again\n")
    assert await terminal.store.get_state("deletions:emea") is None
    assert await terminal.sent(6) == {user(n) for n in range(6)}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["release"], 2, "name users, or give --all"),
        (["release", "--all", user(1)], 2, "name users, or give --all"),
        (["release", "nobody"], 2, "is no object id"),
        (["show", "x" * 36], 2, "is no object id"),
        (["list", "--target", "mars"], 2, "targets: emea, apac"),
        (["list", "--settings", "no-such-file"], 2, "does not exist"),
        (["show", user(5)], 1, "no target knows this user"),
    ],
)
async def test_a_mistake_is_answered_in_a_line_and_an_exit_code(terminal, arguments, code, said):
    """2 for what was typed, 1 for what is not there."""
    found, _, err = await terminal.run(*arguments)
    assert (found, said in err) == (code, True), err


@pytest.mark.parametrize(
    ("setting", "value", "code", "said"),
    [
        ("STORE_URL", "nonsense", 2, "STORE_URL"),
        ("SYNC_FILE", "no-such-sync.yaml", 2, "cannot be read"),
        ("READER_CLIENT_ID", "", 2, "READER_CLIENT_ID"),
        ("STORE_URL", "sqlite:////proc/nowhere/links.sqlite3", 1, "store:"),
    ],
)
async def test_settings_that_cannot_be_used_are_named(terminal, setting, value, code, said):
    """Without a traceback."""
    terminal.environment[setting] = value
    found, _, err = await terminal.run("list")
    assert (found, said in err) == (code, True), err


async def test_a_ledger_that_cannot_be_read_releases_nobody_and_is_named(terminal):
    """The operator learns which row."""
    await terminal.hold(1)
    await terminal.store.put_state(StateRow("deletions:emea", '{"v":99}'))
    code, _, err = await terminal.run("release", user(1))
    assert (code, "state row deletions:emea: cannot be read: v must be 1" in err) == (1, True)


async def test_without_the_bus_the_release_stands_and_running_it_again_is_asked_for(terminal):
    """Running it again does the rest."""
    await terminal.hold(1)
    right = terminal.environment["ServiceBusConnection"]
    terminal.environment["ServiceBusConnection"] = (
        "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;"
    )
    code, _, err = await terminal.run("release", user(1))
    assert (code, "run this again" in err) == (1, True)
    terminal.environment["ServiceBusConnection"] = right
    code, _, _ = await terminal.run("release", user(1))
    assert code == 0
    assert await terminal.sent(1) == {user(1)}


async def test_settings_may_stand_in_a_file(terminal, tmp_path):
    """As the Functions host reads them, in a process of its own."""
    await terminal.hold(1)
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"Values": terminal.environment}), encoding="utf-8")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", "from admin.holds import holds; holds()", "list", "--settings", str(file)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in terminal.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 held, 1 of them removals" in done.stdout
