"""The topic of user changes: sending hints, counting those that wait, and parking messages that nobody can read.

Receiving is the Functions host's work. Nothing here decides when a change is due; envelopes say so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from azure.servicebus import ServiceBusMessage, ServiceBusMessageState
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusError

from shared.bus.errors import BusUnavailableError
from shared.core.messages import POISON

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azure.core.credentials_async import AsyncTokenCredential
    from azure.servicebus import ServiceBusReceivedMessage

    from shared.core.messages import Envelope

_POISON_WAIT: Final = 5  # seconds for a parked message to come round to its subscription
_PEEK_WAIT: Final = 10  # seconds, retries included: a status goes out without the count rather than late

MOST_WAITING: Final = 250
"""Messages that Service Bus shows at a time, so a count of these means: as many or more."""


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """A message that nobody can read, where it lay, and why."""

    subscription: str
    message_id: str  # as its sender gave it: any text, or none
    body: bytes = field(repr=False)
    reason: str
    description: str


class UserChangesTopic:
    """Sends user changes. One connection, opened at first use and kept."""

    def __init__(
        self, client: ServiceBusClient, topic: str, traceparent: Callable[[], str | None] = lambda: None
    ) -> None:
        """`client` is closed with this object; `traceparent` says what is traced at the time of a send."""
        self._traceparent = traceparent
        self._client = client
        self._topic = topic
        self._sender = client.get_topic_sender(topic)
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[Sequence[ServiceBusMessage], asyncio.Future[None]]] = []

    async def send(self, envelopes: Sequence[Envelope]) -> None:
        """Send all of `envelopes`, each to be received when it is due.

        The SDK's sender serves one caller at a time, so those who come meanwhile are sent together by the next.

        Raises:
            BusUnavailableError: some may not have been taken; sending all again is harmless (duplicate detection).
        """
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        traceparent = self._traceparent()
        self._waiting.append(([_message(envelope, traceparent) for envelope in envelopes], sent))
        async with self._turn:
            if not sent.done():
                await self._send_waiting()
        await sent

    async def _send_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            await self._send([message for messages, _ in waiting for message in messages])
        except (ServiceBusError, OSError) as error:
            for _, sent in waiting:
                sent.set_exception(BusUnavailableError(type(error).__name__))
        else:
            for _, sent in waiting:
                sent.set_result(None)

    async def _send(self, messages: Sequence[ServiceBusMessage]) -> None:
        batch = await self._sender.create_message_batch()
        for message in messages:
            try:
                batch.add_message(message)
            except MessageSizeExceededError:
                await self._sender.send_messages(batch)
                batch = await self._sender.create_message_batch()
                batch.add_message(message)
        if len(batch):
            await self._sender.send_messages(batch)

    async def waiting(self, subscription: str) -> int:
        """How many messages are due in a subscription and not yet done, those at work included; MOST_WAITING at most.

        They are looked at where they lie, which the right to receive allows: none is locked, none counts as delivered.

        Raises:
            BusUnavailableError: nobody knows.
        """
        try:
            async with self._client.get_subscription_receiver(self._topic, subscription) as receiver:
                messages = await receiver.peek_messages(MOST_WAITING, timeout=_PEEK_WAIT)
        except (ServiceBusError, OSError) as error:
            raise BusUnavailableError(type(error).__name__) from error
        return sum(message.state is ServiceBusMessageState.ACTIVE for message in messages)

    async def park(self, poison: Sequence[PoisonMessage]) -> None:
        """Put messages into the dead-letter queue of the subscription `poison`, each with its reason.

        A trigger of the Functions host can only complete or abandon all that it was given. So the messages are
        sent on to a subscription that no function listens to, and dead-lettered there. Another worker that parks may
        have dead-lettered some of them; then the last seconds are waited for nothing.

        Raises:
            BusUnavailableError: some could not be parked; parking them again is harmless.
        """
        sent = [_poison_message(message) for message in poison]
        waiting = {message.message_id for message in sent}
        try:
            async with self._turn:
                await self._sender.send_messages(sent)
            receiver = self._client.get_subscription_receiver(self._topic, POISON, max_wait_time=_POISON_WAIT)
            async with receiver:
                async for parked in receiver:
                    await receiver.dead_letter_message(parked, **_why(parked))
                    waiting.discard(parked.message_id)
                    if not waiting:
                        return
        except (ServiceBusError, OSError) as error:
            raise BusUnavailableError(type(error).__name__) from error

    async def close(self) -> None:
        """Close the connection."""
        await self._sender.close()
        await self._client.close()


def open_topic(
    topic: str,
    *,
    connection_string: str | None,
    namespace: str | None,
    credential: AsyncTokenCredential | None,
    traceparent: Callable[[], str | None] = lambda: None,
) -> UserChangesTopic:
    """Open the topic: by connection string (the sandbox's bus), else by namespace and identity."""
    if connection_string is not None:
        client = ServiceBusClient.from_connection_string(connection_string)
    elif namespace is not None and credential is not None:
        client = ServiceBusClient(namespace, credential)
    else:
        raise ValueError("a connection string, or a namespace with a credential, is needed")
    return UserChangesTopic(client, topic, traceparent)


def _poison_message(poison: PoisonMessage) -> ServiceBusMessage:
    # Duplicate detection would drop the second copy of two targets, or another message whose sender gave no id.
    named = f"{poison.subscription}/{poison.message_id}/".encode() + poison.body
    return ServiceBusMessage(
        poison.body,
        message_id=f"{POISON}:{sha256(named).hexdigest()}",
        application_properties={"target": POISON, "reason": poison.reason, "description": poison.description},
    )


def _why(parked: ServiceBusReceivedMessage) -> dict[str, str]:
    """The reason that a parked message carries with it; other workers park here too."""
    properties = {_plain(name): _plain(value) for name, value in (parked.application_properties or {}).items()}
    return {"reason": properties.get("reason", POISON), "error_description": properties.get("description", "")}


def _plain(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _message(envelope: Envelope, traceparent: str | None) -> ServiceBusMessage:
    # The SDK would add a trace context of its own only where its tracing is on, which writes whole URLs into spans.
    properties = {"target": envelope.target, "traceparent": traceparent}
    return ServiceBusMessage(
        envelope.body,
        message_id=envelope.message_id,
        content_type="application/json",
        scheduled_enqueue_time_utc=envelope.due,
        application_properties={name: value for name, value in properties.items() if value is not None} or None,
    )
