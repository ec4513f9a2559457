"""`chaos`: life and trouble from a seed, on the running sandbox, and the verdict."""

from __future__ import annotations

import asyncio
import sys

import click
from rich.console import Console

from sandbox.chaos.run import Chaos
from sandbox.story.processes import PartFailedError
from sandbox.story.run import REPOSITORY, Options, Sandbox, prune

_LOCK = 15  # seconds: of a message, and how long a killed worker's users stay untouched


@click.command()
@click.option("--seed", default=1, show_default=True, help="Of what is planned; the same seed plans the same.")
@click.option("--minutes", default=1.0, show_default=True, type=click.FloatRange(0.1), help="How long trouble lasts.")
@click.option("--people", default=40, show_default=True, type=click.IntRange(0), help="Made up, beside Contoso's own.")
def chaos(seed: int, minutes: float, people: int) -> None:
    """Play life and every kind of trouble, and judge what came of it; exit code 0 only if everything is right.

    What happens, and when, is planned from the seed. It meets the app in real time, so what comes of it varies.
    """
    sys.exit(asyncio.run(_play(seed, minutes, people)))


async def _play(seed: int, minutes: float, people: int) -> int:
    console = Console()

    def tell(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    prune(REPOSITORY / ".sandbox")
    tell("Starting the tenants, the bus, the monitor and the Functions host …")
    try:
        async with Sandbox(Options(seed=seed, lock=_LOCK, cuttable=True), tell) as sandbox:
            await sandbox.subscribe()
            wrongs = await Chaos(sandbox, seed, minutes * 60, people, tell).run()
            if wrongs:
                kept = sandbox.folder.with_name(sandbox.folder.name.replace("run-", "failed-"))
                sandbox.folder.rename(kept)
    except PartFailedError as error:
        print(error, file=sys.stderr)
        return 1
    if not wrongs:
        tell(f"\nSeed {seed}, {minutes:g} minutes: everything is right.")
        return 0
    tell(f"\nSeed {seed}, {minutes:g} minutes: {len(wrongs)} wrong.")
    for wrong in wrongs:
        tell(f"  {wrong}")
    tell(f"Again:  python -m sandbox chaos --seed {seed} --minutes {minutes:g} --people {people}")
    tell(f"Logs are kept in {kept.relative_to(REPOSITORY)}")
    return 1
