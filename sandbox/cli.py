"""The sandbox's command line: without a command it plays the day; each part can also be started alone."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console

from sandbox.bus.cli import bus
from sandbox.chaos.cli import chaos
from sandbox.host.cli import host
from sandbox.monitor.cli import monitor, workbook
from sandbox.story.play import Play
from sandbox.story.processes import PartFailedError
from sandbox.story.report import Report, latency_summary
from sandbox.story.run import REPOSITORY, InvalidConfigurationError, Options, Sandbox, prune
from sandbox.tenants.cli import tenants

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.option("--once", is_flag=True, help="End after the day; exit code 0 only if every target is right.")
@click.option("--users", default=0, show_default=True, help="More people who join, made up.")
@click.option("--seed", default=1, show_default=True, help="Of everything that is left to chance.")
@click.option("--from-nothing", is_flag=True, help="Begin with tenants that know nothing of each other.")
@click.option("--report", "report_file", type=_FILE, help="Write the report as JSON.")
@click.option("--sync", "sync_file", type=_FILE, default=REPOSITORY / "sync.yaml", help="Another sync.yaml.")
@click.pass_context
def sandbox(  # noqa: PLR0917 - click passes every one of them by name
    context: click.Context,
    once: bool,
    users: int,
    seed: int,
    from_nothing: bool,
    report_file: Path | None,
    sync_file: Path,
) -> None:
    """Play Contoso's day on simulated tenants, a Service Bus and a Functions host, all on this machine."""
    if context.invoked_subcommand is not None:
        return
    options = Options(users=users, seed=seed, sync_file=sync_file, from_nothing=from_nothing)
    try:
        sys.exit(asyncio.run(_play(options, once=once, report_file=report_file)))
    except InvalidConfigurationError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except PartFailedError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


sandbox.add_command(bus)
sandbox.add_command(chaos)
sandbox.add_command(host)
sandbox.add_command(monitor)
sandbox.add_command(tenants)
sandbox.add_command(workbook)


@sandbox.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """Play weeks of life and trouble on the app's own code, in one process under virtual time."""
    # The sandbox and the app meet only over the wire; where they meet without one is a program of its own.
    command = [sys.executable, "-m", "simulation", *arguments]
    sys.exit(subprocess.run(command, cwd=REPOSITORY, check=False).returncode)  # noqa: S603 - this program itself


async def _play(options: Options, *, once: bool, report_file: Path | None) -> int:
    console = Console()
    prune(REPOSITORY / ".sandbox")
    stop = asyncio.Event()
    with console.status("Starting the tenants, the bus, the monitor and the Functions host …") as status:

        def tell(line: str) -> None:
            console.print(line, highlight=False, soft_wrap=True)
            status.update(line.strip())

        async with Sandbox(options, tell) as parts:
            await parts.subscribe()
            _show_addresses(console, parts)
            report = await Play(parts, tell).run()
            status.stop()
            _show(console, report)
            if report_file is not None:
                report.write(report_file)
            if not once:
                console.print("\nStill serving; look around, and press Ctrl-C to stop.")
                asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
                await stop.wait()
            if not report.passed:
                kept = parts.folder.with_name(parts.folder.name.replace("run-", "failed-"))
                parts.folder.rename(kept)
                console.print(f"Logs are kept in {kept.relative_to(REPOSITORY)}")
    return 0 if report.passed else 1


def _show_addresses(console: Console, parts: Sandbox) -> None:
    console.print(f"Microsoft Graph   {parts.tenants.ready['graph']}")
    console.print(f"Functions host    {parts.host.ready['url']}")
    console.print(f"Workbook          {parts.monitor.ready['page']}")
    console.print(f"Logs              {parts.folder.relative_to(REPOSITORY)}/*.log\n")


def _show(console: Console, report: Report) -> None:
    console.print()
    console.print(report.table())
    for target, comparison in report.targets.items():
        for kind in ("missing", "unexpected", "different"):
            for line in getattr(comparison, kind)[:10]:
                console.print(f"[red]{target}: {kind}: {line}[/]", highlight=False)
    latency = latency_summary(report.latencies)
    console.print(
        f"From a change to its write: median {latency['p50']} s, 95th percentile {latency['p95']} s, "
        f"longest {latency['max']} s ({len(report.latencies)} writes of single changes)"
    )
