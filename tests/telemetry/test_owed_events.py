"""Events that wait with their links: how they drain, and what one that cannot be taken costs the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from telemetry_fakes import Log

from shared.app.events import send_events, send_owed
from shared.app.owed_logs import send_owed_logs
from shared.core.model import Link, LinkState
from shared.core.operation_event import OperationEvent, OperationKind
from shared.core.provisioning_event import Identity, ProvisioningEvent, Status
from shared.store import open_store
from shared.store.errors import StoreUnavailable
from shared.telemetry.log_sink import LogTable
from shared.telemetry.metrics import Metrics

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def owing(number, target="emea", events=1):
    """A link that owes events."""
    user = f"0a1b2c3d-0000-4000-8000-{number:012d}"
    texts = [
        ProvisioningEvent(
            AT + timedelta(seconds=second), target, Identity(user, "Zoë"), "update", Status.SUCCESS, "changed"
        ).to_json()
        for second in range(events)
    ]
    return Link(target, user, LinkState.ACTIVE, unlogged=tuple(texts))


@pytest.fixture
async def parts(tmp_path):
    """What sending needs of the app's parts."""
    store = open_store(f"sqlite:///{tmp_path}/links.sqlite3", None)
    tenant = SimpleNamespace(tenant_id="tenant")
    target = SimpleNamespace(target=SimpleNamespace(tenant=tenant))
    clock = SimpleNamespace(now=lambda: datetime.now(UTC))
    yield SimpleNamespace(
        store=store,
        log=Log(),
        metrics=Metrics(),
        clock=clock,
        sync=SimpleNamespace(source=tenant),
        settings=SimpleNamespace(writer_client_id="writer"),
        targets={"emea": target, "apac": target},
    )
    await store.close()


async def owed(parts, target="emea"):
    return await parts.store.list_unlogged(target, 100_000)


async def test_ten_thousand_owed_events_drain_in_sensible_batches(parts):
    """Some hundred rows a write; each once; the links are clear afterwards."""
    links = [owing(number) for number in range(10_000)]
    await parts.store.write_links(links)
    sizes = []
    write = parts.log.write

    async def counted(table, rows):
        sizes.append(len(rows))
        return await write(table, rows)

    parts.log.write = counted
    await send_owed(parts, "emea", within=timedelta(minutes=5))
    assert sum(sizes) == 10_000
    assert max(sizes) <= 500
    assert await owed(parts) == []


async def test_a_batch_spends_no_more_than_its_share_on_the_events_of_others(parts):
    """The messages' lock runs meanwhile; what is left is sent by the next batch, or by the timer."""
    await parts.store.write_links([owing(number) for number in range(1_200)])
    moments = iter(AT + timedelta(seconds=6 * step) for step in range(99))
    parts.clock.now = lambda: next(moments)
    await send_owed(parts, "emea")
    assert 0 < len(await owed(parts)) < 1_200


async def test_while_the_log_takes_nothing_it_is_asked_once(parts):
    """No loop over what stays the same."""
    await parts.store.write_links([owing(number) for number in range(1_200)])
    parts.log = Log(lambda _row: False)
    await send_owed(parts, "emea")
    assert len(parts.log.offered) == 500
    assert len(await owed(parts)) == 1_200


async def test_a_link_keeps_all_its_events_until_all_are_taken(parts):
    """Order stays; those that were taken come twice, under one id. Other links are cleared."""
    await parts.store.write_links([owing(1, events=3), owing(2)])
    refused = (AT + timedelta(seconds=2)).isoformat()
    parts.log = Log(lambda row: row["TimeGenerated"] != refused)
    await send_owed(parts, "emea")
    [link] = await owed(parts)
    assert len(link.unlogged) == 3
    parts.log.takes = lambda _row: True
    await send_owed(parts, "emea")
    ids = [row["EventId"] for _, row in parts.log.taken]
    assert len(set(ids)) == 4
    assert await owed(parts) == []


async def test_a_link_that_changed_meanwhile_keeps_its_events(parts):
    """Another worker's decision is not overwritten; its row is sent again, and is the same."""
    await parts.store.write_links([owing(1)])
    [seen] = await owed(parts)
    await parts.store.write_links([replace(seen, attempt=7)])
    await send_events(parts, [seen])
    [link] = await owed(parts)
    assert (link.attempt, len(link.unlogged)) == (7, 1)


async def test_an_event_that_cannot_be_read_keeps_nobody_waiting(parts):
    """Another version's, perhaps: it could never be sent."""
    await parts.store.write_links([replace(owing(1), unlogged=("{}", *owing(1).unlogged)), owing(2)])
    await send_owed(parts, "emea")
    assert len(parts.log.taken) == 2
    assert await owed(parts) == []


async def test_the_timer_sends_what_both_logs_owe_for_all_targets(parts):
    """Whatever one of them is missing."""
    await parts.store.write_links([owing(1), owing(1, "apac")])
    from shared.app.operations import tell

    parts.log = Log(lambda _row: False)
    await tell(parts, [OperationEvent(OperationKind.CYCLE_FINISHED, AT)])
    parts.log.takes = lambda _row: True
    await send_owed_logs(parts)
    taken = [table for table, _ in parts.log.taken]
    assert sorted(taken) == [LogTable.OPERATIONS, LogTable.PROVISIONING, LogTable.PROVISIONING]


async def test_a_store_that_is_away_ends_the_timer_quietly(parts):
    """Its next turn is in minutes."""
    kept = parts.store

    class Away:
        async def list_unlogged(self, *_arguments):
            raise StoreUnavailable("list_unlogged", "away")

        async def get_state(self, _name):
            raise StoreUnavailable("get_state", "away")

    parts.store = Away()
    await send_owed_logs(parts)
    parts.store = kept
