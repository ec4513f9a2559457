"""What only the SQLite store has to promise: files, processes, locks, speed."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from shared.core.model import Link, StateRow
from shared.store import StoreUnavailable, StoreUnusable, Written
from shared.store.sqlite import SQLiteStore

ROOT = Path(__file__).parents[2]
WRITER = Path(__file__).with_name("sqlite_writer.py")


def start_writer(path: Path, task: str, argument: str) -> subprocess.Popen[str]:
    """Run `sqlite_writer.py` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, WRITER, path, task, argument],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


async def test_killed_while_writing(tmp_path: Path):
    """A process killed in the middle of writing loses nothing that was acknowledged, and blocks nobody."""
    path = tmp_path / "store.db"
    acknowledged: set[str] = set()
    for name in ("first", "second", "third", "fourth"):
        writer = start_writer(path, "links", name)
        assert writer.stdout is not None
        for line in writer.stdout:
            acknowledged.add(line.strip())
            if len(acknowledged) % 60 == 0 and writer.poll() is None:
                os.kill(writer.pid, signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        writer.stdout.close()

    store = SQLiteStore(path)
    stored = await store.get_links("emea", sorted(acknowledged))
    assert acknowledged
    assert set(stored) == acknowledged
    unlogged = await store.list_unlogged("emea", 100_000)
    assert acknowledged <= {link.source_id for link in unlogged}
    # Batches are whole: whatever else is there, it came in fives.
    assert len(unlogged) % 5 == 0
    await store.close()
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_processes_share_the_file(tmp_path: Path):
    """No count is lost when three processes count one row up by compare-and-set."""
    path = tmp_path / "store.db"
    writers = [start_writer(path, "count", "50") for _ in range(3)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    store = SQLiteStore(path)
    row = await store.get_state("counter")
    await store.close()
    assert row is not None
    assert row.value == "150"


async def test_first_opening_by_many(tmp_path: Path):
    """Many who open a new file at the same moment all get to write to it."""
    stores = [SQLiteStore(tmp_path / "store.db") for _ in range(8)]
    outcomes = await asyncio.gather(
        *(store.put_state(StateRow(str(number), "1")) for number, store in enumerate(stores))
    )
    for store in stores:
        await store.close()
    assert all(isinstance(outcome, Written) for outcome in outcomes)


async def test_taken_lock(tmp_path: Path):
    """A lock that stays taken is an outage with a hint, the event loop goes on meanwhile, and reading works."""
    path = tmp_path / "store.db"
    store = SQLiteStore(path, busy_timeout=timedelta(milliseconds=100))
    assert await store.get_links("emea", ["a"]) == {}
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    writing = asyncio.create_task(store.write_links([Link("emea", "a")]))
    turns = 0
    while not writing.done():
        await asyncio.sleep(0)
        turns += 1
    with pytest.raises(StoreUnavailable) as raised:
        await writing
    assert raised.value.retry_after > timedelta(0)
    assert turns > 10
    assert await store.get_links("emea", ["a"]) == {}

    other.execute("ROLLBACK")
    other.close()
    assert isinstance((await store.write_links([Link("emea", "a")]))[0], Written)
    await store.close()


async def test_lock_on_a_new_file(tmp_path: Path):
    """Whoever opens a file while another process sets it up waits for that, up to the busy timeout."""
    path = tmp_path / "store.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = SQLiteStore(path, busy_timeout=timedelta(milliseconds=100))
    start = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await store.get_state("cursor")
    assert time.monotonic() - start >= 0.1
    other.execute("ROLLBACK")
    other.close()
    assert await store.get_state("cursor") is None
    await store.close()


async def test_file_of_a_newer_version(tmp_path: Path):
    """A file that a newer version of the program wrote is left alone, and the versions are named."""
    path = tmp_path / "store.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    store = SQLiteStore(path)
    with pytest.raises(StoreUnusable, match="version 99"):
        await store.get_links("emea", ["a"])
    await store.close()


async def test_file_that_is_no_database(tmp_path: Path):
    """Another kind of file is refused as something a person has to look at."""
    path = tmp_path / "store.db"
    path.write_text("minutes of a meeting\n" * 100)
    store = SQLiteStore(path)
    with pytest.raises(StoreUnusable, match="not a database"):
        await store.get_state("cursor")
    await store.close()


async def test_path_that_cannot_be(tmp_path: Path):
    """A path below a file, or a folder in the file's place, is refused at first use, and can still be closed."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "store.db", tmp_path):
        store = SQLiteStore(path)
        with pytest.raises(StoreUnusable, match="open"):
            await store.get_state("cursor")
        await store.close()


async def test_use_after_close(tmp_path: Path):
    """A closed store says so."""
    store = SQLiteStore(tmp_path / "store.db")
    await store.close()
    with pytest.raises(StoreUnusable, match="closed"):
        await store.get_state("cursor")
