"""What entities a bus has and how each behaves. Durations are seconds; ``None`` means without end.

Values only: reading them from a file is ``config``'s, living by them ``broker``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.bus.rules.filters import MATCH_ALL, Rule

DEFAULT_LOCK_SECONDS = 60.0
DEFAULT_MAX_DELIVERY_COUNT = 10
DEFAULT_DUPLICATE_WINDOW_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """How a queue or topic takes messages in."""

    time_to_live: float | None = None
    duplicate_window: float | None = None


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How a queue or subscription keeps messages and gives them out."""

    lock_seconds: float = DEFAULT_LOCK_SECONDS
    max_delivery_count: int | None = DEFAULT_MAX_DELIVERY_COUNT
    time_to_live: float | None = None
    dead_letter_expired: bool = False
    requires_session: bool = False


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """One queue."""

    name: str
    intake: IntakeSettings = field(default_factory=IntakeSettings)
    store: StoreSettings = field(default_factory=StoreSettings)


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """One subscription: its rules are alternatives, and with none given everything matches."""

    name: str
    store: StoreSettings = field(default_factory=StoreSettings)
    rules: tuple[Rule, ...] = (MATCH_ALL,)


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """One topic."""

    name: str
    intake: IntakeSettings = field(default_factory=IntakeSettings)
    subscriptions: tuple[SubscriptionSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class Topology:
    """All entities of a namespace."""

    queues: tuple[QueueSettings, ...] = ()
    topics: tuple[TopicSettings, ...] = ()
