"""host.json, as far as this host acts on it: route prefix, Service Bus options, extension bundle.

App settings named AzureFunctionsJobHost__a__b override the file's a.b, as in Azure. What is given here and not
played (retries of the client, concurrency of sessions, telemetry) is left alone, for the file belongs to the cloud.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.host.faults import Fault
from sandbox.host.timespans import parse_time_span

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.host.settings import Settings

FILE_NAME = "host.json"
BUNDLE_ID = "Microsoft.Azure.Functions.ExtensionBundle"
_DEFAULT_PREFIX = "api"
_OVERRIDE_PREFIX = "azurefunctionsjobhost__"


@dataclass(frozen=True, slots=True)
class ServiceBusOptions:
    """`extensions.serviceBus`, with the defaults of extension 5.x. Counts are messages."""

    prefetch_count: int = 0
    max_concurrent_calls: int = 16
    max_message_batch_size: int = 1000
    min_message_batch_size: int = 1
    max_batch_wait_time: timedelta = timedelta(seconds=30)
    auto_complete_messages: bool = True


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What host.json says. `has_bundle` tells whether binding extensions beyond HTTP and timers are there."""

    route_prefix: str = _DEFAULT_PREFIX
    has_bundle: bool = False
    service_bus: ServiceBusOptions = field(default_factory=ServiceBusOptions)


_UNREADABLE = HostOptions(has_bundle=True)  # one fault for the file, not one more for each trigger


@dataclass(slots=True)
class _Reader:
    """Takes typed values out of the document and notes what is wrong."""

    document: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, path: str, message: str) -> None:
        self.faults.append(Fault(FILE_NAME, path, message))

    def value(self, path: str) -> Any:
        at: Any = self.document
        for part in path.split("."):
            if not isinstance(at, dict):
                return None
            at = next((value for key, value in at.items() if key.lower() == part.lower()), None)
        return at

    def count(self, path: str, default: int, least: int) -> int:
        value = self.value(path)
        if value is None:
            return default
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fault(path, f"must be a whole number of at least {least}")
            return default
        return value

    def duration(self, path: str, default: timedelta) -> timedelta:
        value = self.value(path)
        if value is None:
            return default
        try:
            return parse_time_span(value if isinstance(value, str) else repr(value))
        except ValueError as error:
            self.fault(path, str(error))
            return default

    def flag(self, path: str, *, default: bool) -> bool:
        value = self.value(path)
        if value is None:
            return default
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if not isinstance(value, bool):
            self.fault(path, "must be true or false")
            return default
        return value


def read_host_json(path: Path, settings: Settings) -> tuple[HostOptions, list[Fault]]:
    """Read the file at `path`, with the overrides among `settings`. Returns options and everything wrong with it."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return _UNREADABLE, [Fault(FILE_NAME, "file", "is missing")]
    except ValueError as error:
        return _UNREADABLE, [Fault(FILE_NAME, "file", f"is not JSON: {error}")]
    if not isinstance(document, dict):
        return _UNREADABLE, [Fault(FILE_NAME, "file", "must hold a JSON object")]
    _override(document, settings)
    reader = _Reader(document)
    version = reader.value("version")
    if version is None:
        reader.fault("version", "is missing; this host knows 2.0")
    elif version != "2.0":
        reader.fault("version", f"{version!r} is unknown; this host knows 2.0")
    prefix = reader.value("extensions.http.routePrefix")
    if prefix is None:
        prefix = _DEFAULT_PREFIX
    elif not isinstance(prefix, str):
        reader.fault("extensions.http.routePrefix", "must be a string")
        prefix = _DEFAULT_PREFIX
    options = HostOptions(prefix.strip("/"), _has_bundle(reader), _service_bus(reader))
    return options, reader.faults


def _override(document: dict[str, Any], settings: Settings) -> None:
    """Put AzureFunctionsJobHost__… settings into the document, part by part, matching names without case."""
    for name, value in settings.values.items():
        if not name.lower().startswith(_OVERRIDE_PREFIX):
            continue
        *parents, leaf = name[len(_OVERRIDE_PREFIX) :].split("__")
        at = document
        for part in parents:
            key = next((key for key in at if key.lower() == part.lower()), part)
            if not isinstance(at.get(key), dict):
                at[key] = {}
            at = at[key]
        at[next((key for key in at if key.lower() == leaf.lower()), leaf)] = value


def _has_bundle(reader: _Reader) -> bool:
    bundle = reader.value("extensionBundle")
    if bundle is None:
        return False
    if reader.value("extensionBundle.id") != BUNDLE_ID:
        reader.fault("extensionBundle.id", f"must be {BUNDLE_ID}")
    version = reader.value("extensionBundle.version")
    if not isinstance(version, str) or not version.startswith(("[", "(")):
        reader.fault("extensionBundle.version", "must be a version range such as [4.*, 5.0.0)")
    return True


def _service_bus(reader: _Reader) -> ServiceBusOptions:
    at = "extensions.serviceBus."
    options = ServiceBusOptions(
        prefetch_count=reader.count(at + "prefetchCount", 0, 0),
        max_concurrent_calls=reader.count(at + "maxConcurrentCalls", 16, 1),
        max_message_batch_size=reader.count(at + "maxMessageBatchSize", 1000, 1),
        min_message_batch_size=reader.count(at + "minMessageBatchSize", 1, 1),
        max_batch_wait_time=reader.duration(at + "maxBatchWaitTime", timedelta(seconds=30)),
        auto_complete_messages=reader.flag(at + "autoCompleteMessages", default=True),
    )
    if options.min_message_batch_size > options.max_message_batch_size:
        reader.fault(at + "minMessageBatchSize", "must not exceed maxMessageBatchSize")
    return options
