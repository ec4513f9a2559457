"""Bars on standard error, one for each target, where that is a terminal; standard output is for the answer alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bars(Protocol):
    """Moves the bar of a target."""

    def __call__(self, target: str, what: str, done: int, total: int | None) -> None:
        """`total` is None while nobody knows it."""
        ...


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Bars that are there while the work goes on, and leave nothing behind."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def move(target: str, what: str, done: int, total: int | None) -> None:
            if target not in tasks:
                tasks[target] = progress.add_task(target, total=None)
            progress.update(tasks[target], description=f"{target}: {what}", total=total, completed=done)

        yield move
