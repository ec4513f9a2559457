"""A message as the broker keeps it: the sender's bytes untouched, and what routing needs to know of them.

The bare message (properties, application properties, body) travels as bytes from sender to receiver; decoding and
encoding it again would lose the types its fields had. Only header and annotations are the broker's to write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sandbox.bus.amqp.decode import decode, skip
from sandbox.bus.amqp.encode import encode
from sandbox.bus.amqp.types import CodecError, Described, Symbol, Timestamp, ULong

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HEADER, DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, PROPERTIES, APPLICATION_PROPERTIES = range(0x70, 0x75)
DATA, SEQUENCE, VALUE, FOOTER = range(0x75, 0x79)
_PROPERTY_COUNT = 13
SCHEDULED_TIME = Symbol("x-opt-scheduled-enqueue-time")


@dataclass(frozen=True, slots=True)
class Message:
    """A message: what was sent, and the parts of it that the broker reads. Durations in seconds."""

    bare: bytes
    message_id: Any
    session_id: str | None = None
    time_to_live: float | None = None
    scheduled_at: float | None = None
    annotations: Mapping[Any, Any] = field(default_factory=dict)

    @property
    def properties(self) -> list[Any]:
        """The thirteen standard properties, in AMQP's order, ``None`` for those not set."""
        value = _find(self.bare, PROPERTIES)
        return _padded(value if isinstance(value, list) else [])

    @property
    def application_properties(self) -> dict[str, Any]:
        """The sender's own properties."""
        value = _find(self.bare, APPLICATION_PROPERTIES)
        return value if isinstance(value, dict) else {}

    @property
    def body(self) -> bytes:
        """The data sections, joined; empty where the body is a value or a sequence."""
        found = [value for code, value in _decoded(self.bare) if code == DATA and isinstance(value, bytes)]
        return b"".join(found)

    @classmethod
    def build(
        cls,
        body: bytes,
        *,
        message_id: str,
        session_id: str | None = None,
        subject: str | None = None,
        correlation_id: str | None = None,
        application_properties: Mapping[str, Any] | None = None,
        time_to_live: float | None = None,
        scheduled_at: float | None = None,
    ) -> Message:
        """A message for use in one process with the broker, without a client."""
        properties = [message_id, None, None, subject, None, correlation_id, *[None] * 4, session_id, None, None]
        bare = _section(PROPERTIES, properties)
        if application_properties:
            bare += _section(APPLICATION_PROPERTIES, dict(application_properties))
        bare += _section(DATA, body)
        annotations = {} if scheduled_at is None else {SCHEDULED_TIME: Timestamp(round(scheduled_at * 1000))}
        return cls(bare, message_id, session_id, time_to_live, scheduled_at, annotations)

    @classmethod
    def parse(cls, encoded: bytes, new_id: Callable[[], UUID]) -> Message:
        """A message from the wire; one without an id is given one, because clients expect it.

        :raises CodecError: the bytes are no message
        """
        time_to_live: float | None = None
        annotations: dict[Any, Any] = {}
        properties: list[Any] | None = None
        bare_sections: list[bytes] = []
        for code, start, end in _sections(encoded):
            match code:
                case 0x70:
                    time_to_live = _time_to_live(_read(encoded, start))
                case 0x71:
                    pass
                case 0x72:
                    value = _read(encoded, start)
                    annotations = value if isinstance(value, dict) else {}
                case 0x73:
                    value = _read(encoded, start)
                    if not isinstance(value, list) or len(value) > _PROPERTY_COUNT:
                        raise CodecError("a message's properties are not a list of at most thirteen")
                    properties = _padded(value)
                    bare_sections.append(encoded[start:end])
                case _:
                    bare_sections.append(encoded[start:end])
        if properties is None:
            properties = _padded([])
            bare_sections.insert(0, b"")
        if not isinstance(properties[0], str | int | UUID | bytes | None):
            raise CodecError("a message id is none of AMQP's kinds of id")
        if properties[0] is None or properties[0] == "":
            properties[0] = str(new_id())
            bare_sections[0] = _section(PROPERTIES, properties)
        scheduled = annotations.get(SCHEDULED_TIME)
        group = properties[10]
        return cls(
            b"".join(bare_sections),
            properties[0],
            group if isinstance(group, str) else None,
            time_to_live,
            scheduled / 1000 if isinstance(scheduled, int) else None,
            annotations,
        )

    def with_application_properties(self, added: Mapping[str, str]) -> Message:
        """The same message with properties added; those it had keep their bytes, equal names are replaced."""
        if not added:
            return self
        parts: list[bytes] = []
        pairs: list[tuple[bytes, bytes]] = []
        at = 0
        for code, start, end in _sections(self.bare):
            if code == PROPERTIES:
                at = len(parts) + 1
            if code == APPLICATION_PROPERTIES:
                at = len(parts)
                pairs = [pair for key, pair in _map_pairs(self.bare, start) if key not in added]
            else:
                parts.append(self.bare[start:end])
        pairs += [(encode(key), encode(value)) for key, value in added.items()]
        parts.insert(at, _described_map(APPLICATION_PROPERTIES, pairs))
        return Message(
            b"".join(parts), self.message_id, self.session_id, self.time_to_live, self.scheduled_at, self.annotations
        )


