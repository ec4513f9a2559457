"""The node behind a sender: single messages and batches go to a queue or topic, each transfer all or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.bus.amqp.outcomes import Accepted, Error, Rejected
from sandbox.bus.amqp.types import CodecError
from sandbox.bus.broker.errors import BusError
from sandbox.bus.broker.message import Message, split_batch
from sandbox.bus.service.deliveries import BATCH_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.bus.amqp.links import IncomingLink
    from sandbox.bus.amqp.outcomes import DeliveryState
    from sandbox.bus.broker.broker import Broker


def refusal_of(error: BusError) -> Error:
    """The broker's refusal as AMQP's error."""
    return Error(error.reason.condition, error.description)


class SenderNode:
    """Takes messages for one entity; an ``IncomingNode``."""

    def __init__(self, broker: Broker, path: str) -> None:
        self._broker = broker
        self._path = path

    def open(self, link: IncomingLink) -> None:
        """Accept where there is such an entity."""
        try:
            self._broker.entrance(self._path)
        except BusError as error:
            link.refuse(refusal_of(error))
        else:
            link.accept()

    def on_message(
        self, _link: IncomingLink, payload: bytes, message_format: int, settle: Callable[[DeliveryState], None]
    ) -> None:
        """Send what arrived. A batch is known by its format; its envelope's own properties mean nothing."""
        try:
            if message_format == BATCH_FORMAT:
                messages = split_batch(payload, self._broker.new_id)
            else:
                messages = [Message.parse(payload, self._broker.new_id)]
            self._broker.send(self._path, messages)
        except CodecError as error:
            settle(Rejected(Error("amqp:decode-error", str(error))))
        except BusError as error:
            settle(Rejected(refusal_of(error)))
        else:
            settle(Accepted())

    def on_closed(self, _link: IncomingLink) -> None:
        """Nothing is kept for it."""


class RefusingSenderNode:
    """Refuses; an ``IncomingNode``."""

    def __init__(self, refusal: Error) -> None:
        self._refusal = refusal

    def open(self, link: IncomingLink) -> None:
        """Say no."""
        link.refuse(self._refusal)

    def on_message(
        self, _link: IncomingLink, _payload: bytes, _format: int, settle: Callable[[DeliveryState], None]
    ) -> None:
        """A refused link carries nothing."""
        settle(Rejected(self._refusal))

    def on_closed(self, _link: IncomingLink) -> None:
        """Nothing is kept for it."""
