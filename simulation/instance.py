"""One instance of the app, as the Functions host runs it: its parts on the simulated services, and its triggers."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from shared.app.catch_up import catch_up
from shared.app.control import control
from shared.app.full_cycle import full_cycle
from shared.app.holds import list_holds, release_holds, revisit_all_holds
from shared.app.ingest import ingest
from shared.app.leases import LeaseLostError
from shared.app.owed_logs import send_owed_logs
from shared.app.parts import Clock, Parts, TargetParts
from shared.app.provision import provision
from shared.app.state_rows import StateRowError
from shared.app.subscriptions import keep_subscriptions
from shared.app.tell_status import tell_status
from shared.app.webhook import Webhook
from shared.bus.errors import BusUnavailableError
from shared.core.decide import INVITATION_UNFINISHED
from shared.core.messages import CONTROL
from shared.graph.changes import SourceChanges
from shared.graph.client import GraphClient
from shared.graph.pace import WriteBudget, share
from shared.graph.source import SourceDirectory
from shared.graph.subscriptions import SourceSubscriptions
from shared.graph.target import TargetDirectory
from shared.graph.writes import TargetWrites
from shared.store.errors import StoreError
from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import Tracing
from simulation.bus import Bus, ReachedTopic, Receiver
from simulation.log import Log, ReachedLog
from simulation.mortal import KilledError, Mortal
from simulation.store import ReachedStore
from simulation.tenants import GRAPH, ReachedGraph, Tenants

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.bus.topic import UserChangesTopic
    from shared.config.settings import Settings
    from shared.config.sync_file import SyncConfiguration, Tenant
    from shared.store.protocol import Store

_logger = logging.getLogger(__name__)

_EXPECTED: Final = (StoreError, StateRowError, BusUnavailableError, LeaseLostError)
"""What a use case may raise: its trigger is then called again, by the bus or at its next time."""

_COLD_START: Final = 3.0  # seconds


class Cloud:
    """The services that all instances share, and what they must have told of in the end."""

    def __init__(self, tenants: Tenants, bus: Bus, store: Store, log: Log, promised: dict[str, set[str]]) -> None:
        self.tenants = tenants
        self.bus = bus
        self.store = store
        self.log = log
        self.promised = promised
        self.defects: list[str] = []


class Instance:
    """A process of the app with all its triggers."""

    def __init__(self, cloud: Cloud, mortal: Mortal, settings: Settings, sync: SyncConfiguration) -> None:
        self.mortal = mortal
        self._cloud = cloud
        self.parts = _parts(cloud, mortal, settings, sync)

    def start(self) -> None:
        """Listen to the bus."""
        for name in self.parts.targets:
            self.mortal.start(self._listen(name, 100, partial(provision, self.parts, name)))
        self.mortal.start(self._listen(CONTROL, 1, self._command))

    async def notified(self, body: bytes) -> int | None:
        """Graph's notification, and the status of the answer; None where the instance dies over it."""
        task = self.mortal.start(self._ingest(body))
        await asyncio.wait([task])  # whoever waits no longer leaves it at its work
        ended = not task.cancelled() and task.exception() is None
        return cast("int", task.result()) if ended else None

    def timer(self, name: str) -> None:
        """A timer's time has come."""
        self.mortal.start(
            self._guarded(
                name,
                {
                    "keep_subscriptions": self._keep_subscriptions,
                    "catch_up": self._catch_up,
                    "full_cycle": self._full_cycle,
                    "administrator": self._release,
                }[name],
            )
        )

    # --- triggers, as function_app has them ---

    async def _ingest(self, body: bytes) -> int:
        return (await ingest(self.parts, body)).status

    async def _keep_subscriptions(self) -> None:
        await keep_subscriptions(self.parts)

    async def _catch_up(self) -> None:
        try:
            await catch_up(self.parts)
            await tell_status(self.parts)
        finally:
            await send_owed_logs(self.parts)

    async def _full_cycle(self) -> None:
        await full_cycle(self.parts)
        await revisit_all_holds(self.parts)

    async def _release(self) -> None:
        """What `admin holds release --all` does, for every target, and what a hold asks for before."""
        for target in self.parts.targets:
            holds = await list_holds(self.parts, target)
            for user_id in [who for hold in holds if hold.reason == INVITATION_UNFINISHED for who in hold.objects]:
                self._cloud.tenants.administer(target, "DELETE", f"/users/{user_id}")
            await release_holds(self.parts, target, holds)

    async def _command(self, messages: list[Any]) -> None:
        for message in messages:
            await control(self.parts, message.message_id, message.body)

    # --- the host ---

    async def _listen(self, subscription: str, most: int, work: Callable[[Any], Awaitable[None]]) -> None:
        receiver = Receiver(self._cloud.bus, subscription, self.mortal)
        await self.mortal.sleep(_COLD_START)
        while True:
            messages = await receiver.receive(most)
            done = await self._guarded(subscription, partial(work, messages))
            await receiver.settle(done=done)

    async def _guarded(self, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether it came to its end."""
        try:
            await work()
        except _EXPECTED as error:
            _logger.debug("%s: %s", what, error)
        except KilledError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of the app, which the verdict tells
            self._cloud.defects.append(f"{what} raised {type(error).__name__}: {error}")
        else:
            return True
        return False


def _parts(cloud: Cloud, mortal: Mortal, settings: Settings, sync: SyncConfiguration) -> Parts:
    """What `compose.build` makes, on the simulated services."""
    clock = Clock(mortal.loop.now, mortal.sleep)

    def client(tenant: Tenant, client_id: str, name: str) -> GraphClient:
        def transport() -> ReachedGraph:
            return ReachedGraph(
                cloud.tenants,
                mortal,
                tenant_id=tenant.tenant_id,
                client_id=client_id,
                listening=lambda: not mortal.weather.deaf,
            )

        return GraphClient(GRAPH, transport, clock.now, tenant=name)

    source = client(sync.source, settings.reader_client_id, "source")
    targets = {}
    for target in sync.targets:
        reached = client(target.tenant, settings.writer_client_id, target.name)
        targets[target.name] = TargetParts(
            target,
            TargetDirectory(
                reached, marker_attribute=settings.marker_attribute, source_tenant_id=sync.source.tenant_id
            ),
            TargetWrites(reached, WriteBudget(share(len(sync.targets)), mortal.loop.time, mortal.sleep)),
        )
    store = ReachedStore(cloud.store, mortal, cloud.promised)
    return Parts(
        settings=settings,
        sync=sync,
        clock=clock,
        store=store,
        topic=cast("UserChangesTopic", ReachedTopic(cloud.bus, mortal)),
        source=SourceDirectory(source),
        changes=SourceChanges(source),
        subscriptions=SourceSubscriptions(source),
        targets=targets,
        log=ReachedLog(cloud.log, mortal),
        tracing=Tracing(),
        metrics=Metrics(),
        webhook=Webhook(store.get_subscriptions, clock.now),
    )
