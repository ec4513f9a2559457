"""The composition root: which roads the settings open, and that nobody waits for the exporters."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest

from shared.app.compose import build, start_telemetry
from shared.app.parts import Clock
from shared.config.settings import read_settings
from shared.telemetry.json_lines import JsonLines
from shared.telemetry.logs_ingestion import LogsIngestion


@pytest.fixture
async def built(tmp_path):
    """Builds parts for some settings; closes them afterwards."""
    made = []

    def build_for(**more):
        settings = read_settings(
            {
                "MANAGED_IDENTITY_CLIENT_ID": "m",
                "READER_CLIENT_ID": "r",
                "WRITER_CLIENT_ID": "22222222-aaaa-4000-8000-000000000002",
                "ServiceBusConnection__fullyQualifiedNamespace": "bus.servicebus.windows.net",
                "USER_CHANGES_TOPIC": "user-changes",
                "STORE_URL": f"sqlite:///{tmp_path}/links.sqlite3",
                "NOTIFICATION_URL": "https://localhost/api/notifications",
            }
            | more
        )
        made.append(build(settings, Clock(lambda: datetime.now(UTC), no_sleep)))
        return made[-1]

    async def no_sleep(seconds):
        slept.append(seconds)

    slept = build_for.slept = []
    yield build_for
    for parts in made:
        await parts.close()


async def test_the_logs_go_where_the_settings_say(built):
    """To the rule, or to standard error."""
    assert isinstance(built().log, JsonLines)
    rule = {"LOGS_INGESTION_ENDPOINT": "https://x.ingest.monitor.azure.com", "LOGS_RULE_ID": "dcr-1"}
    assert isinstance(built(**rule).log, LogsIngestion)


async def test_the_exporters_come_when_the_first_webhook_is_answered(built, application_insights, monkeypatch):
    """Starting takes no time, spans count from when they stand, and closing sends what is waiting."""
    for name, value in application_insights.environment.items():
        monkeypatch.setenv(name, value)
    parts = built(APPLICATIONINSIGHTS_CONNECTION_STRING=application_insights.connection_string)
    began = time.monotonic()
    starting = start_telemetry(parts)
    with parts.tracing.batch("emea", None, []) as span:
        assert not span.is_recording()
    assert time.monotonic() - began < 0.1
    await starting
    assert built.slept == [3.0]
    with parts.tracing.batch("apac", None, []) as span:
        assert span.is_recording()
    await parts.close()
    names = [item["data"]["baseData"].get("name") for item in application_insights.items]
    assert "provision apac" in names
    assert "provision emea" not in names


async def test_without_a_connection_string_nothing_is_started(built):
    """No SDK, no thread."""
    await start_telemetry(built())


async def test_a_connection_string_that_is_none_costs_the_telemetry_and_nothing_else(built, caplog):
    """It is said once, and the work goes on."""
    parts = built(APPLICATIONINSIGHTS_CONNECTION_STRING="rubbish")
    await start_telemetry(parts)
    assert "there are no traces and no metrics" in caplog.text
    with parts.tracing.batch("emea", None, []) as span:
        assert not span.is_recording()
    await asyncio.sleep(0)
