"""`provision`: one user at once, step by step, as Entra's provision on demand shows it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from admin.plan_words import plain, value_text
from admin.running import REFUSED, chosen_targets, json_option, refuse, run, settings_option, target_option
from admin.terminal import console
from shared.app.find_user import UserNotFoundError, find_user
from shared.bus.errors import BusUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from admin.provision_steps import Step
    from shared.app.on_demand import Served
    from shared.app.parts import Parts

_STYLES = {"passed": "green", "failed": "red", "skipped": "yellow"}


@click.command(
    epilog="Exit codes: 0 every step ended well, 1 one failed, 2 a wrong argument, setting or file."
    " Example: python -m admin provision NestorW@contoso.com --target emea --dry-run"
)
@click.argument("user")
@target_option
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@json_option
@settings_option
def provision(user: str, *, target: str | None, dry_run: bool, as_json: bool, settings_file: Path | None) -> None:
    """Provision USER now: an object id of the source, a user principal name or a mail address.

    Shows the five steps connect, import, scope, match and act with what each found. It does what the app would do by
    itself, no more: a removal counts against the deletion budget, and who is held stays held.
    """

    async def provisioned(parts: Parts) -> tuple[str, dict[str, list[Step]]]:
        from admin.provision_steps import steps_of  # noqa: PLC0415 - an HTTP client, as in `running`
        from shared.app.inspection import inspect  # noqa: PLC0415 - as above
        from shared.app.on_demand import tell_dry_run  # noqa: PLC0415 - as above

        targets = chosen_targets(parts, target)
        try:
            source_id = await find_user(parts, user)
        except UserNotFoundError as error:
            refuse(str(error))
        steps = {}
        for name in targets:
            seen = await inspect(parts, parts.targets[name], source_id)
            if dry_run:
                await tell_dry_run(parts, seen)
                served = None
            else:
                served = await _serve(parts, name, source_id)
            steps[name] = steps_of(seen, served)
        return source_id, steps

    source_id, by_target = run(settings_file, provisioned)
    if as_json:
        print(
            json.dumps([_json(source_id, name, steps, dry_run=dry_run) for name, steps in by_target.items()], indent=2)
        )
    else:
        _show(source_id, by_target)
    if any(_failed(steps) for steps in by_target.values()):
        sys.exit(REFUSED)


async def _serve(parts: Parts, name: str, source_id: str) -> Served:
    from shared.app.on_demand import serve_now  # noqa: PLC0415 - an HTTP client, as in `running`

    try:
        return await serve_now(parts, parts.targets[name], source_id)
    except BusUnavailableError as error:
        refuse(
            f"{name}: it was done, but the topic could not be reached ({error}) to ask for what follows from it;"
            " run this again, or leave it to the next full cycle"
        )


def _failed(steps: list[Step]) -> bool:
    """Whether it ended badly. Being out of scope is no failure where the rest follows from it."""
    return any(step.ended == "failed" and step.name != "scope" for step in steps)


def _json(source_id: str, name: str, steps: list[Step], *, dry_run: bool) -> dict[str, Any]:
    from admin.provision_steps import step_json  # noqa: PLC0415 - as above

    return {
        "target": name,
        "sourceId": source_id,
        "dryRun": dry_run,
        "failed": _failed(steps),
        "steps": [step_json(step) for step in steps],
    }


def _show(source_id: str, by_target: dict[str, list[Step]]) -> None:
    out = console()
    for name, steps in by_target.items():
        out.print(Text(f"{source_id} in {name}", style="bold"))
        for number, step in enumerate(steps, 1):
            out.print(
                Text(f"  {number} {step.name:<8} "), Text(step.ended.value, style=_STYLES[step.ended.value]), sep=""
            )
            for line in step.lines:
                out.print(Text(f"      {plain(line)}"))
            for attribute, value in step.values.items():
                out.print(Text(f"        {attribute}: {value_text(value)}"))
