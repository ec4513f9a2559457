"""`plan`: what the present, or a new, configuration would change, before anything is changed.

It reads source, targets and store, and writes to none of them.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from admin.plan_output import JsonWriter, MarkdownWriter, TableWriter
from admin.progress import progress_bars
from admin.running import REFUSED, chosen_targets, refuse, run, settings_option, target_option, wrong
from shared.app.find_user import UserNotFoundError, find_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from admin.plan_output import PlanWriter
    from shared.app.parts import Parts
    from shared.app.plan_cycle import Progress, TargetPlan

CHANGES: Final = 3
"""The exit code that says: there is something to do."""


@click.command(
    epilog="Exit codes: 0 nothing to do, 3 changes are planned, 1 it could not be planned, or not whole, 2 a wrong"
    " argument, setting or file. Example: python -m admin plan --config new.yaml --format markdown --output plan.md"
)
@target_option
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Another sync.yaml than the one that is in use.",
)
@click.option(
    "--users",
    multiple=True,
    metavar="USER",
    help="These users alone: object ids, user principal names or mail addresses; again for each, or with commas.",
)
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False, writable=True), help="A file to write to.")
@settings_option
def plan(
    *,
    target: str | None,
    config: Path | None,
    users: tuple[str, ...],
    form: str,
    as_json: bool,
    output: Path | None,
    settings_file: Path | None,
) -> None:
    """Show what would become of everybody, or of some users, and write nothing.

    Creates, adoptions, updates with attributes before and after, removals with their reasons and whether the deletion
    budget holds them, holds and failures; and how many of what in each target.
    """
    names = list(dict.fromkeys([name.strip() for text in users for name in text.split(",") if name.strip()]))
    with _written_whole(output) as stream:
        writer = _writer("json" if as_json else form, stream)

        async def planned(parts: Parts) -> dict[str, TargetPlan]:
            targets = chosen_targets(parts, target)
            if names:
                return await _some(parts, targets, names, writer)
            with progress_bars() as bars:

                def tell(target: str, *, read: int, found: int, planned: int) -> None:
                    bars(target, f"{read} pages read, users planned", planned, found)

                return await _everybody(parts, targets, tell, writer)

        targets = run(settings_file, planned, sync_file=config)
        writer.end(targets)
    if not all(one.is_whole for one in targets.values()):
        sys.exit(REFUSED)
    if any(one.tally.changes for one in targets.values()):
        sys.exit(CHANGES)


async def _everybody(
    parts: Parts, targets: Sequence[str], progress: Progress, writer: PlanWriter
) -> dict[str, TargetPlan]:
    from shared.app.plan_cycle import CyclePlan  # noqa: PLC0415 - an HTTP client, as in `running`
    from shared.core.decide import Action  # noqa: PLC0415 - beside it

    cycle = CyclePlan(parts, targets, progress)
    async for user in cycle.run():
        if user.action is not Action.NOTHING or user.left:
            writer.user(user)
    return cycle.targets


async def _some(
    parts: Parts, targets: Sequence[str], names: Sequence[str], writer: PlanWriter
) -> dict[str, TargetPlan]:
    from shared.app.plan import plan_users  # noqa: PLC0415 - an HTTP client, as in `running`
    from shared.app.plan_cycle import TargetPlan  # noqa: PLC0415 - as above

    try:
        user_ids = [await find_user(parts, name) for name in names]
    except UserNotFoundError as error:
        refuse(str(error))
    plans = {}
    for name in targets:
        plans[name] = TargetPlan()
        async for user in plan_users(parts, parts.targets[name], user_ids):
            plans[name].tally.count(user)
            writer.user(user)
    return plans


def _writer(form: str, stream: TextIO) -> PlanWriter:
    writers: dict[str, Callable[[TextIO], PlanWriter]] = {
        "table": TableWriter,
        "json": JsonWriter,
        "markdown": MarkdownWriter,
    }
    return writers[form](stream)


@contextlib.contextmanager
def _written_whole(output: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that takes the place of the old one once it is whole."""
    if output is None:
        yield sys.stdout
        return
    unfinished = output.with_name(f".{output.name}.unfinished")
    try:
        stream = unfinished.open("w", encoding="utf-8")
    except OSError as error:
        wrong(f"{output} cannot be written: {error.strerror}")
    try:
        with stream:
            yield stream
        os.replace(unfinished, output)  # noqa: PTH105 - the same in fewer words
    finally:
        unfinished.unlink(missing_ok=True)
