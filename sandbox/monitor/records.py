"""Recorded rows: a folder with one file of JSON lines for each table, written by a monitor and read by another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.monitor.tables.store import DECLARED

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.monitor.tables.store import Store

SUFFIX = ".jsonl"
_AT_ONCE = 20_000


class RecordingInvalidError(ValueError):
    """A file cannot be read; the text names it and the line."""


def write(store: Store, folder: Path) -> dict[str, int]:
    """Write every table; returns how many rows each has."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    for table in store.tables:
        rows = store.rows(table.name)
        with (folder / f"{table.name}{SUFFIX}").open("w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        counts[table.name] = len(rows)
    return counts


def read(store: Store, folder: Path) -> dict[str, int]:
    """Add the rows of every file; a table that has a file is there afterwards.

    Raises:
        RecordingInvalidError: a file is not named after a table, or a line is no row of it.
    """
    counts = {}
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        table = DECLARED.get(file.stem)
        if table is None:
            raise RecordingInvalidError(f"{file}: there is no table {file.stem}")
        store.create(table.name)
        counts[table.name] = 0
        rows: list[dict[str, Any]] = []
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    rows.append(table.row(json.loads(line)))
                except (ValueError, AttributeError) as error:
                    raise RecordingInvalidError(f"{file}:{number}: {error}") from error
                if len(rows) == _AT_ONCE:
                    store.add(table.name, rows)
                    counts[table.name] += len(rows)
                    rows = []
        if rows:
            store.add(table.name, rows)
        counts[table.name] += len(rows)
    return counts
