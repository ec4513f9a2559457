"""Runs the whole sandbox: starts the parts, plays the day, compares, reports, and serves until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import aiohttp
import yaml

from sandbox.story import monitoring
from sandbox.story.cloud import Cloud
from sandbox.story.day import SOURCE, Change, Day
from sandbox.story.expectation import Comparison, Expectation
from sandbox.story.processes import Part, start
from sandbox.story.report import Report
from sandbox.story.topology import TOPIC, service_bus_topology

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

REPOSITORY: Final = Path(__file__).resolve().parents[2]
_REPLICAS: Final = {"count": 2, "medianSeconds": 0.3, "p99Seconds": 2.0}
"""How late the tenants' replicas are: gentler than in the cloud, so that the day fits into a minute."""

_NOTIFICATIONS: Final = {"medianSeconds": 0.5, "tailSeconds": 3.0}
"""How late notifications are: their long tail, of minutes, is the tests' affair."""

_POLL: Final = 0.25  # seconds between two looks at the targets
_PATIENCE: Final = 90  # seconds that a chapter may take, plus
_PATIENCE_PER_PERSON: Final = 0.6  # seconds; the targets' write quota sets the pace of a large load


class InvalidConfigurationError(Exception):
    """sync.yaml is not valid; the text lists every fault."""


class NotConvergedError(Exception):
    """The targets did not come to hold what they should in time."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the run is asked for. Times are seconds."""

    users: int = 0
    seed: int = 1
    sync_file: Path = REPOSITORY / "sync.yaml"
    window: float = 1.0
    settle: float = 2.0
    second_look: float = 4.0
    lock: int = 60  # of a message; also how long a killed worker's users stay untouched


@dataclass(slots=True)
class Sandbox:
    """The running parts."""

    options: Options
    folder: Path = field(init=False)
    tenants: Part = field(init=False)
    bus: Part = field(init=False)
    monitor: Part = field(init=False)
    host: Part = field(init=False)
    cloud: Cloud = field(init=False)
    _stack: AsyncExitStack = field(init=False, default_factory=AsyncExitStack)
    _host_arguments: list[str] = field(init=False, default_factory=list)

    async def __aenter__(self) -> Self:
        """Start tenants, bus, monitor and host, and subscribe."""
        work = REPOSITORY / ".sandbox"
        work.mkdir(exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=work))
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop everything; keep the folder with the logs where something went wrong."""
        await self._stack.aclose()
        if kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    async def start_host(self) -> None:
        """Start the Functions host with the app, again if need be."""
        environment = {"SSL_CERT_FILE": self.tenants.ready["ca"], "REQUESTS_CA_BUNDLE": self.tenants.ready["ca"]}
        self.host = await start("host", self._host_arguments, log=self.log("host"), environment=environment)
        self._stack.push_async_callback(self.host.stop)

    def log(self, part: str) -> Path:
        """Where a part logs to."""
        return self.folder / f"{part}.log"

    def tenant_names(self) -> list[str]:
        """The targets, by the names that sync.yaml and the tenants agree on."""
        sync = yaml.safe_load(self.options.sync_file.read_text(encoding="utf-8"))
        by_id = {tenant["id"]: name for name, tenant in self.tenants.ready["tenants"].items()}
        return [by_id[target["tenantId"]] for target in sync["targets"]]

    async def run_timer(self, function: str) -> None:
        """Run a timer function now, as an administrator would with the host's master key."""
        keys = json.loads(Path(self.host.ready["keysFile"]).read_text(encoding="utf-8"))
        url = f"{self.host.ready['url']}/admin/functions/{function}"
        tls = ssl.create_default_context(cafile=self.tenants.ready["ca"])
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
            session.post(url, json={"input": ""}, headers={"x-functions-key": keys["masterKey"]}) as response,
        ):
            response.raise_for_status()

    async def subscribe(self) -> None:
        """Have the app make its subscriptions, and wait for them."""
        await self.run_timer("keep_subscriptions")
        async with asyncio.timeout(60):
            while len((await self.cloud.control("GET", "subscriptions"))["value"]) < 2:
                await asyncio.sleep(0.1)

    async def _start(self) -> None:
        await check_configuration(self.options.sync_file)
        sync = yaml.safe_load(self.options.sync_file.read_text(encoding="utf-8"))
        self.tenants = await start(
            "tenants",
            ["tenants", "--port", "0", "--seed", str(self.options.seed), "--tls-dir", str(self.folder / "tls")],
            log=self.log("tenants"),
        )
        self._stack.push_async_callback(self.tenants.stop)
        topology = self.folder / "servicebus.json"
        topology.write_text(
            json.dumps(service_bus_topology([target["name"] for target in sync["targets"]], self.options.lock)),
            encoding="utf-8",
        )
        self.bus = await start("bus", ["bus", "--port", "0", "--config", str(topology)], log=self.log("bus"))
        self._stack.push_async_callback(self.bus.stop)
        self.monitor = await monitoring.start_monitor(self.tenants.ready, self.log("monitor"))
        self._stack.push_async_callback(self.monitor.stop)
        self.cloud = await self._stack.enter_async_context(Cloud(self.tenants.ready))
        await self.cloud.control("POST", "profile", {"replicas": _REPLICAS, "notifications": _NOTIFICATIONS})
        port = await _free_port()
        settings = self.folder / "local.settings.json"
        settings.write_text(json.dumps(self._settings(port), indent=2), encoding="utf-8")
        self._host_arguments = [
            "host",
            *("--app", str(REPOSITORY)),
            *("--port", str(port)),
            *("--settings", str(settings)),
            *("--tls-cert", self.tenants.ready["certificate"]),
            *("--tls-key", self.tenants.ready["key"]),
            *("--keys-file", str(self.folder / "host-keys.json")),
        ]
        await self.start_host()

    def _settings(self, host_port: int) -> Mapping[str, Any]:
        """The sample settings with the addresses of this run."""
        document: dict[str, Any] = json.loads((REPOSITORY / "local.settings.sample.json").read_text(encoding="utf-8"))
        tenants = self.tenants.ready
        document["Values"] |= {
            "SYNC_FILE": str(self.options.sync_file.resolve()),
            "MANAGED_IDENTITY_CLIENT_ID": tenants["managedIdentity"]["clientId"],
            "READER_CLIENT_ID": tenants["apps"]["reader"]["appId"],
            "WRITER_CLIENT_ID": tenants["apps"]["writer"]["appId"],
            "ServiceBusConnection": self.bus.ready["connectionString"],
            "USER_CHANGES_TOPIC": TOPIC,
            "STORE_URL": f"sqlite:///{self.folder / 'links.sqlite3'}",
            "NOTIFICATION_URL": f"https://localhost:{host_port}/api/notifications",
            "WINDOW_SECONDS": str(self.options.window),
            "SETTLE_SECONDS": str(self.options.settle),
            "SECOND_LOOK_SECONDS": str(self.options.second_look),
            "LOCK_SECONDS": str(self.options.lock),
            "GRAPH_ENDPOINT": tenants["graph"].removesuffix("/v1.0"),
            "AZURE_AUTHORITY_HOST": tenants["login"],
            # What Azure itself sets for the managed identity of an app:
            "IDENTITY_ENDPOINT": tenants["identityEndpoint"],
            "IDENTITY_HEADER": tenants["identityHeader"],
            **monitoring.settings(self.monitor.ready),
        }
        return document


