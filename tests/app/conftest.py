"""The app's own parts on the sandbox's Graph and bus, over the wire, with the real SDKs.

Tenants and bus serve a whole module of tests; each test gets fresh tenants, a fresh store, and a clock that it moves.
"""

from __future__ import annotations

import asyncio
import json
import os

import pytest
import pytest_asyncio
from click.testing import CliRunner
from running_app import NO_LAG, ROOT, App, BusClock, GivenClock

from admin.__main__ import admin
from sandbox.bus.config import read_config
from sandbox.bus.server import BusServer
from sandbox.story.cloud import Cloud
from sandbox.story.topology import service_bus_topology
from sandbox.tenants.config_file import parse
from sandbox.tenants.contoso import default_document
from sandbox.tenants.server import TenantsServer
from shared.app.compose import build
from shared.app.parts import Clock
from shared.config.settings import read_settings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tls_dir):
    """Tenants without lag, and a bus."""
    tenants = TenantsServer(parse(default_document() | {"replicas": NO_LAG}), seed=1, tls_dir=tls_dir)
    await tenants.start()
    bus_clock = BusClock()
    bus = BusServer(read_config(service_bus_topology(["emea", "apac"], 60)), clock=bus_clock)
    await bus.start()
    ready = tenants.describe()
    kept = dict(os.environ)
    os.environ |= {
        "IDENTITY_ENDPOINT": ready["identityEndpoint"],
        "IDENTITY_HEADER": ready["identityHeader"],
    }
    yield tenants, bus, bus_clock
    os.environ.clear()
    os.environ.update(kept)
    await bus.stop()
    await tenants.stop()


def settings_values(tenants, bus, folder):
    """The settings of the app on these servers, with its store in a folder."""
    ready = tenants.describe()
    return {
        "SYNC_FILE": str(ROOT / "sync.yaml"),
        "MANAGED_IDENTITY_CLIENT_ID": ready["managedIdentity"]["clientId"],
        "READER_CLIENT_ID": ready["apps"]["reader"]["appId"],
        "WRITER_CLIENT_ID": ready["apps"]["writer"]["appId"],
        "ServiceBusConnection": bus.connection_string,
        "USER_CHANGES_TOPIC": "user-changes",
        "STORE_URL": f"sqlite:///{folder}/links.sqlite3",
        "NOTIFICATION_URL": "https://localhost:1/api/notifications",
        "WINDOW_SECONDS": "0.05",
        "SETTLE_SECONDS": "0",
        "SECOND_LOOK_SECONDS": "0",  # the tenants have no lag here
        "GRAPH_ENDPOINT": ready["login"],
        "AZURE_AUTHORITY_HOST": ready["login"],
    }


@pytest.fixture
def app_settings(servers, tmp_path):
    """The settings of the app, for a process of its own."""
    tenants, bus, _ = servers
    return settings_values(tenants, bus, tmp_path)


@pytest_asyncio.fixture(loop_scope="module")
async def app(servers, tmp_path):
    """The app on fresh tenants, with a fresh store."""
    tenants, bus, bus_clock = servers
    ready = tenants.describe()
    clock = GivenClock(bus=bus_clock)
    settings = read_settings(settings_values(tenants, bus, tmp_path))
    parts = build(settings, Clock(clock.now, clock.sleep))
    async with Cloud(ready) as cloud:
        await cloud.control("POST", "reset", {"seed": 1})
        await cloud.control("DELETE", "faults")
        await cloud.control("POST", "counters/reset")
        app = App(parts, clock, cloud, bus, tenants)
        yield app
        app.drain()
    await parts.close()


@pytest_asyncio.fixture(loop_scope="module")
async def terminal(app, servers, tmp_path):
    """An administrator's terminal on the same tenants, bus and store: exit code, standard output, standard error."""
    tenants, bus, _ = servers
    values = settings_values(tenants, bus, tmp_path)
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"Values": values}), encoding="utf-8")
    runner = CliRunner(env=dict.fromkeys([*values, "LOGS_INGESTION_ENDPOINT", "LOGS_RULE_ID"]))

    async def run(*arguments, given=None):
        typed = [*map(str, arguments), "--settings", str(file)]
        done = await asyncio.to_thread(runner.invoke, admin, typed, given)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture
def settings_of(terminal, tmp_path):
    """Changes settings of the terminal; None takes one out."""
    assert terminal is not None  # whose file it is

    def change(**values):
        file = tmp_path / "local.settings.json"
        settings = json.loads(file.read_text(encoding="utf-8"))["Values"] | values
        kept = {name: value for name, value in settings.items() if value is not None}
        file.write_text(json.dumps({"Values": kept}), encoding="utf-8")

    return change
