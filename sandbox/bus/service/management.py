"""The ``$management`` node of an entity: what is asked about messages rather than sent or received.

Responses have the shapes the SDKs expect to the letter: a map where a map is expected even when it says nothing,
204 where a list would be empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sandbox.bus.amqp.types import Array, CodecError, Int, Symbol, Timestamp
from sandbox.bus.broker.errors import BusError, Reason
from sandbox.bus.broker.message import Message
from sandbox.bus.broker.records import ReceiveMode
from sandbox.bus.service.deliveries import encode_delivery, to_milliseconds
from sandbox.bus.service.requests import Request, Response

if TYPE_CHECKING:
    from sandbox.bus.broker.broker import Broker
    from sandbox.bus.broker.records import Delivery
    from sandbox.bus.broker.sessions import SessionHold
    from sandbox.bus.service.client import Client

_PREFIX = "com.microsoft:"
# What clients send for "no time": .NET's DateTime.MaxValue, in milliseconds, rounded.
_NO_TIME = 253_402_300_800_000
_NO_CONTENT = Response(204, "No Content")
_MOST_PEEKED = 250


class ManagementNode:
    """Handles the operations of one entity for one client."""

    def __init__(self, broker: Broker, path: str, client: Client) -> None:
        self._broker = broker
        self._path = path
        self._client = client
        self._operations = {
            "renew-lock": self._renew_lock,
            "renew-session-lock": self._renew_session_lock,
            "get-session-state": self._get_session_state,
            "set-session-state": self._set_session_state,
            "peek-message": self._peek,
            "schedule-message": self._schedule,
            "cancel-scheduled-message": self._cancel_scheduled,
            "receive-by-sequence-number": self._receive_deferred,
            "update-disposition": self._update_disposition,
            "get-message-sessions": self._get_sessions,
        }

    def handle(self, request: Request) -> Response:
        """The response to any request; what is malformed or unknown is answered, never raised."""
        name = str(request.fields.get("operation", "")).removeprefix(_PREFIX)
        operation = self._operations.get(name)
        body = request.body if isinstance(request.body, dict) else {}
        if operation is None:
            reason = Reason.NOT_IMPLEMENTED
            return Response(reason.status, f"the operation {name} is not supported", condition=reason.condition)
        try:
            return operation(body)
        except BusError as error:
            return Response(error.reason.status, error.description, condition=error.reason.condition)
        except CodecError as error:
            return Response(400, str(error), condition="amqp:decode-error")

    # Messages

    def _renew_lock(self, body: dict[Any, Any]) -> Response:
        ends = [self._broker.renew_lock(self._path, token) for token in _tokens(body)]
        return _done({"expirations": Array(tuple(to_milliseconds(end) for end in ends))})

    def _peek(self, body: dict[Any, Any]) -> Response:
        found = self._broker.peek(
            self._path,
            _integer(body, "from-sequence-number"),
            min(_integer(body, "message-count"), _MOST_PEEKED),
            session_id=_text(body, "session-id"),
        )
        return (
            _done({"messages": [{"message": encode_delivery(delivery)} for delivery in found]})
            if found
            else _NO_CONTENT
        )

    def _schedule(self, body: dict[Any, Any]) -> Response:
        entries = body.get("messages")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise BusError(Reason.INVALID_FIELD, "messages is not a list of maps")
        messages = []
        for entry in entries:
            encoded = entry.get("message")
            if not isinstance(encoded, bytes):
                raise BusError(Reason.INVALID_FIELD, "a message is not binary")
            messages.append(Message.parse(encoded, self._broker.new_id))
        return _done({"sequence-numbers": Array(tuple(self._broker.schedule(self._path, messages)))})

    def _cancel_scheduled(self, body: dict[Any, Any]) -> Response:
        self._broker.cancel_scheduled(self._path, _numbers(body))
        return _done({})

    def _receive_deferred(self, body: dict[Any, Any]) -> Response:
        # 0 settles on receipt, 1 locks.
        settles = body.get("receiver-settle-mode") == 0
        deliveries = self._broker.receive_deferred(
            self._path,
            _numbers(body),
            mode=ReceiveMode.RECEIVE_AND_DELETE if settles else ReceiveMode.PEEK_LOCK,
            hold=self._hold(body),
        )
        return _done({"messages": [_locked_entry(delivery) for delivery in deliveries]})

    def _update_disposition(self, body: dict[Any, Any]) -> Response:
        status = body.get("disposition-status")
        for token in _tokens(body):
            match status:
                case "completed":
                    self._broker.complete(self._path, token)
                case "abandoned":
                    self._broker.abandon(self._path, token)
                case "defered":  # the service's own spelling
                    self._broker.defer(self._path, token)
                case "suspended":
                    reason, description = _text(body, "deadletter-reason"), _text(body, "deadletter-description")
                    self._broker.dead_letter(self._path, token, reason, description)
                case _:
                    raise BusError(Reason.INVALID_FIELD, "disposition-status is none of the four known")
        return _done({})

    # Sessions

    def _hold(self, body: dict[Any, Any]) -> SessionHold | None:
        return self._client.hold(self._path, body.get("session-id"))

    def _renew_session_lock(self, body: dict[Any, Any]) -> Response:
        return _done({"expiration": to_milliseconds(self._broker.renew_session(self._path, self._hold(body)))})

    def _get_session_state(self, body: dict[Any, Any]) -> Response:
        return _done({"session-state": self._broker.session_state(self._path, self._hold(body))})

    def _set_session_state(self, body: dict[Any, Any]) -> Response:
        state = body.get("session-state")
        if state is not None and not isinstance(state, bytes):
            raise BusError(Reason.INVALID_FIELD, "session-state is neither binary nor null")
        self._broker.set_session_state(self._path, self._hold(body), state)
        return _done({})

    def _get_sessions(self, body: dict[Any, Any]) -> Response:
        since = body.get("last-updated-time")
        changed_since = since / 1000 if isinstance(since, Timestamp) and since < _NO_TIME else None
        skip = _integer(body, "skip")
        names = self._broker.session_names(self._path, changed_since)[skip : skip + _integer(body, "top")]
        if not names:
            return _NO_CONTENT
        return _done({"skip": Int(skip), "sessions-ids": Array(tuple(names))})


def _done(body: dict[str, Any]) -> Response:
    return Response(200, "OK", body)


def _locked_entry(delivery: Delivery) -> dict[str, Any]:
    entry: dict[str, Any] = {"message": encode_delivery(delivery)}
    if delivery.lock_token is not None:
        entry["lock-token"] = delivery.lock_token
    return entry


def _items(body: dict[Any, Any], name: str) -> list[Any]:
    value = body.get(name)
    if isinstance(value, Array):
        return list(value.items)
    if isinstance(value, list):
        return value
    raise BusError(Reason.INVALID_FIELD, f"{name} is not an array")


def _tokens(body: dict[Any, Any]) -> list[UUID]:
    items = _items(body, "lock-tokens")
    if not all(isinstance(item, UUID) for item in items):
        raise BusError(Reason.INVALID_FIELD, "a lock token is not a uuid")
    return items


def _numbers(body: dict[Any, Any]) -> list[int]:
    items = _items(body, "sequence-numbers")
    if not all(isinstance(item, int) for item in items):
        raise BusError(Reason.INVALID_FIELD, "a sequence number is not a number")
    return items


def _integer(body: dict[Any, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or value < 0:
        raise BusError(Reason.INVALID_FIELD, f"{name} is not a number from 0 on")
    return int(value)


def _text(body: dict[Any, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and not isinstance(value, Symbol) else None