async def check_configuration(sync_file: Path) -> None:
    """Have the app's own command check sync.yaml.

    Raises:
        InvalidConfigurationError: with every fault.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "admin", "validate", str(sync_file),
        cwd=REPOSITORY, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await process.communicate()
    if process.returncode:
        raise InvalidConfigurationError(errors.decode())


class Play:
    """One playing of the day on a running sandbox."""

    def __init__(self, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
        """`tell` is given lines of progress."""
        self._sandbox = sandbox
        self._tell = tell
        self._cloud = sandbox.cloud
        self.day = Day(sandbox.cloud, extra_people=sandbox.options.users, seed=sandbox.options.seed)
        self._before: dict[str, list[Mapping[str, Any]]] = {}
        self._latencies: list[float] = []

    async def run(self) -> Report:
        """Play all chapters; each has to arrive in every target before the next begins."""
        await self.prepare()
        comparisons: dict[str, Comparison] = {}
        for chapter in self.day.chapters():
            self._tell(chapter.title)
            began = time.monotonic()
            changes = await chapter.play()
            comparisons = await self.converge(len(changes))
            self._tell(f"  as it should be in every target after {time.monotonic() - began:.1f} s")
            if chapter.single:
                self._latencies += await self._measure(changes)
            if not all(comparison.right for comparison in comparisons.values()):
                break
        requests = (await self._cloud.control("GET", "counters"))["requests"]
        return Report(comparisons, requests, self._latencies)

    async def prepare(self) -> None:
        """Learn who is where before anything happens."""
        await self.day.prepare()
        parts = self._sandbox
        people = await self._cloud.users(SOURCE)
        await monitoring.fill_applications(parts.monitor.ready, parts.tenants.ready["ca"], people, datetime.now(UTC))
        self._before = {target: await self._cloud.users(target) for target in self._sandbox.tenant_names()}

    async def converge(self, people: int) -> dict[str, Comparison]:
        """Compare until every target is right, or patience ends; returns the last comparison."""
        until = time.monotonic() + _PATIENCE + _PATIENCE_PER_PERSON * people
        while True:
            comparisons = await self.compare()
            if all(comparison.right for comparison in comparisons.values()) or time.monotonic() > until:
                return comparisons
            await asyncio.sleep(_POLL)

    async def compare(self) -> dict[str, Comparison]:
        """Every target against what it should hold now."""
        source = self._sandbox.tenants.ready["tenants"][SOURCE]
        writer = self._sandbox.tenants.ready["apps"]["writer"]["appId"].replace("-", "")
        expectation = Expectation(f"extension_{writer}_crosstenantSource", source["id"], await self.day.in_scope())
        return {
            target: expectation.compare(before, await self._cloud.users(target))
            for target, before in self._before.items()
        }

    async def _measure(self, changes: Sequence[Change]) -> list[float]:
        """Seconds from each change to the last write that it led to, in each target, by the tenants' journal."""
        journal = (await self._cloud.control("GET", "journal"))["value"]
        writer = self._sandbox.tenants.ready["apps"]["writer"]["appId"].replace("-", "")
        marker = f"extension_{writer}_crosstenantSource"
        latencies: list[float] = []
        for target in self._before:
            everybody = (await self._cloud.control("GET", f"tenants/{target}/users"))["value"]
            source_of = {user["id"]: str(user.get(marker) or "").rpartition("/")[2] for user in everybody}
            for change in changes:
                writes = [
                    entry["time"]
                    for entry in journal
                    if entry["tenant"] == target
                    and source_of.get(entry["objectId"]) == change.person
                    and entry["time"] > change.at
                ]
                latencies += [max(writes) - change.at] if writes else []
        return latencies


async def _free_port() -> int:
    """A port that was free a moment ago; the notification address has to be known before the host listens."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


def prune(work: Path) -> None:
    """Remove the folders of earlier runs."""
    for folder in work.glob("run-*"):
        if time.time() - folder.stat().st_mtime > 86_400 and os.access(folder, os.W_OK):
            shutil.rmtree(folder, ignore_errors=True)
