"""`holds`: what waits for a person, and letting it go on.

A release is a decision of a person about named users, so nothing is released that was not named or counted: `--all`
takes what is listed at that moment, and a release larger than the deletion budget needs its exact number.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from admin.hold_text import Found, facts, hold_json, hold_text, present_facts
from admin.running import (
    chosen_targets,
    json_option,
    refuse,
    run,
    settings_option,
    target_option,
    typed_id,
)
from shared.app.holds import (
    Hold,
    TooManyReleasesError,
    TooManyRemovalsError,
    check_release,
    find_links,
    holds_of,
    list_holds,
    release_holds,
)
from shared.bus.errors import BusUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from shared.app.parts import Parts


@click.group()
def holds() -> None:
    """Show and release what waits for a person."""


@holds.command("list")
@target_option
@json_option
@settings_option
def list_command(target: str | None, as_json: bool, settings_file: Path | None) -> None:
    """List the holds of all targets, the oldest first."""

    async def listed(parts: Parts) -> list[Hold]:
        return [hold for name in chosen_targets(parts, target) for hold in await list_holds(parts, name)]

    found = run(settings_file, listed)
    if as_json:
        print(json.dumps([hold_json(hold) for hold in found], indent=2))
        return
    for hold in found:
        print(hold_text(hold))
    print(
        "Nothing is held."
        if not found
        else f"{len(found)} held, {sum(hold.removes for hold in found)} of them removals"
    )


@holds.command()
@click.argument("user")
@target_option
@json_option
@settings_option
def show(user: str, target: str | None, as_json: bool, settings_file: Path | None) -> None:
    """Show where USER, a source or target object id, stands in each target."""
    user_id = typed_id(user)

    async def looked_up(parts: Parts) -> list[Found]:
        return await _find(parts, chosen_targets(parts, target), user_id)

    found = run(settings_file, looked_up)
    if as_json:
        print(json.dumps([facts(one) for one in found], indent=2))
    for one in found if not as_json else ():
        print(hold_text(one.hold) if one.hold else present_facts(one))
    if not found:
        refuse(f"{user_id}: no target knows this user")


@holds.command()
@click.argument("users", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="All that is held now.")
@click.option("--yes-remove", type=click.IntRange(min=0), help="The exact number of removals, where it is large.")
@target_option
@json_option
@settings_option
def release(
    users: tuple[str, ...],
    *,
    everyone: bool,
    yes_remove: int | None,
    target: str | None,
    as_json: bool,
    settings_file: Path | None,
) -> None:
    """Let the holds of USERS, source or target object ids, go on, once.

    Each user is looked at again first: nobody who is in scope again is removed.
    """
    if bool(users) == everyone:
        raise click.UsageError("name users, or give --all")
    user_ids = tuple(dict.fromkeys(typed_id(user) for user in users))

    async def released(parts: Parts) -> list[dict[str, Any]]:
        names = chosen_targets(parts, target)
        chosen = await _everyone(parts, names) if everyone else await _named(parts, names, user_ids)
        await _confirm(parts, chosen, yes_remove)
        done = []
        for name, held in chosen.items():
            try:
                result = await release_holds(parts, name, held)
            except TooManyReleasesError as error:
                refuse(str(error))
            except BusUnavailableError as error:
                refuse(
                    f"the releases stand, but some users could not be asked to be looked at ({error}); run this again"
                )
            done.append({"target": name, "removals": result.removals, "looks": result.looks})
        return done

    done = run(settings_file, released)
    if as_json:
        print(json.dumps(done, indent=2))
        return
    for one in done:
        print(
            f"{one['target']}: {one['removals']} removals released, {one['looks']} other holds will be looked at again"
        )
    if not done:
        print("Nothing is held.")


async def _everyone(parts: Parts, names: Sequence[str]) -> dict[str, list[Hold]]:
    return {name: held for name in names if (held := await list_holds(parts, name))}


async def _named(parts: Parts, names: Sequence[str], user_ids: Sequence[str]) -> dict[str, list[Hold]]:
    """The holds of named users; all or none, so that a typing mistake releases nobody."""
    chosen: dict[str, dict[str, Hold]] = {}
    wrong = []
    for user_id in user_ids:
        found = await _find(parts, names, user_id)
        if not any(one.hold for one in found):
            wrong += [present_facts(one) for one in found] or [f"{user_id}: no target knows this user"]
        for one in found:
            if one.hold is not None:
                chosen.setdefault(one.target, {})[one.hold.source_id] = one.hold
    if wrong:
        refuse("\n".join(["nothing was released, since there is no hold any more:", *wrong]))
    return {name: list(held.values()) for name, held in chosen.items()}


async def _confirm(parts: Parts, chosen: Mapping[str, Sequence[Hold]], yes_remove: int | None) -> None:
    """Refuse a release that is too large and not confirmed, and a confirmation of another number."""
    removals = sum(hold.removes for held in chosen.values() for hold in held)
    if yes_remove is not None and yes_remove != removals:
        refuse(
            f"nothing was released: this would remove {removals} users, not {yes_remove}; say --yes-remove {removals}"
        )
    for name, held in chosen.items():
        try:
            await check_release(
                parts, name, held, parts.targets[name].target.deletion_budget, confirmed=yes_remove is not None
            )
        except TooManyReleasesError as error:
            refuse(str(error))
        except TooManyRemovalsError as error:
            refuse(
                f"nothing was released: {error}; to remove {removals} users all the same, say --yes-remove {removals}"
            )


async def _find(parts: Parts, names: Sequence[str], user_id: str) -> list[Found]:
    found = []
    for name in names:
        links = await find_links(parts, name, user_id)
        held = {hold.source_id: hold for hold in await holds_of(parts, links)}
        found += [Found(name, link, held.get(link.source_id)) for link in links]
    return found
