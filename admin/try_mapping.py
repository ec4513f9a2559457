"""`try-mapping`: what the rules make of one user, and what the target holds now, as a table for a person.

It reads both tenants and writes to none. Values marked with Redact stay hidden here too.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from admin.running import refuse, run, settings_option
from shared.config.faults import ConfigurationError, ConfigurationFault

if TYPE_CHECKING:
    from admin.mapping_trial import Trial
    from shared.app.parts import Parts
    from shared.core.expressions import Value

_WIDTH: Final = 180  # characters, where no terminal says


@click.command("try-mapping")
@click.option("--target", required=True, help="The target's name in sync.yaml.")
@click.option("--user", required=True, help="Object id, user principal name or mail address in the source.")
@click.option("--sync", type=click.Path(path_type=Path), help="Another sync.yaml than the settings name.")
@settings_option
@click.option("--json", "as_data", is_flag=True, help="JSON in place of the table.")
def try_mapping(*, target: str, user: str, sync: Path | None, settings_file: Path | None, as_data: bool) -> None:
    """Show what the mappings of a target make of one user, and what the target holds now. Writes nothing.

    Exit code 1 where the user cannot be read, 2 where the configuration is wrong.
    """
    trial = run(settings_file, lambda parts: _trial(parts, target, user), sync_file=sync)
    if as_data:
        sys.stdout.write(json.dumps(asdict(trial), indent=2, ensure_ascii=False) + "\n")
    else:
        _show(trial)


async def _trial(parts: Parts, target: str, user: str) -> Trial:
    from admin.mapping_trial import TrialError, run_trial  # noqa: PLC0415 - an HTTP client, as in `running`

    hands = parts.targets.get(target)
    if hands is None:
        fault = ConfigurationFault("--target", f"must be one of {', '.join(parts.targets)}")
        raise ConfigurationError(parts.settings.sync_file.name, (fault,))
    try:
        return await run_trial(parts, hands, user)
    except TrialError as error:
        refuse(str(error))


def _show(trial: Trial) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(Text(f"{trial.source_id} in {trial.target}: {trial.verdict}"), Text(f"  {trial.why}"), sep="\n")
    console.print(Text(f"target user: {trial.target_user}"))
    table = Table()
    for title in ("attribute", "expression", "source value", "result", "target's present value"):
        table.add_column(title, overflow="fold")
    for row in trial.rows:
        source = "\n".join([f"{name}: {_plain(value)}" for name, value in row.source.items()])
        result = "\n".join([part for part in (_plain(row.result), row.note) if part])
        cells = (row.attribute, row.expression, source, result, _plain(row.present))
        table.add_row(*[Text(cell) for cell in cells])  # as text: [department] is no markup
    console.print(table)


def _plain(value: Value) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join([_plain(each) for each in value])
        case _:
            return str(value)
