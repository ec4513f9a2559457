"""Spans and metrics of the real app through the real SDK: names, what they say, what they never say."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from datetime import timedelta

import pytest
from azure.servicebus.aio import ServiceBusClient
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.app.catch_up import catch_up
from shared.app.full_cycle import full_cycle
from shared.app.ingest import ingest
from shared.app.operations import tell
from shared.app.provision import Received, provision
from shared.app.subscriptions import keep_subscriptions
from shared.core.messages import Reason, UserChange, encode
from shared.core.model import SubscriptionRecord
from shared.core.operation_event import OperationEvent, OperationKind
from shared.core.provisioning_event import read_event
from shared.telemetry.names import Attribute, Metric

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = f"00-{'a' * 32}-{'b' * 16}-01"
CARRIED = f"00-{'c' * 32}-{'d' * 16}-01"
GUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


@pytest.fixture
def spans(app):
    """The spans that are finished."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app.parts.tracing.use(provider)
    return exporter.get_finished_spans


@pytest.fixture
def measured(app):
    """What was measured so far: name → attributes → value (or sum and count)."""
    reader = InMemoryMetricReader()
    app.parts.metrics.use(MeterProvider([reader]))

    def read():
        found = {}
        data = reader.get_metrics_data()
        for metric in data.resource_metrics[0].scope_metrics[0].metrics:
            points = {}
            for point in metric.data.data_points:
                value = point.value if hasattr(point, "value") else (point.sum, point.count)
                points[tuple(sorted(point.attributes.items()))] = value
            found[metric.name] = points
        return found

    return read


def received(change, **more):
    return Received("m", encode(change).encode(), **more)


async def test_a_batch_is_a_span_that_belongs_to_the_hosts_and_is_linked_to_its_messages(app, spans):
    """With every call of Graph below it; the log's rows carry its trace id."""
    [patti] = await app.join("PattiF")
    taken = []

    async def keep(_table, rows):
        taken.extend(rows)
        return frozenset()

    app.parts = dataclasses.replace(app.parts, log=type("Log", (), {"write": staticmethod(keep)}))
    changes = [
        received(UserChange(patti, Reason.NOTIFICATION), traceparent=CARRIED),
        received(UserChange(patti, Reason.NOTIFICATION)),
    ]
    await provision(app.parts, "emea", changes, HOST)
    [batch] = [span for span in spans() if span.name == "provision emea"]
    assert trace.format_trace_id(batch.context.trace_id) == "a" * 32
    assert trace.format_span_id(batch.parent.span_id) == "b" * 16
    assert [trace.format_span_id(link.context.span_id) for link in batch.links] == ["d" * 16]
    assert batch.kind is trace.SpanKind.CONSUMER
    assert dict(batch.attributes) == {
        Attribute.TARGET: "emea", Attribute.MESSAGES: 2,
    }  # fmt: skip
    calls = [span for span in spans() if span.name.startswith("Graph ")]
    assert calls
    assert all(span.parent.span_id == batch.context.span_id for span in calls)
    assert {row["CorrelationId"] for row in taken} == {"a" * 32}