def split_batch(envelope: bytes, new_id: Callable[[], UUID]) -> list[Message]:
    """The messages of a batch, each a data section of the envelope, whose own properties mean nothing.

    :raises CodecError: the bytes are no batch
    """
    return [
        Message.parse(value, new_id) for code, value in _decoded(envelope) if code == DATA and isinstance(value, bytes)
    ]


def _time_to_live(header: Any) -> float | None:
    if isinstance(header, list) and len(header) > 2 and isinstance(header[2], int):
        return header[2] / 1000
    return None


def _sections(encoded: bytes) -> list[tuple[int, int, int]]:
    """Each section's code, start and end."""
    found = []
    at = 0
    while at < len(encoded):
        if encoded[at] != 0x00:
            raise CodecError("a message's section has no descriptor")
        descriptor, value_at = decode(encoded, at + 1)
        if not isinstance(descriptor, ULong) or not HEADER <= descriptor <= FOOTER:
            raise CodecError("a message has an unknown section")
        end = skip(encoded, value_at)
        found.append((int(descriptor), at, end))
        at = end
    return found


def _read(encoded: bytes, start: int) -> Any:
    return decode(encoded, start)[0].value


def _decoded(encoded: bytes) -> list[tuple[int, Any]]:
    return [(code, _read(encoded, start)) for code, start, _ in _sections(encoded)]


def _find(encoded: bytes, wanted: int) -> Any:
    for code, start, _ in _sections(encoded):
        if code == wanted:
            return _read(encoded, start)
    return None


def _section(code: int, value: Any) -> bytes:
    return encode(Described(ULong(code), value))


def _padded(properties: list[Any]) -> list[Any]:
    return properties + [None] * (_PROPERTY_COUNT - len(properties))


def _map_pairs(encoded: bytes, section_at: int) -> list[tuple[Any, tuple[bytes, bytes]]]:
    """The pairs of a map section as bytes, with their keys decoded."""
    at = skip(encoded, section_at + 1)
    end = skip(encoded, at)
    if encoded[at] not in {0xC1, 0xD1}:
        raise CodecError("application properties are not a map")
    at += 3 if encoded[at] == 0xC1 else 9
    pairs = []
    while at < end:
        key, value_at = decode(encoded, at)
        next_at = skip(encoded, value_at)
        pairs.append((key, (encoded[at:value_at], encoded[value_at:next_at])))
        at = next_at
    return pairs


def _described_map(code: int, pairs: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(key + value for key, value in pairs)
    size = (len(body) + 4).to_bytes(4, "big")
    return bytes((0x00, 0x53, code, 0xD1)) + size + (2 * len(pairs)).to_bytes(4, "big") + body
