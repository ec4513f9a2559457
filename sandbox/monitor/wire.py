"""What comes in and goes out of the monitor, as plain values: no sockets, no framework types."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class BodyRefusedError(ValueError):
    """A body could not be read; the text says why."""


class BodyTooLargeError(ValueError):
    """A body is larger than allowed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` is decoded, header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response; `drop` closes the connection instead of sending it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a JSON body."""
    body = json.dumps(value, ensure_ascii=False, default=str).encode()
    return Response(status, {"Content-Type": "application/json", **(headers or {})}, body)


def plain_body(request: Request, largest: int) -> bytes:
    """The body without its gzip.

    Raises:
        BodyTooLargeError: it is larger than `largest` bytes, packed or not.
        BodyRefusedError: it is no gzip though its header says so.
    """
    body = request.body
    if len(body) > largest:
        raise BodyTooLargeError
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise BodyRefusedError(f"the content encoding {encoding} is not supported")
    try:
        # Never unpacks more than it may: a small body can hold a very large one.
        unpacked = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, largest + 1)
    except zlib.error as error:
        raise BodyRefusedError("the body is no gzip") from error
    if len(unpacked) > largest:
        raise BodyTooLargeError
    return unpacked
