"""Links, subscriptions and state rows in Azure Tables: the store of a deployed app.

How rows are laid out and why stands in `table_rows`, how a batch becomes transactions in `table_writes`,
how faults are told apart in `table_requests`; here the protocol's questions are turned into those.

Links are read by key, up to 32 requests side by side. A filter that names a dozen keys needs fewer requests
and a fifth of the time on the emulator, but the service answers it by reading the whole partition, so it
would get slower with every user; a read by key costs about 1.7 ms of our processor whatever the table holds.

This module must not open connections of its own: it is given its client, and closes it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.core.model import LinkState

from .checks import check_batch, check_limit, check_name, check_page_size
from .documents import (
    Document,
    read_link,
    read_state,
    read_subscription,
    state_document,
    subscription_document,
)
from .protocol import MAX_PAGE_SIZE, Conflict, TooLarge, WriteOutcome, WriteResult, Written
from .shared_read import SharedRead
from .table_requests import RemoteTable, together
from .table_rows import (
    IndexKind,
    LinkEtag,
    RowKeys,
    RowRange,
    document_properties,
    document_text,
    encode_key,
    index_range,
    is_service_etag,
    link_keys,
    link_ranges,
    owes_log_ranges,
    source_id_of,
)
from .table_writes import (
    PlannedWrite,
    compare_and_set,
    new_write,
    plan_write,
    write_index_rows,
    write_plans,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from azure.data.tables.aio import TableServiceClient

    from shared.core.model import Link, StateRow, SubscriptionRecord

    from .table_requests import StoredRow

_REQUESTS_IN_FLIGHT: Final = 32

# The library sleeps through any Retry-After by itself; a message's lock has no time for long ones.
_TIME_LIMIT: Final = timedelta(seconds=30)

_STATE: Final = "state"
_SUBSCRIPTION: Final = "subscription"


class TablesStore:
    """A `Store` in the tables of a storage account, made by the first call.

    `table_prefix` begins the names of the tables, so that several installations may share an account:
    letters and digits, a letter first. `time_limit` is for one request, with the client's own retries.
    """

    def __init__(
        self,
        service: TableServiceClient,
        *,
        table_prefix: str = "crosstenant",
        time_limit: timedelta = _TIME_LIMIT,
    ) -> None:
        self._service = service
        turns = asyncio.Semaphore(_REQUESTS_IN_FLIGHT)
        self._links, self._index, self._named = (
            RemoteTable(service.get_table_client(table_prefix + name), turns, time_limit)
            for name in ("links", "index", "state")
        )
        self._made = False
        self._making = asyncio.Lock()
        # Every notification asks for them, and a request costs three times what else is done for one.
        self._subscriptions = SharedRead(self._read_subscriptions)

    async def get_links(self, target: str, source_ids: Sequence[str]) -> dict[str, Link]:
        """See `Store.get_links`."""
        await self._make_tables()
        wanted = dict.fromkeys(source_ids)
        rows = await together(self._links.get(link_keys(target, source_id)) for source_id in wanted)
        links = [_link(row) for row in rows if row is not None]
        return {link.source_id: link for link in links}

    async def list_links(self, target: str, *, page_size: int = MAX_PAGE_SIZE) -> AsyncIterator[Sequence[Link]]:
        """See `Store.list_links`."""
        check_page_size(page_size)
        await self._make_tables()
        for within in link_ranges(target):
            async for page in self._links.pages(within.filter(), page_size=page_size):
                yield [_link(row) for row in page]

    async def count_links(self, target: str) -> dict[LinkState, int]:
        """See `Store.count_links`."""
        await self._make_tables()
        counts = dict.fromkeys(LinkState, 0)

        async def count(within: RowRange) -> None:
            pages = self._links.pages(within.filter(), page_size=MAX_PAGE_SIZE, only=("state",))
            async for page in pages:
                for row in page:
                    counts[LinkState(row.properties["state"])] += 1

        await together(count(within) for within in link_ranges(target))
        return counts

    async def write_links(self, writes: Sequence[Link]) -> WriteResult:
        """See `Store.write_links`."""
        check_batch(writes)
        write = new_write()
        answers = [plan_write(link, write) for link in writes]
        plans = [answer for answer in answers if isinstance(answer, PlannedWrite)]
        await self._make_tables()
        # The order is the point: a link must never be there before its index rows are.
        await write_index_rows(self._index, plans)
        outcomes = await write_plans(self._links, plans)
        return tuple(
            outcomes[answer.link.target, answer.link.source_id] if isinstance(answer, PlannedWrite) else answer
            for answer in answers
        )

    async def list_unlogged(self, target: str, limit: int) -> Sequence[Link]:
        """See `Store.list_unlogged`."""
        check_limit(limit)
        await self._make_tables()
        found = await together(self._source_ids(self._links, within, limit=limit) for within in owes_log_ranges(target))
        source_ids = [source_id for bucket in found for source_id in bucket][:limit]
        links = await self.get_links(target, source_ids)
        # One that was cleared between the two reads is no longer in question.
        return [link for link in links.values() if link.unlogged]

    async def find_by_target_user(self, target: str, target_user_ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """See `Store.find_by_target_user`."""
        candidates = await self._candidates(target, IndexKind.TARGET_USER, target_user_ids)
        found = {
            target_id: tuple(link for link in links if link.target_id == target_id)
            for target_id, links in candidates.items()
        }
        return {target_id: links for target_id, links in found.items() if links}

    async def find_by_manager(self, target: str, manager_source_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """See `Store.find_by_manager`."""
        candidates = await self._candidates(target, IndexKind.MANAGER, manager_source_ids)
        found = {
            manager: tuple(link.source_id for link in links if link.manager_source_id == manager)
            for manager, links in candidates.items()
        }
        return {manager: reports for manager, reports in found.items() if reports}

    async def get_subscriptions(self) -> Sequence[SubscriptionRecord]:
        """See `Store.get_subscriptions`."""
        return await self._subscriptions.get()

    async def _read_subscriptions(self) -> Sequence[SubscriptionRecord]:
        await self._make_tables()
        pages = self._named.pages(f"PartitionKey eq '{_SUBSCRIPTION}'", page_size=MAX_PAGE_SIZE)
        records = [read_subscription(document_text(row.properties), row.etag) async for page in pages for row in page]
        return sorted(records, key=lambda record: record.resource)

    async def put_subscription(self, record: SubscriptionRecord) -> WriteOutcome:
        """See `Store.put_subscription`."""
        document = subscription_document(record)
        return await self._put(_SUBSCRIPTION, record.resource, record.etag, document)

    async def delete_subscription(self, resource: str) -> None:
        """See `Store.delete_subscription`."""
        await self._make_tables()
        # Refused means that there was none.
        await self._named.transact([("delete", dict(RowKeys(_SUBSCRIPTION, encode_key(resource)).entity()), {})])

    async def get_state(self, name: str) -> StateRow | None:
        """See `Store.get_state`."""
        await self._make_tables()
        row = await self._named.get(RowKeys(_STATE, encode_key(name)))
        return None if row is None else read_state(document_text(row.properties), row.etag)

    async def put_state(self, row: StateRow) -> WriteOutcome:
        """See `Store.put_state`."""
        return await self._put(_STATE, row.name, row.etag, state_document(row))

    async def close(self) -> None:
        """See `Store.close`. The credential belongs to whoever made it."""
        await self._service.close()

    async def _make_tables(self) -> None:
        if self._made:
            return
        async with self._making:
            if not self._made:
                await together(table.create() for table in (self._links, self._index, self._named))
                self._made = True

    async def _put(self, kind: str, name: str, etag: str | None, document: Document | TooLarge) -> WriteOutcome:
        check_name(name)
        if isinstance(document, TooLarge):
            return document
        if etag is not None and not is_service_etag(etag):
            return Conflict()
        await self._make_tables()
        keys = RowKeys(kind, encode_key(name))
        write = new_write()
        etags = await self._named.transact([compare_and_set(keys, document_properties(document, write), etag)])
        if etags is not None:
            return Written(str(etags[0]))
        # As with links: a condition may fail because an earlier try of this very write had come through.
        row = await self._named.get(keys)
        if row is None or row.properties.get("write") != write:
            return Conflict()
        return Written(row.etag)

    async def _candidates(self, target: str, kind: IndexKind, found_by: Sequence[str]) -> dict[str, list[Link]]:
        """Return, for each id, the links that its index rows lead to; they may say otherwise by now."""
        await self._make_tables()
        wanted = list(dict.fromkeys(found_by))
        ranges = [index_range(target, kind, one) for one in wanted]
        led_to = await together(self._source_ids(self._index, within) for within in ranges)
        links = await self.get_links(target, [source_id for found in led_to for source_id in found])
        return {
            one: [links[source_id] for source_id in found if source_id in links]
            for one, found in zip(wanted, led_to, strict=True)
        }

    async def _source_ids(self, table: RemoteTable, within: RowRange, *, limit: int | None = None) -> list[str]:
        found: list[str] = []
        page_size = MAX_PAGE_SIZE if limit is None else min(limit, MAX_PAGE_SIZE)
        async for page in table.pages(within.filter(), page_size=page_size, only=()):
            found.extend(source_id_of(row.key) for row in page)
            if limit is not None and len(found) >= limit:
                break
        return found


def _link(row: StoredRow) -> Link:
    link = read_link(document_text(row.properties), row.etag)
    return replace(link, etag=str(LinkEtag.of(link, row.etag)))


__all__ = ["TablesStore"]
