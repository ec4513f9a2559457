"""Links, subscriptions and state rows in one SQLite file: the sandbox and small installations.

The etag of a row is random and new with every write, so that a row deleted and made again never answers
to an old one. Everything is one statement or one transaction; the blocking part stands in `sqlite_file`.

This module must not be used over a network file system: SQLite's locks do not hold there.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from shared.core.model import LinkState

from .checks import check_batch, check_limit, check_name, check_page_size
from .documents import (
    Document,
    link_document,
    read_link,
    read_state,
    read_subscription,
    state_document,
    subscription_document,
)
from .protocol import MAX_PAGE_SIZE, Conflict, TooLarge, WriteOutcome, WriteResult, Written
from .sqlite_file import SQLiteFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from shared.core.model import Link, StateRow, SubscriptionRecord

# A batch holds the write lock for some tens of milliseconds: this is a long queue, or a stuck process.
_BUSY_TIMEOUT: Final = timedelta(seconds=10)

_STATE: Final = "state"
_SUBSCRIPTION: Final = "subscription"


class SQLiteStore:
    """A `Store` in a file. Opened by the first call; processes of one machine may share the file."""

    def __init__(self, path: Path, *, busy_timeout: timedelta = _BUSY_TIMEOUT) -> None:
        self._file = SQLiteFile(path, busy_timeout=busy_timeout)

    async def get_links(self, target: str, source_ids: Sequence[str]) -> dict[str, Link]:
        """See `Store.get_links`."""
        wanted = json.dumps(list(source_ids))

        def job(connection: sqlite3.Connection) -> list[Link]:
            rows = connection.execute(
                "SELECT document, etag FROM link WHERE target = ? AND source_id IN (SELECT value FROM json_each(?))",
                (target, wanted),
            )
            return [read_link(*row) for row in rows]

        return {link.source_id: link for link in await self._file.read("get links", job)}

    async def list_links(self, target: str, *, page_size: int = MAX_PAGE_SIZE) -> AsyncIterator[Sequence[Link]]:
        """See `Store.list_links`."""
        check_page_size(page_size)
        after = ""
        while page := await self._page(target, after, page_size):
            yield page
            after = page[-1].source_id

    async def count_links(self, target: str) -> dict[LinkState, int]:
        """See `Store.count_links`."""

        def job(connection: sqlite3.Connection) -> list[tuple[str, int]]:
            rows = connection.execute("SELECT state, COUNT(*) FROM link WHERE target = ? GROUP BY state", (target,))
            return rows.fetchall()

        found = dict(await self._file.read("count links", job))
        return {state: found.get(state.value, 0) for state in LinkState}

    async def write_links(self, writes: Sequence[Link]) -> WriteResult:
        """See `Store.write_links`."""
        check_batch(writes)
        # The documents are made on the file's thread as well: a thousand of them would hold up the event loop.

        def job(connection: sqlite3.Connection) -> WriteResult:
            return tuple(_write_link(connection, link) for link in writes)

        return await self._file.write("write links", job)

    async def list_unlogged(self, target: str, limit: int) -> Sequence[Link]:
        """See `Store.list_unlogged`."""
        check_limit(limit)

        def job(connection: sqlite3.Connection) -> list[Link]:
            rows = connection.execute(
                "SELECT document, etag FROM link WHERE target = ? AND owes_log = 1 LIMIT ?", (target, limit)
            )
            return [read_link(*row) for row in rows]

        return await self._file.read("list unlogged", job)

    async def find_by_target_user(self, target: str, target_user_ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """See `Store.find_by_target_user`."""
        wanted = json.dumps(list(target_user_ids))

        def job(connection: sqlite3.Connection) -> list[tuple[str, Link]]:
            rows = connection.execute(
                "SELECT target_id, document, etag FROM link"
                " WHERE target = ? AND target_id IN (SELECT value FROM json_each(?))",
                (target, wanted),
            )
            return [(target_id, read_link(document, etag)) for target_id, document, etag in rows]

        found: dict[str, tuple[Link, ...]] = {}
        for target_id, link in await self._file.read("find by target user", job):
            found[target_id] = (*found.get(target_id, ()), link)
        return found

    async def find_by_manager(self, target: str, manager_source_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """See `Store.find_by_manager`."""
        wanted = json.dumps(list(manager_source_ids))

        def job(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            rows = connection.execute(
                "SELECT manager_source_id, json_group_array(source_id) FROM link"
                " WHERE target = ? AND manager_source_id IN (SELECT value FROM json_each(?))"
                " GROUP BY manager_source_id",
                (target, wanted),
            )
            return rows.fetchall()

        found = await self._file.read("find by manager", job)
        return {manager: tuple(json.loads(reports)) for manager, reports in found}

    async def get_subscriptions(self) -> Sequence[SubscriptionRecord]:
        """See `Store.get_subscriptions`."""

        def job(connection: sqlite3.Connection) -> list[SubscriptionRecord]:
            rows = connection.execute("SELECT document, etag FROM named WHERE kind = ? ORDER BY name", (_SUBSCRIPTION,))
            return [read_subscription(*row) for row in rows]

        return await self._file.read("get subscriptions", job)

    async def put_subscription(self, record: SubscriptionRecord) -> WriteOutcome:
        """See `Store.put_subscription`."""
        document = subscription_document(record)
        return await self._put(_SUBSCRIPTION, record.resource, record.etag, document)

    async def delete_subscription(self, resource: str) -> None:
        """See `Store.delete_subscription`."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM named WHERE kind = ? AND name = ?", (_SUBSCRIPTION, resource))

        await self._file.write("delete subscription", job)

    async def get_state(self, name: str) -> StateRow | None:
        """See `Store.get_state`."""

        def job(connection: sqlite3.Connection) -> StateRow | None:
            row = connection.execute(
                "SELECT document, etag FROM named WHERE kind = ? AND name = ?", (_STATE, name)
            ).fetchone()
            return None if row is None else read_state(*row)

        return await self._file.read("get state", job)

    async def put_state(self, row: StateRow) -> WriteOutcome:
        """See `Store.put_state`."""
        return await self._put(_STATE, row.name, row.etag, state_document(row))

    async def close(self) -> None:
        """See `Store.close`."""
        await self._file.close()

    async def _page(self, target: str, after: str, page_size: int) -> list[Link]:
        def job(connection: sqlite3.Connection) -> list[Link]:
            rows = connection.execute(
                "SELECT document, etag FROM link WHERE target = ? AND source_id > ? ORDER BY source_id LIMIT ?",
                (target, after, page_size),
            )
            return [read_link(*row) for row in rows]

        return await self._file.read("list links", job)

    async def _put(self, kind: str, name: str, etag: str | None, document: Document | TooLarge) -> WriteOutcome:
        check_name(name)
        if isinstance(document, TooLarge):
            return document

        def job(connection: sqlite3.Connection) -> WriteOutcome:
            new = uuid4().hex
            if etag is None:
                done = connection.execute(
                    "INSERT INTO named (kind, name, etag, document) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (kind, name, new, document.text),
                )
            else:
                done = connection.execute(
                    "UPDATE named SET etag = ?, document = ? WHERE kind = ? AND name = ? AND etag = ?",
                    (new, document.text, kind, name, etag),
                )
            return Written(new) if done.rowcount else Conflict()

        return await self._file.write(f"put {kind}", job)


def _write_link(connection: sqlite3.Connection, link: Link) -> WriteOutcome:
    document = link_document(link)
    if isinstance(document, TooLarge):
        return document
    etag = uuid4().hex
    beside = (link.state.value, link.target_id, link.manager_source_id, bool(link.unlogged), document.text)
    key = (link.target, link.source_id)
    if link.etag is None:
        done = connection.execute(
            "INSERT INTO link (etag, state, target_id, manager_source_id, owes_log, document, target, source_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (etag, *beside, *key),
        )
    else:
        done = connection.execute(
            "UPDATE link SET etag = ?, state = ?, target_id = ?, manager_source_id = ?, owes_log = ?,"
            " document = ? WHERE target = ? AND source_id = ? AND etag = ?",
            (etag, *beside, *key, link.etag),
        )
    return Written(etag) if done.rowcount else Conflict()


__all__ = ["SQLiteStore"]
