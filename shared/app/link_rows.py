"""Writing links by compare-and-set: which were stored, and which had become another worker's meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.store.protocol import Written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.model import Link
    from shared.store.protocol import Store


async def write_links(store: Store, links: Sequence[Link]) -> tuple[dict[str, Link], list[str]]:
    """The links as stored, by source id, and the users whose row was another's.

    Raises:
        StoreError: some may have been written.
    """
    stored: dict[str, Link] = {}
    lost: list[str] = []
    if not links:
        return stored, lost
    for link, outcome in zip(links, await store.write_links(links), strict=True):
        if isinstance(outcome, Written):
            stored[link.source_id] = replace(link, etag=outcome.etag)
        else:
            lost.append(link.source_id)
    return stored, lost
