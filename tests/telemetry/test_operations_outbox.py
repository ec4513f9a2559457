"""The outbox of the operations log: nothing is lost, and what is sent twice has one id."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from telemetry_fakes import Log, StoreAndLog

from shared.app.operations import MAX_LENGTH, SHARDS, send_owed_operations, tell
from shared.core.model import StateRow
from shared.core.operation_event import OperationEvent, OperationKind, Severity
from shared.store import open_store
from shared.store.errors import StoreUnavailable
from shared.telemetry.log_sink import LogTable

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def event(number=0, kind=OperationKind.QUARANTINE_ENTERED, **fields):
    return OperationEvent(kind, AT + timedelta(seconds=number), target="emea", **fields)


@pytest.fixture
async def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/links.sqlite3", None)
    yield opened
    await opened.close()


async def owed(store):
    rows = [await store.get_state(f"operations:{shard}") for shard in SHARDS]
    return sum(row.value.count('"EventId"') for row in rows if row is not None)


async def test_what_is_told_is_sent_and_cleared(store):
    """Once, to the table of operations."""
    parts = StoreAndLog(store)
    await tell(parts, [event(1), event(2)])
    assert sorted(row["EventId"] for _, row in parts.log.taken) == sorted([event(1).event_id, event(2).event_id])
    assert {table for table, _ in parts.log.taken} == {LogTable.OPERATIONS}
    assert await owed(store) == 0
    await send_owed_operations(parts)
    assert len(parts.log.offered) == 2


async def test_nothing_told_costs_nothing(store):
    """No row, no request."""
    parts = StoreAndLog(store)
    await tell(parts, [])
    assert await owed(store) == 0
    assert parts.log.offered == []


async def test_what_the_log_does_not_take_is_sent_later(store):
    """Each by itself: the others are cleared."""
    refused = event(1).event_id
    parts = StoreAndLog(store, Log(lambda row: row["EventId"] != refused))
    await tell(parts, [event(number) for number in range(5)])
    assert await owed(store) == 1
    parts.log.takes = lambda _row: True
    await send_owed_operations(parts)
    assert [row["EventId"] for _, row in parts.log.taken].count(refused) == 1
    assert await owed(store) == 0


async def test_a_crash_between_sending_and_clearing_sends_the_same_event_again(store):
    """Under the same id, so that a query can tell that it is one."""

    class CrashError(BaseException):
        pass

    class CrashingLog(Log):
        async def write(self, table, rows):
            await super().write(table, rows)
            raise CrashError

    crashing = StoreAndLog(store, CrashingLog())
    with pytest.raises(CrashError):
        await tell(crashing, [event()])
    after = StoreAndLog(store)
    await send_owed_operations(after)
    assert [row for _, row in crashing.log.taken] == [row for _, row in after.log.taken]


async def test_several_workers_lose_nothing(store):
    """They tell and send at once, while the log comes and goes."""
    turns = iter(range(10_000))
    parts = StoreAndLog(store, Log(lambda _row: next(turns) % 3 != 0))
    everything = [[event(worker * 10 + number) for number in range(10)] for worker in range(8)]
    await asyncio.gather(*[tell(parts, events) for events in everything])
    parts.log.takes = lambda _row: True
    await send_owed_operations(parts)
    sent = {row["EventId"] for _, row in parts.log.taken}
    assert sent == {each.event_id for events in everything for each in events}
    assert await owed(store) == 0


async def test_without_a_store_an_event_goes_straight_to_the_log(store):
    """One of the two is enough; with neither, the caller hears of it."""

    class AwayStore:
        async def get_state(self, _name):
            raise StoreUnavailable("get_state", "away")

    parts = StoreAndLog(AwayStore())
    await tell(parts, [event()])
    assert len(parts.log.taken) == 1
    with pytest.raises(StoreUnavailable):
        await tell(StoreAndLog(AwayStore(), Log(lambda _row: False)), [event()])


async def test_a_full_outbox_drops_status_reports_first_and_errors_last(store):
    """And goes on taking; the rows stay within what a store can hold."""
    parts = StoreAndLog(store, Log(lambda _row: False))
    error = event(0, severity=Severity.ERROR, description="the oldest of all")
    await tell(parts, [error])
    news = [event(number, severity=Severity.WARNING, description="x" * 2000) for number in range(1, 100)]
    await tell(parts, news)
    await tell(parts, [event(1000 + n, OperationKind.STATUS, description="é" * 2000) for n in range(400)])
    rows = [await store.get_state(f"operations:{shard}") for shard in SHARDS]
    assert all(len(row.value) <= MAX_LENGTH for row in rows)
    parts.log.takes = lambda _row: True
    await send_owed_operations(parts)
    sent = {row["EventId"] for _, row in parts.log.taken}
    assert {error.event_id, *[each.event_id for each in news]} <= sent
    assert len(sent) < 1 + 99 + 400


@pytest.mark.parametrize("text", ["not JSON", "[]", '{"id": 7}', '{"id": {}}'])
async def test_an_outbox_that_cannot_be_read_is_begun_anew(store, text):
    """What it held is lost already; the next event is not."""
    for shard in SHARDS:
        await store.put_state(StateRow(f"operations:{shard}", text))
    parts = StoreAndLog(store)
    await tell(parts, [event()])
    assert [row["EventId"] for _, row in parts.log.taken] == [event().event_id]
