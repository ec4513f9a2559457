"""Commands to the app itself: what has to happen now and not at the next timer.

They travel on the topic of user changes, to a subscription of their own, and repeats within a minute collapse. A
command carries a word and nothing else.
"""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from shared.core.messages import CONTROL, VERSION, Envelope, MalformedMessageError

if TYPE_CHECKING:
    from datetime import datetime

_WINDOW: Final = 60  # seconds


class Command(StrEnum):
    """What can be asked for."""

    RENEW_SUBSCRIPTIONS = "renewSubscriptions"
    CATCH_UP = "catchUp"
    FULL_CYCLE = "fullCycle"


def command_envelope(command: Command, now: datetime) -> Envelope:
    """Address a command; it is due at once."""
    window = math.floor(now.timestamp() / _WINDOW)
    body = json.dumps({"v": VERSION, "command": command}, separators=(",", ":"))
    return Envelope(f"{CONTROL}:{command}:{window}", body, now, CONTROL)


def decode_command(body: bytes) -> Command:
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
    try:
        return Command(str(raw.get("command")))
    except ValueError as error:
        raise MalformedMessageError(str(error)) from error
