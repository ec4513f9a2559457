"""`python -m sandbox host`: the host as a process of its own.

Standard output carries the ready message alone; everything else goes to standard error. Exit codes: 0 stopped on
request, 1 the port or a file could not be used, 2 the app was refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

import click

from sandbox.host.faults import HostRefusedError
from sandbox.host.functions_host import FunctionsHost, FunctionsHostOptions

_FILE = click.Path(dir_okay=False, path_type=Path)
_PARENT_CHECK_SECONDS = 1.0
_LOGGER = logging.getLogger("Host.General")


@click.command("host")
@click.option(
    "--app",
    default=Path(),
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="The folder of function_app.py and host.json.",
)
@click.option("--port", default=7071, show_default=True, help="HTTP port; 0 takes a free one.")
@click.option("--settings", type=_FILE, help="App settings; local.settings.json of the app if not given.")
@click.option("--tls-cert", type=_FILE, help="Serve HTTPS with this certificate chain (PEM).")
@click.option("--tls-key", type=_FILE, help="The certificate's key (PEM).")
@click.option("--keys-file", type=_FILE, help="Keep the function keys here across restarts.")
@click.option("--timers-file", type=_FILE, help="Keep due times here, so that missed timers are made up for.")
@click.option("--grace", default=10.0, show_default=True, help="Seconds to wait for running functions at a stop.")
@click.option("--parent-pid", type=int, help="Stop when this process is gone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready.")
def host(  # noqa: PLR0917  click passes every one of them by name
    app: Path,
    port: int,
    settings: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    keys_file: Path | None,
    timers_file: Path | None,
    grace: float,
    parent_pid: int | None,
    as_json: bool,
) -> None:
    """Run the triggers of a function_app.py as the Azure Functions host does."""
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    options = FunctionsHostOptions(
        app=app,
        settings_file=settings,
        port=port,
        tls=(tls_cert, tls_key) if tls_cert is not None and tls_key is not None else None,
        keys_file=keys_file,
        timers_file=timers_file,
        grace=grace,
    )
    _log_to_stderr()
    code, clean = asyncio.run(_serve(options, parent_pid, as_json=as_json))
    if not clean:
        # A sync handler is still running; the interpreter would wait for its thread for ever.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _log_to_stderr() -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="[%(asctime)s] %(levelname)s %(name)s: %(message)s"
    )
    for noisy in ("azure", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


async def _serve(options: FunctionsHostOptions, parent_pid: int | None, *, as_json: bool) -> tuple[int, bool]:
    """Run until a signal or the parent's end. Returns the exit code, and whether nothing is left running."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    functions_host = FunctionsHost(options)
    try:
        await functions_host.start()
    except HostRefusedError as refused:
        print("The app was refused; in Azure none of its functions would appear:", file=sys.stderr)
        for fault in refused.faults:
            print(f"  {fault}", file=sys.stderr)
        return 2, True
    except (OSError, ValueError) as error:
        print(f"The host cannot start: {error}", file=sys.stderr)
        return 1, True
    _announce(functions_host, options, as_json=as_json)
    watch = asyncio.create_task(_watch_parent(parent_pid, stop)) if parent_pid is not None else None
    await stop.wait()
    if watch is not None:
        watch.cancel()
    _LOGGER.info("Stopping host")
    return 0, await functions_host.stop()


def _announce(functions_host: FunctionsHost, options: FunctionsHostOptions, *, as_json: bool) -> None:
    functions = functions_host.status()["functions"]
    if as_json:
        keys_file = str(options.keys_file) if options.keys_file is not None else None
        print(json.dumps({"url": functions_host.url, "functions": functions, "keysFile": keys_file}), flush=True)
        return
    print(f"Listening on {functions_host.url}", flush=True)
    for function in functions:
        print(f"  {function['name']}: {function['type']}, {function['state']}", flush=True)


async def _watch_parent(pid: int, stop: asyncio.Event) -> None:
    """Set `stop` once the process `pid` is gone."""
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            stop.set()
            return
        except PermissionError:
            pass  # it lives, under another user
        await asyncio.sleep(_PARENT_CHECK_SECONDS)
