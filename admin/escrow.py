"""`escrow`: users whose change failed, and trying them again at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from admin.running import chosen_targets, json_option, refuse, run, settings_option, target_option
from shared.app.escrow import Escrow, escrow_of, list_escrow, retry_now
from shared.app.find_user import UserNotFoundError, find_user
from shared.bus.errors import BusUnavailableError
from shared.core.reason_words import words_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shared.app.parts import Parts


@click.group()
def escrow() -> None:
    """Show and retry users whose change failed."""


@escrow.command(
    "list",
    epilog="Exit codes: 0 done, 1 the store cannot be read, 2 a wrong argument, setting or file."
    " Example: python -m admin escrow list --target emea",
)
@target_option
@json_option
@settings_option
def list_command(target: str | None, *, as_json: bool, settings_file: Path | None) -> None:
    """List users whose change failed: why, how often, and when they are tried again."""

    async def listed(parts: Parts) -> list[Escrow]:
        return [found for name in chosen_targets(parts, target) for found in await list_escrow(parts, name)]

    found = run(settings_file, listed)
    if as_json:
        print(json.dumps([_json(one) for one in found], indent=2))
        return
    for one in found:
        print(_text(one))
    print(f"{len(found)} in escrow" if found else "Nobody is in escrow.")


@escrow.command(
    epilog="Exit codes: 0 asked for, 1 nobody of this name is in escrow, or the topic cannot be reached, 2 a wrong"
    " argument, setting or file. Example: python -m admin escrow retry --all --target emea"
)
@click.argument("user", required=False)
@click.option("--all", "everyone", is_flag=True, help="Everybody in escrow.")
@target_option
@json_option
@settings_option
def retry(user: str | None, *, everyone: bool, target: str | None, as_json: bool, settings_file: Path | None) -> None:
    """Ask the app to look at USER, or at everybody in escrow, now.

    USER is an object id of the source, a user principal name or a mail address.
    """
    if (user is None) is not everyone:
        raise click.UsageError("name a user, or give --all")

    async def retried(parts: Parts) -> dict[str, int]:
        targets = chosen_targets(parts, target)
        if user is None:
            chosen = {name: [one.source_id for one in await list_escrow(parts, name)] for name in targets}
        else:
            chosen = await _in_escrow(parts, targets, user)
        for name, source_ids in chosen.items():
            try:
                await retry_now(parts, name, source_ids)
            except BusUnavailableError as error:
                refuse(f"not everybody could be asked for ({error}); run this again, which is harmless")
        return {name: len(source_ids) for name, source_ids in chosen.items() if source_ids}

    done = run(settings_file, retried)
    if as_json:
        print(json.dumps(done))
    elif not done:
        print("Nobody is in escrow.")
    for name, number in done.items() if not as_json else ():
        print(f"{name}: {number} are looked at now")


async def _in_escrow(parts: Parts, targets: Sequence[str], user: str) -> dict[str, list[str]]:
    try:
        source_id = await find_user(parts, user)
    except UserNotFoundError as error:
        refuse(str(error))
    links = {name: (await parts.store.get_links(name, [source_id])).get(source_id) for name in targets}
    found = {name: [source_id] for name, link in links.items() if link is not None and escrow_of(link) is not None}
    if not found:
        refuse(f"{user}: is in no escrow; python -m admin explain says how the user stands")
    return found


def _text(one: Escrow) -> str:
    words = words_for(one.reason.partition(":")[0])
    next_at = one.retry_at.isoformat(timespec="seconds")
    lines = [
        f"{one.target} {one.source_id}: {one.reason}, {one.attempts} attempts, next {next_at}",
        f"    {words.reason}",
    ]
    return "\n".join([*lines, f"    {words.advice}"] if words.advice else lines)


def _json(one: Escrow) -> dict[str, Any]:
    words = words_for(one.reason.partition(":")[0])
    return {
        "target": one.target,
        "sourceId": one.source_id,
        "targetId": one.target_id,
        "reason": one.reason,
        "words": words.reason,
        "advice": words.advice,
        "attempts": one.attempts,
        "retryAt": one.retry_at.isoformat(),
    }
