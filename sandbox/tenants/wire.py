"""What goes in and comes out of the simulated cloud, as plain values.

It exists so that the state machine can be mounted behind a socket or behind an HTTP client's
transport alike. No sockets, no framework types, no waiting here: what a transport has to do on the
side (delay, reset, call a webhook before the answer) is said as data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

JsonObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it left the client.

    `path` is still percent-encoded and starts with "/", `query` is without "?", header names are
    lower case, `base` is scheme and authority as the client addressed us: links are built on it.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = "https://localhost"


@dataclass(frozen=True, slots=True)
class Interference:
    """What a transport does to a response that a scripted fault touched."""

    delay_seconds: float = 0.0
    reset: bool = False  # close the connection instead of answering
    cut_body_at: int | None = None  # send this many bytes of the announced body, then close


UNTOUCHED = Interference()


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response, ready to be sent."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    interference: Interference = UNTOUCHED


@dataclass(frozen=True, slots=True)
class Validation:
    """One call of the handshake: POST `url` (the token is already in it), empty body, within 10 s."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class ValidationAnswer:
    """What the subscriber said to one validation call; `status` is None when there was no answer."""

    status: int | None
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class NeedsValidation:
    """The response depends on webhooks: perform `calls`, then give `resume` one answer for each."""

    calls: tuple[Validation, ...]
    resume: Callable[[Sequence[ValidationAnswer]], Response | NeedsValidation]


@dataclass(frozen=True, slots=True)
class Reply:
    """A handler's answer before it becomes bytes, so that a batch can nest it.

    `value` is a JSON value, or text when `text` says so, or None for an empty body.
    """

    status: int
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: bool = False


@dataclass(frozen=True, slots=True)
class PendingReply:
    """A handler's answer that waits for webhooks; the counterpart of `NeedsValidation`."""

    calls: tuple[Validation, ...]
    resume: Callable[[Sequence[ValidationAnswer]], Reply]


HandlerResult: TypeAlias = Reply | PendingReply
