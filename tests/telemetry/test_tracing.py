"""The telemetry port by itself: templates, names, and how light it is until it is asked for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_tables import metrics
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from shared.core.graph_call import GraphCall, operation_of
from shared.telemetry.names import Attribute, Metric
from shared.telemetry.tracing import Tracing

ROOT = Path(__file__).resolve().parents[2]
USER = "0a1b2c3d-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", f"/users/{USER}?$select=id", "GET /users/{id}"),
        ("PATCH", f"/users/{USER}", "PATCH /users/{id}"),
        ("PUT", f"/users/{USER}/manager/$ref", "PUT /users/{id}/manager/$ref"),
        ("POST", f"/users/{USER}/checkMemberGroups", "POST /users/{id}/checkMemberGroups"),
        ("GET", "/users?$filter=mail%20eq%20%27nestor%40contoso.com%27", "GET /users"),
        ("GET", "/users/delta?$deltatoken=abc", "GET /users/delta"),
        ("GET", "/users/delta()?$deltatoken=abc", "GET /users/delta"),
        ("GET", "/users/nestor@contoso.com", "GET /users/{id}"),
        ("GET", "/users('nestor@contoso.com')", "GET /{id}"),
        ("GET", "/directory/deletedItems/microsoft.graph.user", "GET /directory/deletedItems/microsoft.graph.user"),
        ("POST", f"/directory/deletedItems/{USER}/restore", "POST /directory/deletedItems/{id}/restore"),
        ("POST", "/invitations", "POST /invitations"),
    ],
)  # fmt: skip
def test_the_template_of_a_request(method, path, operation):
    """Words that are known stay, everything else is an id."""
    assert operation_of(method, path) == operation


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_template_holds_nothing_that_was_not_known_before(user, query):
    """Whatever stands in an address."""
    plain = "".join(part for part in re.split(r"[/?]", f"x{user}y{query}z"))
    assert operation_of("GET", f"/users/{plain}?{query}") == "GET /users/{id}"


@pytest.mark.parametrize(("header", "units"), [("2", 2.0), (None, 0.0), ("", 0.0), ("many", 0.0), ("0.5", 0.5)])
def test_resource_units_are_added_where_they_can_be_read(header, units):
    """A header is the service's, and may be anything."""
    call = GraphCall("GET /users", "source")
    call.units(header)
    call.units(header)
    assert call.resource_units == 2 * units


def test_names_are_in_one_place_and_all_of_our_own():
    """No other module spells one."""
    names = [value for kind in (Attribute, Metric) for key, value in vars(kind).items() if key.isupper()]
    assert len(names) == len(set(names))
    for path in (ROOT / "shared").rglob("*.py"):
        if path.name != "names.py":
            text = path.read_text(encoding="utf-8")
            assert not [name for name in names if f'"{name}"' in text], path


def test_an_exception_is_told_by_its_kind_alone():
    """Its text could be anybody's address."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider)
    with (
        pytest.raises(LookupError),
        tracing.batch("emea", None, []),
        tracing.graph_call(GraphCall("GET /users", "emea")),
    ):
        raise LookupError("nestor@contoso.com")
    for span in exporter.get_finished_spans():
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "LookupError")
        assert "nestor" not in span.to_json()


def test_metrics_are_those_of_the_page():
    """The workbook and the alerts read them."""
    assert {value for key, value in vars(Metric).items() if key.isupper()} == metrics()


LIGHT = """
import sys
import shared.telemetry.tracing, shared.telemetry.metrics, shared.telemetry.logs_ingestion, shared.telemetry.json_lines
heavy = [m for m in sys.modules if m.startswith(("opentelemetry.sdk", "azure.monitor", "azure.identity", "aiohttp"))]
print(heavy)
"""


def test_the_port_loads_no_sdk_and_no_exporter():
    """They come with the first real work, and only where they are asked for."""
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


EXPORT = """
import asyncio, json, sys, time
from opentelemetry import metrics, trace
from shared.core.graph_call import GraphCall
from shared.telemetry.azure_monitor import open_azure_monitor
from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import Tracing
import httpx, logging
plain = (httpx.AsyncClient.send, httpx.Client.send)
providers = open_azure_monitor(sys.argv[1], None)
tracing, measures = Tracing(providers.tracers), Metrics(providers.meters)
with tracing.batch("emea", None, ["00-" + "c" * 32 + "-" + "d" * 16 + "-01"]):
    inner = ("GET /users", "PATCH /users/{id}")
    with tracing.graph_call(GraphCall("POST /$batch", "emea", 2, inner, 403, fault="InsufficientRights")):
        trace.get_tracer("some library").start_span("GET https://graph/users/nestor@contoso.com").end()
measures.queued("emea", [])
measures.called(GraphCall("GET /users", "emea", resource_units=3.0))
assert plain == (httpx.AsyncClient.send, httpx.Client.send), "httpx is instrumented"
assert not logging.getLogger().handlers, "something records the log a second time"
providers.shutdown()
"""


async def test_the_exporter_sends_our_spans_and_metrics_and_nobody_elses(application_insights):
    """To Application Insights' own protocol; what libraries write to the global provider goes nowhere."""
    import asyncio

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", EXPORT, application_insights.connection_string, cwd=ROOT,
        stderr=asyncio.subprocess.PIPE, env=application_insights.environment,
    )  # fmt: skip
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    assert errors == b""
    items = application_insights.items
    sent = {item["data"]["baseData"].get("name"): item["data"]["baseData"] for item in items}
    assert sent["provision emea"]["properties"][Attribute.MESSAGES] == "1"
    call = sent["Graph POST /$batch"]
    assert (call["properties"][Attribute.STATUS_CODE], call["success"]) == ("403", False)
    assert call["properties"][Attribute.INNER_OPERATIONS] == "GET /users, PATCH /users/{id}"
    assert call["properties"][Attribute.FAULT] == "InsufficientRights"
    measured = {metric["name"] for item in items for metric in item["data"]["baseData"].get("metrics", ())}
    assert Metric.RESOURCE_UNITS in measured
    assert "nestor" not in str(items)
