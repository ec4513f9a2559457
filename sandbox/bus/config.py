"""Entities from the official emulator's ``Config.json``, so that the same file starts either emulator.

Reads everything before it complains: each fault names the entity and the field. What this bus cannot do is a fault
too, never ignored, and so is a field it does not know, because it may be a known one misspelt.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sandbox.bus.config_fields import ConfigError, Faults, Fields
from sandbox.bus.config_rules import read_rule
from sandbox.bus.rules.filters import MATCH_ALL, Rule
from sandbox.bus.topology import (
    DEFAULT_DUPLICATE_WINDOW_SECONDS,
    DEFAULT_LOCK_SECONDS,
    DEFAULT_MAX_DELIVERY_COUNT,
    IntakeSettings,
    QueueSettings,
    StoreSettings,
    SubscriptionSettings,
    TopicSettings,
    Topology,
)

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
_LONGEST_ENTITY_NAME = 260
_LONGEST_NAME = 50
# Service Bus's limits.
_LONGEST_LOCK_SECONDS = 300.0
_SHORTEST_DUPLICATE_WINDOW = 20.0
_LONGEST_DUPLICATE_WINDOW = 7 * 86_400.0
_MOST_DELIVERIES = 2000


def load_config(path: Path) -> Topology:
    """The entities a file describes.

    :raises ConfigError: with every fault, also where the file cannot be read
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror or 'cannot be read'}"]) from error
    except ValueError as error:
        raise ConfigError([f"{path}: is not JSON: {error}"]) from error
    return read_config(document)


def read_config(document: Any) -> Topology:
    """The entities a document, parsed from JSON, describes.

    :raises ConfigError: with every fault
    """
    faults = Faults()
    root = Fields("the file", document, faults)
    user_config = root.fields("UserConfig", required=True)
    root.ignore("Comment")
    namespaces = user_config.list_of_fields("Namespaces", "namespace", required=True)
    user_config.ignore("Logging")
    user_config.end()
    root.end()
    if len(namespaces) != 1 and not faults:
        faults.add("the file", "UserConfig.Namespaces", f"must hold exactly one namespace, not {len(namespaces)}")
    queues: list[QueueSettings] = []
    topics: list[TopicSettings] = []
    for namespace in namespaces:
        namespace.text("Name")
        queues += [_queue(fields) for fields in namespace.list_of_fields("Queues", "queue")]
        topics += [_topic(fields) for fields in namespace.list_of_fields("Topics", "topic")]
        namespace.end()
    _check_names([("queue", queue.name) for queue in queues] + [("topic", topic.name) for topic in topics], faults)
    faults.raise_any()
    return Topology(tuple(queues), tuple(topics))


def _queue(fields: Fields) -> QueueSettings:
    name = _name(fields, _LONGEST_ENTITY_NAME)
    properties = fields.fields("Properties")
    intake = IntakeSettings(None, _duplicate_window(properties))
    store = _store(properties)
    properties.end()
    fields.end()
    return QueueSettings(name, intake, store)


def _topic(fields: Fields) -> TopicSettings:
    name = _name(fields, _LONGEST_ENTITY_NAME)
    properties = fields.fields("Properties")
    intake = IntakeSettings(properties.duration("DefaultMessageTimeToLive"), _duplicate_window(properties))
    properties.end()
    subscriptions = [
        _subscription(inner) for inner in fields.list_of_fields("Subscriptions", f"topic {name}, subscription")
    ]
    fields.end()
    _check_names([(f"topic {name}, subscription", each.name) for each in subscriptions], fields.faults)
    return TopicSettings(name, intake, tuple(subscriptions))


def _subscription(fields: Fields) -> SubscriptionSettings:
    name = _name(fields, _LONGEST_NAME)
    properties = fields.fields("Properties")
    store = _store(properties)
    properties.end()
    given = fields.list_of_fields("Rules", f"{fields.entity}, rule")
    rules = [Rule(_name(inner, _LONGEST_NAME, default="$Default"), read_rule(inner)) for inner in given]
    fields.end()
    _check_names([(f"{fields.entity}, rule", rule.name) for rule in rules], fields.faults)
    # The rule that matches all exists only where the file gives none of its own.
    return SubscriptionSettings(name, store, tuple(rules) if given else (MATCH_ALL,))


def _store(properties: Fields) -> StoreSettings:
    properties.refuse_text("ForwardTo", "forwarding is not supported by this emulator")
    properties.refuse_text("ForwardDeadLetteredMessagesTo", "forwarding is not supported by this emulator")
    lock_seconds = properties.duration("LockDuration", most=_LONGEST_LOCK_SECONDS)
    return StoreSettings(
        DEFAULT_LOCK_SECONDS if lock_seconds is None else lock_seconds,
        properties.integer("MaxDeliveryCount", DEFAULT_MAX_DELIVERY_COUNT, most=_MOST_DELIVERIES),
        properties.duration("DefaultMessageTimeToLive"),
        properties.flag("DeadLetteringOnMessageExpiration"),
        properties.flag("RequiresSession"),
    )


def _duplicate_window(properties: Fields) -> float | None:
    window = properties.duration(
        "DuplicateDetectionHistoryTimeWindow", least=_SHORTEST_DUPLICATE_WINDOW, most=_LONGEST_DUPLICATE_WINDOW
    )
    if not properties.flag("RequiresDuplicateDetection"):
        return None
    return DEFAULT_DUPLICATE_WINDOW_SECONDS if window is None else window


def _name(fields: Fields, longest: int, default: str | None = None) -> str:
    name = fields.text("Name", required=default is None) or default or ""
    if name and name != default and (len(name) > longest or not _NAME.fullmatch(name)):
        allowed = "letters, digits, '.', '-', '_' and '/', with a letter or digit at both ends"
        fields.fault("Name", f"must be at most {longest} characters: {allowed}")
    return name


def _check_names(names: list[tuple[str, str]], faults: Faults) -> None:
    seen: set[str] = set()
    for kind, name in names:
        if name and name.lower() in seen:
            faults.add(f"{kind} {name}", "Name", "is used twice; case makes no difference")
        seen.add(name.lower())
