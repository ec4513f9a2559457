"""A flood of notifications: 10,000 in one minute, each a request of its own, into a whole running sandbox.

A script in the source has set a title for everybody, attribute by attribute, so Graph tells of each person again and
again within seconds. Graph's part is played here, from a process that shares the machine with the host: the tenants
stay silent, and every notification carries what Graph would know, the subscription's secret included. Requests are sent
evenly and wait for no answer of an earlier one. Graph drops what is not answered with 202 in 3 s too often.

Everybody was in the target before, and has to be right in it after, when nothing waits in the topic any more. Prints a
line of JSON; ends with 1 where the figure is not met.

    python -m benchmarks.flood [--users 1000] [--each 10] [--seconds 60]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from benchmarks import watched
from benchmarks.figure import Figure
from benchmarks.newcomers import SOURCE, Newcomers, product_times, running_sandbox
from sandbox.story.cloud import NOTIFICATIONS
from sandbox.tenants.contoso import SOURCE_TENANT_ID
from shared.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandbox.story.run import Sandbox

ACCEPTED: Final = 202
_SLOW: Final = 3.0  # seconds, after which an answer counts as slow with Graph
_P99: Final = 1.0  # seconds
_RATE_KEPT: Final = 0.98  # of the rate that was asked for: else nothing was measured
_COALESCED: Final = 0.5  # messages of a notification, second looks included
_GROWTH: Final = 48.0  # MiB that the flood may leave behind
_GIVE_UP: Final = 30.0  # seconds until a request counts as never answered
_CONNECTIONS: Final = 100  # of Graph's; a request that waits for one is waiting for its answer
_AT_WORK: Final = 50  # people whom the script works on at a time
_POLL: Final = 1.0  # seconds between two looks at the topic
_TITLE: Final = "After the flood"


@dataclass(slots=True)
class Answers:
    """What came back: status and seconds of each; status 0 where nothing did."""

    given: list[tuple[int, float]] = field(default_factory=list)
    took: float = 0.0  # seconds from the first request to the last

    def count(self, lowest: int, highest: int) -> int:
        """How many have a status within these."""
        return sum(lowest <= status <= highest for status, _ in self.given)

    def seconds(self) -> Sequence[float]:
        """How long each took, in order."""
        return sorted(seconds for _, seconds in self.given)


async def measure(users: int, each: int, seconds: float, times: Mapping[str, float] | None = None) -> Figure:
    """Tell of so many people so often each; `times` are the app's, the product's own if none are given."""
    notifications = users * each
    async with running_sandbox(times or product_times()) as sandbox:
        newcomers = Newcomers(sandbox)
        await newcomers.join(users)
        if wrong := await newcomers.arrive():
            raise RuntimeError(f"{wrong} people were wrong in the target before the flood")
        await silence(sandbox)
        await until_quiet(sandbox)
        await sandbox.cloud.each(SOURCE, newcomers.ids, "PATCH", "/users/{}", {"jobTitle": _TITLE})
        host, handed = sandbox.host.pid, watched.handed_over(sandbox)
        watched.forget_peak(host)
        memory, cpu = {"startMiB": watched.resident(host)}, watched.cpu_seconds(host)
        answers = await _flood(sandbox, newcomers.ids, each, notifications / seconds)
        cpu = watched.cpu_seconds(host) - cpu
        dead = await until_quiet(sandbox)
        memory |= {"peakMiB": watched.peak(host), "endMiB": watched.resident(host)}
        handed = watched.handed_over(sandbox) - handed
        wrong, throttled = await newcomers.wrong(), await newcomers.throttled()
    ordered = answers.seconds()
    return Figure(
        "flood",
        users,
        {
            "accepted": 1.0,
            "perSecond": _RATE_KEPT * notifications / seconds,
            "p99": _P99,
            "slow": 0,
            "serverErrors": 0,
            "messagesPerNotification": _COALESCED,
            "deadLettered": 0,
            "throttled": 0,
            "wrong": 0,
            "grownMiB": _GROWTH,
        },
        {
            "accepted": answers.count(ACCEPTED, ACCEPTED) / notifications,
            "perSecond": round(notifications / answers.took, 1),
            "p50": round(statistics.median(ordered), 4),
            "p99": round(statistics.quantiles(ordered, n=100, method="inclusive")[98], 4),
            "most": round(ordered[-1], 3),
            "slow": sum(each > _SLOW for each in ordered),
            "serverErrors": answers.count(500, 599),
            "notifications": notifications,
            "messages": handed,
            "messagesPerNotification": round(handed / notifications, 3),
            "deadLettered": dead,
            "throttled": throttled,
            "wrong": wrong,
            "cpuSeconds": round(cpu, 1),
            **memory,
            "grownMiB": round(memory["endMiB"] - memory["startMiB"], 1),
        },
        answers.took,
        at_least=frozenset({"accepted", "perSecond"}),
    )


async def silence(sandbox: Sandbox) -> None:
    """From now on Graph loses every notification of its own."""
    await sandbox.cloud.control("POST", "profile", {"notifications": {**NOTIFICATIONS, "lossShare": 1.0}})


async def until_quiet(sandbox: Sandbox) -> int:
    """Wait until no message is left to work on, not even a scheduled one; how many were dead-lettered."""
    while True:
        counts = await watched.waiting(sandbox)
        if not counts["active"] + counts["locked"] + counts["scheduled"]:
            return counts["deadLettered"]
        await asyncio.sleep(_POLL)


async def _flood(sandbox: Sandbox, ids: Sequence[str], each: int, per_second: float) -> Answers:
    make = await _writer_of_notifications(sandbox)
    bodies = [make(person) for person in _told_again_and_again(ids, each)]
    answers = Answers()
    tls = ssl.create_default_context(cafile=sandbox.tenants.ready["ca"])
    url = f"{sandbox.host.ready['url']}/api/notifications"
    limits = aiohttp.ClientTimeout(total=_GIVE_UP)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=_CONNECTIONS), timeout=limits
    ) as session:

        async def post(body: bytes) -> None:
            began, status = time.monotonic(), 0
            try:
                async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
                    status = response.status
            except (aiohttp.ClientError, TimeoutError):
                pass  # never answered, which status 0 tells
            answers.given.append((status, time.monotonic() - began))

        began = time.monotonic()
        async with asyncio.TaskGroup() as under_way:
            for number, body in enumerate(bodies):
                await asyncio.sleep(began + number / per_second - time.monotonic())
                under_way.create_task(post(body))
            answers.took = time.monotonic() - began
    return answers


def _told_again_and_again(ids: Sequence[str], each: int) -> Iterator[str]:
    """Some people at a time, so often each."""
    for start in range(0, len(ids), _AT_WORK):
        for _ in range(each):
            yield from ids[start : start + _AT_WORK]


async def _writer_of_notifications(sandbox: Sandbox) -> Any:
    """What makes Graph's notification of a person, with the secret that the app gave Graph and keeps in its store."""
    store = open_store(f"sqlite:///{sandbox.folder / 'links.sqlite3'}", None)
    try:
        [record] = [record for record in await store.get_subscriptions() if record.resource == "/users"]
    finally:
        await store.close()

    def make(person: str) -> bytes:
        item = {
            "changeType": "updated",
            "clientState": record.client_state,
            "resource": f"Users/{person}",
            "resourceData": {"@odata.type": "#Microsoft.Graph.User", "@odata.id": f"Users/{person}", "id": person},
            "subscriptionId": record.subscription_id,
            "tenantId": SOURCE_TENANT_ID,
        }
        return json.dumps({"value": [item]}).encode()

    return make


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--each", type=int, default=10, help="notifications of each person")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    figure = asyncio.run(measure(options.users, options.each, options.seconds))
    print(figure.line())
    sys.exit(0 if figure.met else 1)


if __name__ == "__main__":
    main()
