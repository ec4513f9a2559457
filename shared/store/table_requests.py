"""Requests to Azure Tables: bounded in number, and with every fault told in the store's own words.

Three kinds of answers must be kept apart here, once: the row is not as expected (a value), the service is
away or busy (`StoreUnavailable`), and what a person has to repair (`StoreUnusable`). A table that is gone is
of the last kind: reading it as empty would make every user look new. No Azure exception leaves this module.

Nothing here knows what the rows mean.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final, TypeVar

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
)

from .errors import DEFAULT_RETRY_AFTER, StoreError, StoreUnavailable, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence

    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableClient

    from .table_rows import RowKeys

T = TypeVar("T")

# The form the SDK takes: ("create" | "update" | "upsert" | "delete", entity, conditions)
Operation = tuple[str, dict[str, Any], dict[str, Any]]

# The SDK repeats a POST whose answer was lost only if told so. A write here can bear it: whoever meets a
# condition that no longer holds looks whether it was his own write that changed the row.
_REPEATABLE: Final = frozenset({"GET", "PUT", "DELETE", "POST"})

# The service's own words only: a 404 of some proxy on the way says nothing about a row.
_ABSENT: Final = frozenset({"ResourceNotFound", "EntityNotFound"})
_CONDITION_FAILED: Final = _ABSENT | {
    "EntityAlreadyExists",
    "UpdateConditionNotSatisfied",
    "ConditionNotMet",
}
# What the SDK lets out when an answer is not of the form it expects, as from a proxy or a restart halfway.
_UNREADABLE: Final = (HTTPException, ValueError, LookupError, TypeError, AttributeError)
_NOT_THE_SERVICE: Final = "the answer is not one of the table service"

_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
_DENIED: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it came; `properties` are those that were asked for."""

    key: str
    etag: str
    properties: Mapping[str, Any]


class RemoteTable:
    """One table. `turns` bounds the requests in flight and is shared by the tables of one store."""

    def __init__(self, client: TableClient, turns: asyncio.Semaphore, time_limit: timedelta) -> None:
        self._client = client
        self._turns = turns
        self._time_limit = time_limit

    async def create(self) -> None:
        """Create the table unless it is there."""
        async with self._request("create table"):
            try:
                await self._client.create_table()
            except ResourceExistsError as error:
                if _code(error) != "TableAlreadyExists":  # it may also be on its way out
                    raise

    async def get(self, keys: RowKeys) -> StoredRow | None:
        """Read one row."""
        async with self._request("read"):
            try:
                return _row(await self._client.get_entity(keys.partition, keys.row))
            except HttpResponseError as error:
                if _code(error) not in _ABSENT:
                    raise
                return None

    async def pages(
        self, row_filter: str, *, page_size: int, only: tuple[str, ...] | None = None
    ) -> AsyncIterator[list[StoredRow]]:
        """Stream the rows of a filter in non-empty pages; the service may send empty ones in between.

        `only` names the properties to fetch beside the key; such rows come without their etag.
        """
        select = None if only is None else ["RowKey", *only]
        pages = self._client.query_entities(row_filter, results_per_page=page_size, select=select).by_page()
        while True:
            async with self._request("query"):
                try:
                    page = [_row(entity) async for entity in await anext(pages)]
                except StopAsyncIteration:
                    return
            if page:
                yield page

    async def transact(self, operations: Sequence[Operation]) -> list[str | None] | None:
        """Do all operations or none. Return the rows' new etags, or None if a condition did not hold.

        At most 100 operations on different rows of one partition.
        """
        async with self._request("write"):
            try:
                done = await self._client.submit_transaction(operations, retry_on_methods=_REPEATABLE)
            except HttpResponseError as error:
                if _code(error) not in _CONDITION_FAILED:
                    raise
                return None
            return [metadata.get("etag") for metadata in done]

    @asynccontextmanager
    async def _request(self, operation: str) -> AsyncIterator[None]:
        async with self._turns:
            try:
                async with asyncio.timeout(self._time_limit.total_seconds()):
                    yield
            except TimeoutError as error:
                raise StoreUnavailable(operation, f"no answer within {self._time_limit}") from error
            except HttpResponseError as error:
                raise _fault(operation, error) from error
            except AzureError as error:  # no answer: no connection, no name, a connection that broke
                raise StoreUnavailable(operation, type(error).__name__) from error
            except _UNREADABLE as error:
                raise StoreUnavailable(operation, f"{_NOT_THE_SERVICE}: {type(error).__name__}") from error


async def together(awaitables: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for all, also when one fails, so that what can be written is; then raise the first fault."""
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    done = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done


def _row(entity: TableEntity) -> StoredRow:
    return StoredRow(entity["RowKey"], entity.metadata.get("etag") or "", entity)


def _fault(operation: str, error: HttpResponseError) -> StoreError:
    status = error.status_code
    code = _code(error)
    if status is None and isinstance(error, ClientAuthenticationError):
        # Raised by the credential: no token could be had, mostly because its endpoint is away for a moment.
        return StoreUnavailable(operation, type(error).__name__)
    if status in _PASSING or code == "TableBeingDeleted":
        return StoreUnavailable(operation, f"{status} {code}", retry_after=_retry_after(error))
    if status in _DENIED:
        return StoreUnusable(operation, f"{status} {code}: the identity may not use this storage account's tables")
    if not code:
        return StoreUnavailable(operation, f"{_NOT_THE_SERVICE}: {status} {type(error).__name__}")
    return StoreUnusable(operation, f"{status} {code}")


def _code(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None)
    return "" if code is None else str(getattr(code, "value", code))


def _retry_after(error: HttpResponseError) -> timedelta:
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() else DEFAULT_RETRY_AFTER


__all__ = ["Operation", "RemoteTable", "StoredRow", "together"]
