"""Frames: the length-prefixed units both sides exchange once protocols are agreed.

Bytes arrive in any pieces; they leave as whole frames, or the stream is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
AMQP_FRAME = 0
SASL_FRAME = 1

_HEADER = struct.Struct(">IBBH")
_COMPACT_AT = 65536


class FramingError(ValueError):
    """The bytes are not frames, or one is larger than was agreed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame's type, channel and body; an empty body only keeps a connection alive."""

    kind: int
    channel: int
    body: bytes


class FrameInbox:
    """Collects received bytes and cuts them into protocol headers and frames."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._at = 0

    def push(self, data: bytes) -> None:
        """Add what a socket delivered."""
        if self._at > _COMPACT_AT or self._at == len(self._bytes):
            del self._bytes[: self._at]
            self._at = 0
        self._bytes += data

    def take_header(self) -> bytes | None:
        """The next eight bytes, or ``None`` until they are there."""
        if len(self._bytes) - self._at < 8:
            return None
        header = bytes(self._bytes[self._at : self._at + 8])
        self._at += 8
        return header

    def take_frame(self, max_size: int) -> Frame | None:
        """The next frame, or ``None`` until all of it is there.

        :raises FramingError: it is larger than ``max_size`` bytes, or its header contradicts itself
        """
        available = len(self._bytes) - self._at
        if available < 8:
            return None
        size, offset, kind, channel = _HEADER.unpack_from(self._bytes, self._at)
        if size > max_size:
            raise FramingError(f"a frame of {size} bytes is larger than the {max_size} agreed")
        if offset < 2 or offset * 4 > size:
            raise FramingError("a frame's data offset is outside the frame")
        if available < size:
            return None
        body = bytes(self._bytes[self._at + offset * 4 : self._at + size])
        self._at += size
        return Frame(kind, channel, body)


def frame(channel: int, body: bytes, payload: bytes = b"", *, kind: int = AMQP_FRAME) -> bytes:
    """A frame's bytes; no body at all makes a heartbeat."""
    return _HEADER.pack(8 + len(body) + len(payload), 2, kind, channel) + body + payload
