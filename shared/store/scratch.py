"""A store that forgets: reads come from another one, writes stay in this process and end with it.

A plan is judged on it, so that whatever a real pass would remember (claims, charges, holds) counts for the rest of
the plan, and nothing of it is ever written down. The store below is only read, and is not closed with this one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from .checks import check_batch, check_limit, check_name, check_page_size
from .documents import link_document, state_document, subscription_document
from .protocol import MAX_PAGE_SIZE, Conflict, TooLarge, WriteOutcome, WriteResult, Written

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.core.model import Link, LinkState, StateRow, SubscriptionRecord

    from .protocol import Store

_Key = tuple[str, str]


class ScratchStore:
    """A `Store` on top of another one."""

    def __init__(self, below: Store) -> None:
        """`below` stays the caller's."""
        self._below = below
        self._links: dict[_Key, Link] = {}
        self._before: dict[_Key, LinkState | None] = {}  # of links that are here: their state below
        self._by_target_user: defaultdict[_Key, set[str]] = defaultdict(set)
        self._by_manager: defaultdict[_Key, set[str]] = defaultdict(set)
        self._states: dict[str, StateRow] = {}
        self._subscriptions: dict[str, SubscriptionRecord | None] = {}
        self._writes = 0

    async def get_links(self, target: str, source_ids: Sequence[str]) -> dict[str, Link]:
        """See `Store.get_links`."""
        missing = [source_id for source_id in source_ids if (target, source_id) not in self._links]
        found = await self._below.get_links(target, missing) if missing else {}
        here = {source_id: self._links.get((target, source_id)) for source_id in source_ids}
        return found | {source_id: link for source_id, link in here.items() if link is not None}

    async def list_links(self, target: str, *, page_size: int = MAX_PAGE_SIZE) -> AsyncIterator[Sequence[Link]]:
        """See `Store.list_links`."""
        check_page_size(page_size)
        new = [key for key, state in self._before.items() if key[0] == target and state is None]
        async for page in self._below.list_links(target, page_size=page_size):
            yield [self._links.get((target, link.source_id), link) for link in page]
        for start in range(0, len(new), page_size):
            yield [self._links[key] for key in new[start : start + page_size]]

    async def count_links(self, target: str) -> dict[LinkState, int]:
        """See `Store.count_links`."""
        counts = dict(await self._below.count_links(target))
        for key, before in self._before.items():
            if key[0] == target:
                counts[self._links[key].state] += 1
                if before is not None:
                    counts[before] -= 1
        return counts

    async def write_links(self, writes: Sequence[Link]) -> WriteResult:
        """See `Store.write_links`."""
        check_batch(writes)
        documents = [link_document(link) for link in writes]
        await self._fetch(writes)
        return tuple(
            document if isinstance(document, TooLarge) else self._write_link(link)
            for link, document in zip(writes, documents, strict=True)
        )

    async def list_unlogged(self, target: str, limit: int) -> Sequence[Link]:
        """See `Store.list_unlogged`."""
        check_limit(limit)
        here = [link for key, link in self._links.items() if key[0] == target and link.unlogged]
        below = [
            link
            for link in await self._below.list_unlogged(target, limit + len(self._links))
            if (target, link.source_id) not in self._links
        ]
        return [*here, *below][:limit]

    async def find_by_target_user(self, target: str, target_user_ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """See `Store.find_by_target_user`."""
        found: dict[str, tuple[Link, ...]] = {}
        below = await self._below.find_by_target_user(target, target_user_ids)
        for target_id in target_user_ids:
            links = [link for link in below.get(target_id, ()) if (target, link.source_id) not in self._links]
            links += [self._links[target, source_id] for source_id in sorted(self._by_target_user[target, target_id])]
            if links:
                found[target_id] = tuple(links)
        return found

    async def find_by_manager(self, target: str, manager_source_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """See `Store.find_by_manager`."""
        found: dict[str, tuple[str, ...]] = {}
        below = await self._below.find_by_manager(target, manager_source_ids)
        for manager in manager_source_ids:
            reports = [report for report in below.get(manager, ()) if (target, report) not in self._links]
            reports += sorted(self._by_manager[target, manager])
            if reports:
                found[manager] = tuple(reports)
        return found

    async def get_subscriptions(self) -> Sequence[SubscriptionRecord]:
        """See `Store.get_subscriptions`."""
        rows = {record.resource: record for record in await self._below.get_subscriptions()} | self._subscriptions
        return [row for _, row in sorted(rows.items()) if row is not None]

    async def put_subscription(self, record: SubscriptionRecord) -> WriteOutcome:
        """See `Store.put_subscription`."""
        check_name(record.resource)
        document = subscription_document(record)
        if isinstance(document, TooLarge):
            return document
        below = {each.resource: each for each in await self._below.get_subscriptions()}.get(record.resource)
        there = self._subscriptions.get(record.resource, below)
        if (there.etag if there is not None else None) != record.etag:
            return Conflict()
        etag = self._etag()
        self._subscriptions[record.resource] = replace(record, etag=etag)
        return Written(etag)

    async def delete_subscription(self, resource: str) -> None:
        """See `Store.delete_subscription`."""
        self._subscriptions[resource] = None

    async def get_state(self, name: str) -> StateRow | None:
        """See `Store.get_state`."""
        return self._states.get(name) or await self._below.get_state(name)

    async def put_state(self, row: StateRow) -> WriteOutcome:
        """See `Store.put_state`."""
        check_name(row.name)
        document = state_document(row)
        if isinstance(document, TooLarge):
            return document
        below = await self._below.get_state(row.name)
        there = self._states.get(row.name, below)
        if (there.etag if there is not None else None) != row.etag:
            return Conflict()
        etag = self._etag()
        self._states[row.name] = replace(row, etag=etag)
        return Written(etag)

    async def close(self) -> None:
        """See `Store.close`. The store below stays open."""

    async def _fetch(self, writes: Sequence[Link]) -> None:
        """Bring up the links that are about to be written, since their etags are compared here."""
        wanted: defaultdict[str, list[str]] = defaultdict(list)
        for link in writes:
            if (link.target, link.source_id) not in self._links:
                wanted[link.target].append(link.source_id)
        for target, source_ids in wanted.items():
            for link in (await self._below.get_links(target, source_ids)).values():
                if (target, link.source_id) not in self._links:  # another task may have been quicker
                    self._before[target, link.source_id] = link.state
                    self._keep(link)

    def _write_link(self, link: Link) -> WriteOutcome:
        key = (link.target, link.source_id)
        there = self._links.get(key)
        if (there.etag if there is not None else None) != link.etag:
            return Conflict()
        self._before.setdefault(key, None)
        etag = self._etag()
        self._keep(replace(link, etag=etag))
        return Written(etag)

    def _keep(self, link: Link) -> None:
        key = (link.target, link.source_id)
        old = self._links.get(key)
        if old is not None:
            self._by_target_user[link.target, old.target_id or ""].discard(link.source_id)
            self._by_manager[link.target, old.manager_source_id or ""].discard(link.source_id)
        self._links[key] = link
        if link.target_id is not None:
            self._by_target_user[link.target, link.target_id].add(link.source_id)
        if link.manager_source_id is not None:
            self._by_manager[link.target, link.manager_source_id].add(link.source_id)

    def _etag(self) -> str:
        self._writes += 1
        return f"scratch-{self._writes}"


__all__ = ["ScratchStore"]
