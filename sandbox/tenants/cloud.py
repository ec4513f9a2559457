"""The simulated cloud as one state machine: a request goes in, a response comes out; no sockets, no waiting.

What it wants done on the side (webhooks to call, notifications to deliver) comes out as data, so that a
server, or a test under virtual time, can do it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.tenants.chance import Chance
from sandbox.tenants.config_file import profile
from sandbox.tenants.control import PREFIX, Control
from sandbox.tenants.graph.service import GraphService
from sandbox.tenants.identity import managed_identity
from sandbox.tenants.identity.keys import KeyRing
from sandbox.tenants.identity.login import LoginService, is_login
from sandbox.tenants.plant import plant
from sandbox.tenants.wire import NeedsValidation, Request, Response
from sandbox.tenants.world import World

if TYPE_CHECKING:
    from sandbox.tenants.clock import Clock
    from sandbox.tenants.config import Config
    from sandbox.tenants.notifications import Delivery


class Cloud:
    """Microsoft Graph, the login service, the identity endpoint and the control interface."""

    def __init__(self, config: Config, *, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.keys = KeyRing()
        self._initial = config
        self._control = Control(self)
        self.identity_header = Chance(seed).guid("identity header")
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Begin anew from the configuration; tokens and the identity header stay valid."""
        self.world = World(self._initial, self.clock, seed)
        plant(self.world)
        self._graph = GraphService(self.world, self.keys)
        self._login = LoginService(self.world, self.keys)
        self._identity = managed_identity.ManagedIdentityEndpoint(self.world, self.keys, self.identity_header)

    def use_profile(self, document: Any) -> None:
        """Other manners from now on; ConfigError if the document is wrong."""
        self.world.use(profile(self.world.config, document))

    def handle(self, request: Request) -> Response | NeedsValidation:
        """Answer one request, or say which webhooks must be asked first."""
        self.world.settle()
        if request.path.startswith(("/v1.0/", "/beta/")):
            return self._graph.handle(request)
        if request.path.startswith(f"{PREFIX}/"):
            return self._control.handle(request)
        if is_login(request.path):
            return self._login.handle(request)
        return Response(404, {"Content-Type": "application/json"}, json.dumps({"error": "not found"}).encode())

    def handle_identity(self, request: Request) -> Response:
        """Answer one request to the identity endpoint, which has an address of its own."""
        if request.path != managed_identity.PATH:
            return Response(404)
        return self._identity.handle(request)

    # --- notifications ---------------------------------------------------------------------------

    def due_deliveries(self) -> list[Delivery]:
        """Notifications to deliver now; each must be reported."""
        self.world.settle()
        return self.world.hub.take_due()

    def report_delivery(self, delivery: Delivery, status: int | None) -> None:
        """How a delivery went: the HTTP status, or None where there was no answer in time."""
        self.world.hub.report(delivery, status)

    def next_deadline(self) -> float | None:
        """When the next notification is due, in the clock's seconds; None if nothing waits."""
        return self.world.hub.next_deadline()

    def replicas_behind(self) -> int:
        """How many mutations some replica has not seen yet."""
        now = self.clock.now()
        return sum(tenant.directory.replicas.behind(now) for tenant in self.world.tenants.values())
