"""`python -m sandbox simulate`: many seeds, side by side; a seed that goes wrong is shrunk and can be played again."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sandbox.story.run import REPOSITORY
from simulation.plan import Event, plan
from simulation.run import Result, simulate
from simulation.shrink import shrink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_FOLDER: Final = REPOSITORY / ".sandbox"


class Seeds(click.ParamType):  # type: ignore[type-arg]
    """`A-B`, or one seed."""

    name = "A-B"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> range:
        """The seeds from the first to the last."""
        if isinstance(value, range):
            return value
        first, _, last = str(value).partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) < int(first):
            self.fail(f"{value!r} is no range of seeds; write 1-100, or 7 for one.", param, ctx)
        return range(int(first), int(last or first) + 1)


@click.command()
@click.option("--seeds", type=Seeds(), default="1-10", show_default=True, help="The first and the last seed.")
@click.option("--days", default=7.0, show_default=True, type=click.FloatRange(0.1, 60), help="Simulated, of each seed.")
@click.option("--jobs", default=os.cpu_count() or 1, type=click.IntRange(1), help="Seeds side by side; all cores.")
@click.option("--shrink/--no-shrink", "shrinks", default=True, show_default=True, help="Find what a wrong needs.")
@click.option("--calm", is_flag=True, help="No trouble, and no full cycle that helps; judged whenever all is at rest.")
@click.option(
    "--grace-days", default=0, type=click.IntRange(0, 30), help="Between the block and the removal of leavers."
)
@click.option(
    "--schedule", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Play the events of this file."
)
def main(
    *, seeds: range, days: float, jobs: int, shrinks: bool, calm: bool, grace_days: int, schedule: Path | None
) -> None:
    """Play life and trouble in virtual time, and judge what came of it; exit code 0 only if everything is right.

    A seed replays to the byte. Of a seed that goes wrong the events are cut down to those that it takes, and written to
    a file for --schedule.
    """
    if calm and grace_days:
        raise click.UsageError("--calm is judged at once, so nobody may be left in --grace-days; play one of the two.")
    play = partial(simulate, calm=calm, grace_days=grace_days)
    rules = " --calm" if calm else f" --grace-days {grace_days}" if grace_days else ""
    if schedule is not None:
        seed, days, events = read(schedule)
        played: Iterable[Result] = [play(seed, days, events)]
    else:
        events = None
        played = _all(seeds, partial(play, days=days), jobs)
    results = []
    for result in played:
        _tell(result, None if schedule else f"--seeds {result.seed} --days {days:g}{rules}")
        results.append(result)
    wrong = [result for result in results if result.wrongs]
    happened, writes = sum(result.events for result in results), sum(result.writes for result in results)
    print(f"{len(results)} seeds of {days:g} days, {happened} events, {writes} writes: {len(wrong)} went wrong.")
    if wrong and shrinks:
        seed = wrong[0].seed
        _explain(seed, days, plan(seed, days) if events is None else events, play, rules)
    sys.exit(1 if wrong else 0)


def _all(seeds: range, play: Callable[[int], Result], jobs: int) -> Iterator[Result]:
    if jobs == 1 or len(seeds) == 1:
        yield from map(play, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(play, seeds)


def _tell(result: Result, again: str | None) -> None:
    verdict = f"{len(result.wrongs)} WRONG" if result.wrongs else "right"
    print(f"seed {result.seed}: {result.events} events, {result.writes} writes, {result.trace[:12]}, {verdict}")
    for wrong in result.wrongs:
        print(f"  {wrong}")
    if result.wrongs and again is not None:
        print(f"  Again:  python -m sandbox simulate {again}")
    sys.stdout.flush()


def _explain(seed: int, days: float, events: Sequence[Event], play: Callable[..., Result], rules: str) -> None:
    """The events that a seed needs to go wrong, on the terminal and in a file."""
    print(f"Looking for the events that seed {seed} needs to go wrong …", flush=True)
    needed = shrink(events, lambda some: bool(play(seed, days, some).wrongs))
    for event in needed:
        print(f"  {event}")
    _FOLDER.mkdir(exist_ok=True)
    file = _FOLDER / f"simulation-{seed}.json"
    save(file, seed, days, needed)
    print(f"Again:  python -m sandbox simulate --schedule {file.relative_to(REPOSITORY)}{rules}")


def read(file: Path) -> tuple[int, float, list[Event]]:
    """The seed, the days and the events of a schedule."""
    kept = json.loads(file.read_text(encoding="utf-8"))
    return kept["seed"], kept["days"], [Event(**event) for event in kept["events"]]


def save(file: Path, seed: int, days: float, events: Sequence[Event]) -> None:
    """Write a schedule for --schedule."""
    kept = {"seed": seed, "days": days, "events": [asdict(event) for event in events]}
    file.write_text(json.dumps(kept, indent=1), encoding="utf-8")
