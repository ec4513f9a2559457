"""A session: a numbered, windowed stream of transfers, shared by links.

Respects the peer's incoming window as well as link credit; one client opens with as few as 2,048 frames. Frames
for links that are gone are ignored, because the Python SDK keeps sending them after it has ended the session.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sandbox.bus.amqp.framing import frame
from sandbox.bus.amqp.links import IncomingLink, OutgoingLink
from sandbox.bus.amqp.outcomes import DeliveryState, Received, Released, describe_state, read_state
from sandbox.bus.amqp.performatives import (
    RECEIVER,
    SENDER,
    Attach,
    Begin,
    Detach,
    Disposition,
    Flow,
    Performative,
    Transfer,
    encode_performative,
)

if TYPE_CHECKING:
    from sandbox.bus.amqp.connection import Connection

_WINDOW = 65535
_SERIAL = 0xFFFFFFFF
# A transfer performative with all its fields stays well below this.
_TRANSFER_OVERHEAD = 128


class Session:
    """One channel of a connection."""

    def __init__(self, connection: Connection, channel: int, begin: Begin) -> None:
        self.connection = connection
        self.channel = channel
        self._next_incoming_id = begin.next_outgoing_id
        self._incoming_window = _WINDOW
        self._next_outgoing_id = 0
        self._peer_window = begin.incoming_window
        self._next_delivery_id = 0
        self._links: dict[int, IncomingLink | OutgoingLink] = {}
        self._unsettled: dict[int, tuple[OutgoingLink, bytes]] = {}
        self._waiting: deque[tuple[Transfer, bytes]] = deque()
        self.send(Begin(channel, 0, _WINDOW, _WINDOW, handle_max=_WINDOW))

    @property
    def writable(self) -> bool:
        """Whether another message may be framed now."""
        return not self._waiting and self._peer_window > 0 and self.connection.writable

    @property
    def flushed(self) -> bool:
        """Whether everything framed has been written."""
        return not self._waiting

    def send(self, performative: Performative) -> None:
        """Write a frame on this channel."""
        self.connection.write(frame(self.channel, encode_performative(performative)))

    def send_flow(
        self,
        handle: int | None = None,
        delivery_count: int | None = None,
        credit: int | None = None,
        *,
        drain: bool = False,
    ) -> None:
        """Tell the peer this session's windows, and a link's credit where a handle is given."""
        self._incoming_window = _WINDOW
        self.send(
            Flow(
                self._next_incoming_id,
                _WINDOW,
                self._next_outgoing_id,
                _WINDOW,
                handle,
                delivery_count,
                credit,
                0 if handle is not None else None,
                drain,
                False,
            )
        )

    def send_transfer(self, link: OutgoingLink, tag: bytes, payload: bytes, *, settled: bool) -> None:
        """Send a message, cut to the peer's frame size, held back where its window is closed."""
        delivery_id = self._next_delivery_id
        self._next_delivery_id = (delivery_id + 1) & _SERIAL
        if not settled:
            self._unsettled[delivery_id] = (link, tag)
        room = self.connection.peer_frame_size - _TRANSFER_OVERHEAD
        first = True
        for start in range(0, max(len(payload), 1), room):
            more = start + room < len(payload)
            transfer = Transfer(
                link.handle,
                delivery_id if first else None,
                tag if first else None,
                0 if first else None,
                settled,
                more,
                batchable=False,
            )
            self._write_or_hold(transfer, payload[start : start + room])
            first = False

    def _write_or_hold(self, transfer: Transfer, payload: bytes) -> None:
        if self._waiting or self._peer_window <= 0:
            self._waiting.append((transfer, payload))
            return
        self._peer_window -= 1
        self._next_outgoing_id = (self._next_outgoing_id + 1) & _SERIAL
        self.connection.write(frame(self.channel, encode_performative(transfer), payload))

    def settle_incoming(self, delivery_id: int, state: DeliveryState) -> None:
        """Tell the client what became of a message it sent."""
        self.send(Disposition(RECEIVER, delivery_id, delivery_id, True, describe_state(state), False))

    def on_attach(self, attach: Attach) -> None:
        """Open a link; its node answers."""
        stale = self._links.pop(attach.handle, None)
        if stale is not None:
            stale.notify_closed()
        nodes = self.connection.nodes
        link: IncomingLink | OutgoingLink
        if attach.role == SENDER:
            link = IncomingLink(self, attach, nodes.incoming(self.connection, attach.target))
        else:
            node = nodes.outgoing(self.connection, attach.source, attach.target)
            link = OutgoingLink(self, attach, node)
        self._links[attach.handle] = link
        link.open()

    def on_flow(self, flow: Flow) -> None:
        """Take windows and credit over, and go on sending where that frees the way."""
        blocked = not self.writable
        known = flow.next_incoming_id
        in_flight = 0 if known is None else (self._next_outgoing_id - known) & _SERIAL
        if known is None:
            in_flight = self._next_outgoing_id
        self._peer_window = max(flow.incoming_window - in_flight, 0)
        while self._waiting and self._peer_window > 0:
            transfer, payload = self._waiting.popleft()
            self._peer_window -= 1
            self._next_outgoing_id = (self._next_outgoing_id + 1) & _SERIAL
            self.connection.write(frame(self.channel, encode_performative(transfer), payload))
        if flow.handle is None:
            self.pump()
            if flow.echo:
                self.send_flow()
        elif (link := self._links.get(flow.handle)) is not None:
            link.on_flow(flow)
            if blocked:  # the window is every link's
                self.pump()

    def pump(self) -> None:
        """Let every link go on sending."""
        for link in list(self._links.values()):
            if isinstance(link, OutgoingLink):
                link.pump()

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        """A message, or a piece of one."""
        self._next_incoming_id = (self._next_incoming_id + 1) & _SERIAL
        self._incoming_window -= 1
        link = self._links.get(transfer.handle)
        if isinstance(link, IncomingLink) and link.attached:
            link.on_transfer(transfer, payload)
        if self._incoming_window < _WINDOW // 2:
            self.send_flow()

    def on_disposition(self, disposition: Disposition) -> None:
        """The client settles deliveries, singly or as a range whose end may be left out."""
        if disposition.role != RECEIVER:
            return
        state = read_state(disposition.state)
        if isinstance(state, Received) or (state is None and not disposition.settled):
            return
        for delivery_id in self._named(disposition):
            link, tag = self._unsettled.pop(delivery_id)
            answer = link.on_settled(tag, state if state is not None else Released())
            if not disposition.settled and answer is not None:
                self.send(Disposition(SENDER, delivery_id, delivery_id, True, describe_state(answer), False))

    def _named(self, disposition: Disposition) -> list[int]:
        first = disposition.first
        last = first if disposition.last is None else disposition.last
        if last == first:
            return [first] if first in self._unsettled else []
        # The bounds are the peer's: walk what is known, never the range.
        span = (last - first) & _SERIAL
        return [known for known in self._unsettled if (known - first) & _SERIAL <= span]

    def on_detach(self, detach: Detach) -> None:
        """The client ends a link."""
        if detach.handle in self._links:
            self.send(Detach(detach.handle, detach.closed, None))
            self.drop_link(detach.handle)

    def drop_link(self, handle: int) -> None:
        """Forget a link and the deliveries that are not settled on it."""
        link = self._links.pop(handle)
        if isinstance(link, OutgoingLink):
            for delivery_id in [known for known, (owner, _) in self._unsettled.items() if owner is link]:
                del self._unsettled[delivery_id]
            self._waiting = deque(held for held in self._waiting if held[0].handle != handle)
        link.notify_closed()

    def close(self) -> None:
        """The session is over, and every link with it."""
        links = list(self._links.values())
        self._links.clear()
        self._unsettled.clear()
        self._waiting.clear()
        for link in links:
            link.notify_closed()
