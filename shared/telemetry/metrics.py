"""Metrics, on the OpenTelemetry API alone. Their names stand in `names`; without a provider they go nowhere.

Attributes are kept to the target, the action, the status and the kind: each combination is a row a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import NoOpMeterProvider

from shared.core.operation_event import OperationEvent, OperationKind
from shared.telemetry.names import Attribute, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from opentelemetry.metrics import MeterProvider

    from shared.core.graph_call import GraphCall
    from shared.core.provisioning_event import ProvisioningEvent

_SCOPE: Final = "crosstenant"


class Metrics:
    """Counts and measures."""

    def __init__(self, provider: MeterProvider | None = None) -> None:
        """Without a provider, they go nowhere until `use` is called."""
        self.use(provider or NoOpMeterProvider())

    def use(self, provider: MeterProvider) -> None:
        """Count and measure with this provider from now on."""
        meter = provider.get_meter(_SCOPE)
        self._decisions = meter.create_counter(Metric.DECISIONS, "{decision}")
        self._latency = meter.create_histogram(Metric.LATENCY, "s")
        self._queue_age = meter.create_histogram(Metric.QUEUE_AGE, "s")
        self._throttled = meter.create_counter(Metric.THROTTLED, "s")
        self._resource_units = meter.create_counter(Metric.RESOURCE_UNITS, "{unit}")
        self._operations = meter.create_counter(Metric.OPERATIONS, "{event}")
        self._gauges = {
            "held": meter.create_gauge(Metric.HELD, "{user}"),
            "escrow": meter.create_gauge(Metric.ESCROW, "{user}"),
            "unlogged": meter.create_gauge(Metric.UNLOGGED, "{link}"),
            "subscriptionMinutesLeft": meter.create_gauge(Metric.SUBSCRIPTION_LIFE, "min"),
            "cursorAgeMinutes": meter.create_gauge(Metric.CURSOR_AGE, "min"),
        }

    def decided(self, events: Iterable[ProvisioningEvent]) -> None:
        """Count decisions that were committed, and measure how long the changes took."""
        for event in events:
            target = {Attribute.TARGET: event.target}
            self._decisions.add(1, target | {Attribute.ACTION: event.action, Attribute.STATUS: event.status.value})
            if event.latency is not None:
                self._latency.record(event.latency.total_seconds(), target)

    def queued(self, target: str, ages: Iterable[timedelta]) -> None:
        """Measure how long messages were due before they were taken up."""
        for age in ages:
            self._queue_age.record(max(age.total_seconds(), 0.0), {Attribute.TARGET: target})

    def called(self, call: GraphCall) -> None:
        """Count what a call of Graph cost, and what it asked to wait."""
        tenant = {Attribute.TENANT: call.tenant}
        if call.resource_units:
            self._resource_units.add(call.resource_units, tenant)
        if call.wait:
            self._throttled.add(call.wait, tenant)

    def told(self, events: Iterable[OperationEvent]) -> None:
        """Count events of the operations log; a status report sets the gauges that it has counts for."""
        for event in events:
            target = {Attribute.TARGET: event.target}
            self._operations.add(1, target | {Attribute.KIND: event.kind.value})
            if event.kind is OperationKind.STATUS:
                for name, count in event.counts.items():
                    if name in self._gauges:
                        self._gauges[name].set(count, target if event.target else {})
