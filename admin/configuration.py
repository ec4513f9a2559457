"""`configuration`: accepting that sync.yaml names scoping groups no more, so that their members may leave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from admin.running import chosen_targets, json_option, refuse, run, settings_option
from shared.app.configuration import accept_configuration, lost_groups

if TYPE_CHECKING:
    from pathlib import Path

    from shared.app.parts import Parts


@click.group()
def configuration() -> None:
    """Accept what the configuration says now."""


@configuration.command(
    epilog="Exit codes: 0 accepted, or nothing to accept; 1 not accepted; 2 a wrong argument, setting or file."
    " Example: python -m admin configuration accept --target emea --yes"
)
@click.option("--target", required=True, help="The target whose scoping groups were taken out.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@settings_option
def accept(target: str, *, yes: bool, as_json: bool, settings_file: Path | None) -> None:
    """Let the members of scoping groups that sync.yaml names no more leave TARGET like anybody else.

    Until this is said they are held, since a line that got lost in an edit looks like a decision. Who leaves counts
    against the deletion budget; who is held already goes on waiting until holds release.
    """

    async def accepted(parts: Parts) -> tuple[str, ...]:
        [name] = chosen_targets(parts, target)
        hands = parts.targets[name].target
        lost = await lost_groups(parts.store, hands)
        if lost and not yes:
            names = await parts.source.group_names(lost)
            for group in lost:
                click.echo(f"{group} {names.get(group, '(cannot be read any more)')}", err=True)
            if not click.confirm(f"May the members of {len(lost)} groups leave {name}?", err=True):
                refuse("nothing was changed")
        return await accept_configuration(parts.store, hands) if lost else ()

    lost = run(settings_file, accepted)
    if as_json:
        print(json.dumps({"target": target, "accepted": list(lost)}))
        return
    if not lost:
        print(f"{target}: sync.yaml has lost no scoping group.")
        return
    print(f"{target}: accepted without {', '.join(lost)}.")
    print(f"Their members leave with the next full cycle: python -m admin cycle start --target {target}")
    print(f"Who is held because of it is let go by: python -m admin holds list --target {target}")
