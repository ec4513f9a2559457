"""`import-schema`: a synchronizationSchema that was exported from Entra, as the part of one target in sync.yaml.

It writes the part and the report of what was lost, and changes no configuration: merging the part is a person's
work, after reading the report.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from admin.loss_report import as_json, as_text
from shared.config.faults import ConfigurationError
from shared.config.strict_yaml import read_yaml
from shared.config.sync_model import NAME_PATTERN
from shared.config.sync_writer import TargetIdentity, target_part, write_part
from shared.core.synchronization_schema import Outcome, ReportLine
from shared.core.synchronization_schema_import import import_schema as translate
from shared.core.synchronization_schema_reading import SchemaError, read_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

_STANDARD: Final = Path("-")
_UNUSABLE: Final = 2  # exit code


@click.command("import-schema")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", default="imported", show_default=True, help="The target's name in sync.yaml.")
@click.option("--tenant-id", help="The target's tenant id; a schema does not hold it.")
@click.option("--group", "groups", multiple=True, help="Object id of a group in scope; may be given again.")
@click.option("--all-users", is_flag=True, help="Everybody is in scope, in place of groups.")
@click.option("--out", type=click.Path(path_type=Path), default=_STANDARD, help="Where the YAML goes; - is the output.")
@click.option("--report", type=click.Path(path_type=Path), help="Where the report goes; standard error unless given.")
@click.option("--json", "as_data", is_flag=True, help="The report as JSON.")
def import_schema(
    *,
    file: Path,
    target: str,
    tenant_id: str | None,
    groups: tuple[str, ...],
    all_users: bool,
    out: Path,
    report: Path | None,
    as_data: bool,
) -> None:
    """Translate FILE, a synchronizationSchema from the portal or from Graph, into a target's part of sync.yaml.

    Exit code 2 where FILE cannot be used.
    """
    if out == _STANDARD and report == _STANDARD:
        _refuse("the YAML and the report cannot both go to standard output; give --out or --report a file")
    if not re.fullmatch(NAME_PATTERN, target):
        _refuse(f"--target: {target} is no name; expected a small letter, then small letters, digits and hyphens")
    try:
        content = sys.stdin.buffer.read() if file == _STANDARD else file.read_bytes()
    except OSError as error:
        _refuse(f"{file}: cannot be read: {error.strerror}")
    try:
        rules = translate(read_schema(content))
    except SchemaError as error:
        _refuse(f"{file}: {error}")
    if _is_whole_configuration(out):
        _refuse(f"{out}: is a whole configuration, which the part of one target would replace; name another file")
    identity = TargetIdentity(target, tenant_id, groups, all_users)
    part = target_part(identity, rules)
    lines = (*rules.report, *_left_to_fill_in(identity))
    comment = "Imported from Entra. Merge it into the targets of sync.yaml, then run: python -m admin validate"
    shown = as_json(lines) if as_data else as_text(lines)
    _write(out, write_part(part, comment))
    if report is None:
        sys.stderr.write(shown)
    else:
        _write(report, shown)


def _left_to_fill_in(identity: TargetIdentity) -> Iterator[ReportLine]:
    """What no schema holds and nobody gave: the part is refused until it is there."""
    if identity.tenant_id is None:
        yield ReportLine(Outcome.CANNOT, "tenantId", "a schema does not name the target's tenant; fill it in")
    if not (identity.groups or identity.all_users):
        why = "a schema does not say which users and groups are assigned; name groups, or set allUsers"
        yield ReportLine(Outcome.CANNOT, "scope.groups", why)


def _is_whole_configuration(path: Path) -> bool:
    if path == _STANDARD or not path.is_file():
        return False
    try:
        held, _ = read_yaml(path.read_text(encoding="utf-8"), path.name)
    except (ConfigurationError, UnicodeDecodeError):
        return False
    return isinstance(held, dict) and "source" in held and "targets" in held


def _write(path: Path, text: str) -> None:
    if path == _STANDARD:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        _refuse(f"{path}: cannot be written: {error.strerror}")


def _refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(_UNUSABLE)
