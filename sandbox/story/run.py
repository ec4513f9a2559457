"""The running sandbox: the parts as processes, the app's settings for them, and the hands of its administrator.

What happens on it is the day's affair; playing it and comparing is in `play`.
"""

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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import aiohttp
import yaml

from sandbox.story import monitoring, onboarding
from sandbox.story.cloud import NOTIFICATIONS, Cloud
from sandbox.story.line import Line
from sandbox.story.processes import Part, start
from sandbox.story.topology import TOPIC, service_bus_topology

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REPOSITORY: Final = Path(__file__).resolve().parents[2]
REPLICAS: Final = {"count": 2, "medianSeconds": 0.3, "p99Seconds": 2.0}
"""How late the tenants' replicas are: gentler than in the cloud, so that the day fits into a minute."""
_THROTTLING: Final = {"writes": 3000, "windowSeconds": 150}
"""Graph's own quota."""


class CommandFailedError(Exception):
    """A command of the administrator's terminal was refused; the text is what it said."""


class InvalidConfigurationError(Exception):
    """sync.yaml is not valid; the text lists every fault."""


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
    grace: float = 10.0  # for what runs when the host is told to stop
    from_nothing: bool = False  # begin with tenants that know nothing of each other
    cuttable: bool = False  # a line to the bus that can be cut, and a window on what lies there


@dataclass(slots=True)
class Sandbox:
    """The running parts."""

    options: Options
    tell: Callable[[str], None] = field(default=lambda _line: None)
    """Is given lines of what happens before the day."""
    reader_id: str = field(init=False, default="")
    writer_id: str = field(init=False, default="")
    folder: Path = field(init=False)
    tenants: Part = field(init=False)
    bus: Part = field(init=False)
    monitor: Part = field(init=False)
    host: Part = field(init=False)
    line: Line = field(init=False, default_factory=Line)
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
        self.host = await start("host", self._host_arguments, log=self.log("host"), environment=self._trust())
        self._stack.push_async_callback(self.host.stop)

    def _trust(self) -> dict[str, str]:
        """The throw-away authority, for every process of the app."""
        return {"SSL_CERT_FILE": self.tenants.ready["ca"], "REQUESTS_CA_BUNDLE": self.tenants.ready["ca"]}

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

    async def administer(self, *arguments: str, may_refuse: bool = False) -> str:
        """Run a command of the administrator's terminal with this run's settings; returns what it printed.

        Raises:
            CommandFailedError: it ended with another code than 0; or than 1, where it `may_refuse`.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "admin", *arguments, "--settings", str(self.folder / "local.settings.json"),
            cwd=REPOSITORY, env=os.environ | self._trust(),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        printed, errors = await process.communicate()
        if process.returncode and not (may_refuse and process.returncode == 1):
            raise CommandFailedError(f"admin {' '.join(arguments)}: {errors.decode()}")
        return printed.decode()

    async def subscribe(self) -> None:
        """Have the app make its subscriptions, and wait for them."""
        await self.run_timer("keep_subscriptions")
        async with asyncio.timeout(60):
            while len((await self.cloud.control("GET", "subscriptions"))["value"]) < 2:
                await asyncio.sleep(0.1)

    async def _start(self) -> None:
        await check_configuration(self.options.sync_file)
        sync = yaml.safe_load(self.options.sync_file.read_text(encoding="utf-8"))
        arguments = ["tenants", "--port", "0", "--seed", str(self.options.seed), "--tls-dir", str(self.folder / "tls")]
        if self.options.from_nothing:
            tenants = self.folder / "tenants.json"
            tenants.write_text(json.dumps(onboarding.strangers()), encoding="utf-8")
            arguments += ["--config", str(tenants)]
        self.tenants = await start("tenants", arguments, log=self.log("tenants"))
        self._stack.push_async_callback(self.tenants.stop)
        topology = self.folder / "servicebus.json"
        topology.write_text(
            json.dumps(service_bus_topology([target["name"] for target in sync["targets"]], self.options.lock)),
            encoding="utf-8",
        )
        arguments = ["bus", "--port", "0", "--http-port", "0", "--config", str(topology)]
        self.bus = await start("bus", arguments, log=self.log("bus"))
        self._stack.push_async_callback(self.bus.stop)
        if self.options.cuttable:
            await self.line.start(self.bus.ready["port"])
            self._stack.push_async_callback(self.line.cut)
        self.monitor = await monitoring.start_monitor(self.tenants.ready, self.log("monitor"))
        self._stack.push_async_callback(self.monitor.stop)
        self.cloud = await self._stack.enter_async_context(Cloud(self.tenants.ready))
        manners = {"replicas": REPLICAS, "notifications": NOTIFICATIONS, "throttling": _THROTTLING}
        await self.cloud.control("POST", "profile", manners)
        port = await _free_port()
        settings = self.folder / "local.settings.json"
        if self.options.from_nothing:
            settings.write_text(json.dumps(self._settings(port)), encoding="utf-8")
            self.reader_id, self.writer_id = await onboarding.register(self)
        else:
            apps = self.tenants.ready["apps"]
            self.reader_id, self.writer_id = apps["reader"]["appId"], apps["writer"]["appId"]
        settings.write_text(json.dumps(self._settings(port), indent=2), encoding="utf-8")
        self._host_arguments = [
            "host",
            *("--app", str(REPOSITORY)),
            *("--port", str(port)),
            *("--settings", str(settings)),
            *("--tls-cert", self.tenants.ready["certificate"]),
            *("--tls-key", self.tenants.ready["key"]),
            *("--keys-file", str(self.folder / "host-keys.json")),
            *("--grace", str(self.options.grace)),
        ]
        await self.start_host()
        if self.options.from_nothing:
            await onboarding.agree(self, f"localhost:{port}")

    def _bus_connection(self) -> str:
        """The bus's connection string, along the line where there is one."""
        told: str = self.bus.ready["connectionString"]
        return told.replace(f":{self.bus.ready['port']};", f":{self.line.port};") if self.options.cuttable else told

    def _settings(self, host_port: int) -> Mapping[str, Any]:
        """The sample settings with the addresses of this run."""
        document: dict[str, Any] = json.loads((REPOSITORY / "local.settings.sample.json").read_text(encoding="utf-8"))
        tenants = self.tenants.ready
        document["Values"] |= {
            "SYNC_FILE": str(self.options.sync_file.resolve()),
            "MANAGED_IDENTITY_CLIENT_ID": tenants["managedIdentity"]["clientId"],
            "READER_CLIENT_ID": self.reader_id,
            "WRITER_CLIENT_ID": self.writer_id,
            "ServiceBusConnection": self._bus_connection(),
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