async def test_a_call_of_graph_says_what_it_was_and_what_it_cost(app, spans):
    """A `$batch` names the templates of what is in it."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    calls = [span for span in spans() if span.name == "Graph POST /$batch"]
    [invitation] = [span for span in calls if span.attributes[Attribute.INNER_OPERATIONS] == "POST /invitations"]
    assert invitation.kind is trace.SpanKind.CLIENT
    assert invitation.attributes[Attribute.TENANT] == "emea"
    assert invitation.attributes[Attribute.STATUS_CODE] == 200
    assert invitation.attributes[Attribute.ITEMS] == 1
    assert invitation.attributes[Attribute.RESOURCE_UNITS] > 0
    [reading] = [span for span in calls if span.attributes[Attribute.TENANT] == "source"]
    assert set(reading.attributes[Attribute.INNER_OPERATIONS].split(", ")) == {
        "GET /users/{id}", "POST /users/{id}/checkMemberGroups",
    }  # fmt: skip


async def test_spans_hold_nothing_personal(app, spans):
    """No id, name, address or URL, whatever is done to whom and however it fails."""
    ids = await app.join("PattiF", "IsaiahL")
    await app.fault(
        tenant="emea", operation="PATCH /users/{id}", status=400, code="BadRequest",
        message="Patti Fernandez has a value that nobody takes", count=1,
    )  # fmt: skip
    await provision(app.parts, "emea", [received(UserChange(user_id, Reason.NOTIFICATION)) for user_id in ids], HOST)
    await app.leave(ids[0])
    await app.parts.subscriptions.delete("0a1b2c3d-0000-4000-8000-000000000001")
    await app.serve(*ids)
    assert len(spans()) > 8
    for span in spans():
        said = json.dumps(
            [
                span.name,
                dict(span.attributes),
                span.status.description,
                [dict(event.attributes) for event in span.events],
            ]
        )
        assert not GUID.search(said), said
        for personal in ("Patti", "Fernandez", "contoso", "Isaiah", "@", "https:", "filter"):
            assert personal not in said, said


async def test_a_call_that_fails_says_its_code(app, spans, measured):
    """And what it asked to wait."""
    await app.join("PattiF")
    await app.fault(tenant="emea", operation="POST /invitations", status=429, headers={"Retry-After": "37"}, count=1)
    await app.serve(await app.id_of("PattiF"))
    [call] = [s for s in spans() if s.attributes.get(Attribute.INNER_OPERATIONS) == "POST /invitations"]
    assert (call.attributes[Attribute.THROTTLED_ITEMS], call.attributes[Attribute.REFUSED_ITEMS]) == (1, 1)
    await app.fault(tenant="source", operation="POST /$batch", status=503, count=1)
    await app.serve(await app.id_of("PattiF"))
    [failed] = [span for span in spans() if Attribute.FAULT in span.attributes]
    assert failed.attributes[Attribute.FAULT] == failed.status.description == "InternalServerError"
    assert measured()[Metric.THROTTLED] == {((Attribute.TENANT, "emea"),): 37}


async def test_a_message_carries_the_trace_of_whoever_sent_it(app, spans):
    """From the host's trace of the notification to the batch that serves it, over the bus."""
    [patti] = await app.join("PattiF")
    record = SubscriptionRecord("/users", "secret", "https://localhost:1/api/notifications", "sub-1")
    await app.parts.store.put_subscription(record)
    body = {
        "value": [
            {
                "subscriptionId": "sub-1", "clientState": "secret", "resource": f"Users/{patti}",
                "tenantId": app.parts.sync.source.tenant_id, "changeType": "updated",
                "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": patti},
            }
        ]
    }  # fmt: skip
    assert (await ingest(app.parts, json.dumps(body).encode(), HOST)).status == 202
    [sent] = [span for span in spans() if span.name == "notification"]
    assert trace.format_trace_id(sent.context.trace_id) == "a" * 32
    async with (
        ServiceBusClient.from_connection_string(app.bus.connection_string) as client,
        client.get_subscription_receiver("user-changes", "emea", max_wait_time=3) as receiver,
        client.get_subscription_receiver("user-changes", "apac", max_wait_time=3) as other,
    ):
        messages = await receiver.receive_messages(max_message_count=10, max_wait_time=3)
        for message in messages:
            await receiver.complete_message(message)
        for message in await other.receive_messages(max_message_count=10, max_wait_time=3):
            await other.complete_message(message)
    [message] = messages
    carried = {str(name, "ascii"): value for name, value in message.application_properties.items()}["traceparent"]
    span_id = trace.format_span_id(sent.context.span_id)
    assert carried.decode() == f"00-{'a' * 32}-{span_id}-01"
    await provision(app.parts, "emea", [received(UserChange(patti, Reason.NOTIFICATION), traceparent=carried.decode())])
    [batch] = [span for span in spans() if span.name == "provision emea"]
    assert [trace.format_span_id(link.context.span_id) for link in batch.links] == [span_id]


