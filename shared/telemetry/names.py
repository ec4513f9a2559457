"""Names of spans, metrics and their attributes: the one place where they are spelled. Workbook and alerts read them."""

from __future__ import annotations

from typing import Final


class Metric:
    """Metrics; they arrive in AppMetrics under these names."""

    DECISIONS: Final = "crosstenant.decisions"  # by target, action, status
    LATENCY: Final = "crosstenant.latency"  # s: from the change heard of to the write acknowledged; by target
    QUEUE_AGE: Final = "crosstenant.queue.age"  # s: how long a message was due before it was taken up; by target
    THROTTLED: Final = "crosstenant.throttled"  # s that Graph asked to wait; by tenant
    RESOURCE_UNITS: Final = "crosstenant.graph.resource_units"  # by tenant
    OPERATIONS: Final = "crosstenant.operations"  # events of the operations log; by target, kind
    HELD: Final = "crosstenant.held"  # users; by target
    ESCROW: Final = "crosstenant.escrow"  # users; by target
    UNLOGGED: Final = "crosstenant.unlogged"  # links that owe events; by target
    SUBSCRIPTION_LIFE: Final = "crosstenant.subscription.life"  # min that the shortest-lived has left
    CURSOR_AGE: Final = "crosstenant.cursor.age"  # min since the oldest delta cursor moved


class Attribute:
    """Attributes of spans and metrics. None holds an id, a name or an address of anybody.

    All are our own: the exporter drops attributes of the `messaging` conventions, and where it sees those of HTTP it
    replaces the span's name by the address.
    """

    TARGET: Final = "crosstenant.target"
    TENANT: Final = "crosstenant.tenant"  # a target's name, or source
    ACTION: Final = "crosstenant.action"
    STATUS: Final = "crosstenant.status"
    KIND: Final = "crosstenant.kind"
    MESSAGES: Final = "crosstenant.messages"
    OPERATION: Final = "graph.operation"
    INNER_OPERATIONS: Final = "graph.batch.operations"  # each once, with commas between
    ITEMS: Final = "graph.batch.items"
    REFUSED_ITEMS: Final = "graph.batch.refused"
    RESOURCE_UNITS: Final = "graph.resource_units"
    THROTTLED_ITEMS: Final = "graph.throttled"
    STATUS_CODE: Final = "graph.status"
    FAULT: Final = "crosstenant.fault"


TRACEPARENT: Final = "traceparent"
"""The application property of a message on the bus."""
