"""How a command runs: settings, the app's parts, a job, and a line of text where something is wrong.

Exit codes are the same for all commands: 0 done, 1 refused or not possible now, 2 a wrong argument, setting or file.
What else a command tells by its exit code stands in its help. A mistake, or a service that cannot be reached, is
answered in words; a traceback is a defect.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import click

from admin.local_settings import use_settings
from shared.app.state_rows import StateRowError
from shared.bus.errors import BusUnavailableError
from shared.config.faults import ConfigurationError
from shared.config.settings import read_settings
from shared.core.messages import MalformedMessageError, object_id
from shared.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from shared.app.parts import Parts

REFUSED: Final = 1
WRONG: Final = 2

_Result = TypeVar("_Result")

settings_option = click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A local.settings.json; what the environment holds already wins.",
)
target_option = click.option("--target", help="This target alone.")
json_option = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")


def run(
    settings_file: Path | None, job: Callable[[Parts], Awaitable[_Result]], *, sync_file: Path | None = None
) -> _Result:
    """Build the app's parts, do the job, and close them; faults end the process with a line of text.

    `sync_file` takes the place of the one that the settings name.
    """

    async def work() -> _Result:
        # An HTTP client reads the environment when it is imported, so it comes after the settings.
        from shared.app.compose import build  # noqa: PLC0415 - see above
        from shared.graph.pages import ListFailedError  # noqa: PLC0415 - see above

        settings = read_settings()
        parts = build(settings if sync_file is None else replace(settings, sync_file=sync_file))
        try:
            return await job(parts)
        except (StateRowError, ListFailedError) as error:
            refuse(str(error))
        finally:
            await parts.close()

    take_settings(settings_file)
    try:
        sync_file = sync_file.resolve() if sync_file is not None else None
        return asyncio.run(work())
    except ConfigurationError as error:
        wrong(str(error))
    except StoreError as error:
        refuse(str(error))
    except BusUnavailableError as error:
        refuse(f"the topic cannot be reached ({error}); nothing was sent")


def take_settings(settings_file: Path | None) -> None:
    """Put a settings file that was named where settings are read."""
    if settings_file is None:
        return
    try:
        use_settings(settings_file)
    except ConfigurationError as error:
        wrong(str(error))


def chosen_targets(parts: Parts, only: str | None) -> list[str]:
    """All targets, or the one that was named."""
    if only is not None:
        check_target(only, parts.targets)
    return list(parts.targets) if only is None else [only]


def check_target(name: str, targets: Collection[str]) -> None:
    """End the command where a target that was named is none."""
    if name not in targets:
        wrong(f"{name} is no target; targets: {', '.join(targets)}")


def typed_id(text: str) -> str:
    """An object id that was typed, in its canonical form."""
    try:
        return object_id(text)
    except MalformedMessageError:
        wrong(f"{text!r} is no object id (a GUID)")


def refuse(message: str) -> NoReturn:
    """End the command: it is not possible, or not now."""
    print(message, file=sys.stderr)
    sys.exit(REFUSED)


def wrong(message: str) -> NoReturn:
    """End the command: something that was typed or configured is wrong."""
    print(message, file=sys.stderr)
    sys.exit(WRONG)
