"""``bus``: the emulator as a command.

When ready it prints one line of JSON, or a page for people, and then runs until it is told to stop. Exit codes: 0
stopped on request, 1 an address could not be had, 2 the configuration was refused.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandbox.bus.config import load_config
from sandbox.bus.config_fields import ConfigError
from sandbox.bus.http import BusWindow
from sandbox.bus.server import BusServer

if TYPE_CHECKING:
    from sandbox.bus.topology import Topology

_HOST = "127.0.0.1"
_PARENT_CHECK_SECONDS = 1.0
_CONFIG_EXIT_CODE = 2


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=5672, show_default=True, help="AMQP port; 0: a free one."
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    required=True,
    help="Entities, in the official emulator's Config.json format.",
)
@click.option("--http-port", type=click.IntRange(0, 65535), help="Serve /health and /entities here; 0: a free one.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when ready, and nothing else.")
@click.option("--parent-pid", type=int, help="Stop when this process is gone.")
def bus(port: int, config_file: Path, http_port: int | None, as_json: bool, parent_pid: int | None) -> None:
    """Run a Service Bus emulator on this machine."""
    try:
        topology = load_config(config_file)
    except ConfigError as error:
        print(f"{config_file} cannot be used:", file=sys.stderr)
        for fault in error.faults:
            print(f"  {fault}", file=sys.stderr)
        sys.exit(_CONFIG_EXIT_CODE)
    try:
        asyncio.run(_serve(topology, port, http_port, parent_pid, as_json=as_json))
    except OSError as error:
        print(f"the bus cannot listen on {_HOST}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)


async def _serve(
    topology: Topology, port: int, http_port: int | None, parent_pid: int | None, *, as_json: bool
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    server = BusServer(topology)
    window = BusWindow(server.broker) if http_port is not None else None
    await server.start(_HOST, port)
    try:
        if window is not None and http_port is not None:
            await window.start(_HOST, http_port)
        _announce(server, window, as_json=as_json)
        await _until(stopped, parent_pid)
    finally:
        if window is not None:
            await window.stop()
        await server.stop()


async def _until(stopped: asyncio.Event, parent_pid: int | None) -> None:
    while not stopped.is_set():
        if parent_pid is None:
            await stopped.wait()
        elif not _is_running(parent_pid):
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), _PARENT_CHECK_SECONDS)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as somebody else
        return True
    return True


def _announce(server: BusServer, window: BusWindow | None, *, as_json: bool) -> None:
    entities = server.broker.paths
    if as_json:
        ready: dict[str, object] = {
            "connectionString": server.connection_string,
            "port": server.port,
            "entities": entities,
        }
        if window is not None:
            ready["httpPort"] = window.port
        print(json.dumps(ready), flush=True)
        return
    print(f"The bus listens on {_HOST}:{server.port}. Connection string:\n\n  {server.connection_string}\n")
    print("Entities:")
    for path in entities:
        print(f"  {path}")
    if window is not None:
        print(f"\nState: http://{_HOST}:{window.port}/entities")
    print("\nCtrl-C stops it.", flush=True)
