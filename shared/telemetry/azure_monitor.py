"""The OpenTelemetry SDK with Azure Monitor's exporters: made once, late, and only where it is asked for.

It costs a quarter to half a second and some 50 MB, so it is imported when the first webhook has been answered, and no
work waits for it: spans and metrics before it stands are lost, as design allows.

The providers are the app's own and never the process's: libraries (the Graph SDK's HTTP layer among them) write whole
URLs, with ids in them, into whatever provider is global, so there is none. For the same reason the distribution's
`configure_azure_monitor` is not used, which would install global ones, instrumentations and a log handler; the
Functions host takes the application log and its own requests already. Decision 0008 has the details.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Final

from azure.identity import ManagedIdentityCredential
from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter, AzureMonitorTraceExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

_QUIET: Final = {
    # Microsoft's statistics on the SDK, and remote control of it: the app talks to what it was told to alone.
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}


@dataclass(frozen=True, slots=True)
class Providers:
    """What spans and metrics are made with, and where they go."""

    tracers: TracerProvider
    meters: MeterProvider

    def shutdown(self) -> None:
        """Send what is waiting and end the threads; takes as long as an export."""
        self.tracers.shutdown()
        self.meters.shutdown()


def open_azure_monitor(connection_string: str, identity_client_id: str | None) -> Providers:
    """Make providers that export to Application Insights.

    `identity_client_id`: the managed identity to sign in with; None where the connection string is enough.
    """
    for name in ("azure", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.WARNING)  # lines for each export
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    credential = None if identity_client_id is None else ManagedIdentityCredential(client_id=identity_client_id)
    options = {
        "connection_string": connection_string,
        "credential": credential,
        "disable_offline_storage": True,  # what cannot be sent is dropped, not left on a disk
    }
    resource = Resource.create({SERVICE_NAME: "crosstenant"})
    # The rate-limited sampler of the distribution keeps five traces a second: counts would have to be guessed.
    tracers = TracerProvider(sampler=ALWAYS_ON, resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(AzureMonitorTraceExporter(tracer_provider=tracers, **options)))
    reader = PeriodicExportingMetricReader(AzureMonitorMetricExporter(**options))
    return Providers(tracers, MeterProvider([reader], resource=resource))
