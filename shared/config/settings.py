"""App settings: everything that differs per environment. The only reader of the environment.

Each setting stands in local.settings.sample.json with the value that suits the sandbox; a test keeps
the two in step. No setting is a secret: identities are federated.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from shared.config.faults import ConfigurationError, ConfigurationFault
from shared.core.messages import Timing
from shared.core.registrations import MARKER_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

APP_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, read once and typed."""

    sync_file: Path
    managed_identity_client_id: str
    reader_client_id: str
    writer_client_id: str
    service_bus_connection_string: str | None = field(repr=False)
    service_bus_namespace: str | None
    topic: str
    store_url: str = field(repr=False)
    notification_url: str
    timing: Timing
    graph_endpoint: str | None  # overrides the cloud's, without a version: https://localhost:8443
    authority: str | None  # overrides the cloud's
    logs_ingestion_endpoint: str | None  # None: the logs are lines on standard error
    logs_rule_id: str | None  # immutable id of the data collection rule
    application_insights: str | None = field(repr=False)  # its connection string; None: no traces and no metrics
    application_insights_by_identity: bool  # signs in with the managed identity

    @property
    def marker_attribute(self) -> str:
        """The directory extension of the writer app that marks our users in a target."""
        return f"extension_{self.writer_client_id.replace('-', '')}_{MARKER_NAME}"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the rules are, and what overrides the clouds' endpoints: all that a command for one tenant needs."""

    sync_file: Path
    graph_endpoint: str | None  # overrides the cloud's, without a version: https://localhost:8443
    authority: str | None  # overrides the cloud's


def read_addresses(environment: Mapping[str, str] | None = None) -> Addresses:
    """Read these settings alone; none of them has to be there."""
    reader = _Reader(os.environ if environment is None else environment)
    return Addresses(
        sync_file=APP_ROOT / (reader.optional("SYNC_FILE") or "sync.yaml"),
        graph_endpoint=_without_slash(reader.optional("GRAPH_ENDPOINT")),
        authority=_without_slash(reader.optional("AZURE_AUTHORITY_HOST")),
    )


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: listing every setting that is missing or wrong.
    """
    reader = _Reader(os.environ if environment is None else environment)
    addresses = read_addresses(environment)
    connection_string = reader.optional("ServiceBusConnection")
    namespace = reader.optional("ServiceBusConnection__fullyQualifiedNamespace")
    if connection_string is None and namespace is None:
        reader.fault("ServiceBusConnection__fullyQualifiedNamespace", "is missing: name the Service Bus namespace")
    settings = Settings(
        sync_file=addresses.sync_file,
        managed_identity_client_id=reader.required("MANAGED_IDENTITY_CLIENT_ID"),
        reader_client_id=reader.required("READER_CLIENT_ID"),
        writer_client_id=reader.required("WRITER_CLIENT_ID"),
        service_bus_connection_string=connection_string,
        service_bus_namespace=namespace,
        topic=reader.required("USER_CHANGES_TOPIC"),
        store_url=reader.required("STORE_URL"),
        notification_url=reader.notification_url(),
        timing=Timing(
            window=reader.seconds("WINDOW_SECONDS", Timing().window, positive=True),
            settle=reader.seconds("SETTLE_SECONDS", Timing().settle),
            second_look=reader.seconds("SECOND_LOOK_SECONDS", Timing().second_look),
            lock=reader.seconds("LOCK_SECONDS", Timing().lock, positive=True),
        ),
        graph_endpoint=addresses.graph_endpoint,
        authority=addresses.authority,
        logs_ingestion_endpoint=reader.logs_ingestion_endpoint(),
        logs_rule_id=reader.optional("LOGS_RULE_ID"),
        application_insights=reader.optional("APPLICATIONINSIGHTS_CONNECTION_STRING"),
        application_insights_by_identity=reader.optional("APPLICATIONINSIGHTS_AUTHENTICATION_STRING") is not None,
    )
    if reader.faults:
        raise ConfigurationError("app settings", tuple(reader.faults))
    return settings


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[ConfigurationFault] = []

    def fault(self, name: str, message: str) -> None:
        self.faults.append(ConfigurationFault(name, message))

    def optional(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

    def required(self, name: str) -> str:
        value = self.optional(name)
        if value is None:
            self.fault(name, "is missing: see local.settings.sample.json for what it means")
        return value or ""

    def seconds(self, name: str, default: timedelta, *, positive: bool = False) -> timedelta:
        text = self.optional(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not value < float("inf") or value < 0 or (positive and value == 0):
            self.fault(name, f"must be a number of seconds, {'more than 0' if positive else '0 or more'}")
            return default
        return timedelta(seconds=value)

    def notification_url(self) -> str:
        """The address that Graph posts to: set, or the app's own host name in Azure."""
        url = self.optional("NOTIFICATION_URL")
        host = self.optional("WEBSITE_HOSTNAME")
        if url is None and host is not None:
            return f"https://{host}/api/notifications"
        if url is None:
            self.fault("NOTIFICATION_URL", "is missing: the public https address of the notifications function")
        elif not url.startswith("https://"):
            self.fault("NOTIFICATION_URL", "must be an https address: Graph delivers to nothing else")
        return url or ""

    def logs_ingestion_endpoint(self) -> str | None:
        """Where both logs are sent; set together with the rule, or not at all."""
        endpoint = self.optional("LOGS_INGESTION_ENDPOINT")
        if (endpoint is None) is not (self.optional("LOGS_RULE_ID") is None):
            missing = "LOGS_INGESTION_ENDPOINT" if endpoint is None else "LOGS_RULE_ID"
            self.fault(missing, "is missing: the endpoint and the rule go together; without both, the logs are lines")
        elif endpoint is not None and not endpoint.startswith("https://"):
            self.fault("LOGS_INGESTION_ENDPOINT", "must be an https address: a token is sent with each request")
        return _without_slash(endpoint)


def _without_slash(url: str | None) -> str | None:
    return url.rstrip("/") if url else None
