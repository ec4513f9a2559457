"""Links: the two directions in which messages flow over a session, with their credit.

An incoming link is one the client sends on, an outgoing link one it receives on. They count and frame; what the
messages mean is the node's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.bus.amqp.outcomes import DeliveryState, Error, Rejected
from sandbox.bus.amqp.performatives import SENDER, Attach, Detach, Flow, Transfer
from sandbox.bus.amqp.types import Described

if TYPE_CHECKING:
    from sandbox.bus.amqp.nodes import IncomingNode, OutgoingNode
    from sandbox.bus.amqp.session import Session

MAX_MESSAGE_SIZE = 1024 * 1024
# Encoded messages come with annotations of the client's; the limit holds for what it counts, not for these.
_SIZE_SLACK = 64 * 1024
_CREDIT = 1000
_SETTLED = 1
_TERMINUS_FIELDS = {0x28: 11, 0x29: 7}
_SERIAL = 0xFFFFFFFF


def terminus_address(terminus: Any) -> str | None:
    """The address of a source or target, ``None`` where it has none."""
    if isinstance(terminus, Described) and isinstance(terminus.value, list) and terminus.value:
        address = terminus.value[0]
        return str(address) if isinstance(address, str) else None
    return None


def whole_terminus(terminus: Any) -> Any:
    """The same source or target with every field present, as old clients need it."""
    if isinstance(terminus, Described) and isinstance(terminus.value, list):
        missing = _TERMINUS_FIELDS.get(terminus.descriptor, 0) - len(terminus.value)
        return Described(terminus.descriptor, terminus.value + [None] * max(missing, 0))
    return terminus


class _Link:
    """What both directions share: the attach they answer, and how it ends."""

    def __init__(self, session: Session, attach: Attach) -> None:
        self.session = session
        self.attach = attach
        self.name = attach.name
        self.handle = attach.handle
        self.source = attach.source
        self.target = attach.target
        self.attached = False
        self.gone = False

    def _answer(self, source: Any, target: Any, properties: dict[Any, Any] | None) -> None:
        ours = not self.attach.role
        self.session.send(
            Attach(
                self.name,
                self.handle,
                ours,
                self.attach.snd_settle_mode,
                self.attach.rcv_settle_mode,
                whole_terminus(source),
                whole_terminus(target),
                # A missing count makes a receiving client give up on the link.
                initial_delivery_count=0 if ours == SENDER else None,
                max_message_size=MAX_MESSAGE_SIZE,
                properties={} if properties is None else properties,
            )
        )
        self.attached = True

    def refuse(self, error: Error) -> None:
        """Answer the attach with no source and no target, then detach: AMQP's way to say no."""
        if not self.gone:
            if not self.attached:
                self._answer(None, None, None)
            self.detach(error)

    def detach(self, error: Error) -> None:
        """End the link from this side."""
        if not self.gone:
            self.session.send(Detach(self.handle, closed=True, error=error.described()))
            self.session.drop_link(self.handle)

    def notify_closed(self) -> None:
        """Tell the node, once."""
        if not self.gone:
            self.gone = True
            self._notify_node()

    def _notify_node(self) -> None:
        raise NotImplementedError


@dataclass(slots=True)
class _Arriving:
    delivery_id: int
    message_format: int
    settled: bool
    oversized: bool = False
    payload: bytearray = field(default_factory=bytearray)


