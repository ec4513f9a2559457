"""`cycle`: start a full cycle, and see what the last ones came to."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from admin.progress import progress_bars
from admin.running import REFUSED, chosen_targets, json_option, refuse, run, settings_option, target_option
from shared.app.commands import command
from shared.app.cursors import load_cycle
from shared.bus.errors import BusUnavailableError
from shared.core.commands import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shared.app.cursors import CycleRecord
    from shared.app.full_cycle import Cycle, TargetCycle
    from shared.app.parts import Parts


@click.group()
def cycle() -> None:
    """Start full cycles, and show the last ones."""


@cycle.command(
    epilog="Exit codes: 0 asked for, or done; 1 another cycle is under way, or a list was not whole; 2 a wrong"
    " argument, setting or file. Example: python -m admin cycle start --target emea --here"
)
@target_option
@click.option("--here", is_flag=True, help="In this process, with progress, and not in the app.")
@json_option
@settings_option
def start(*, target: str | None, here: bool, as_json: bool, settings_file: Path | None) -> None:
    """Compare everybody in scope with everybody in the targets now.

    The app is asked to do it, over the topic. With --here this process compares, and sends whoever has to be looked at
    to the topic; the app looks at them, as always.
    """
    if not here:

        async def ask(parts: Parts) -> None:
            chosen_targets(parts, target)
            await command(parts, Command.FULL_CYCLE, target=target)

        run(settings_file, ask)
        asked = {"asked": Command.FULL_CYCLE.value, "target": target}
        print(json.dumps(asked) if as_json else "The app was asked for a full cycle; cycle list shows when it is done.")
        return

    async def compare(parts: Parts) -> Cycle | None:
        from shared.app.full_cycle import full_cycle  # noqa: PLC0415 - an HTTP client, as in `running`
        from shared.app.leases import LeaseLostError  # noqa: PLC0415 - beside it

        targets = chosen_targets(parts, target)
        with progress_bars() as bars:

            def tell(target: str, *, read: int, sent: int) -> None:
                bars(target, f"{read} pages read, users sent", sent, None)

            try:
                return await full_cycle(parts, targets, tell)
            except LeaseLostError:
                refuse("another worker took the cycle over, since this one was silent for too long")
            except BusUnavailableError as error:
                refuse(f"the topic cannot be reached ({error}); who was sent is looked at, so start it again later")

    done = run(settings_file, compare)
    if done is None:
        refuse("another full cycle is under way; cycle list shows when it is done")
    if as_json:
        print(json.dumps({name: _cycle_json(one) for name, one in done.targets.items()}, indent=2))
    for name, one in done.targets.items() if not as_json else ():
        print(f"{name}: {_counts(one.counts())}" if one.failure is None else f"{name}: not whole: {one.failure}")
    if any(one.failure is not None for one in done.targets.values()):
        sys.exit(REFUSED)


@cycle.command("list")
@target_option
@json_option
@settings_option
def list_command(target: str | None, *, as_json: bool, settings_file: Path | None) -> None:
    """Show the last full cycle of each target that was whole, and what it found."""

    async def listed(parts: Parts) -> dict[str, CycleRecord | None]:
        return {name: await load_cycle(parts.store, name) for name in chosen_targets(parts, target)}

    found = run(settings_file, listed)
    if as_json:
        print(json.dumps({name: _record_json(record) for name, record in found.items()}, indent=2))
        return
    for name, record in found.items():
        if record is None:
            print(f"{name}: no full cycle has ended yet")
        else:
            finished = record.finished_at.isoformat(timespec="seconds")
            print(f"{name}: {finished} {record.cycle_id}: {_counts(record.counts)}")


def _counts(counts: Mapping[str, int]) -> str:
    """What is not nothing, in words that the operations log knows."""
    return ", ".join([f"{count} {name}" for name, count in counts.items() if count]) or "nobody"


def _cycle_json(one: TargetCycle) -> dict[str, Any]:
    return {"counts": one.counts(), "failure": one.failure}


def _record_json(record: CycleRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {"id": record.cycle_id, "finishedAt": record.finished_at.isoformat(), "counts": dict(record.counts)}
