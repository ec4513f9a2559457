"""One connection: login, opening, and the way of frames to their sessions. Bytes in, bytes out, no sockets.

Whatever arrives, the worst that happens is that this connection is closed with a reason. Frames on unknown channels
are ignored, an end of stream is an orderly close: clients drop the socket without waiting.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from sandbox.bus.amqp import sasl
from sandbox.bus.amqp.framing import (
    AMQP_FRAME,
    AMQP_HEADER,
    SASL_FRAME,
    SASL_HEADER,
    Frame,
    FrameInbox,
    FramingError,
    frame,
)
from sandbox.bus.amqp.outcomes import Error
from sandbox.bus.amqp.performatives import (
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Flow,
    Open,
    SaslInit,
    SaslOutcome,
    Transfer,
    decode_performative,
    encode_performative,
)
from sandbox.bus.amqp.session import Session
from sandbox.bus.amqp.types import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.bus.amqp.nodes import Nodes

MAX_FRAME_SIZE = 1024 * 1024
_LOGIN_FRAME_SIZE = 8 * 1024
_SMALLEST_FRAME_SIZE = 512
_CHANNEL_MAX = 65535


class Phase(Enum):
    """How far a connection has come."""

    GREETING = "a protocol header is due"
    LOGIN = "sasl-init is due"
    LOGGED_IN = "the AMQP header is due"
    OPENING = "open is due"
    OPEN = "in use"
    CLOSED = "over"


class Connection:
    """The protocol state of one client's connection."""

    def __init__(self, nodes: Nodes, *, container_id: str, on_output: Callable[[], None]) -> None:
        """``on_output`` is called when there begins to be something to write."""
        self.nodes = nodes
        self._on_output = on_output
        self.phase = Phase.GREETING
        self.peer_frame_size = _SMALLEST_FRAME_SIZE
        self.peer_idle_seconds: float | None = None
        self.congested = False
        self._container_id = container_id
        self._inbox = FrameInbox()
        self._output: list[bytes] = []
        self._sessions: dict[int, Session] = {}

    @property
    def writable(self) -> bool:
        """Whether the socket takes more messages."""
        return not self.congested and self.phase is Phase.OPEN

    def write(self, data: bytes) -> None:
        """Queue bytes for the socket."""
        if self.phase is not Phase.CLOSED:
            self._output.append(data)
            if len(self._output) == 1:
                self._on_output()

    def take_output(self) -> bytes:
        """What is to be written now."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    def receive(self, data: bytes) -> None:
        """Take bytes from the socket. Never raises: a fault of the peer's closes the connection."""
        self._inbox.push(data)
        try:
            while self.phase is not Phase.CLOSED and self._step():
                pass
        except FramingError as error:
            self.close(Error("amqp:connection:framing-error", str(error)))
        except CodecError as error:
            self.close(Error("amqp:decode-error", str(error)))

    def heartbeat(self) -> None:
        """An empty frame, so that an idle client does not give up."""
        if self.phase is Phase.OPEN:
            self.write(frame(0, b""))

    def resume(self) -> None:
        """The socket takes bytes again: go on sending."""
        self.congested = False
        for session in list(self._sessions.values()):
            session.pump()

    def close(self, error: Error | None = None) -> None:
        """End the connection from this side; says why where the peer has got far enough to read it."""
        if self.phase is Phase.OPEN:
            self.write(frame(0, encode_performative(Close(error.described() if error else None))))
        self.lost()

    def lost(self) -> None:
        """The connection is over, by whomever: let go of all it held."""
        if self.phase is Phase.CLOSED:
            return
        self.phase = Phase.CLOSED
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            session.close()
        self.nodes.lost(self)

    def _step(self) -> bool:
        match self.phase:
            case Phase.GREETING | Phase.LOGGED_IN:
                header = self._inbox.take_header()
                return header is not None and self._greet(header)
            case Phase.LOGIN:
                received = self._inbox.take_frame(_LOGIN_FRAME_SIZE)
                return received is not None and self._log_in(received)
            case Phase.OPENING | Phase.OPEN:
                received = self._inbox.take_frame(MAX_FRAME_SIZE)
                if received is None:
                    return False
                if received.kind != AMQP_FRAME:
                    raise FramingError("a frame of another protocol")
                if received.body:
                    self._dispatch(received)
                return True
            case Phase.CLOSED:
                return False

    def _greet(self, header: bytes) -> bool:
        if header == SASL_HEADER and self.phase is Phase.GREETING:
            self.write(SASL_HEADER)
            self.write(frame(0, encode_performative(sasl.OFFER), kind=SASL_FRAME))
            self.phase = Phase.LOGIN
            return True
        if header == AMQP_HEADER:
            self.write(AMQP_HEADER)
            self.phase = Phase.OPENING
            return True
        # AMQP's answer to a protocol it does not speak: the header it does, then the end.
        self.write(AMQP_HEADER)
        self.lost()
        return False

    def _log_in(self, received: Frame) -> bool:
        if received.kind != SASL_FRAME:
            raise FramingError("a frame of another protocol")
        init, _ = decode_performative(received.body)
        if not isinstance(init, SaslInit):
            raise FramingError("sasl-init was due")
        outcome, credentials = sasl.answer(init)
        if credentials is not None and not self.nodes.login(self, credentials):
            outcome = SaslOutcome(sasl.SaslCode.AUTH.value)
        self.write(frame(0, encode_performative(outcome), kind=SASL_FRAME))
        if outcome.code != sasl.SaslCode.OK.value:
            self.lost()
            return False
        self.phase = Phase.LOGGED_IN
        return True

    def _dispatch(self, received: Frame) -> None:
        performative, payload_at = decode_performative(received.body)
        channel = received.channel
        if self.phase is Phase.OPENING:
            if not isinstance(performative, Open):
                raise FramingError("open was due")
            self._open(performative)
            return
        if isinstance(performative, Close):
            self.write(frame(0, encode_performative(Close())))
            self.lost()
            return
        if isinstance(performative, Begin):
            stale = self._sessions.pop(channel, None)
            if stale is not None:
                stale.close()
            self._sessions[channel] = Session(self, channel, performative)
            return
        session = self._sessions.get(channel)
        if session is None:
            return
        match performative:
            case Transfer():
                session.on_transfer(performative, received.body[payload_at:])
            case Disposition():
                session.on_disposition(performative)
            case Flow():
                session.on_flow(performative)
            case Attach():
                session.on_attach(performative)
            case Detach():
                session.on_detach(performative)
            case End():
                del self._sessions[channel]
                session.send(End())
                session.close()
            case _:
                raise FramingError("a frame that has no place in an open connection")

    def _open(self, performative: Open) -> None:
        offered = performative.max_frame_size
        size = MAX_FRAME_SIZE if offered is None else min(offered, MAX_FRAME_SIZE)
        self.peer_frame_size = max(size, _SMALLEST_FRAME_SIZE)
        if performative.idle_time_out:
            self.peer_idle_seconds = performative.idle_time_out / 1000
        self.phase = Phase.OPEN
        answer = Open(self._container_id, None, MAX_FRAME_SIZE, _CHANNEL_MAX, properties={})
        self.write(frame(0, encode_performative(answer)))
