"""python -m admin links: who is linked to whom, and links taken over from another tool.

This is the terminal's side: files in, lines out. What makes a seed hold, and what happens with it, is
`shared.app.seed_links`'s to say. Ids and reasons only; nobody's name or address is shown.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from admin.running import json_option, run, settings_option
from shared.core.messages import MalformedMessageError, object_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from pathlib import Path

    from shared.app.parts import Parts
    from shared.core.model import Link

_COLUMNS: Final = ("target", "sourceId", "targetId", "state", "reason", "attempt", "retryAt", "changedAt")

_target_option = click.option("--target", help="The name of one target; where there is only one it need not be named.")


@click.group()
def links() -> None:
    """Show, export and import the links between source users and target users."""


@links.command("list", epilog="Example: python -m admin links list --target emea")
@_target_option
@json_option
@settings_option
def list_links(target: str | None, as_json: bool, settings_file: Path | None) -> None:
    """Show the links of one target or of all, one a line; with --json one object a line."""

    async def show(parts: Parts) -> None:
        async for link in _links(parts, target):
            row = _row(link)
            text = (
                f"{row['target']}  {row['sourceId']}  {row['targetId'] or '-':<36}  {row['state']:<11}  {row['reason']}"
            )
            print(_json(row) if as_json else text)

    run(settings_file, show)


@links.command("export", epilog="Example: python -m admin links export --target emea > links.csv")
@_target_option
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", help="json: one object a line.")
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@settings_option
def export_links(target: str | None, form: str, settings_file: Path | None) -> None:
    """Write the links to standard output as CSV or JSON lines; `links import` reads both."""

    async def write(parts: Parts) -> None:
        if form == "json":
            async for link in _links(parts, target):
                print(_json(_row(link)))
            return
        writer = csv.DictWriter(sys.stdout, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        async for link in _links(parts, target):
            writer.writerow(_row(link))

    run(settings_file, write)


@links.command("import", epilog="Example: python -m admin links import links.csv --target emea --dry-run")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@_target_option
@click.option("--dry-run", is_flag=True, help="Verify every line and write nothing.")
@json_option
@settings_option
def import_links(
    file: Iterable[str], target: str | None, dry_run: bool, as_json: bool, settings_file: Path | None
) -> None:
    """Link the users that FILE names: CSV with the columns sourceId,targetId, or JSON lines with these fields.

    Each line is verified against source and target first: both users exist, the target user is external and carries
    no other installation's marker. Nothing is written to a tenant by this command; the app marks and updates the
    linked users afterwards. Exit code 1 if a line was refused.
    """
    lines = list(_read(file))

    async def take(parts: Parts) -> bool:
        from shared.app.seed_links import Seed, Seeded, seed_links  # noqa: PLC0415 - an HTTP client, as in `running`

        name = _one_target(parts, target)
        seeds = [Seed(*line.ids) for line in lines if line.ids is not None and line.target in {None, name}]
        answers = iter(await seed_links(parts, name, seeds, dry_run=dry_run))
        taken = of_others = 0
        refused: list[dict[str, Any]] = []
        done: list[dict[str, Any]] = []
        for line in lines:
            if line.ids is None:
                refused.append({"line": line.number, "reason": line.fault})
            elif line.target not in {None, name}:
                of_others += 1
            else:
                answer = next(answers)
                taken += answer is Seeded.LINKED
                if answer is not Seeded.LINKED:
                    told = {
                        "line": line.number,
                        "reason": str(answer),
                        "sourceId": line.ids[0],
                        "targetId": line.ids[1],
                    }
                    (refused if answer.refused else done).append(told)
        if as_json:
            counts = {"target": name, "dryRun": dry_run, "linked": taken, "ofOtherTargets": of_others}
            print(_json({**counts, "refused": refused, "nothingToDo": done}))
            return not refused
        for told in sorted([*refused, *done], key=lambda each: int(each["line"])):
            verb = "refused" if told in refused else "nothing to do"
            ids = f" ({told['sourceId']}, {told['targetId']})" if "sourceId" in told else ""
            print(f"line {told['line']}: {verb}: {told['reason']}{ids}")
        verb = "would be linked" if dry_run else "linked"
        print(f"{name}: {taken} {verb}, {len(refused)} refused, {of_others} of other targets")
        return not refused

    sys.exit(0 if run(settings_file, take) else 1)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the file. Without ids, `fault` says why; `target` is None where the line names none."""

    number: int  # from 1
    ids: tuple[str, str] | None = None  # of the source user and the target user
    target: str | None = None
    fault: str = ""


def _read(file: Iterable[str]) -> Iterator[_Line]:
    """The lines of a CSV file or of JSON lines; the first character tells which it is."""
    numbered = ((number, text) for number, text in enumerate(file, 1) if text.strip())
    header: list[str] | None = None
    for number, text in numbered:
        if header is None and not text.lstrip().startswith("{"):
            header = [name.strip() for name in next(csv.reader([text]))]
            if not {"sourceId", "targetId"} <= set(header):
                raise click.ClickException("the first line must name the columns sourceId and targetId")
            continue
        if header is None:
            yield _line(number, _json_fields(text))
        else:
            yield _line(number, dict(zip(header, next(csv.reader([text])), strict=False)))


def _json_fields(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _line(number: int, fields: dict[str, Any]) -> _Line:
    ids = []
    for name in ("sourceId", "targetId"):
        value = fields.get(name)
        try:
            ids.append(object_id(value.strip() if isinstance(value, str) else value))
        except MalformedMessageError:
            return _Line(number, fault=f"{name} must be an object id (a GUID)")
    target = fields.get("target")
    return _Line(number, (ids[0], ids[1]), target.strip() or None if isinstance(target, str) else None)


def _one_target(parts: Parts, target: str | None) -> str:
    names = list(parts.targets)
    if target is None and len(names) == 1:
        return names[0]
    if target is None or target not in parts.targets:
        raise click.UsageError(f"--target must be one of {', '.join(names)}")
    return target


async def _links(parts: Parts, target: str | None) -> AsyncIterator[Link]:
    for name in parts.targets if target is None else [_one_target(parts, target)]:
        async for page in parts.store.list_links(name):
            for link in page:
                yield link


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, separators=(",", ":"))


def _row(link: Link) -> dict[str, Any]:
    return {
        "target": link.target,
        "sourceId": link.source_id,
        "targetId": link.target_id or "",
        "state": link.state.value,
        "reason": link.reason or "",
        "attempt": link.attempt,
        "retryAt": link.retry_at.isoformat() if link.retry_at else "",
        "changedAt": link.changed_at.isoformat() if link.changed_at else "",
    }
