"""The Service Bus namespace that the app needs, in the official emulator's Config.json format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOPIC: Final = "user-changes"


def service_bus_topology(targets: Sequence[str], lock_seconds: int) -> Mapping[str, Any]:
    """One topic with duplicate detection; a subscription a target, one for poison messages, and one for commands."""
    subscriptions = [_subscription(name, f"target IS NULL OR target = '{name}'", lock_seconds) for name in targets]
    subscriptions += [_subscription(name, f"target = '{name}'", lock_seconds) for name in ("poison", "control")]
    topic = {
        "Name": TOPIC,
        "Properties": {"RequiresDuplicateDetection": True, "DuplicateDetectionHistoryTimeWindow": "PT10M"},
        "Subscriptions": subscriptions,
    }
    return {"UserConfig": {"Namespaces": [{"Name": "sbemulatorns", "Topics": [topic]}], "Logging": {"Type": "File"}}}


def _subscription(name: str, rule: str, lock_seconds: int) -> Mapping[str, Any]:
    return {
        "Name": name,
        "Properties": {
            "LockDuration": f"PT{lock_seconds}S",
            "MaxDeliveryCount": 30,
            "DeadLetteringOnMessageExpiration": True,
        },
        "Rules": [{"Name": "target", "Properties": {"FilterType": "Sql", "SqlFilter": {"SqlExpression": rule}}}],
    }
