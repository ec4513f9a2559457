"""One SQLite file, one thread that owns it: opening, schema, and transactions off the event loop.

SQLite calls block, and a connection wants a single thread; so each store has a thread of its own, through
which jobs pass one after another. Other processes may share the file: every writing job takes the write
lock first (BEGIN IMMEDIATE), and whoever finds it taken waits up to the busy timeout.

This module must not know what the rows mean.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from .errors import StoreUnavailable, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from pathlib import Path

T = TypeVar("T")

# One entry for each version that was ever released: its statements lead from the version before.
_MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE link (
               target TEXT NOT NULL, source_id TEXT NOT NULL, etag TEXT NOT NULL, state TEXT NOT NULL,
               target_id TEXT, manager_source_id TEXT, owes_log INTEGER NOT NULL, document TEXT NOT NULL,
               PRIMARY KEY (target, source_id))""",
        "CREATE INDEX link_state ON link (target, state)",
        "CREATE INDEX link_target_id ON link (target, target_id) WHERE target_id IS NOT NULL",
        "CREATE INDEX link_manager ON link (target, manager_source_id) WHERE manager_source_id IS NOT NULL",
        "CREATE INDEX link_owes_log ON link (target) WHERE owes_log = 1",
        """CREATE TABLE named (
               kind TEXT NOT NULL, name TEXT NOT NULL, etag TEXT NOT NULL, document TEXT NOT NULL,
               PRIMARY KEY (kind, name))""",
    ),
)

# Faults that pass. The other ones (not a database, no permission, a file that is damaged) need a person.
_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_PROTOCOL,
    }
)


class SQLiteFile:
    """Runs jobs on the file, each as one transaction, in the order they were handed in."""

    def __init__(self, path: Path, *, busy_timeout: timedelta) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-sqlite")
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    async def read(self, operation: str, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job that only reads, on one snapshot. StoreUnavailable, StoreUnusable."""
        return await self._run(operation, "BEGIN", job)

    async def write(self, operation: str, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job that may write; what it returns is durable by then. StoreUnavailable, StoreUnusable."""
        return await self._run(operation, "BEGIN IMMEDIATE", job)

    async def close(self) -> None:
        """Finish the jobs at hand, then close the file and end the thread."""
        if self._closed:
            return
        self._closed = True
        await asyncio.wrap_future(self._thread.submit(self._disconnect))
        self._thread.shutdown()

    async def _run(self, operation: str, begin: str, job: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise StoreUnusable(operation, "the store was closed")
        return await asyncio.wrap_future(self._thread.submit(self._transact, operation, begin, job))

    def _transact(self, operation: str, begin: str, job: Callable[[sqlite3.Connection], T]) -> T:
        with _told_apart(operation, self._busy_timeout):
            if self._connection is None:
                self._connection = self._connect()
            with _transaction(self._connection, begin):
                return job(self._connection)

    def _connect(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnusable("open", f"no folder can be made for the file: {error.strerror}") from error
        connection = sqlite3.connect(self._path, timeout=self._busy_timeout.total_seconds(), isolation_level=None)
        try:
            self._use_wal(connection)
            # An acknowledged write survives power loss, not only the end of the process.
            connection.execute("PRAGMA synchronous = FULL")
            with _transaction(connection, "BEGIN IMMEDIATE"):
                _migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        # SQLite does not honour the busy timeout for this one statement when two processes meet on a new file.
        give_up_at = time.monotonic() + self._busy_timeout.total_seconds()
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                    raise
                time.sleep(0.01)
            else:
                return

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(_MIGRATIONS):
        raise StoreUnusable("open", f"the file has schema version {version}, this program knows {len(_MIGRATIONS)}")
    for number, statements in enumerate(_MIGRATIONS[version:], start=version + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Some faults (a full disk) have already rolled back by themselves.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _told_apart(operation: str, busy_timeout: timedelta) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # raised by the Python module, not by the engine: a mistake in this package
            raise
        if code & 0xFF in _PASSING:
            raise StoreUnavailable(operation, str(error), retry_after=busy_timeout) from error
        raise StoreUnusable(operation, str(error)) from error


__all__ = ["SQLiteFile"]
