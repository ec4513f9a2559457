"""Commands to the app itself: what has to happen now and not at the next timer.

They travel on the topic of user changes, to a subscription of their own. Repeats within a window collapse, and because
a command is due when its window has closed, none that was asked for can be lost to one that was carried out already.
A command carries a word, and the name of a target where it is meant for one alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from shared.core.messages import CONTROL, VERSION, Envelope, MalformedMessageError, Timing


class Command(StrEnum):
    """What can be asked for."""

    RENEW_SUBSCRIPTIONS = "renewSubscriptions"
    ROTATE_SUBSCRIPTIONS = "rotateSubscriptions"
    CATCH_UP = "catchUp"
    FULL_CYCLE = "fullCycle"


@dataclass(frozen=True, slots=True)
class Order:
    """A command, for one target or for all."""

    command: Command
    target: str | None = None


def command_envelope(order: Order, now: datetime, timing: Timing) -> Envelope:
    """Address a command; it is due as soon as the window is over."""
    seconds = timing.window.total_seconds()
    window = math.floor(now.timestamp() / seconds)
    fields: dict[str, object] = {"v": VERSION, "command": order.command} | (
        {"target": order.target} if order.target else {}
    )
    body = json.dumps(fields, separators=(",", ":"))
    due = datetime.fromtimestamp((window + 1) * seconds, UTC)
    return Envelope(f"{CONTROL}:{order.command}:{order.target or '*'}:{window}", body, due, CONTROL)


def decode_command(body: bytes) -> Order:
    """Read a command.

    Raises:
        MalformedMessageError: naming the field and what it should be.
    """
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedMessageError("the body is not JSON") from error
    if not isinstance(raw, dict) or raw.get("v") != VERSION:
        raise MalformedMessageError(f"the body must be a JSON object with v {VERSION}")
    target = raw.get("target")
    if target is not None and not isinstance(target, str):
        raise MalformedMessageError("target must be text")
    try:
        return Order(Command(str(raw.get("command"))), target)
    except ValueError as error:
        raise MalformedMessageError(str(error)) from error
