"""control: commands that came over the topic, each carried out by the use case it names.

Sent where something cannot wait for its timer: Graph says that notifications were missed, a subscription had to be
made anew, the rules changed, or a person asks for a cycle.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from shared.app.catch_up import catch_up
from shared.app.full_cycle import full_cycle
from shared.app.giving_back import given_back
from shared.app.leases import LeaseLostError
from shared.app.state_rows import ContendedRowError
from shared.app.subscriptions import keep_subscriptions
from shared.bus.topic import PoisonMessage
from shared.core.commands import Command, Order, command_envelope, decode_command
from shared.core.messages import CONTROL, MalformedMessageError
from shared.store.errors import StoreError

if TYPE_CHECKING:
    from shared.app.parts import Parts

_logger = logging.getLogger(__name__)

_LATER: Final = timedelta(minutes=1)


async def control(parts: Parts, message_id: str, body: bytes) -> None:
    """Carry out one command; where that cannot be done now, it is asked for again a minute later.

    Raises:
        BusUnavailableError: it has to come again.
    """
    async with given_back(parts.clock):
        await _control(parts, message_id, body)


async def _control(parts: Parts, message_id: str, body: bytes) -> None:
    try:
        order = decode_command(body)
    except MalformedMessageError as error:
        _logger.warning("a command cannot be read and is dead-lettered: %s", error)
        await parts.topic.park([PoisonMessage(CONTROL, message_id, body, "MalformedCommand", str(error))])
        return
    if order.target is not None and order.target not in parts.targets:
        _logger.warning("a command for %s is of no use: there is no such target any more", order.target)
        return
    try:
        await _carry_out(parts, order)
    except (StoreError, ContendedRowError, LeaseLostError) as error:
        # Raised, it would come back at once, and be dead-lettered within moments.
        _logger.warning("the command %s is put off: %s", order.command, error)
        await parts.topic.send([command_envelope(order, parts.clock.now() + _LATER, parts.settings.timing)])


async def _carry_out(parts: Parts, order: Order) -> None:
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
