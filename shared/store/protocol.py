"""The store as the use cases see it: one protocol, two implementations, the same answers from both.

Everything that must survive a restart and be agreed between workers goes through here: links with the
provisioning-log events they still owe, our Graph subscriptions, and small state rows (cursors, pauses,
leases). The protocol promises compare-and-set per row and nothing wider: there is no transaction over
two rows, so no use case may depend on one.

It must not decide anything. What a conflict means is the caller's business, and no method here reads a
clock, retries a lost compare-and-set, or changes a field of what it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.core.model import Link, LinkState, StateRow, SubscriptionRecord

# The service behind Azure Tables returns at most this many rows a page; SQLite keeps to it as well.
MAX_PAGE_SIZE: Final = 1000


@dataclass(frozen=True, slots=True)
class Written:
    """The row is durable. `etag` is what the next compare-and-set of this row has to name."""

    etag: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """The row is not the one that the given etag names: changed, gone, or there although none was given.

    Nothing was written. The answer is to read the row again and to decide again.
    """


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The row is longer than a store can hold, and was not written. Lengths are characters of its JSON."""

    length: int
    limit: int


WriteOutcome = Written | Conflict | TooLarge
WriteResult = tuple[WriteOutcome, ...]  # one outcome for each write, in the order of the writes


class Store(Protocol):
    """Links, subscriptions and state rows, shared by all workers.

    Every method may raise `StoreUnavailable` or `StoreUnusable`; what else is raised stands with the
    method. All ids and names are compared exactly, case included: whoever hands in an id has normalized
    it. A store may be used by many tasks of one event loop at once.
    """

    async def get_links(self, target: str, source_ids: Sequence[str]) -> dict[str, Link]:
        """Return the stored links by source id; a user without one is absent. Repeated ids are fine."""
        ...

    def list_links(self, target: str, *, page_size: int = MAX_PAGE_SIZE) -> AsyncIterator[Sequence[Link]]:
        """Stream all links of a target as non-empty pages of at most `page_size` links, in no set order.

        Not a snapshot: a link that exists during the whole listing comes exactly once; one created
        meanwhile may be left out. ValueError if `page_size` is not 1 to 1,000.
        """
        ...

    async def count_links(self, target: str) -> dict[LinkState, int]:
        """Count a target's links by state; every state is present, with 0 where there is none.

        Azure Tables has to read through them all (one request per 1,000 links), so ask seldom.
        """
        ...

    async def write_links(self, writes: Sequence[Link]) -> WriteResult:
        """Compare-and-set each link on its own `etag`; None means that no row may exist yet.

        A conflict of one link leaves the others of the batch alone. A link and its `unlogged` events are
        one row: both are durable or neither. ValueError, before anything is written, if a link stands
        in `writes` twice, has an empty or overlong key, or a time without zone.
        """
        ...

    async def list_unlogged(self, target: str, limit: int) -> Sequence[Link]:
        """Return up to `limit` links that hold events not yet acknowledged, in no set order.

        To clear them, write the link back with an empty `unlogged`. ValueError if `limit` is below 1.
        """
        ...

    async def find_by_target_user(self, target: str, target_user_ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """Return the links that point at each target user; a user that none points at is absent.

        More than one link for a user is a fault of the past that the caller should see, so all come.
        """
        ...

    async def find_by_manager(self, target: str, manager_source_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the source ids whose links wait for each manager; a manager nobody waits for is absent."""
        ...

    async def get_subscriptions(self) -> Sequence[SubscriptionRecord]:
        """Return all subscription records, by resource."""
        ...

    async def put_subscription(self, record: SubscriptionRecord) -> WriteOutcome:
        """Compare-and-set one record under its resource, as `write_links` does."""
        ...

    async def delete_subscription(self, resource: str) -> None:
        """Remove the record, whatever its etag; none there is fine."""
        ...

    async def get_state(self, name: str) -> StateRow | None:
        """Return the state row of that name."""
        ...

    async def put_state(self, row: StateRow) -> WriteOutcome:
        """Compare-and-set one state row under its name, as `write_links` does. The value is not parsed."""
        ...

    async def close(self) -> None:
        """Release files, threads and sockets; closing twice is fine. The store is of no use afterwards."""
        ...


__all__ = [
    "MAX_PAGE_SIZE",
    "Conflict",
    "Store",
    "TooLarge",
    "WriteOutcome",
    "WriteResult",
    "Written",
]
