"""The tenants from a terminal: start, say where they are, serve until told to stop.

Human mode prints addresses and how to get a token; with --json exactly one line of JSON when ready.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import click

from sandbox.tenants import contoso
from sandbox.tenants.config import Config, ConfigError
from sandbox.tenants.config_file import load
from sandbox.tenants.server import TenantsServer

_PARENT_CHECK_SECONDS = 1.0


@click.command("tenants")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port for Graph, login and control; 0 is any.")
@click.option("--seed", default=0, type=int, help="Makes ids, lags and chance repeatable.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Tenants, apps and manners as YAML or JSON; without it Contoso and two targets.",
)
@click.option(
    "--tls-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for ca.pem, server.pem and server.key; kept and used again. Default: a temporary one.",
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON when ready, nothing else.")
@click.option("--parent-pid", type=int, help="Stop when this process has gone.")
def tenants(
    *,
    port: int,
    seed: int,
    config_path: Path | None,
    tls_dir: Path | None,
    as_json: bool,
    parent_pid: int | None,
) -> None:
    """Microsoft Graph and the login service for several tenants, on this machine."""
    try:
        config = contoso.default_config() if config_path is None else load(config_path)
    except ConfigError as error:
        for fault in error.faults:
            click.echo(f"{config_path}: {fault}", err=True)
        sys.exit(2)
    try:
        asyncio.run(_serve(config, port, seed, tls_dir, as_json=as_json, parent_pid=parent_pid))
    except OSError as error:
        click.echo(f"cannot serve on port {port}: {error.strerror or error}", err=True)
        sys.exit(1)


async def _serve(
    config: Config, port: int, seed: int, tls_dir: Path | None, *, as_json: bool, parent_pid: int | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = TenantsServer(config, seed=seed, tls_dir=tls_dir)
    await server.start(port)
    try:
        click.echo(json.dumps(server.describe()) if as_json else _human(server))
        sys.stdout.flush()
        await _until(stop, parent_pid)
    finally:
        await server.stop()


async def _until(stop: asyncio.Event, parent_pid: int | None) -> None:
    while True:
        try:
            await asyncio.wait_for(stop.wait(), None if parent_pid is None else _PARENT_CHECK_SECONDS)
        except TimeoutError:
            if parent_pid is not None and not _alive(parent_pid):
                return
        else:
            return


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _human(server: TenantsServer) -> str:
    addresses, world = server.addresses, server.cloud.world
    wanted = json.dumps({"tenant": next(iter(world.tenants))})
    lines = [
        f"Microsoft Graph    {addresses.graph}",
        f"login service      {addresses.login}",
        f"identity endpoint  {addresses.identity_endpoint}",
        f"control            {addresses.control}",
        f"authority          {addresses.ca}",
        "",
        "tenants:",
        *(f"  {tenant.name:<10} {tenant.id}  {tenant.config.domain}" for tenant in world.tenants.values()),
        "apps:",
        *(f"  {app.config.name:<10} {app.config.app_id}" for app in world.apps.values()),
        "",
        "a token for direct calls, as an administrator has it:",
        f"  curl --cacert {addresses.ca} {addresses.control}/tokens -d '{wanted}'",
        "for code that uses azure-identity:",
        f"  export IDENTITY_ENDPOINT={addresses.identity_endpoint} IDENTITY_HEADER={addresses.identity_header}",
        f"  export SSL_CERT_FILE={addresses.ca}",
        "",
        "Ctrl-C stops.",
    ]
    return "\n".join(lines)
