"""Turns messages received by the Service Bus SDK into what the Functions host would hand to the worker.

The host sends bodies and metadata apart, the latter as arrays for a batch, and azure-functions puts them together
again; both halves are done as in the cloud, so a handler sees the same values, and the same gaps: the host
tells nothing of `locked_until`, time to live or the dead-letter reason. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.functions import meta
from azure.servicebus.amqp import AmqpMessageBodyType

from sandbox.host.converters import converter
from sandbox.host.triggers import BodyType

if TYPE_CHECKING:
    from collections.abc import Sequence

    import azure.functions as func
    from azure.servicebus import ServiceBusReceivedMessage

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Collection:
    """Stands for the repeated fields of the worker's protocol; the decoder reads the one that fits the type."""

    string: tuple[str, ...] = ()
    bytes: tuple[bytes, ...] = ()
    sint64: tuple[int, ...] = ()


def decode_one(message: ServiceBusReceivedMessage, body_type: BodyType) -> func.ServiceBusMessage:
    """Build the argument of a handler of cardinality one."""
    metadata = {
        "DeliveryCount": meta.Datum(_delivery_count(message), "int"),
        "SequenceNumber": meta.Datum(message.sequence_number, "int"),
        "ExpiresAtUtc": _as_json(_expires(message)),
        "EnqueuedTimeUtc": _as_json(_time(message.enqueued_time_utc)),
    }
    for name, values in _strings([message]).items():
        metadata[name] = meta.Datum(values[0], "string")
    properties = _as_json(application_properties(message))
    metadata["ApplicationProperties"] = metadata["UserProperties"] = properties
    body = body_bytes(message)
    match body_type:
        case BodyType.STRING:
            datum = meta.Datum(body.decode(errors="replace"), "string")
        case BodyType.BINARY:
            datum = meta.Datum(body, "bytes")
    decoded: func.ServiceBusMessage = converter("serviceBusTrigger").decode(datum, trigger_metadata=metadata)
    return decoded


def decode_many(messages: Sequence[ServiceBusReceivedMessage], body_type: BodyType) -> list[func.ServiceBusMessage]:
    """Build the argument of a handler of cardinality many."""
    metadata = {
        "DeliveryCountArray": _as_json([_delivery_count(message) for message in messages]),
        "SequenceNumberArray": meta.Datum(
            _Collection(sint64=tuple(message.sequence_number or 0 for message in messages)), "collection_sint64"
        ),
        "ExpiresAtUtcArray": _as_json([_expires(message) for message in messages]),
        "EnqueuedTimeUtcArray": _as_json([_time(message.enqueued_time_utc) for message in messages]),
    }
    for name, values in _strings(messages).items():
        metadata[f"{name}Array"] = meta.Datum(_Collection(string=tuple(values)), "collection_string")
    properties = _as_json([application_properties(message) for message in messages])
    metadata["ApplicationPropertiesArray"] = metadata["UserPropertiesArray"] = properties
    bodies = [body_bytes(message) for message in messages]
    match body_type:
        case BodyType.STRING:
            texts = tuple(body.decode(errors="replace") for body in bodies)
            datum = meta.Datum(_Collection(string=texts), "collection_string")
        case BodyType.BINARY:
            datum = meta.Datum(_Collection(bytes=tuple(bodies)), "collection_bytes")
    decoded: list[func.ServiceBusMessage] = converter("serviceBusTrigger").decode(datum, trigger_metadata=metadata)
    return decoded


def body_bytes(message: ServiceBusReceivedMessage) -> bytes:
    """Return a message's body as bytes. Raises ValueError for an AMQP sequence, which Functions cannot read."""
    body: Any = message.body
    match message.body_type:
        case AmqpMessageBodyType.DATA:
            return b"".join(body)
        case AmqpMessageBodyType.VALUE if body is None:
            return b""
        case AmqpMessageBodyType.VALUE:
            return body if isinstance(body, bytes) else str(body).encode()
        case other:
            raise ValueError(f"message {message.sequence_number} has a body of the type {other}")


def application_properties(message: ServiceBusReceivedMessage) -> dict[str, Any]:
    """Return the application properties as JSON can carry them; the SDK gives keys and strings as bytes."""
    properties: dict[Any, Any] = message.application_properties or {}
    return {_plain(key): _plain(value) for key, value in properties.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, datetime):
        return _time(value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _strings(messages: Sequence[ServiceBusReceivedMessage]) -> dict[str, list[str]]:
    """Return the textual metadata, a list per field, without the fields that no message fills.

    Where only some do, the others have "": the worker's protocol cannot carry a null within a list.
    """
    columns: dict[str, list[str | None]] = {
        "MessageId": [message.message_id for message in messages],
        "LockToken": [str(message.lock_token) for message in messages],
        "DeadLetterSource": [message.dead_letter_source for message in messages],
        "ContentType": [message.content_type for message in messages],
        "CorrelationId": [message.correlation_id for message in messages],
        "ReplyTo": [message.reply_to for message in messages],
        "To": [message.to for message in messages],
        "Subject": [message.subject for message in messages],
        "Label": [message.subject for message in messages],
        "SessionId": [message.session_id for message in messages],
        "ReplyToSessionId": [message.reply_to_session_id for message in messages],
        "PartitionKey": [message.partition_key for message in messages],
    }
    return {
        name: [str(value) if value is not None else "" for value in values]
        for name, values in columns.items()
        if any(values)
    }


def _delivery_count(message: ServiceBusReceivedMessage) -> int:
    """Return the count as the host's client tells it: this delivery included. Python's SDK counts earlier ones."""
    return (message.delivery_count or 0) + 1


def _expires(message: ServiceBusReceivedMessage) -> str | None:
    enqueued, lifetime = message.enqueued_time_utc, message.time_to_live
    if enqueued is None:
        return None
    if lifetime is None or lifetime >= _NEVER - enqueued.astimezone(UTC):
        return _time(_NEVER)
    return _time(enqueued + lifetime)


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _as_json(value: Any) -> meta.Datum:
    return meta.Datum(json.dumps(value), "json")
