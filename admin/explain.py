"""`explain`: in words, why a user is or is not in a target, and what to do about it. Reads only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from admin.running import chosen_targets, json_option, refuse, run, settings_option, target_option
from shared.app.find_user import UserNotFoundError, find_user

if TYPE_CHECKING:
    from pathlib import Path

    from shared.app.parts import Parts


@click.command(
    epilog="Exit codes: 0 it was explained, 1 the user is not known or not named well, 2 a wrong argument, setting or"
    " file. Example: python -m admin explain NestorW@contoso.com"
)
@click.argument("user")
@target_option
@json_option
@settings_option
def explain(user: str, *, target: str | None, as_json: bool, settings_file: Path | None) -> None:
    """Explain in words why USER is or is not in each target, and what to do.

    USER is an object id of the source, a user principal name or a mail address.
    """

    async def explained(parts: Parts) -> list[tuple[str, dict[str, Any]]]:
        from admin.explanation import explain as say  # noqa: PLC0415 - an HTTP client, as in `running`
        from admin.explanation import explanation_json  # noqa: PLC0415 - as above
        from shared.app.inspection import inspect  # noqa: PLC0415 - as above

        targets = chosen_targets(parts, target)
        try:
            source_id = await find_user(parts, user)
        except UserNotFoundError as error:
            refuse(str(error))
        found = []
        for name in targets:
            seen = await inspect(parts, parts.targets[name], source_id)
            said = say(seen)
            lines = [said.headline, *[f"  {fact}" for fact in said.facts], "  What to do:"]
            lines += [f"    {line}" for line in said.to_do]
            found.append(("\n".join(lines), explanation_json(seen)))
        return found

    found = run(settings_file, explained)
    if as_json:
        print(json.dumps([told for _, told in found], indent=2))
        return
    print("\n\n".join([text for text, _ in found]))
