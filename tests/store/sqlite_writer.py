"""A process of its own that writes to a store file, for tests that kill it or let it compete.

sqlite_writer.py FILE links NAME       writes batches of links for ever, printing each acknowledged id
sqlite_writer.py FILE count TIMES      counts a shared state row up that many times
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import count
from pathlib import Path

from shared.core.model import Link, StateRow
from shared.store import Conflict, Written
from shared.store.sqlite import SQLiteStore


async def write_links(store: SQLiteStore, name: str) -> None:
    """Create links with events in small batches; print what was acknowledged, a line for each."""
    for batch in count():
        links = [Link("emea", f"{name}-{batch}-{number}", target_id="x", unlogged=("{}",)) for number in range(5)]
        for link, outcome in zip(links, await store.write_links(links), strict=True):
            if isinstance(outcome, Written):
                print(link.source_id, flush=True)  # noqa: T201 - the parent process reads it


async def count_up(store: SQLiteStore, times: int) -> None:
    """Count a state row up by compare-and-set, trying again when another process was faster."""
    for _ in range(times):
        outcome: object = Conflict()
        while outcome == Conflict():
            row = await store.get_state("counter")
            if row is None:
                row = StateRow("counter", "0")
            outcome = await store.put_state(StateRow("counter", json.dumps(json.loads(row.value) + 1), etag=row.etag))


async def main(path: str, task: str, argument: str) -> None:
    """Open the file, do the task, close the file."""
    store = SQLiteStore(Path(path))
    match task:
        case "links":
            await write_links(store, argument)
        case "count":
            await count_up(store, int(argument))
        case _:
            raise ValueError(task)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
