"""`status`: how the app stands, in one page; the same report as the health function gives."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from admin.running import REFUSED, json_option, run, settings_option

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from shared.app.parts import Parts
    from shared.app.status import Status, TargetStatus


@click.command(
    epilog="Exit codes: 0 healthy, 1 not healthy, or the store cannot be read, 2 a wrong argument, setting or file."
    " Example: python -m admin status --json"
)
@json_option
@settings_option
def status(*, as_json: bool, settings_file: Path | None) -> None:
    """Show subscriptions, catch-up, cycles, links, holds, escrow and quarantines; healthy or not, and why.

    Reads every link of the store once, and asks neither Graph nor the bus.
    """

    async def reported(parts: Parts) -> Status:
        from shared.app.status import status as report  # noqa: PLC0415 - an HTTP client, as in `running`

        return await report(parts)

    report = run(settings_file, reported)
    if as_json:
        from shared.app.status import status_json  # noqa: PLC0415 - as above

        print(json.dumps(status_json(report), indent=2))
    else:
        print("\n".join(_lines(report)))
    if not report.is_healthy:
        sys.exit(REFUSED)


def _lines(report: Status) -> list[str]:
    lines = ["healthy" if report.is_healthy else "NOT HEALTHY"]
    lines += [f"  ! {fault}" for fault in report.faults]
    lines += [f"  - {note}" for note in report.notes]
    lines.append("subscriptions")
    for resource, expires_at in report.subscriptions.items():
        lines.append(f"  {resource}: {f'until {_time(expires_at)}' if expires_at else 'none'}")
    lines.append("catch-up")
    for name, at in report.cursors.items():
        lines.append(f"  {name}: moved {_ago(report.now, at)} ago")
    if not report.cursors:
        lines.append("  not begun")
    for target in report.targets:
        lines += ["", f"target {target.name}", *_target(report, target)]
    return lines


def _target(report: Status, target: TargetStatus) -> list[str]:
    links = ", ".join([f"{count} {state}" for state, count in target.links.items() if count]) or "none"
    lines = [f"  links: {links}", f"  escrow: {target.escrow}, held: {target.held}"]
    cycle = target.last_cycle
    if cycle is None:
        lines.append("  last full cycle: none")
    else:
        counts = ", ".join([f"{count} {name}" for name, count in cycle.counts.items() if count])
        lines.append(f"  last full cycle: {_ago(report.now, cycle.finished_at)} ago; {counts or 'nobody'}")
    lines.append(f"  rules changed since: {'yes' if target.rules_changed else 'no'}")
    lines += [f"  scoping group no longer in sync.yaml: {group}" for group in target.lost_groups]
    for kind, quarantine in target.quarantines.items():
        lines.append(
            f"  quarantine: {kind}, {quarantine.code} since {_time(quarantine.since)},"
            f" next probe {_time(quarantine.probe_at)}"
        )
    if target.paused_until is not None:
        lines.append(f"  paused until {_time(target.paused_until)}")
    return lines


def _ago(now: datetime, at: datetime) -> str:
    """A length of time in its largest unit."""
    seconds = max(0, round((now - at).total_seconds()))
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