class IncomingLink(_Link):
    """The client sends, we receive."""

    def __init__(self, session: Session, attach: Attach, node: IncomingNode) -> None:
        super().__init__(session, attach)
        self._node = node
        self._delivery_count = attach.initial_delivery_count or 0
        self._credit = 0
        self._arriving: _Arriving | None = None

    def open(self) -> None:
        """Let the node decide."""
        self._node.open(self)

    def accept(self) -> None:
        """Answer the attach with what was asked for, and let the client send."""
        if not self.gone:
            self._answer(self.source, self.target, None)
            self._grant()

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        """Collect a message's pieces; hand it on when the last has come."""
        arriving = self._arriving
        if arriving is None:
            if transfer.delivery_id is None:
                return
            arriving = self._arriving = _Arriving(
                transfer.delivery_id, transfer.message_format or 0, transfer.settled is True
            )
        arriving.settled = arriving.settled or transfer.settled is True
        if len(arriving.payload) + len(payload) > MAX_MESSAGE_SIZE + _SIZE_SLACK:
            arriving.oversized = True
            arriving.payload.clear()
        if not arriving.oversized:
            arriving.payload += payload
        if transfer.more and not transfer.aborted:
            return
        self._arriving = None
        self._delivery_count = (self._delivery_count + 1) & _SERIAL
        self._credit -= 1
        if not transfer.aborted:
            self._hand_on(arriving)
        if self._credit < _CREDIT // 2 and not self.gone:
            self._grant()

    def _hand_on(self, arriving: _Arriving) -> None:
        session = self.session

        def settle(state: DeliveryState) -> None:
            if not arriving.settled:
                session.settle_incoming(arriving.delivery_id, state)

        if arriving.oversized:
            text = f"the message is larger than {MAX_MESSAGE_SIZE} bytes"
            settle(Rejected(Error("amqp:link:message-size-exceeded", text)))
        else:
            self._node.on_message(self, bytes(arriving.payload), arriving.message_format, settle)

    def on_flow(self, flow: Flow) -> None:
        """Answer where an answer is asked for; a sender's flow says nothing else we need."""
        if flow.echo:
            self._grant()

    def _grant(self) -> None:
        self._credit = _CREDIT
        self.session.send_flow(self.handle, self._delivery_count, self._credit)

    def _notify_node(self) -> None:
        self._arriving = None
        self._node.on_closed(self)


class OutgoingLink(_Link):
    """The client receives, we send."""

    def __init__(self, session: Session, attach: Attach, node: OutgoingNode) -> None:
        super().__init__(session, attach)
        self._node = node
        self._delivery_count = 0
        self.credit = 0
        self._draining = False
        self.pre_settled = attach.snd_settle_mode == _SETTLED

    def open(self) -> None:
        """Let the node decide."""
        self._node.open(self)

    def accept(self, *, source: Any = None, properties: dict[Any, Any] | None = None) -> None:
        """Answer the attach; ``source`` replaces the one asked for where a session was granted."""
        if not self.gone:
            self._answer(self.source if source is None else source, self.target, properties)

    @property
    def writable(self) -> bool:
        """Whether a message can be sent now: credit, window and socket allow it."""
        return self.attached and not self.gone and self.credit > 0 and self.session.writable

    def send(self, tag: bytes, payload: bytes) -> None:
        """Send one message; the caller has checked ``writable``."""
        self.credit -= 1
        self._delivery_count = (self._delivery_count + 1) & _SERIAL
        self.session.send_transfer(self, tag, payload, settled=self.pre_settled)

    def on_flow(self, flow: Flow) -> None:
        """Take credit over. It is absolute with the count it was granted at, so a repeat grants nothing new."""
        if flow.link_credit is not None:
            counted = flow.delivery_count or 0
            credit = (counted + flow.link_credit - self._delivery_count) & _SERIAL
            # A difference beyond half the range is a grant that what is under way has used up already.
            self.credit = credit if credit < 0x80000000 else 0
        self._draining = flow.drain is True
        self._node.on_credit(self)
        self.answer_drain()
        if flow.echo and not flow.drain and not self.gone:
            self.session.send_flow(self.handle, self._delivery_count, self.credit)

    def answer_drain(self) -> None:
        """Give unused credit back where the client asked for it and all it could get is written."""
        if self._draining and not self.gone and self.session.flushed:
            self._draining = False
            self._delivery_count = (self._delivery_count + self.credit) & _SERIAL
            self.credit = 0
            self.session.send_flow(self.handle, self._delivery_count, 0, drain=True)

    def pump(self) -> None:
        """The way is free again: let the node go on sending."""
        if self.attached and not self.gone:
            self._node.on_credit(self)
            self.answer_drain()

    def on_settled(self, tag: bytes, state: DeliveryState) -> DeliveryState | None:
        """What the node answers to an outcome of the client's."""
        return self._node.on_settled(self, tag, state)

    def _notify_node(self) -> None:
        self._node.on_closed(self)
