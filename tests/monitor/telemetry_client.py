"""A process that sends telemetry as the deployed app does: the exporters of azure-monitor-opentelemetry-exporter.

Started by a test, with the connection string and the authority in its environment: the exporters register threads
and read their environment at import. It prints nothing; it ends when all is sent.
"""

from __future__ import annotations

import os
import sys

os.environ |= {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}

from azure.monitor.opentelemetry.exporter import (
    AzureMonitorLogExporter,
    AzureMonitorMetricExporter,
    AzureMonitorTraceExporter,
)
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind


def main(connection: str, storage: str) -> None:
    """Send a request, a dependency, a trace, an event, an exception and a metric."""
    given = {"connection_string": connection, "storage_directory": storage}
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(AzureMonitorTraceExporter(**given)))
    tracer = tracers.get_tracer("test")
    with tracer.start_as_current_span("provision_emea", kind=SpanKind.CONSUMER) as span:
        with tracer.start_as_current_span("GET /users", kind=SpanKind.CLIENT, attributes={"http.method": "GET"}):
            pass
        span.record_exception(ValueError("boom"))
    loggers = LoggerProvider()
    loggers.add_log_record_processor(SimpleLogRecordProcessor(AzureMonitorLogExporter(**given)))
    logger = loggers.get_logger("test")
    logger.emit(LogRecord(body="hello", severity_number=SeverityNumber.WARN, attributes={"target": "emea"}))
    named = {"microsoft.custom_event.name": "Started", "target": "apac"}
    logger.emit(LogRecord(body="ignored", severity_number=SeverityNumber.INFO, attributes=named))
    reader = PeriodicExportingMetricReader(AzureMonitorMetricExporter(**given), export_interval_millis=60_000)
    meters = MeterProvider(metric_readers=[reader])
    meters.get_meter("test").create_counter("crosstenant.decisions").add(3, {"target": "emea"})
    for provider in (tracers, loggers, meters):
        provider.shutdown()


main(*sys.argv[1:])
