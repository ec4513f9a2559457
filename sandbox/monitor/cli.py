"""The monitor from a terminal: `monitor` beside the other parts, and `workbook` for any file over recorded data.

Human mode prints addresses; with --json exactly one line of JSON when ready. Exit codes: 0 stopped on request, 1 a
port or file could not be used, 2 a file is not what it should be.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from sandbox.monitor import records
from sandbox.monitor.page_service import PageService
from sandbox.monitor.server import IngestionServer, LoginService, PageServer, real_time
from sandbox.monitor.service import Monitor
from sandbox.monitor.tables.columns import ValueRefusedError, read_time
from sandbox.monitor.tables.store import OPTIONAL, Store
from sandbox.monitor.workbook.document import WorkbookInvalidError
from sandbox.monitor.workbook.document import read as read_workbook
from sandbox.tenants import tls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
_PORT = click.IntRange(0, 65535)
_PARENT_CHECK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Options:
    port: int
    page_port: int
    tls_files: tuple[Path, Path] | None
    login: LoginService | None
    workbook: Path | None
    as_json: bool


@click.command("monitor")
@click.option("--port", default=0, type=_PORT, help="Port for ingestion and control; 0 is any.")
@click.option("--page-port", default=0, type=_PORT, help="Port for the page; 0 is any.")
@click.option("--tls-cert", type=_FILE, help="Certificate chain (PEM); without it a throw-away authority is made.")
@click.option("--tls-key", type=_FILE, help="The certificate's key (PEM).")
@click.option("--login", help="Address of the login service whose keys tokens are verified with.")
@click.option("--ca", type=_FILE, help="The authority (PEM) of the login service.")
@click.option("--workbook", type=_FILE, help="The workbook file to show.")
@click.option("--database", type=_FILE, help="Keep the rows in this DuckDB file.")
@click.option("--data", type=_FOLDER, help="Begin with the rows in this folder, a file of JSON lines for each table.")
@click.option("--aad-provisioning-logs", is_flag=True, help="Have the table AADProvisioningLogs from the beginning.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON when ready, nothing else.")
@click.option("--parent-pid", type=int, help="Stop when this process has gone.")
def monitor(
    *,
    port: int,
    page_port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    login: str | None,
    ca: Path | None,
    workbook: Path | None,
    database: Path | None,
    data: Path | None,
    aad_provisioning_logs: bool,
    as_json: bool,
    parent_pid: int | None,
) -> None:
    """Azure Monitor on this machine: ingestion for the real clients, Log Analytics tables, and workbooks."""
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    store = _store(database, data, present=OPTIONAL if aad_provisioning_logs else ())
    options = _Options(
        port=port,
        page_port=page_port,
        tls_files=(tls_cert, tls_key) if tls_cert is not None and tls_key is not None else None,
        login=LoginService(login, ca) if login else None,
        workbook=workbook,
        as_json=as_json,
    )
    _run(lambda stop: _monitor(store, options, stop), parent_pid)


@click.command("workbook")
@click.option(
    "--open",
    "file",
    required=True,
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="The workbook file (version Notebook/1.0).",
)
@click.option("--data", type=_FOLDER, help="Recorded rows: a folder with a file of JSON lines for each table.")
@click.option("--now", help="The time that queries go by (ISO 8601); the newest row's time if not given.")
@click.option("--port", default=0, type=_PORT, help="Port for the page; 0 is any.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON when ready, nothing else.")
@click.option("--parent-pid", type=int, help="Stop when this process has gone.")
def workbook(
    *, file: Path, data: Path | None, now: str | None, port: int, as_json: bool, parent_pid: int | None
) -> None:
    """Show any Azure workbook file over recorded rows."""
    try:
        read_workbook(file.read_text(encoding="utf-8"), file.name)
        moment = read_time(now) if now else None
    except (WorkbookInvalidError, ValueRefusedError, UnicodeDecodeError) as invalid:
        click.echo(f"{file}: {invalid}", err=True)
        sys.exit(2)
    store = _store(None, data, present=())
    moment = moment or store.newest()
    service = PageService(store, file.resolve(), live=False)

    async def serve(stop: asyncio.Event) -> None:
        page = PageServer(service, real_time if moment is None else lambda: moment)
        address = await page.start(port)
        try:
            time = moment.astimezone(UTC).isoformat(timespec="seconds") if moment is not None else None
            rows = sum(store.count().values())
            if as_json:
                click.echo(json.dumps({"page": address, "now": time, "rows": rows}))
            else:
                click.echo(f"Workbook  {address}\n{rows} rows; queries go by {time or 'the present time'}.")
            sys.stdout.flush()
            await stop.wait()
        finally:
            await page.stop()

    _run(serve, parent_pid)


def _store(database: Path | None, data: Path | None, *, present: frozenset[str] | tuple[str, ...]) -> Store:
    try:
        store = Store(database, present=present)
        if data is not None:
            records.read(store, data)
    except records.RecordingInvalidError as invalid:
        click.echo(str(invalid), err=True)
        sys.exit(2)
    except OSError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    return store


async def _monitor(store: Store, options: _Options, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        context, ca = _tls(stack, options.tls_files)
        ingestion = IngestionServer(Monitor(store), context, options.login)
        page = PageServer(PageService(store, options.workbook))
        stack.push_async_callback(ingestion.stop)
        stack.push_async_callback(page.stop)
        address = await ingestion.start(options.port)
        page_address = await page.start(options.page_port)
        ready = {**ingestion.describe(address), "page": page_address, "ca": str(ca) if ca else None}
        click.echo(json.dumps(ready) if options.as_json else _human(ready))
        sys.stdout.flush()
        await stop.wait()


def _tls(stack: AsyncExitStack, given: tuple[Path, Path] | None) -> tuple[ssl.SSLContext, Path | None]:
    """The server's side of TLS, and the authority where it was made here."""
    if given is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*given)
        return context, None
    folder = stack.enter_context(TemporaryDirectory(prefix="crosstenant-tls-"))
    files = tls.prepare(Path(folder))
    return files.server_context(), files.ca


def _human(ready: dict[str, object]) -> str:
    return "\n".join(
        [
            f"Workbook            {ready['page']}",
            f"Logs ingestion      {ready['logsEndpoint']}  rule {ready['ruleId']}",
            f"connection string   {ready['connectionString']}",
            f"control             {ready['control']}",
            *([f"authority           {ready['ca']}"] if ready["ca"] else []),
            "",
            "Ctrl-C stops.",
        ]
    )


def _run(serve: Callable[[asyncio.Event], Awaitable[None]], parent_pid: int | None) -> None:
    try:
        asyncio.run(_until_stopped(serve, parent_pid))
    except OSError as error:
        click.echo(f"cannot serve: {error.strerror or error}", err=True)
        sys.exit(1)


async def _until_stopped(serve: Callable[[asyncio.Event], Awaitable[None]], parent_pid: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    watch = asyncio.create_task(_watch(parent_pid, stop)) if parent_pid is not None else None
    try:
        await serve(stop)
    finally:
        if watch is not None:
            watch.cancel()


async def _watch(parent_pid: int, stop: asyncio.Event) -> None:
    """Set `stop` once the parent is gone."""
    while not stop.is_set():
        try:
            os.kill(parent_pid, 0)
        except ProcessLookupError:
            stop.set()
        except PermissionError:
            pass  # it lives, under another user
        await asyncio.sleep(_PARENT_CHECK_SECONDS)
