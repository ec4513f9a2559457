"""What the engine needs from whoever gives links a meaning.

The engine calls these; it never looks behind them. A node may answer at once or later: a link stays unanswered
until its node opens or refuses it, which is how a client waits for the next free session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.bus.amqp.connection import Connection
    from sandbox.bus.amqp.links import IncomingLink, OutgoingLink
    from sandbox.bus.amqp.outcomes import DeliveryState
    from sandbox.bus.amqp.sasl import PlainCredentials


class Cancellable(Protocol):
    """A timer that can be called off."""

    def cancel(self) -> None:
        """Call it off; harmless once it has run."""


class Scheduler(Protocol):
    """Runs things later on the one thread the engine lives on. An asyncio loop is one."""

    def call_soon(self, callback: Callable[[], object], /) -> object:
        """Run after what is running now."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Cancellable:
        """Run after ``delay`` seconds."""


class IncomingNode(Protocol):
    """Takes the messages a client sends over one link."""

    def open(self, link: IncomingLink) -> None:
        """The client asks; call ``link.accept`` or ``link.refuse``, now or later."""

    def on_message(
        self, link: IncomingLink, payload: bytes, message_format: int, settle: Callable[[DeliveryState], None]
    ) -> None:
        """A whole message has arrived; ``settle`` tells the client what became of it."""

    def on_closed(self, link: IncomingLink) -> None:
        """The link is gone."""


class OutgoingNode(Protocol):
    """Gives the messages a client receives over one link."""

    def open(self, link: OutgoingLink) -> None:
        """The client asks; call ``link.accept`` or ``link.refuse``, now or later."""

    def on_credit(self, link: OutgoingLink) -> None:
        """The client may have granted credit, or asked to drain, or can be written to again."""

    def on_settled(self, link: OutgoingLink, tag: bytes, state: DeliveryState) -> DeliveryState | None:
        """The client says what becomes of a delivery; the answer confirms or refuses it."""

    def on_closed(self, link: OutgoingLink) -> None:
        """The link is gone, and unsettled deliveries with it."""


class Nodes(Protocol):
    """Finds the node a link asks for."""

    def login(self, connection: Connection, credentials: PlainCredentials) -> bool:
        """Whether credentials given at login are right."""

    def incoming(self, connection: Connection, target: Any) -> IncomingNode:
        """The node behind a target. Never fails: an unknown one gets a node that refuses."""

    def outgoing(self, connection: Connection, source: Any, target: Any) -> OutgoingNode:
        """The node behind a source. Never fails, as above."""

    def lost(self, connection: Connection) -> None:
        """The connection is gone."""
