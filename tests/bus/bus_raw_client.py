"""A client that says exactly what a test wants it to say, to a connection without sockets."""

from __future__ import annotations

from dataclasses import dataclass

from bus_samples import Rig

from sandbox.bus.amqp.connection import Connection
from sandbox.bus.amqp.framing import AMQP_HEADER, SASL_FRAME, SASL_HEADER, FrameInbox, frame
from sandbox.bus.amqp.outcomes import Error, describe_state
from sandbox.bus.amqp.performatives import (
    RECEIVER,
    SENDER,
    Attach,
    Begin,
    Detach,
    Disposition,
    Flow,
    Open,
    SaslInit,
    Transfer,
    decode_performative,
    encode_performative,
)
from sandbox.bus.amqp.types import Described, Symbol, ULong
from sandbox.bus.service.router import Router


class ManualScheduler:
    """Runs what was put off when the test says so."""

    def __init__(self) -> None:
        self._soon = []
        self.timers: list[Timer] = []

    def call_soon(self, callback) -> None:
        """Put off."""
        self._soon.append(callback)

    def call_later(self, delay, callback) -> Timer:
        """Put off for a time; the test lets it ring."""
        timer = Timer(delay, callback)
        self.timers.append(timer)
        return timer

    def run(self) -> None:
        """Do what was put off."""
        while self._soon:
            self._soon.pop(0)()


@dataclass
class Timer:
    """One timer."""

    delay: float
    callback: object
    cancelled: bool = False

    def cancel(self) -> None:
        """Call it off."""
        self.cancelled = True


class RawClient:
    """Speaks frames on channel 1 to a bus of its own rig."""

    def __init__(self, broker, scheduler: ManualScheduler | None = None) -> None:
        self.scheduler = scheduler or ManualScheduler()
        self.connection = Connection(Router(broker, self.scheduler), container_id="bus", on_output=lambda: None)
        self.inbox = FrameInbox()
        self.payloads: list[bytes] = []

    def say(self, data: bytes) -> bytes:
        """Send bytes, return the bytes that come back."""
        self.connection.receive(data)
        self.scheduler.run()
        return self.connection.take_output()

    def tell(self, *performatives, payload: bytes = b"", channel: int = 1):
        """Send performatives, return what comes back: performatives, payloads aside."""
        data = b"".join(frame(channel, encode_performative(each), payload) for each in performatives)
        return self.read(self.say(data))

    def read(self, data: bytes):
        """The performatives in bytes from the bus; payloads are kept in ``payloads``."""
        self.inbox.push(data)
        found = []
        while (received := self.inbox.take_frame(10**7)) is not None:
            if received.body:
                performative, at = decode_performative(received.body)
                found.append(performative)
                if isinstance(performative, Transfer):
                    self.payloads.append(received.body[at:])
        return found

    def hear(self):
        """What the bus says by itself."""
        self.scheduler.run()
        return self.read(self.connection.take_output())

    def connect(self, *, window: int = 65536, frame_size: int = 65536) -> None:
        """Log in with the policy's key, open, and begin a session."""
        answer = self.say(SASL_HEADER)
        assert answer[:8] == SASL_HEADER
        init = SaslInit("PLAIN", b"\x00RootManageSharedAccessKey\x00SAS_KEY_VALUE")
        self.say(frame(0, encode_performative(init), kind=SASL_FRAME))
        assert self.say(AMQP_HEADER) == AMQP_HEADER
        (opened,) = self.tell(Open("client", max_frame_size=frame_size), channel=0)
        assert isinstance(opened, Open)
        (begun,) = self.tell(Begin(None, 0, window, window))
        assert begun.remote_channel == 1

    def attach_receiver(self, address: str, handle: int = 0, *, filters=None, properties=None, settled: bool = False):
        """Attach a receiving link; returns what comes back."""
        source = Described(ULong(0x28), [address, *[None] * 6, filters])
        return self.tell(
            Attach(
                f"link-{handle}",
                handle,
                RECEIVER,
                1 if settled else 0,
                1,
                source,
                Described(ULong(0x29), ["target"]),
                properties=properties,
            )
        )

    def attach_sender(self, address: str, handle: int = 1):
        """Attach a sending link; returns what comes back."""
        target = Described(ULong(0x29), [address])
        source = Described(ULong(0x28), ["source"])
        return self.tell(Attach(f"link-{handle}", handle, SENDER, 0, 0, source, target, initial_delivery_count=0))

    def credit(self, credit: int, *, handle: int = 0, count: int = 0, incoming: int = 65536, seen: int = 0, **fields):
        """Grant link credit; returns what comes back."""
        return self.tell(Flow(seen, incoming, 0, 65536, handle, count, credit, **fields))

    def settle(self, first: int, state, *, last: int | None = None, settled: bool = False):
        """Send a disposition; returns what comes back."""
        return self.tell(Disposition(RECEIVER, first, last, settled, None if state is None else describe_state(state)))


SESSION_FILTER = Symbol("com.microsoft:session-filter")
URI = "amqps://localhost:5672/q"


def connected(rig: Rig | None = None, **options) -> tuple[Rig, RawClient]:
    """A rig and a client that has begun a session with it."""
    rig = rig or Rig()
    client = RawClient(rig.broker)
    client.connect(**options)
    return rig, client


def error_of(detach: Detach) -> Error:
    """The error a detach carries."""
    _, description, info = detach.error.value
    return Error(detach.error.value[0], description, info)
