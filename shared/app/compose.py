"""The composition root: builds the parts once per process, at first use.

Indexing the app must stay light, so nothing here is imported before a function runs. A webhook has seconds, so Graph's
SDK, the credentials for it and the exporters come with their first use.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from shared.app.parts import Clock, Parts, TargetParts
from shared.app.webhook import Webhook
from shared.bus.topic import open_topic
from shared.config.clouds import namespace_complaint
from shared.config.faults import ConfigurationError, ConfigurationFault
from shared.config.settings import Settings, read_settings
from shared.config.sync_file import SyncConfiguration, Tenant, read_sync_file
from shared.graph.changes import SourceChanges
from shared.graph.client import GraphClient, Transport
from shared.graph.pace import WriteBudget, share
from shared.graph.source import SourceDirectory
from shared.graph.subscriptions import SourceSubscriptions
from shared.graph.target import TargetDirectory
from shared.graph.writes import TargetWrites
from shared.store import open_store
from shared.telemetry.json_lines import JsonLines
from shared.telemetry.logs_ingestion import open_logs_ingestion
from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import Tracing, traceparent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from azure.core.credentials_async import AsyncTokenCredential

    from shared.core.graph_call import GraphCall, GraphObserver
    from shared.graph.credentials import ManagedIdentityAssertion
    from shared.graph.pace import Pace
    from shared.telemetry.azure_monitor import Providers
    from shared.telemetry.log_sink import LogSink

_logger = logging.getLogger(__name__)

_FIRST_ANSWER: Final = 3.0
"""Seconds that Graph waits for the answer to a notification, and that the exporters wait for."""

SYSTEM_CLOCK: Final = Clock(now=lambda: datetime.now(UTC), sleep=asyncio.sleep)

_lock = asyncio.Lock()
_parts: Parts | None = None
_starting: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected


async def parts() -> Parts:
    """The parts of this process.

    Raises:
        ConfigurationError: the settings or sync.yaml cannot be used; the next call looks again.
    """
    global _parts  # noqa: PLW0603 - one per process is what this module is for
    async with _lock:
        if _parts is None:
            _parts = build(read_settings())
            _starting.add(start_telemetry(_parts))
        return _parts


def build(settings: Settings, clock: Clock = SYSTEM_CLOCK, *, pace: Pace | None = None) -> Parts:
    """Build all parts for the given settings. `pace` is each target's, where it is not its share of Graph's quota.

    Raises:
        ConfigurationError: sync.yaml, the place of the store, or the Service Bus namespace, cannot be used.
    """
    for library in ("httpx", "azure"):
        logging.getLogger(library).setLevel(logging.WARNING)  # lines for each request, with ids in them
    sync = read_sync_file(settings.sync_file)
    _check_namespace(settings, sync)
    tracing, metrics = Tracing(), Metrics()
    graphs = _Graphs(settings, sync, clock, _observer(tracing, metrics))
    source = graphs.client(sync.source, settings.reader_client_id, "source")
    targets = {}
    for target in sync.targets:
        client = graphs.client(target.tenant, settings.writer_client_id, target.name)
        targets[target.name] = TargetParts(
            target,
            TargetDirectory(client, marker_attribute=settings.marker_attribute, source_tenant_id=sync.source.tenant_id),
            TargetWrites(client, WriteBudget(pace or share(len(sync.targets)), time.monotonic)),
        )
    identity = _managed_identity(settings)
    try:
        store = open_store(settings.store_url, identity)
    except ValueError as error:
        raise ConfigurationError("app settings", (ConfigurationFault("STORE_URL", str(error)),)) from error
    topic = open_topic(
        settings.topic,
        connection_string=settings.service_bus_connection_string,
        namespace=settings.service_bus_namespace,
        credential=identity,
        traceparent=traceparent,
    )
    log = _log(settings, sync, identity)
    return Parts(
        settings=settings,
        sync=sync,
        clock=clock,
        store=store,
        topic=topic,
        source=SourceDirectory(source),
        changes=SourceChanges(source),
        subscriptions=SourceSubscriptions(source),
        targets=targets,
        webhook=Webhook(store.get_subscriptions, clock.now),
        log=log,
        tracing=tracing,
        metrics=metrics,
        closing=[topic.close, store.close, log.close, *graphs.closing, identity.close],
    )


def _check_namespace(settings: Settings, sync: SyncConfiguration) -> None:
    """Settings and sync.yaml have to agree on the cloud."""
    complaint = namespace_complaint(settings.service_bus_namespace or "", sync.source.cloud)
    if complaint is not None:
        fault = ConfigurationFault("ServiceBusConnection__fullyQualifiedNamespace", complaint)
        raise ConfigurationError("app settings", (fault,))


class _Graphs:
    """Graph clients that share one assertion, made with the first request of any of them."""

    def __init__(self, settings: Settings, sync: SyncConfiguration, clock: Clock, observe: GraphObserver) -> None:
        self._settings = settings
        self._observe = observe
        self._clock = clock
        self._audience = sync.source.cloud.federation_audience
        self._assertion: ManagedIdentityAssertion | None = None
        self.closing: list[Callable[[], Awaitable[None]]] = []

    def client(self, tenant: Tenant, client_id: str, name: str) -> GraphClient:
        """One app registration's Graph in one tenant; `name` is what telemetry calls the tenant."""
        endpoint = self._settings.graph_endpoint or tenant.cloud.graph
        transport = partial(self._transport, endpoint, tenant, client_id)
        client = GraphClient(endpoint, transport, self._clock.now, tenant=name, observe=self._observe)
        self.closing.append(client.close)
        return client

    def _transport(self, endpoint: str, tenant: Tenant, client_id: str) -> Transport:
        from shared.graph.credentials import FederatedCredential, ManagedIdentityAssertion  # noqa: PLC0415 - see above
        from shared.graph.transport import GraphTransport  # noqa: PLC0415 - see above

        if self._assertion is None:
            self._assertion = ManagedIdentityAssertion(self._settings.managed_identity_client_id, self._audience)
        credential = FederatedCredential(
            tenant_id=tenant.tenant_id,
            client_id=client_id,
            authority=self._settings.authority or tenant.cloud.authority,
            assertion=self._assertion,
        )
        return GraphTransport(endpoint, credential)


