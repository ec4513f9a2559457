"""Which node a link means. Everything but ``$cbs`` is for those who have shown a good token first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.bus.amqp.links import terminus_address
from sandbox.bus.amqp.outcomes import Error
from sandbox.bus.broker.errors import BusError, Reason, entity_not_found
from sandbox.bus.service.addresses import CbsAddress, EntityAddress, ManagementAddress, parse_address
from sandbox.bus.service.cbs import TokenNode
from sandbox.bus.service.client import Client
from sandbox.bus.service.credentials import is_policy_key
from sandbox.bus.service.management import ManagementNode
from sandbox.bus.service.receivers import ReceiverNode, RefusingReceiverNode
from sandbox.bus.service.requests import RequestNode, ResponseNode
from sandbox.bus.service.senders import RefusingSenderNode, SenderNode, refusal_of
from sandbox.bus.service.session_receivers import SessionReceiverNode, asks_for_session

if TYPE_CHECKING:
    from sandbox.bus.amqp.connection import Connection
    from sandbox.bus.amqp.nodes import IncomingNode, OutgoingNode, Scheduler
    from sandbox.bus.amqp.sasl import PlainCredentials
    from sandbox.bus.broker.broker import Broker

_UNAUTHORIZED = Error(Reason.UNAUTHORIZED.condition, "no token was accepted on this connection")
_NO_ADDRESS = Error("amqp:invalid-field", "the link names no address")


class Router:
    """Finds nodes in one broker for all connections; the engine's ``Nodes``."""

    def __init__(self, broker: Broker, scheduler: Scheduler) -> None:
        self._broker = broker
        self._scheduler = scheduler
        self._clients: dict[Connection, Client] = {}

    def _client(self, connection: Connection) -> Client:
        return self._clients.setdefault(connection, Client())

    def login(self, connection: Connection, credentials: PlainCredentials) -> bool:
        """Whether they are the shared access policy's; if so, no token is needed."""
        good = is_policy_key(credentials.name, credentials.key)
        self._client(connection).authorized = good
        return good

    def incoming(self, connection: Connection, target: Any) -> IncomingNode:
        """The node a client sends to."""
        client = self._client(connection)
        address = terminus_address(target)
        if address is None:
            return RefusingSenderNode(_NO_ADDRESS)
        match parse_address(address):
            case CbsAddress():
                return RequestNode(TokenNode(client, self._broker.now).handle, client.responders, None)
            case ManagementAddress(path):
                handler = ManagementNode(self._broker, path, client).handle
                return RequestNode(handler, client.responders, self._refusal(client, path))
            case EntityAddress(path):
                return SenderNode(self._broker, path) if client.authorized else RefusingSenderNode(_UNAUTHORIZED)

    def outgoing(self, connection: Connection, source: Any, _target: Any) -> OutgoingNode:
        """The node a client receives from."""
        client = self._client(connection)
        address = terminus_address(source)
        if address is None:
            return RefusingReceiverNode(_NO_ADDRESS)
        match parse_address(address):
            case CbsAddress():
                return ResponseNode(client.responders, None)
            case ManagementAddress(path):
                return ResponseNode(client.responders, self._refusal(client, path))
            case EntityAddress(path):
                return self._receiver(client, path, source)

    def _receiver(self, client: Client, path: str, source: Any) -> OutgoingNode:
        refusal = self._refusal(client, path)
        if refusal is not None:
            return RefusingReceiverNode(refusal)
        try:
            requires_session = self._broker.store(path).settings.requires_session
        except BusError:  # a topic: it takes messages and gives none
            return RefusingReceiverNode(Error(Reason.NOT_ALLOWED.condition, f"{path} is a topic: name a subscription"))
        if not asks_for_session(source):
            return ReceiverNode(self._broker, self._scheduler, path)
        if not requires_session:
            return RefusingReceiverNode(Error(Reason.NOT_ALLOWED.condition, f"{path} has no sessions"))
        return SessionReceiverNode(self._broker, self._scheduler, path, client)

    def _refusal(self, client: Client, path: str) -> Error | None:
        if not client.authorized:
            return _UNAUTHORIZED
        if self._broker.has(path):
            return None
        return refusal_of(entity_not_found(path))

    def lost(self, connection: Connection) -> None:
        """Forget a connection."""
        self._clients.pop(connection, None)
