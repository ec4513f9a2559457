"""Writing links to Azure Tables: a batch as few transactions, each link's compare-and-set on its own.

A transaction of the service is all or nothing, so one link that changed meanwhile takes up to 99 others
down with it. The links of a refused transaction are then read, those that did change are told so, and the
others are sent again: three rounds of requests, be it one link or all of them. (Splitting in halves needs no
reading, but took five times as long on the emulator when another worker had taken the whole batch.)

A refused condition is not yet a conflict: if an answer was lost on the way and the request was sent again,
the row that stands in the way may be our own. Every write leaves its id in the row, and that is looked at
before anybody is told of a conflict.

This module must not read a link's content: what to write is decided by its callers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from .documents import link_document
from .errors import StoreUnavailable
from .protocol import Conflict, TooLarge, WriteOutcome, Written
from .table_requests import Operation, RemoteTable, together
from .table_rows import (
    LinkEtag,
    RowKeys,
    document_properties,
    link_keys,
    missing_index_rows,
    owes_log_keys,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.core.model import Link

    from .table_requests import StoredRow

# The service's limits are 100 operations and 4 MiB a transaction. Our length is that of the documents, whose
# quotation marks are escaped on the way (at most doubling them), next to some 1,500 characters of request each.
_MAX_OPERATIONS: Final = 100
_MAX_LENGTH: Final = 1_500_000

# Every round ends with at least one link decided, unless rows were changed by hand; two or three are normal.
_MAX_ROUNDS: Final = 10


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """One link's compare-and-set: `operations` are done together, the first of them writes the link itself."""

    link: Link
    keys: RowKeys
    service_etag: str | None
    write: str
    operations: tuple[Operation, ...]
    index_rows: tuple[RowKeys, ...]
    length: int


def plan_write(link: Link, write: str) -> PlannedWrite | TooLarge | Conflict:
    """Turn a link into operations; what can be refused without asking the service is refused here."""
    document = link_document(link)
    if isinstance(document, TooLarge):
        return document
    stored = None
    if link.etag is not None:
        stored = LinkEtag.parse(link.etag)
        if stored is None:
            return Conflict()
    service_etag = None if stored is None else stored.service
    keys = link_keys(link.target, link.source_id)
    properties = document_properties(document, write) | {"state": link.state.value}
    operations = [compare_and_set(keys, properties, service_etag)]
    beside: dict[str, Any] = dict(owes_log_keys(link.target, link.source_id).entity())
    owed = stored is not None and stored.owes_log
    if link.unlogged and not owed:
        operations.append(("upsert", beside, {"mode": UpdateMode.REPLACE}))
    elif owed and not link.unlogged:
        operations.append(("delete", beside, {}))
    return PlannedWrite(
        link=link,
        keys=keys,
        service_etag=service_etag,
        write=write,
        operations=tuple(operations),
        index_rows=tuple(missing_index_rows(link, stored)),
        length=len(document.text),
    )


def compare_and_set(keys: RowKeys, properties: dict[str, str], etag: str | None) -> Operation:
    """Return the operation that writes a row if it still has the service's etag, or if it is not there."""
    entity: dict[str, Any] = keys.entity() | properties
    if etag is None:
        return ("create", entity, {})
    conditions = {"mode": UpdateMode.REPLACE, "etag": etag, "match_condition": MatchConditions.IfNotModified}
    return ("update", entity, conditions)


async def write_index_rows(index: RemoteTable, plans: Sequence[PlannedWrite]) -> None:
    """Write all index rows the plans need; they are durable on return."""
    by_partition: dict[str, set[RowKeys]] = {}
    for plan in plans:
        for keys in plan.index_rows:
            by_partition.setdefault(keys.partition, set()).add(keys)
    upserts: list[list[Operation]] = []
    for rows in by_partition.values():
        operations: list[Operation] = [("upsert", dict(keys.entity()), {"mode": UpdateMode.REPLACE}) for keys in rows]
        upserts.extend(
            operations[start : start + _MAX_OPERATIONS] for start in range(0, len(operations), _MAX_OPERATIONS)
        )
    await together(index.transact(operations) for operations in upserts)


async def write_plans(links: RemoteTable, plans: Sequence[PlannedWrite]) -> dict[tuple[str, str], WriteOutcome]:
    """Do all planned writes and return what became of each, by target and source id."""
    batches = await together(_write_batch(links, batch) for batch in _batches(plans))
    return {(plan.link.target, plan.link.source_id): outcome for batch in batches for plan, outcome in batch}


def new_write() -> str:
    """Return the id of one call's writes."""
    return uuid4().hex


def _batches(plans: Iterable[PlannedWrite]) -> Iterator[list[PlannedWrite]]:
    by_partition: dict[str, list[PlannedWrite]] = {}
    for plan in plans:
        by_partition.setdefault(plan.keys.partition, []).append(plan)
    for partition in by_partition.values():
        batch: list[PlannedWrite] = []
        operations = length = 0
        for plan in partition:
            operations += len(plan.operations)
            length += plan.length
            if batch and (operations > _MAX_OPERATIONS or length > _MAX_LENGTH):
                yield batch
                batch, operations, length = [], len(plan.operations), plan.length
            batch.append(plan)
        yield batch


async def _write_batch(links: RemoteTable, batch: Sequence[PlannedWrite]) -> list[tuple[PlannedWrite, WriteOutcome]]:
    outcomes: list[tuple[PlannedWrite, WriteOutcome]] = []
    open_plans = list(batch)
    for _ in range(_MAX_ROUNDS):
        etags = await links.transact([operation for plan in open_plans for operation in plan.operations])
        if etags is not None:
            answers = iter(etags)
            for plan in open_plans:
                of_plan = [next(answers) for _ in plan.operations]
                outcomes.append((plan, _written(plan, of_plan[0])))
            return outcomes
        rows = await together(links.get(plan.keys) for plan in open_plans)
        seen = [(plan, _outcome(plan, row)) for plan, row in zip(open_plans, rows, strict=True)]
        outcomes.extend((plan, outcome) for plan, outcome in seen if outcome is not None)
        open_plans = [plan for plan, outcome in seen if outcome is None]
        if not open_plans:
            return outcomes
    raise StoreUnavailable("write", "links kept changing while they were written")


def _outcome(plan: PlannedWrite, row: StoredRow | None) -> WriteOutcome | None:
    """Say what the row tells about a write whose transaction was refused; None if it was not to blame."""
    if row is not None and row.properties.get("write") == plan.write:
        return _written(plan, row.etag)
    return None if plan.service_etag == (None if row is None else row.etag) else Conflict()


def _written(plan: PlannedWrite, service_etag: str | None) -> Written:
    return Written(str(LinkEtag.of(plan.link, str(service_etag))))


__all__ = [
    "PlannedWrite",
    "compare_and_set",
    "new_write",
    "plan_write",
    "write_index_rows",
    "write_plans",
]
