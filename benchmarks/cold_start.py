"""What a cold instance costs: the package it fetches, indexing, and its first webhooks.

Builds the deployment package for the Python that runs this, unpacks it, and measures in fresh processes that see the
package alone: importing function_app and indexing it, against an app of azure-functions alone with as many functions;
and the first two webhooks, with a bus beside them. Figures are medians. Prints one JSON line per measurement.

    python -m benchmarks.cold_start [--runs 11]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from infra.package import PACKAGES, ROOT, build
from sandbox.bus.config import read_config
from sandbox.bus.server import BusServer
from sandbox.story.topology import service_bus_topology
from shared.core.model import SubscriptionRecord
from shared.store import open_store

MOST_TIMES_BARE = 1.5
GRAPH_WAITS = 3000  # milliseconds
SOURCE = "50000000-0000-4000-8000-000000000001"
SETTINGS = {
    "MANAGED_IDENTITY_CLIENT_ID": "m",
    "READER_CLIENT_ID": "r",
    "WRITER_CLIENT_ID": "w",
    "USER_CHANGES_TOPIC": "user-changes",
    "NOTIFICATION_URL": "https://localhost/api/notifications",
}
NOTIFICATION = {
    "clientState": "the-state",
    "subscriptionId": "sub-users",
    "tenantId": SOURCE,
    "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": "0a1b2c3d-0000-4000-8000-000000000001"},
}

INDEX = """
import time
began = time.perf_counter()
import function_app
functions = [function.get_function_json() for function in function_app.app.get_functions()]
print(len(functions), (time.perf_counter() - began) * 1000)
"""

BARE = """
import azure.functions as func
app = func.FunctionApp()
def add(number):
    async def handler(req: func.HttpRequest) -> func.HttpResponse: ...
    handler.__name__ = f"function{number}"
    app.route(f"route{number}")(handler)
for number in range(FUNCTIONS):
    add(number)
"""


class Instance:
    """A package, unpacked."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where it is."""
        self._folder = folder

    def run(self, app: Path, *command: str, given: bytes = b"", **settings: str) -> bytes:
        """Run Python on the app in a folder, with the package's packages and no other; returns what it printed."""
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(app), str(self._folder / PACKAGES)]),
            **settings,
        }
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-S", "-P", *command], env=environment, input=given, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode())
        return done.stdout

    def index(self, app: Path) -> tuple[int, float]:
        """Functions and milliseconds."""
        functions, milliseconds = self.run(app, "-c", INDEX).split()
        return int(functions), float(milliseconds)


def package(folder: Path) -> Instance:
    """Build and unpack; say how large it is."""
    built = build(folder, sys.executable)
    report("package", megabytes=round(built.size / 1e6, 1), unpackedMegabytes=round(built.unpacked / 1e6, 1),
           files=built.files)  # fmt: skip
    with ZipFile(built.path) as content:
        content.extractall(folder / "app")
    return Instance(folder / "app")


def indexing(instance: Instance, folder: Path, runs: int) -> bool:
    """Our app and a bare one in turn, so that what else this machine does meets both alike."""
    ours, bare = folder / "app", folder / "bare"
    functions, _ = instance.index(ours)
    bare.mkdir()
    (bare / "function_app.py").write_text(BARE.replace("FUNCTIONS", str(functions)), encoding="utf-8")
    instance.index(bare)  # compiles it
    pairs = [(instance.index(ours)[1], instance.index(bare)[1]) for _ in range(runs)]
    here, there = (statistics.median(times) for times in zip(*pairs, strict=True))
    met = here <= MOST_TIMES_BARE * there
    report("indexing", functions=functions, milliseconds=round(here), bareMilliseconds=round(there),
           timesBare=round(here / there, 2), expected=MOST_TIMES_BARE, met=met)  # fmt: skip
    return met


async def webhooks(instance: Instance, folder: Path, runs: int) -> bool:
    """From the first import to the answers, in one process each time."""
    store_url = f"sqlite:///{folder}/links.sqlite3"
    store = open_store(store_url)
    await store.put_subscription(SubscriptionRecord("/users", "the-state", SETTINGS["NOTIFICATION_URL"], "sub-users"))
    await store.close()
    bus = BusServer(read_config(service_bus_topology(["emea", "apac"], 60)))
    await bus.start()
    settings = SETTINGS | {"STORE_URL": store_url, "ServiceBusConnection": bus.connection_string}
    script, given = str(ROOT / "benchmarks/first_webhook.py"), json.dumps({"value": [NOTIFICATION]}).encode()
    answers: list[dict[str, Any]] = []
    for _ in range(runs):
        printed = await asyncio.to_thread(instance.run, folder / "app", script, given=given, **settings)
        answers.append(json.loads(printed))
    await bus.stop()
    times = {
        name: round(statistics.median(each[name]["milliseconds"] for each in answers))
        for name in ("validation", "notification")
    }
    taken = all(each["notification"]["status"] == 202 for each in answers)
    met = taken and times["notification"] <= GRAPH_WAITS
    report("firstWebhooks", milliseconds=times, expected=GRAPH_WAITS, met=met)
    return met


def report(name: str, **figures: Any) -> None:
    """One line."""
    print(json.dumps({"benchmark": f"coldStart.{name}", **figures}))


def main() -> int:
    """Measure and print; 1 when a figure is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start")
    parser.add_argument("--runs", type=int, default=11)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        instance = package(folder)
        met = [indexing(instance, folder, runs), asyncio.run(webhooks(instance, folder, runs))]
    return int(not all(met))


if __name__ == "__main__":
    sys.exit(main())
