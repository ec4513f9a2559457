"""Requests and responses over a pair of links, as ``$cbs`` and ``$management`` use them.

A response finds its way by the address the client named as its own: several pairs may share a connection. The
request's id comes back with its AMQP type, or the client never recognizes the answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from sandbox.bus.amqp.decode import decode
from sandbox.bus.amqp.encode import encode
from sandbox.bus.amqp.links import terminus_address
from sandbox.bus.amqp.outcomes import Accepted, Error, Rejected
from sandbox.bus.amqp.types import CodecError, Described, Int, Symbol, ULong

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.bus.amqp.links import IncomingLink, OutgoingLink
    from sandbox.bus.amqp.outcomes import DeliveryState

_PROPERTIES, _APPLICATION_PROPERTIES, _VALUE = 0x73, 0x74, 0x77


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks of a node."""

    message_id: Any
    reply_to: str | None
    fields: dict[Any, Any]
    body: Any


@dataclass(frozen=True, slots=True)
class Response:
    """What a node answers; ``condition`` where it refuses."""

    status: int
    description: str
    body: dict[str, Any] = field(default_factory=dict)
    condition: str | None = None


class Responders:
    """The response links of one connection, and answers that wait for credit on them."""

    def __init__(self) -> None:
        self._waiting: dict[OutgoingLink, deque[bytes]] = {}
        self._tags = count(1)

    def add(self, link: OutgoingLink) -> None:
        """A link on which the client takes answers."""
        self._waiting[link] = deque()

    def remove(self, link: OutgoingLink) -> None:
        """It is gone."""
        self._waiting.pop(link, None)

    def send(self, node: str | None, reply_to: str | None, answer: bytes) -> None:
        """Send an answer of a node; where no link of its is left, nobody waits for it."""
        links = [link for link in self._waiting if terminus_address(link.source) == node]
        named = [link for link in links if terminus_address(link.target) == reply_to]
        if named or links:
            chosen = (named or links)[-1]
            self._waiting[chosen].append(answer)
            self.pump(chosen)

    def pump(self, link: OutgoingLink) -> None:
        """Send what waits, as far as credit goes."""
        waiting = self._waiting.get(link, deque())
        while waiting and link.writable:
            link.send(next(self._tags).to_bytes(4, "big"), waiting.popleft())


class RequestNode:
    """Takes requests on a link and gives them to a handler; an ``IncomingNode``."""

    def __init__(self, handler: Callable[[Request], Response], responders: Responders, refusal: Error | None) -> None:
        self._handler = handler
        self._responders = responders
        self._refusal = refusal

    def open(self, link: IncomingLink) -> None:
        """Let the client ask."""
        if self._refusal is None:
            link.accept()
        else:
            link.refuse(self._refusal)

    def on_message(
        self, link: IncomingLink, payload: bytes, _message_format: int, settle: Callable[[DeliveryState], None]
    ) -> None:
        """Settle, then answer: a client may take a later settlement for that of another delivery."""
        try:
            request = read_request(payload)
        except CodecError as error:
            settle(Rejected(Error("amqp:decode-error", str(error))))
            return
        settle(Accepted())
        response = self._handler(request)
        self._responders.send(
            terminus_address(link.target), request.reply_to, write_response(request.message_id, response)
        )

    def on_closed(self, _link: IncomingLink) -> None:
        """Nothing is kept for it."""


class ResponseNode:
    """The other half; an ``OutgoingNode``."""

    def __init__(self, responders: Responders, refusal: Error | None) -> None:
        self._responders = responders
        self._refusal = refusal

    def open(self, link: OutgoingLink) -> None:
        """Let the client take answers."""
        if self._refusal is None:
            self._responders.add(link)
            link.accept()
        else:
            link.refuse(self._refusal)

    def on_credit(self, link: OutgoingLink) -> None:
        """Send what waits."""
        self._responders.pump(link)

    def on_settled(self, _link: OutgoingLink, _tag: bytes, state: DeliveryState) -> DeliveryState:
        """Answers are not kept; whatever the client says of one is confirmed."""
        return state

    def on_closed(self, link: OutgoingLink) -> None:
        """Take no more answers for it."""
        self._responders.remove(link)


def read_request(payload: bytes) -> Request:
    """A request's parts.

    :raises CodecError: the bytes are no message
    """
    sections: dict[int, Any] = {}
    at = 0
    while at < len(payload):
        section, at = decode(payload, at)
        if not isinstance(section, Described) or not isinstance(section.descriptor, int):
            raise CodecError("a message's section has no descriptor")
        sections[section.descriptor] = section.value
    properties = sections.get(_PROPERTIES)
    properties = [*(properties if isinstance(properties, list) else []), *[None] * 6]
    fields = sections.get(_APPLICATION_PROPERTIES)
    reply_to = properties[4] if isinstance(properties[4], str) else None
    return Request(properties[0], reply_to, fields if isinstance(fields, dict) else {}, sections.get(_VALUE))


def write_response(correlation_id: Any, response: Response) -> bytes:
    """A response's bytes. Both nodes' spellings of the status are there, so one form serves both."""
    fields: dict[str, Any] = {
        "statusCode": Int(response.status),
        "status-code": Int(response.status),
        "statusDescription": response.description,
        "status-description": response.description,
    }
    if response.condition is not None:
        fields["errorCondition"] = Symbol(response.condition)
    properties = [*[None] * 5, correlation_id, *[None] * 7]
    return (
        encode(Described(ULong(_PROPERTIES), properties))
        + encode(Described(ULong(_APPLICATION_PROPERTIES), fields))
        + encode(Described(ULong(_VALUE), response.body))
    )
