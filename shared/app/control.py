"""control: commands that came over the topic, each carried out by the use case it names.

Sent where something cannot wait for its timer: Graph says that notifications were missed, a subscription had to be
made anew, the rules changed, or a person asks for a cycle.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, assert_never

from shared.app.catch_up import catch_up
from shared.app.full_cycle import full_cycle
from shared.app.subscriptions import keep_subscriptions
from shared.bus.topic import PoisonMessage
from shared.core.commands import Command, decode_command
from shared.core.messages import CONTROL, MalformedMessageError

if TYPE_CHECKING:
    from shared.app.parts import Parts

_logger = logging.getLogger(__name__)


async def control(parts: Parts, message_id: str, body: bytes) -> None:
    """Carry out one command.

    Raises:
        StoreError, BusUnavailableError, LeaseLostError: it has to come again.
    """
    try:
        order = decode_command(body)
    except MalformedMessageError as error:
        _logger.warning("a command cannot be read and is dead-lettered: %s", error)
        await parts.topic.park([PoisonMessage(CONTROL, message_id, body, "MalformedCommand", str(error))])
        return
    if order.target is not None and order.target not in parts.targets:
        _logger.warning("a command for %s is of no use: there is no such target any more", order.target)
        return
    match order.command:
        case Command.RENEW_SUBSCRIPTIONS:
            await keep_subscriptions(parts, renew=True)
        case Command.ROTATE_SUBSCRIPTIONS:
            await keep_subscriptions(parts, rotate=True)
        case Command.CATCH_UP:
            await catch_up(parts)
        case Command.FULL_CYCLE:
            await full_cycle(parts, None if order.target is None else {order.target})
        case _:
            assert_never(order.command)