async def test_the_work_of_timers_and_commands_is_a_span_with_its_calls_below(app, spans):
    """Each by its name; nothing else is told of it."""
    await app.join("PattiF")
    for work, name in (
        (keep_subscriptions, "keep subscriptions"),
        (catch_up, "catch up"),
        (full_cycle, "full cycle"),
    ):
        before = len(spans())
        await work(app.parts)
        [*calls, last] = spans()[before:]
        assert (last.name, last.parent, dict(last.attributes)) == (name, None, {})
        assert calls
        assert all(call.parent.span_id == last.context.span_id for call in calls)


async def test_what_is_measured_of_a_batch(app, measured):
    """Decisions, latency and the age of the queue, by target."""
    [patti] = await app.join("PattiF")
    now = app.clock.now()
    change = UserChange(patti, Reason.NOTIFICATION, seen_at=now - timedelta(seconds=8))
    await provision(
        app.parts, "emea", [received(change, enqueued_at=(now - timedelta(seconds=3)).replace(tzinfo=None))]
    )
    found = measured()
    emea = (Attribute.TARGET, "emea")
    assert found[Metric.DECISIONS] == {((Attribute.ACTION, "create"), (Attribute.STATUS, "success"), emea): 1}
    total, count = found[Metric.LATENCY][(emea,)]
    assert (8 <= total < 20, count) == (True, 1)
    total, count = found[Metric.QUEUE_AGE][(emea,)]
    assert (3 <= total < 10, count) == (True, 1)
    assert found[Metric.RESOURCE_UNITS].keys() == {((Attribute.TENANT, "emea"),), ((Attribute.TENANT, "source"),)}


async def test_a_status_report_sets_the_gauges(app, measured):
    """So whoever tells of the status has not to measure it twice."""
    now = app.clock.now()
    counts = {"held": 3, "escrow": 2, "unlogged": 1, "active": 9}
    await tell(
        app.parts,
        [
            OperationEvent(OperationKind.STATUS, now, "emea", counts=counts),
            OperationEvent(OperationKind.STATUS, now, counts={"subscriptionMinutesLeft": 55, "cursorAgeMinutes": 4}),
        ],
    )
    found = measured()
    emea = ((Attribute.TARGET, "emea"),)
    assert (found[Metric.HELD], found[Metric.ESCROW], found[Metric.UNLOGGED]) == ({emea: 3}, {emea: 2}, {emea: 1})
    assert (found[Metric.SUBSCRIPTION_LIFE], found[Metric.CURSOR_AGE]) == ({(): 55}, {(): 4})
    assert found[Metric.OPERATIONS][((Attribute.KIND, "status"), *emea)] == 1


async def test_without_telemetry_nothing_changes(app):
    """No provider, and still the host's trace id in the log: whoever asks the host's own spans finds the batch."""
    [patti] = await app.join("PattiF")
    await provision(app.parts, "emea", [received(UserChange(patti, Reason.NOTIFICATION), traceparent="rubbish")], HOST)
    assert await app.in_target(patti) is not None


async def test_an_outage_of_the_log_loses_nothing_and_holds_up_nobody(app):
    """Users are written all the same; the events wait with their links, and come when the log is back, once each."""
    ids = await app.join("PattiF", "IsaiahL", "MiriamG")
    taken, away = [], True

    class Log:
        async def write(self, _table, rows):
            if away:
                return frozenset()
            taken.extend(rows)
            return frozenset(range(len(rows)))

    app.parts = dataclasses.replace(app.parts, log=Log())
    batch = [received(UserChange(user_id, Reason.NOTIFICATION)) for user_id in ids]
    await provision(app.parts, "emea", batch)
    assert all([await app.in_target(user_id) for user_id in ids])
    owed = {user_id: (await app.link(user_id)).unlogged for user_id in ids}
    assert all(owed.values())
    away = False
    await provision(app.parts, "emea", [])
    assert {row["EventId"] for row in taken} == {read_event(e).event_id for events in owed.values() for e in events}
    assert len(taken) == len({row["EventId"] for row in taken})
    assert [(await app.link(user_id)).unlogged for user_id in ids] == [()] * 3
    await asyncio.sleep(0)
