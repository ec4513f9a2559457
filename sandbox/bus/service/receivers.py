"""The nodes behind receivers: they push messages as credit allows and carry out what clients settle.

A link that goes away leaves its locks behind: the service keeps them until they expire, so that a settlement over
the management node still counts. Sessions are let go at once; that is ``session_receivers``'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sandbox.bus.amqp.outcomes import Accepted, Error, Modified, Received, Rejected, Released
from sandbox.bus.broker.errors import BusError
from sandbox.bus.broker.records import ReceiveMode
from sandbox.bus.broker.store import DEAD_LETTER_DESCRIPTION, DEAD_LETTER_REASON
from sandbox.bus.service.deliveries import delivery_tag, encode_delivery
from sandbox.bus.service.senders import refusal_of

if TYPE_CHECKING:
    from sandbox.bus.amqp.links import OutgoingLink
    from sandbox.bus.amqp.nodes import Scheduler
    from sandbox.bus.amqp.outcomes import DeliveryState
    from sandbox.bus.broker.broker import Broker
    from sandbox.bus.broker.sessions import SessionHold


class ReceiverNode:
    """Gives out the messages of one entity; an ``OutgoingNode``."""

    def __init__(self, broker: Broker, scheduler: Scheduler, path: str) -> None:
        self._broker = broker
        self._scheduler = scheduler
        self._path = path
        self._hold: SessionHold | None = None

    def open(self, link: OutgoingLink) -> None:
        """Accept where there is such an entity, and it has no sessions."""
        try:
            store = self._broker.store(self._path)
        except BusError as error:
            link.refuse(refusal_of(error))
            return
        if store.settings.requires_session:
            link.refuse(Error("amqp:not-allowed", f"{store.path} requires a session receiver"))
        else:
            link.accept()

    def on_credit(self, link: OutgoingLink) -> None:
        """Send what is ready; where credit is left, wait for more."""
        mode = ReceiveMode.RECEIVE_AND_DELETE if link.pre_settled else ReceiveMode.PEEK_LOCK
        try:
            while link.writable:
                deliveries = self._broker.receive(self._path, mode=mode, hold=self._hold)
                if not deliveries:
                    self._broker.wait(self._path, link, lambda: self._look_again(link), hold=self._hold)
                    return
                for delivery in deliveries:
                    link.send(delivery_tag(delivery), encode_delivery(delivery))
        except BusError as error:
            link.detach(refusal_of(error))

    def _look_again(self, link: OutgoingLink) -> None:
        # Not at once: whoever fills the queue is in the middle of it.
        self._scheduler.call_soon(link.pump)

    def on_settled(self, _link: OutgoingLink, tag: bytes, state: DeliveryState) -> DeliveryState | None:
        """Carry an outcome out. The answer's kind must be the request's; a rejection confirmed carries no error."""
        if len(tag) != 16:
            return None
        token = UUID(bytes_le=tag)
        broker, path = self._broker, self._path
        try:
            match state:
                case Accepted():
                    broker.complete(path, token)
                case Modified(undeliverable_here=True):
                    broker.defer(path, token)
                case Modified():
                    broker.abandon(path, token)
                case Rejected(error):
                    broker.dead_letter(path, token, *dead_letter_words(error))
                    return Rejected()
                case Released():
                    broker.release(path, token)
                case Received():
                    return None
        except BusError as error:
            return Rejected(refusal_of(error))
        return state

    def on_closed(self, link: OutgoingLink) -> None:
        """Wait no longer. Locks stay until they expire."""
        self._broker.store(self._path).wait_no_longer(link, self._hold)


class RefusingReceiverNode:
    """Refuses; an ``OutgoingNode``."""

    def __init__(self, refusal: Error) -> None:
        self._refusal = refusal

    def open(self, link: OutgoingLink) -> None:
        """Say no."""
        link.refuse(self._refusal)

    def on_credit(self, _link: OutgoingLink) -> None:
        """There is nothing to give."""

    def on_settled(self, _link: OutgoingLink, _tag: bytes, _state: DeliveryState) -> DeliveryState | None:
        """There is nothing to settle."""
        return None

    def on_closed(self, _link: OutgoingLink) -> None:
        """Nothing is kept for it."""


def dead_letter_words(error: Error | None) -> tuple[str | None, str | None]:
    """The reason and description a client gives with a dead letter."""
    info: dict[Any, Any] = {} if error is None or error.info is None else error.info
    reason, description = info.get(DEAD_LETTER_REASON), info.get(DEAD_LETTER_DESCRIPTION)
    return (
        reason if isinstance(reason, str) else None,
        description if isinstance(description, str) else (error.description or None) if error else None,
    )
