"""What goes wrong: each event of the plan spoils a service, or an instance, and mends it after a while."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from sandbox.tenants.contoso import SOURCE_TENANT_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulation.plan import Event
    from simulation.region import Region
    from simulation.weather import Service

_SPELLS: Final = (5.0, 45.0, 400.0, 2400.0)  # seconds that something may last
_TENANTS: Final = ("source", "emea", "apac", None)
_WRITES: Final = (
    "PATCH /users/{id}",
    "POST /invitations",
    "DELETE /users/{id}",
    "POST /directory/deletedItems/{id}/restore",
)
_GRAPH_ERRORS: Final[tuple[Mapping[str, Any], ...]] = (
    {"status": 503},
    {"status": 500},
    {"status": 504, "body": "html"},
    {"status": 502, "body": "empty"},
    {"status": 404, "body": "html"},
    {"cutBodyAt": 20},
    {"reset": True},
    {"status": 401, "code": "InvalidAuthenticationToken"},
    {"status": 409, "code": "Directory_ConcurrencyViolation"},
    {"delaySeconds": 40},
)


class Trouble:
    """Carries out events in a region; whatever it begins, `end` ends."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._weather = region.weather
        self._spells: set[asyncio.Task[None]] = set()
        self._works: Mapping[str, Callable[[Event], None]] = {
            "graphErrors": self._graph_errors,
            "graphThrottles": self._graph_throttles,
            "graphLosesAnswers": self._graph_loses_answers,
            "graphIsDown": lambda event: self._down(event, self._weather.graph),
            "graphIsSlow": self._graph_is_slow,
            "storeErrors": lambda event: self._errors(event, self._weather.store),
            "storeIsDown": lambda event: self._down(event, self._weather.store),
            "busErrors": lambda event: self._errors(event, self._weather.bus),
            "busIsDown": lambda event: self._down(event, self._weather.bus),
            "logErrors": lambda event: self._errors(event, self._weather.log),
            "logIsDown": lambda event: self._down(event, self._weather.log),
            "deaf": self._deaf,
            "forged": self._forged,
            "killed": self._killed,
            "held": self._held,
            "consentWithdrawn": self._consent_withdrawn,
            "subscriptionsLost": self._subscriptions_lost,
            "logForgets": self._log_forgets,
        }

    def happens(self, event: Event) -> None:
        """Do what an event says."""
        self._works[event.name](event)

    def end(self) -> None:
        """The end of all of it."""
        for spell in self._spells:
            spell.cancel()
        self._region.tenants.cloud.world.faults.clear()
        self._region.tenants.cloud.world.tenants["source"].disabled_apps.clear()
        self._weather.clear()
        for instance in self._region.instances:
            instance.mortal.release()

    # --- services ---

    def _graph_errors(self, event: Event) -> None:
        error = _GRAPH_ERRORS[event.second % len(_GRAPH_ERRORS)]
        self._fault(event, {**error, "probability": 0.2 + 0.8 * event.share})

    def _graph_throttles(self, event: Event) -> None:
        headers = {"headers": {"Retry-After": str(1 + event.first % 60)}} if event.second % 3 else {}
        throttled = {"status": 429, "code": "TooManyRequests", **headers}
        self._fault(event, {**throttled, "probability": 0.3 + 0.7 * event.share})

    def _graph_loses_answers(self, event: Event) -> None:
        operation = _WRITES[event.second % len(_WRITES)]
        lost = {"apply": True, **({"status": 504, "body": "html"} if event.first % 2 else {"reset": True})}
        self._fault(event, {**lost, "operation": operation, "probability": 0.5 + 0.5 * event.share})

    def _graph_is_slow(self, event: Event) -> None:
        self._weather.graph.slow = 1 + 60 * event.share
        self._spell(event, lambda: setattr(self._weather.graph, "slow", 1.0))

    def _down(self, event: Event, service: Service) -> None:
        service.down = True
        self._spell(event, lambda: setattr(service, "down", False))

    def _errors(self, event: Event, service: Service) -> None:
        service.refused, service.lost = 0.3 * event.share, 0.2 * (1 - event.share)

        def mend() -> None:
            service.refused = service.lost = 0.0

        self._spell(event, mend)

    def _consent_withdrawn(self, event: Event) -> None:
        tenant = self._region.tenants.cloud.world.tenants[("emea", "apac")[event.second % 2]]
        app_id = self._region.settings.writer_client_id
        tenant.disabled_apps.add(app_id)
        self._spell(event, lambda: tenant.disabled_apps.discard(app_id))

    def _subscriptions_lost(self, _event: Event) -> None:
        hub = self._region.tenants.cloud.world.hub
        for subscription in hub.subscriptions():
            hub.remove(subscription.id)

    def _log_forgets(self, _event: Event) -> None:
        """In no plan, since nothing could be right after it: by it the judge itself is tried."""
        self._region.cloud.log.rows.clear()

    # --- the app ---

    def _deaf(self, event: Event) -> None:
        self._weather.deaf = True
        self._spell(event, lambda: setattr(self._weather, "deaf", False))

    def _forged(self, event: Event) -> None:
        item = {
            "clientState": "guessed",
            "tenantId": SOURCE_TENANT_ID,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.User",
                "id": f"{event.first:08d}-0000-4000-8000-000000000000",
            },
        }
        body = json.dumps({"value": [item]}).encode() if event.second % 2 else b'{"value": [{]}'
        self._run(self._post(body))

    async def _post(self, body: bytes) -> None:
        await self._region.post(body)

    def _killed(self, event: Event) -> None:
        """At one of the next steps it takes in the world, so that it is in the middle of something."""
        instance = self._region.instances[event.first % len(self._region.instances)]
        instance.mortal.steps_left = 1 + event.second % 120

    def _held(self, event: Event) -> None:
        mortal = self._region.instances[event.first % len(self._region.instances)].mortal
        mortal.hold()
        self._spell(event, mortal.release)

    # --- how long ---

    def _fault(self, event: Event, fault: dict[str, Any]) -> None:
        tenant = _TENANTS[event.first % len(_TENANTS)]
        where = {} if tenant is None else {"tenant": tenant}
        made = self._region.tenants.control("POST", "faults", {**fault, **where})["id"]
        self._spell(event, lambda: self._region.tenants.cloud.world.faults.remove(made))

    def _spell(self, event: Event, mend: Callable[[], object]) -> None:
        async def last() -> None:
            await asyncio.sleep(_SPELLS[event.first % len(_SPELLS)])
            mend()

        self._run(last())

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._spells.add(task)
        task.add_done_callback(self._spells.discard)
