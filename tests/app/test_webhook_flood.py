"""A flood of forged notifications costs a read of the store now and then, a few lines of log, and nothing else."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_ingest import ONE, user_item
from test_ingest_fuzz import NOW, Webhook

from shared.app.ingest import ingest
from shared.app.webhook import HEARD_WITHIN
from shared.app.webhook import Webhook as Kept
from shared.core.model import SubscriptionRecord
from shared.store.errors import StoreUnavailable

REQUESTS = 10_000
GRAPH = {"source", "changes", "subscriptions", "targets"}
FORGED = json.dumps({"value": [user_item(ONE, clientState="guess")]}).encode()
GENUINE = json.dumps({"value": [user_item(ONE)]}).encode()


class Flooded(Webhook):
    """A webhook that counts its spans, and whose store can be down. It has no hands that reach Graph."""

    def __init__(self):
        super().__init__()
        self.spans = 0
        self.down = False
        self.parts.tracing.notification = self._span
        assert not GRAPH & set(vars(self.parts))

    @contextmanager
    def _span(self, _parent):
        self.spans += 1
        yield

    async def _subscriptions(self):
        records = await super()._subscriptions()
        await asyncio.sleep(0)
        if self.down:
            raise StoreUnavailable("get_subscriptions", "it is down")
        return records

    def flood(self, body, *, lasts=timedelta(0), at_once=1):
        """Post a body ten thousand times; returns the statuses."""

        async def post():
            statuses = set()
            for _ in range(REQUESTS // at_once):
                replies = await asyncio.gather(*(ingest(self.parts, body) for _ in range(at_once)))
                statuses |= {reply.status for reply in replies}
                self.now += lasts * at_once / REQUESTS
            return statuses

        return asyncio.run(post())


@pytest.mark.parametrize("at_once", [1, 100])
def test_ten_thousand_forged_requests_in_ten_seconds(caplog, at_once):
    """At most two reads of the store a second, one line of log, no span, no message, and no way to Graph at all."""
    caplog.set_level(logging.DEBUG)
    flooded = Flooded()
    assert flooded.flood(FORGED, lasts=timedelta(seconds=10), at_once=at_once) == {202}
    assert flooded.reads <= 20
    assert len([record for record in caplog.records if record.name.startswith("shared")]) == 1
    assert (flooded.spans, flooded.sent) == (0, [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 1000,
        b'{"value": []}',
        b'{"value": [{}]}',
        json.dumps({"value": [{}] * 5001}).encode(),
        json.dumps({"value": [user_item(ONE, tenantId="another")]}).encode(),
    ],
    ids=["empty", "deep", "no items", "odd items", "many items", "another tenant"],
)
def test_what_cannot_be_graphs_does_not_even_cost_a_read(caplog, body):
    """Whatever our subscriptions are, it is refused."""
    flooded = Flooded()
    assert flooded.flood(body) <= {202, 400}
    assert (flooded.reads, flooded.spans, flooded.sent) == (0, 0, [])
    assert len([record for record in caplog.records if record.name.startswith("shared")]) <= 1


def test_a_store_that_is_down_is_not_asked_for_each_request_either(caplog):
    """Everybody is answered 503, Graph among them, who tries again; a line a minute tells why."""
    flooded = Flooded()
    flooded.down = True
    assert flooded.flood(GENUINE, lasts=timedelta(seconds=10)) == {503}
    assert flooded.reads <= 20
    assert len([record for record in caplog.records if record.name.startswith("shared")]) == 1
    flooded.down = False
    flooded.now += timedelta(seconds=1)
    assert flooded.post(GENUINE).status == 202
    assert len(flooded.sent) == 1


def test_genuine_ones_come_through_a_flood_also_while_the_store_is_down():
    """What is remembered is enough for them."""
    flooded = Flooded()
    assert flooded.post(GENUINE).status == 202
    flooded.down = True
    assert flooded.flood(FORGED, lasts=timedelta(seconds=10)) <= {202, 503}
    assert flooded.post(GENUINE).status == 202
    assert len(flooded.sent) == 2


def test_the_log_tells_once_a_minute_how_many_there_were(caplog):
    """Nobody is left out of the count."""
    flooded = Flooded()
    flooded.flood(FORGED)
    flooded.now += timedelta(minutes=1)
    flooded.post(FORGED)
    [first, second] = [record.getMessage() for record in caplog.records if record.name.startswith("shared")]
    assert "of notifications, 1 items refused" in first
    assert f"of notifications, {REQUESTS} items refused" in second


@given(st.floats(0, 5), st.floats(0, 5), st.floats(HEARD_WITHIN.total_seconds(), 120))
def test_a_new_state_is_known_everywhere_by_the_time_graph_may_use_it(warm, stored, used):
    """Whenever a process asked the store last: before it was stored, or a moment ago for a forged one."""
    clock = NOW
    record = SubscriptionRecord("/users", "the-state", "https://localhost:1", "sub-users")
    records = [record]

    async def read():
        return tuple(records)

    webhook = Webhook()
    webhook.parts.webhook = Kept(read, lambda: clock)

    async def run():
        nonlocal clock
        await ingest(webhook.parts, GENUINE)
        clock += timedelta(seconds=warm)
        await ingest(webhook.parts, FORGED)
        clock += timedelta(seconds=stored)
        records[0] = dataclasses.replace(record, successor="the-next")
        clock += timedelta(seconds=used)
        webhook.sent.clear()
        body = json.dumps({"value": [user_item(ONE, clientState="the-next", subscriptionId="new")]}).encode()
        await ingest(webhook.parts, body)

    asyncio.run(run())
    assert len(webhook.sent) == 1


def test_a_clock_that_is_put_back_is_no_reason_to_forget_the_store():
    """A read from the future counts for nothing."""
    flooded = Flooded()
    flooded.post(GENUINE)
    flooded.now -= timedelta(hours=1)
    flooded.post(GENUINE)
    assert flooded.reads == 2
