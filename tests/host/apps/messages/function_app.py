"""Service Bus functions, a batch and a single one, that report what they were given and fail on request."""

import asyncio
import logging
import os
from typing import List

import azure.functions as func

app = func.FunctionApp()
batches: "asyncio.Queue[list[func.ServiceBusMessage]]" = asyncio.Queue()
singles: "asyncio.Queue[func.ServiceBusMessage]" = asyncio.Queue()
unsettled: "asyncio.Queue[func.ServiceBusMessage]" = asyncio.Queue()
may_end = asyncio.Event()
if "HOLD_BATCHES" not in os.environ:
    may_end.set()


class Counts:
    """What the test sets and reads."""

    failures_left = 0
    running = 0
    most_running = 0


@app.service_bus_topic_trigger(
    arg_name="messages",
    topic_name="user-changes",
    subscription_name="%EMEA_SUBSCRIPTION%",
    connection="ServiceBusConnection",
    cardinality="many",
)
async def provision_emea(messages: List[func.ServiceBusMessage]) -> None:
    """Report a batch, wait while told to, then fail as often as told to."""
    Counts.running += 1
    Counts.most_running = max(Counts.most_running, Counts.running)
    await batches.put(messages)
    logging.getLogger("app").info("a line of the app")
    try:
        await may_end.wait()
    finally:
        Counts.running -= 1
    if Counts.failures_left:
        Counts.failures_left -= 1
        raise RuntimeError("the batch failed")


@app.service_bus_queue_trigger(arg_name="message", queue_name="singles", connection="ServiceBusConnection")
async def single(message: func.ServiceBusMessage) -> None:
    """Report a message."""
    await singles.put(message)


@app.service_bus_topic_trigger(
    arg_name="messages",
    topic_name="user-changes",
    subscription_name="nobody-made-this",
    connection="ServiceBusConnection",
    cardinality="many",
)
async def provision_nowhere(messages: List[func.ServiceBusMessage]) -> None:
    """Never run: its subscription does not exist."""
    await batches.put(messages)


@app.service_bus_queue_trigger(
    arg_name="message", queue_name="kept", connection="ServiceBusConnection", auto_complete_messages=False
)
async def keeping(message: func.ServiceBusMessage) -> None:
    """Report a message, which nobody settles."""
    await unsettled.put(message)
