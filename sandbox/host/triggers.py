"""The triggers this host runs, as types, read from the raw bindings that azure-functions reports.

A raw binding is a JSON object as in function.json. Reading one resolves its %SETTINGS% and connection and
parses its route or schedule, so that nothing about a trigger is left to fail later. No I/O happens here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox.host.faults import Fault
from sandbox.host.routes import RouteTemplate, parse_route
from sandbox.host.schedule import Schedule, parse_schedule
from sandbox.host.settings import Connection, SettingMissingError, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.host.host_json import HostOptions

_T = TypeVar("_T")
_RUN_HERE = "httpTrigger, timerTrigger, serviceBusTrigger"


class AuthLevel(StrEnum):
    """What a caller of an HTTP function has to present."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    ADMIN = "admin"


class Cardinality(StrEnum):
    """One message per invocation, or a batch."""

    ONE = "one"
    MANY = "many"


class BodyType(StrEnum):
    """In which form message bodies reach the worker."""

    STRING = "string"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """`methods` are in upper case; None admits every method."""

    parameter: str
    auth_level: AuthLevel
    methods: frozenset[str] | None
    route: RouteTemplate


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """`use_monitor` remembers due times, so that a missed one is made up for at the next start."""

    parameter: str
    schedule: Schedule
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True, slots=True)
class QueueEntity:
    """A queue, or its dead-letter queue if the name ends in /$DeadLetterQueue."""

    queue: str

    def __str__(self) -> str:
        return self.queue


@dataclass(frozen=True, slots=True)
class SubscriptionEntity:
    """A subscription of a topic, or its dead-letter queue if `subscription` ends in /$DeadLetterQueue."""

    topic: str
    subscription: str

    def __str__(self) -> str:
        return f"{self.topic}/{self.subscription}"


Entity = QueueEntity | SubscriptionEntity


@dataclass(frozen=True, slots=True)
class ServiceBusTrigger:
    """A peek-lock trigger without sessions. With `auto_complete` off nothing is settled after an invocation."""

    parameter: str
    connection: Connection
    entity: Entity
    cardinality: Cardinality
    body_type: BodyType
    auto_complete: bool


Trigger = HttpTrigger | TimerTrigger | ServiceBusTrigger


@dataclass(slots=True)
class BindingReader:
    """Reads the bindings of one function, noting faults under the names of the bindings' fields."""

    function: str
    settings: Settings
    options: HostOptions
    faults: list[Fault] = field(default_factory=list)

    def trigger(self, binding: dict[str, Any]) -> Trigger | None:
        """Read a trigger binding. Returns None if faults were found or this host does not run its type."""
        before = len(self.faults)
        match binding.get("type"):
            case "httpTrigger":
                trigger: Trigger | None = self._http(binding)
            case "timerTrigger":
                trigger = self._timer(binding)
            case "serviceBusTrigger":
                trigger = self._service_bus(binding)
            case other:
                trigger = None
                self.fault("type", f"the trigger {other!r} is not run here ({_RUN_HERE})")
        return trigger if len(self.faults) == before else None

    def fault(self, field_name: str, message: str) -> None:
        """Note a fault of this function."""
        self.faults.append(Fault(self.function, field_name, message))

    def _parsed(self, binding: dict[str, Any], name: str, parse: Callable[[str], _T]) -> _T | None:
        """Resolve a text field and parse it; on a fault note it and return None."""
        text = binding.get(name)
        if not isinstance(text, str) or not text.strip():
            self.fault(name, "is missing or empty")
            return None
        try:
            return parse(self.settings.resolve(text))
        except (SettingMissingError, ValueError) as error:
            self.fault(name, str(error))
            return None

    def _http(self, binding: dict[str, Any]) -> HttpTrigger | None:
        methods = binding.get("methods")
        level = str(binding.get("authLevel", AuthLevel.FUNCTION)).lower()
        if level not in set(AuthLevel):
            self.fault("authLevel", f"{level!r} is not one of {', '.join(AuthLevel)}")
            return None
        route = self._parsed({"route": binding.get("route") or self.function}, "route", parse_route)
        if route is None:
            return None
        allowed = frozenset(str(method).upper() for method in methods) if methods else None
        return HttpTrigger(str(binding["name"]), AuthLevel(level), allowed, route)

    def _timer(self, binding: dict[str, Any]) -> TimerTrigger | None:
        schedule = self._parsed(binding, "schedule", parse_schedule)
        if schedule is None:
            return None
        return TimerTrigger(
            str(binding["name"]),
            schedule,
            run_on_startup=bool(binding.get("runOnStartup", False)),
            use_monitor=bool(binding.get("useMonitor", True)),
        )

    def _service_bus(self, binding: dict[str, Any]) -> ServiceBusTrigger | None:
        if not self.options.has_bundle:
            self.fault("type", "serviceBusTrigger needs an extensionBundle in host.json")
        if binding.get("isSessionsEnabled"):
            self.fault("isSessionsEnabled", "session triggers are not run by the sandbox's host")
        connection = self._parsed(binding, "connection", self.settings.connection)
        entity: Entity | None = None
        if "queueName" in binding:
            queue = self._parsed(binding, "queueName", str)
            entity = QueueEntity(queue) if queue is not None else None
        else:
            topic = self._parsed(binding, "topicName", str)
            subscription = self._parsed(binding, "subscriptionName", str)
            if topic is not None and subscription is not None:
                entity = SubscriptionEntity(topic, subscription)
        cardinality = str(binding.get("cardinality", Cardinality.ONE)).lower()
        if cardinality not in set(Cardinality):
            self.fault("cardinality", f"{cardinality!r} is not one of {', '.join(Cardinality)}")
            return None
        body_type = str(binding.get("dataType", BodyType.STRING)).lower()
        if body_type not in set(BodyType):
            self.fault("dataType", f"{body_type!r} is not one of {', '.join(BodyType)}")
            return None
        if connection is None or entity is None:
            return None
        auto_complete = binding.get("autoCompleteMessages")
        return ServiceBusTrigger(
            str(binding["name"]),
            connection,
            entity,
            Cardinality(cardinality),
            BodyType(body_type),
            self.options.service_bus.auto_complete_messages if auto_complete is None else bool(auto_complete),
        )
