"""The store of all instances, in memory, and an instance's way to it: slow, refused, or done and not told of."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from shared.core.model import LinkState
from shared.store.errors import StoreUnavailable
from shared.store.protocol import MAX_PAGE_SIZE
from shared.store.scratch import ScratchStore
from simulation.weather import Fate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from shared.core.model import Link, StateRow, SubscriptionRecord
    from shared.store.protocol import Store, WriteOutcome, WriteResult
    from simulation.mortal import Mortal

_Result = TypeVar("_Result")


class EmptyStore:
    """Holds nothing: what the store in memory stands on."""

    async def get_links(self, _target: str, _source_ids: Sequence[str]) -> dict[str, Link]:
        """See `Store.get_links`."""
        return {}

    async def list_links(self, _target: str, *, page_size: int = MAX_PAGE_SIZE) -> AsyncIterator[Sequence[Link]]:  # noqa: ARG002
        """See `Store.list_links`."""
        nothing: tuple[Sequence[Link], ...] = ()
        for page in nothing:
            yield page

    async def count_links(self, _target: str) -> dict[LinkState, int]:
        """See `Store.count_links`."""
        return dict.fromkeys(LinkState, 0)

    async def list_unlogged(self, _target: str, _limit: int) -> Sequence[Link]:
        """See `Store.list_unlogged`."""
        return []

    async def find_by_target_user(self, _target: str, _ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """See `Store.find_by_target_user`."""
        return {}

    async def find_by_manager(self, _target: str, _ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """See `Store.find_by_manager`."""
        return {}

    async def get_subscriptions(self) -> Sequence[SubscriptionRecord]:
        """See `Store.get_subscriptions`."""
        return []

    async def get_state(self, _name: str) -> StateRow | None:
        """See `Store.get_state`."""
        return None


def memory() -> Store:
    """A store that lives as long as the simulation."""
    return ScratchStore(EmptyStore())  # type: ignore[arg-type]  # what stands below is only read


class ReachedStore:
    """A `Store` as one instance reaches it; `promised` gathers the events that any instance has committed.

    A question about nobody is answered on the spot.
    """

    def __init__(self, store: Store, mortal: Mortal, promised: dict[str, set[str]]) -> None:
        self._store = store
        self._mortal = mortal
        self._promised = promised

    async def get_links(self, target: str, source_ids: Sequence[str]) -> dict[str, Link]:
        """See `Store.get_links`."""
        if not source_ids:
            return {}
        return await self._ask("get links", lambda: self._store.get_links(target, source_ids))

    async def list_links(self, target: str, *, page_size: int = MAX_PAGE_SIZE) -> AsyncIterator[Sequence[Link]]:
        """See `Store.list_links`."""
        pages = [page async for page in self._store.list_links(target, page_size=page_size)]
        for page in pages or [[]]:
            await self._ask("list links", _value(None))
            if page:
                yield page

    async def count_links(self, target: str) -> dict[LinkState, int]:
        """See `Store.count_links`."""
        return await self._ask("count links", lambda: self._store.count_links(target))

    async def write_links(self, writes: Sequence[Link]) -> WriteResult:
        """See `Store.write_links`."""
        return await self._ask("write links", lambda: self._write(writes))

    async def _write(self, writes: Sequence[Link]) -> WriteResult:
        results = await self._store.write_links(writes)
        for link, result in zip(writes, results, strict=True):
            if hasattr(result, "etag"):
                self._promised[link.target] |= set(link.unlogged)
        return results

    async def list_unlogged(self, target: str, limit: int) -> Sequence[Link]:
        """See `Store.list_unlogged`."""
        return await self._ask("list unlogged", lambda: self._store.list_unlogged(target, limit))

    async def find_by_target_user(self, target: str, target_user_ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """See `Store.find_by_target_user`."""
        if not target_user_ids:
            return {}
        return await self._ask("find links", lambda: self._store.find_by_target_user(target, target_user_ids))

    async def find_by_manager(self, target: str, manager_source_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """See `Store.find_by_manager`."""
        if not manager_source_ids:
            return {}
        return await self._ask("find reports", lambda: self._store.find_by_manager(target, manager_source_ids))

    async def get_subscriptions(self) -> Sequence[SubscriptionRecord]:
        """See `Store.get_subscriptions`."""
        return await self._ask("get subscriptions", self._store.get_subscriptions)

    async def put_subscription(self, record: SubscriptionRecord) -> WriteOutcome:
        """See `Store.put_subscription`."""
        return await self._ask("put subscription", lambda: self._store.put_subscription(record))

    async def delete_subscription(self, resource: str) -> None:
        """See `Store.delete_subscription`."""
        await self._ask("delete subscription", lambda: self._store.delete_subscription(resource))

    async def get_state(self, name: str) -> StateRow | None:
        """See `Store.get_state`."""
        return await self._ask("get state", lambda: self._store.get_state(name))

    async def put_state(self, row: StateRow) -> WriteOutcome:
        """See `Store.put_state`."""
        return await self._ask("put state", lambda: self._store.put_state(row))

    async def close(self) -> None:
        """See `Store.close`."""

    async def _ask(self, what: str, work: Callable[[], Awaitable[_Result]]) -> _Result:
        service = self._mortal.weather.store
        fate = await self._mortal.step(service)
        if fate is Fate.REFUSED:
            raise StoreUnavailable(what, "simulated")
        result = await work()
        await self._mortal.back(service)
        if fate is Fate.LOST:
            raise StoreUnavailable(what, "simulated, after it was done")
        return result


def promises() -> dict[str, set[str]]:
    """Nothing promised yet."""
    return defaultdict(set)


def _value(value: _Result) -> Callable[[], Awaitable[_Result]]:
    async def give() -> _Result:
        return value

    return give
