"""Listens on one queue or subscription and runs one function on what arrives, under peek-lock.

Batches: one invocation at a time, all messages completed when it returns, all abandoned at once when it raises, no
lock is renewed. Single messages: up to maxConcurrentCalls at a time, settled one by one. At a stop nothing more is
begun, and what runs may end and be settled: the connection stays open for it, as in drain mode. What goes wrong between
this host and the bus is logged and tried again with growing pauses; the function meanwhile just never fires, as
in Azure, and only the listener's state tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import MessageLockLostError

from sandbox.host.invocation import Failed, Succeeded
from sandbox.host.servicebus_messages import decode_many, decode_one
from sandbox.host.settings import ConnectionString, NamespaceIdentity
from sandbox.host.triggers import Cardinality, QueueEntity, SubscriptionEntity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from azure.servicebus import ServiceBusReceivedMessage
    from azure.servicebus.aio import ServiceBusReceiver

    from sandbox.host.host_json import ServiceBusOptions
    from sandbox.host.index import IndexedFunction
    from sandbox.host.invocation import Invoker
    from sandbox.host.triggers import ServiceBusTrigger

_LOGGER = logging.getLogger("Host.Triggers.ServiceBus")
_IDLE_WAIT_SECONDS = 1.0  # one receive call on a quiet entity; also how late a stop may be noticed
_BUSY_WAIT_SECONDS = 0.1  # the same while single messages are being worked on and wait to be settled
_SETTLE_TOGETHER = 100  # the SDK walks all pending settlements at each answer, so a larger group is slower


class ListenerState(StrEnum):
    """How a listener fares."""

    STARTING = "starting"
    RUNNING = "running"
    FAILING = "failing"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ReconnectDelay:
    """Pauses between attempts to reach the bus, in seconds: doubling from `first` up to `longest`."""

    first: float = 0.5
    longest: float = 30.0

    def after(self, failures: int) -> float:
        """Return the pause after the given number of failures in a row, counted from 1."""
        return float(min(self.longest, self.first * 2 ** min(failures - 1, 16)))


class ServiceBusListener:
    """One trigger's listener. `state` and `last_error` tell how it fares."""

    def __init__(
        self,
        function: IndexedFunction,
        trigger: ServiceBusTrigger,
        *,
        options: ServiceBusOptions,
        invoker: Invoker,
        delay: ReconnectDelay,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._options = options
        self._invoker = invoker
        self._delay = delay
        self._receiver_in_use = asyncio.Lock()
        self.state = ListenerState.STARTING
        self.last_error: str | None = None
        self.first_attempt_done = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until `stopping`, through any number of lost connections."""
        failures = 0
        try:
            while not stopping.is_set():
                try:
                    async with AsyncExitStack() as stack:
                        receiver = await self._open(stack)
                        failures = 0
                        self.state, self.last_error = ListenerState.RUNNING, None
                        self.first_attempt_done.set()
                        await self._pump(receiver, stopping)
                except Exception as error:  # noqa: BLE001  the listener's edge: the host outlives its bus
                    failures += 1
                    self._note_failure(error)
                    await _first(stopping, self._delay.after(failures))
        finally:
            self.state = ListenerState.STOPPED
            self.first_attempt_done.set()

    def _note_failure(self, error: Exception) -> None:
        self.state = ListenerState.FAILING
        self.last_error = f"{type(error).__name__}: {error}"
        self.first_attempt_done.set()
        _LOGGER.error(
            "The listener for function 'Functions.%s' was unable to start or was lost (%s): %s",
            self._function.name,
            self._trigger.entity,
            self.last_error,
        )

    async def _open(self, stack: AsyncExitStack) -> ServiceBusReceiver:
        match self._trigger.connection:
            case ConnectionString(value):
                client = ServiceBusClient.from_connection_string(value, retry_total=0)
            case NamespaceIdentity(namespace, client_id):
                from azure.identity.aio import (  # noqa: PLC0415  half a second that the sandbox's own bus never needs
                    DefaultAzureCredential,
                    ManagedIdentityCredential,
                )

                credential: DefaultAzureCredential | ManagedIdentityCredential = (
                    ManagedIdentityCredential(client_id=client_id) if client_id else DefaultAzureCredential()
                )
                await stack.enter_async_context(credential)
                client = ServiceBusClient(namespace, credential, retry_total=0)
        await stack.enter_async_context(client)
        prefetch = self._options.prefetch_count
        match self._trigger.entity:
            case QueueEntity(queue):
                receiver = client.get_queue_receiver(queue, prefetch_count=prefetch)
            case SubscriptionEntity(topic, subscription):
                receiver = client.get_subscription_receiver(topic, subscription, prefetch_count=prefetch)
        return await stack.enter_async_context(receiver)

    async def _pump(self, receiver: ServiceBusReceiver, stopping: asyncio.Event) -> None:
        match self._trigger.cardinality:
            case Cardinality.MANY:
                while not stopping.is_set():
                    batch = await self._receive_batch(receiver, stopping)
                    if await self._came_too_late(receiver, batch, stopping):
                        return
                    if batch:
                        await self._run(receiver, batch)
            case Cardinality.ONE:
                await self._pump_singly(receiver, stopping)

    async def _came_too_late(
        self, receiver: ServiceBusReceiver, messages: Sequence[ServiceBusReceivedMessage], stopping: asyncio.Event
    ) -> bool:
        """Whether the host stops; what was received meanwhile is given back, and nothing more is begun."""
        if stopping.is_set() and messages:
            await self._settle("abandon", receiver.abandon_message, messages)
        return stopping.is_set()

    async def _receive_batch(
        self, receiver: ServiceBusReceiver, stopping: asyncio.Event
    ) -> list[ServiceBusReceivedMessage]:
        """Receive a batch: what is there, or more within maxBatchWaitTime where a minimum is asked for."""
        most, least = self._options.max_message_batch_size, self._options.min_message_batch_size
        loop = asyncio.get_running_loop()
        batch = await receiver.receive_messages(max_message_count=most, max_wait_time=_IDLE_WAIT_SECONDS)
        deadline = loop.time() + self._options.max_batch_wait_time.total_seconds()
        while batch and len(batch) < least and not stopping.is_set() and (left := deadline - loop.time()) > 0:
            batch += await receiver.receive_messages(
                max_message_count=most - len(batch), max_wait_time=min(left, _IDLE_WAIT_SECONDS)
            )
        return batch

    async def _pump_singly(self, receiver: ServiceBusReceiver, stopping: asyncio.Event) -> None:
        running: set[asyncio.Task[None]] = set()
        try:
            while not stopping.is_set():
                room = self._options.max_concurrent_calls - len(running)
                if room == 0:
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    continue
                wait = _BUSY_WAIT_SECONDS if running else _IDLE_WAIT_SECONDS
                async with self._receiver_in_use:
                    messages = await receiver.receive_messages(max_message_count=room, max_wait_time=wait)
                if await self._came_too_late(receiver, messages, stopping):
                    return
                for message in messages:
                    task = asyncio.create_task(self._run(receiver, [message]))
                    running.add(task)
                    task.add_done_callback(running.discard)
        except asyncio.CancelledError:
            for task in running:
                task.cancel()
            raise
        finally:
            await _all_ended(running)

    async def _run(self, receiver: ServiceBusReceiver, messages: Sequence[ServiceBusReceivedMessage]) -> None:
        """Invoke the function on `messages` and settle them by its outcome."""

        def argument() -> Any:
            match self._trigger.cardinality:
                case Cardinality.MANY:
                    return decode_many(messages, self._trigger.body_type)
                case Cardinality.ONE:
                    return decode_one(messages[0], self._trigger.body_type)

        reason = f"New Service Bus message(s) on '{self._trigger.entity}': {len(messages)}"
        try:
            outcome = await self._invoker.invoke(self._function, argument, reason=reason)
        except asyncio.CancelledError:
            await self._settle("abandon", receiver.abandon_message, messages)
            raise
        if not self._trigger.auto_complete:
            return
        match outcome:
            case Succeeded():
                await self._settle("complete", receiver.complete_message, messages)
            case Failed():
                await self._settle("abandon", receiver.abandon_message, messages)

    async def _settle(
        self,
        name: str,
        settle: Callable[[ServiceBusReceivedMessage], Awaitable[None]],
        messages: Sequence[ServiceBusReceivedMessage],
    ) -> None:
        """Settle messages side by side. What cannot be settled is logged; the bus delivers it again."""
        failed: Counter[str] = Counter()
        async with self._receiver_in_use:
            for start in range(0, len(messages), _SETTLE_TOGETHER):
                group = messages[start : start + _SETTLE_TOGETHER]
                results = await asyncio.gather(*(settle(message) for message in group), return_exceptions=True)
                failed.update(type(result).__name__ for result in results if isinstance(result, Exception))
        if locks := failed.pop(MessageLockLostError.__name__, 0):
            _LOGGER.warning(
                "Message lock lost: %s of %d messages of 'Functions.%s' could not be settled (%s) in time",
                locks,
                len(messages),
                self._function.name,
                name,
            )
        for error, count in failed.items():
            _LOGGER.error(
                "%s: %d of %d messages of 'Functions.%s' could not be settled (%s)",
                error,
                count,
                len(messages),
                self._function.name,
                name,
            )


async def _first(stopping: asyncio.Event, seconds: float) -> None:
    """Wait for the host's stop, at most some seconds."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


async def _all_ended(tasks: set[asyncio.Task[None]]) -> None:
    """Wait for the tasks; if cancelled meanwhile, for their own clean end too."""
    pending = list(tasks)
    try:
        await asyncio.gather(*pending, return_exceptions=True)
    except asyncio.CancelledError:
        await asyncio.gather(*pending, return_exceptions=True)
        raise