def start_telemetry(parts: Parts) -> asyncio.Task[None]:
    """Make the exporters once the first webhook has been answered: it has seconds, and they may take one."""
    return asyncio.get_running_loop().create_task(_start_telemetry(parts))


async def _start_telemetry(parts: Parts) -> None:
    connection_string = parts.settings.application_insights
    if connection_string is None:
        return
    await parts.clock.sleep(_FIRST_ANSWER)
    by_identity = parts.settings.application_insights_by_identity
    identity_client_id = parts.settings.managed_identity_client_id if by_identity else None

    def make() -> Providers:
        from shared.telemetry.azure_monitor import open_azure_monitor  # noqa: PLC0415 - half a second

        return open_azure_monitor(connection_string, identity_client_id)

    try:
        providers = await asyncio.to_thread(make)
    except ValueError as error:  # of the connection string
        _logger.error("there are no traces and no metrics: %s", error)  # noqa: TRY400
        return
    parts.tracing.use(providers.tracers)
    parts.metrics.use(providers.meters)
    parts.closing.append(partial(asyncio.to_thread, providers.shutdown))


def _observer(tracing: Tracing, metrics: Metrics) -> GraphObserver:
    """What is made of a call of Graph."""

    @contextmanager
    def observe(call: GraphCall) -> Iterator[None]:
        with tracing.graph_call(call):
            yield
        metrics.called(call)

    return observe


def _log(settings: Settings, sync: SyncConfiguration, identity: AsyncTokenCredential) -> LogSink:
    """Where both logs go: to the data collection rule, or to standard error where there is none."""
    if settings.logs_ingestion_endpoint is None or settings.logs_rule_id is None:
        return JsonLines()
    return open_logs_ingestion(
        settings.logs_ingestion_endpoint, settings.logs_rule_id, identity, sync.source.cloud.monitor
    )


def _managed_identity(settings: Settings) -> AsyncTokenCredential:
    """The app's own identity, for its Service Bus namespace, storage account and logs."""
    from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415 - beside its sync namesake elsewhere

    return ManagedIdentityCredential(client_id=settings.managed_identity_client_id)
