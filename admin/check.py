"""`check`: do both sides have all that the app needs, and what to do where they have not.

Alone it looks as the app does. With a tenant it looks at that one as its administrator too, who needs sync.yaml and no
setting of the app.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click
from rich.text import Text

from admin.administrator import look_as_administrator, read_configuration, sign_in_options
from admin.running import REFUSED, check_target, json_option, run, settings_option, typed_id, wrong
from admin.terminal import console
from shared.app.check_tenant import RIGHTS, Seen, see_source, see_target
from shared.config.faults import ConfigurationError
from shared.config.settings import Settings, read_settings
from shared.core.preflight import Line, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from shared.app.administrator import Administrator
    from shared.app.parts import Parts
    from shared.config.settings import Addresses
    from shared.config.sync_file import Tenant

_STYLES: Final = {"pass": "green", "fail": "red", "unknown": "yellow"}
_EXIT_CODES: Final = "Exit codes: 0 nothing fails, 1 something does, 2 a wrong argument, setting or file."


@click.group(invoke_without_command=True, epilog=f"{_EXIT_CODES} Example: python -m admin check")
@json_option
@settings_option
@click.pass_context
def check(context: click.Context, *, as_json: bool, settings_file: Path | None) -> None:
    """Check store, topic, logs, permissions, scoping groups, subscriptions and targets; what fails comes with its fix.

    Asks Graph, the store, the topic and the log as the app does, and changes nothing. What only an administrator of a
    tenant can see is unknown then: `check source` and `check target NAME` ask for their sign-in.
    """
    if context.invoked_subcommand is not None:
        if as_json or settings_file is not None:
            wrong(f"--json and --settings go behind it: python -m admin check {context.invoked_subcommand} … --json")
        return

    async def checked(parts: Parts) -> list[Line]:
        from shared.app.check import check as lines  # noqa: PLC0415 - an HTTP client, as in `running`

        return await _shown(lines(parts), as_json=as_json)

    _end(run(settings_file, checked), as_json=as_json)


@check.command(epilog=f"{_EXIT_CODES} Example: python -m admin check source --sign-in device")
@sign_in_options
def source(*, settings_file: Path | None, as_json: bool, **how: Any) -> None:
    """Check the source, as its administrator (Global Reader) too: consent, and what it allows for each target."""
    addresses, sync = read_configuration(settings_file)
    settings = _settings()
    targets = {each.name: each.tenant.tenant_id for each in sync.targets}

    async def look(administrator: Administrator) -> Seen:
        return await see_source(administrator, targets, settings.reader_client_id if settings is not None else None)

    async def as_app(parts: Parts, missing: list[str] | None) -> list[Line]:
        from shared.app.check import check_source  # noqa: PLC0415 - as above

        return await _shown(check_source(parts, missing), as_json=as_json)

    _both(addresses, sync.source, look, as_app, settings_file=settings_file, settings=settings, as_json=as_json, **how)


@check.command(epilog=f"{_EXIT_CODES} Example: python -m admin check target emea --sign-in device")
@click.argument("name")
@click.option("--writer", metavar="CLIENT_ID", help="The writer app, where the app's settings are not here.")
@sign_in_options
def target(name: str, *, writer: str | None, settings_file: Path | None, as_json: bool, **how: Any) -> None:
    """Check target NAME, as its administrator (Global Reader) too: consent, policies and room."""
    addresses, sync = read_configuration(settings_file)
    check_target(name, [each.name for each in sync.targets])
    settings = _settings()
    known = settings.writer_client_id if settings is not None else None
    client_id = typed_id(writer) if writer is not None else known

    async def look(administrator: Administrator) -> Seen:
        return await see_target(administrator, name, sync.source.tenant_id, client_id)

    async def as_app(parts: Parts, missing: list[str] | None) -> list[Line]:
        from shared.app.check import check_target as lines  # noqa: PLC0415 - as above

        return await _shown(lines(parts, name, missing), as_json=as_json)

    _both(
        addresses,
        sync.target(name).tenant,
        look,
        as_app,
        settings_file=settings_file,
        settings=settings,
        as_json=as_json,
        **how,
    )


def _settings() -> Settings | None:
    """The app's settings, where they are; `read_configuration` has put a file of them into the environment."""
    try:
        return read_settings()
    except ConfigurationError:
        return None


def _both(
    addresses: Addresses,
    tenant: Tenant,
    look: Callable[[Administrator], Awaitable[Seen]],
    as_app: Callable[[Parts, list[str] | None], Awaitable[list[Line]]],
    *,
    settings_file: Path | None,
    settings: Settings | None,
    way: str,
    token_file: Path | None,
    as_json: bool,
) -> None:
    """First the administrator looks, then the app, whose missing permissions are explained by what was seen."""
    seen = look_as_administrator(addresses, tenant, RIGHTS, way=way, token_file=token_file, job=look)
    if not as_json:
        for line in seen.lines:
            _show(line)
    if settings is not None:
        of_app = run(settings_file, lambda parts: as_app(parts, seen.missing))
    else:
        found = "the app's settings are not here, or something is wrong in them: python -m admin check says what"
        fix = "run this where they are, or name a local.settings.json with --settings"
        of_app = [Line("app", "what the app itself sees", Verdict.UNKNOWN, found, fix)]
        if not as_json:
            _show(of_app[0])
    _end([*seen.lines, *of_app], as_json=as_json)


async def _shown(lines: AsyncIterator[Line], *, as_json: bool) -> list[Line]:
    found = []
    async for line in lines:
        found.append(line)
        if not as_json:
            _show(line)
    return found


def _end(found: list[Line], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(line) for line in found], indent=2))
    if any(line.verdict is Verdict.FAIL for line in found):
        sys.exit(REFUSED)


def _show(line: Line) -> None:
    out = console()
    out.print(Text(f"{line.verdict:<8}", style=_STYLES[line.verdict]), Text(f"{line.where}: {line.what}"), sep="")
    if line.found:
        out.print(Text(f"        {line.found}"))
    if line.fix:
        out.print(Text(f"        → {line.fix}"))
