"""The host stops in the middle of its work: asked to, asked to in too little time, and not asked at all.

Azure does all three. At a scale-in its host drains: listeners stop, and what runs has minutes to end. A new deployment,
or a grace time that is over, ends the worker's process wherever it is.
"""

from __future__ import annotations

import asyncio
import re
import signal

import aiohttp
import pytest

from sandbox.story.play import Play
from sandbox.story.run import Options, Sandbox
from shared.store import open_store

QUICK = {"window": 1.0, "settle": 1.0, "second_look": 4.0, "lock": 10}
TARGETS = ("emea", "apac")
USERS = 10  # who join with the company


async def in_the_middle(sandbox):
    """Wait until somebody was invited in EMEA and the batch is still at work."""
    while True:
        if await invitations(sandbox, "emea"):
            break
        await asyncio.sleep(0.05)
    assert sandbox.host.process.returncode is None


async def invitations(sandbox, target):
    counted = (await sandbox.cloud.control("GET", "counters"))["requests"]
    return counted.get(target, {}).get("POST /invitations", 0)


async def left_to_do(sandbox, *states):
    """How many messages of the topic are in one of these states."""
    url = f"http://127.0.0.1:{sandbox.bus.ready['httpPort']}/entities"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return sum(entity[state] for entity in (await response.json())["entities"] for state in states)


async def until_quiet(sandbox):
    """Wait until nothing is left to do; the test's own timeout ends it."""
    while True:
        if not await left_to_do(sandbox, "active", "locked", "scheduled"):
            return
        await asyncio.sleep(0.5)


async def claims(sandbox):
    """The source users whom a worker still claims, in all targets."""
    store = open_store(f"sqlite:///{sandbox.folder / 'links.sqlite3'}", None)
    try:
        links = [link for target in TARGETS async for page in store.list_links(target) for link in page]
    finally:
        await store.close()
    return [link.source_id for link in links if link.claim is not None]


def after_the_stop(sandbox):
    """What the host's log tells of invocations since it was told to stop."""
    _, _, rest = sandbox.log("host").read_text(encoding="utf-8").rpartition("Stopping host")
    return re.findall(r"(Executing|Executed) 'Functions\.provision_\w+' \((Succeeded|Failed|Cancelled|Reason)", rest)


async def load_interrupted_by(sandbox, stop):
    """People join, the host is stopped in the middle of the load, and started again; everybody has to be right."""
    await sandbox.subscribe()
    play = Play(sandbox, lambda _line: None)
    await play.prepare()
    await sandbox.cloud.control("POST", "faults", {"operation": "PATCH /users/{id}", "delaySeconds": 0.2})
    await play.day.chapters()[0].play()
    await in_the_middle(sandbox)
    seen = await stop()
    await sandbox.cloud.control("DELETE", "faults")
    await sandbox.start_host()
    comparisons = await play.converge(60)
    assert all(comparison.right for comparison in comparisons.values()), comparisons
    await until_quiet(sandbox)
    assert await claims(sandbox) == []
    assert await left_to_do(sandbox, "deadLettered") == 0
    comparisons = await play.compare()
    assert all(comparison.right for comparison in comparisons.values()), comparisons
    return seen


@pytest.mark.timeout(240)
async def test_a_host_that_is_asked_to_stop_ends_what_it_has_begun():
    """SIGTERM: nothing is begun, the batches end and are completed, no claim is left, and nobody is invited twice."""
    async with Sandbox(Options(users=USERS, grace=30, **QUICK)) as sandbox:

        async def stop():
            sandbox.host.process.send_signal(signal.SIGTERM)
            assert await sandbox.host.process.wait() == 0
            return await claims(sandbox), await left_to_do(sandbox, "locked"), after_the_stop(sandbox)

        held, locked, told = await load_interrupted_by(sandbox, stop)
        assert (held, locked) == ([], 0)
        assert ("Executed", "Succeeded") in told
        assert {kind for kind, _ in told} == {"Executed"}, "nothing was begun after the stop"
        assert {outcome for _, outcome in told} == {"Succeeded"}
        assert await invitations(sandbox, "emea") == USERS + 23
        assert await invitations(sandbox, "apac") == USERS + 22, "Lee Gu is there already, as a guest"


@pytest.mark.timeout(240)
async def test_what_does_not_end_in_the_grace_time_is_done_by_the_next_host():
    """SIGTERM and hardly any time: the batch is cut off and given back, its claims are taken over."""
    async with Sandbox(Options(users=USERS, grace=0.1, **QUICK)) as sandbox:

        async def stop():
            sandbox.host.process.send_signal(signal.SIGTERM)
            assert await sandbox.host.process.wait() == 0
            return await claims(sandbox), await left_to_do(sandbox, "locked"), after_the_stop(sandbox)

        held, locked, told = await load_interrupted_by(sandbox, stop)
        assert held, "the fault itself: it was cut off between claim and commit"
        assert locked == 0
        assert ("Executed", "Cancelled") in told


@pytest.mark.timeout(240)
async def test_what_a_killed_host_left_is_done_by_the_next_one():
    """SIGKILL, for comparison: the same, once the messages' locks have run out."""
    async with Sandbox(Options(users=USERS, **QUICK)) as sandbox:

        async def stop():
            await sandbox.host.kill()
            return await claims(sandbox), await left_to_do(sandbox, "locked")

        held, locked = await load_interrupted_by(sandbox, stop)
        assert held, "the fault itself: it was killed between claim and commit"
        assert locked
