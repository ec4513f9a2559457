"""The parts that use cases work with, built once by `compose`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from shared.app.webhook import Webhook
    from shared.bus.topic import UserChangesTopic
    from shared.config.settings import Settings
    from shared.config.sync_file import SyncConfiguration, Target
    from shared.graph.changes import SourceChanges
    from shared.graph.source import SourceDirectory
    from shared.graph.subscriptions import SourceSubscriptions
    from shared.graph.target import TargetDirectory
    from shared.graph.writes import TargetWrites
    from shared.store.protocol import Store
    from shared.telemetry.log_sink import LogSink
    from shared.telemetry.metrics import Metrics
    from shared.telemetry.tracing import Tracing


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, given. `sleep` takes seconds."""

    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TargetParts:
    """One target and the hands in it."""

    target: Target
    directory: TargetDirectory
    writes: TargetWrites


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything, for one process."""

    settings: Settings
    sync: SyncConfiguration
    clock: Clock
    store: Store
    topic: UserChangesTopic
    source: SourceDirectory
    changes: SourceChanges
    subscriptions: SourceSubscriptions
    targets: Mapping[str, TargetParts]
    webhook: Webhook
    log: LogSink
    tracing: Tracing
    metrics: Metrics
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)  # what comes later adds to it

    async def close(self) -> None:
        """Close connections and files; the parts are of no use afterwards."""
        for close in self.closing:
            await close()
