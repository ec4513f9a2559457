"""A plan laid out: as a table for a terminal, as JSON for a program, as Markdown for a pull request.

Users are written as they come, so that a large plan takes little memory; Markdown, which is read by people and has to
fit into a comment, shows the first ones of each target and counts the rest. What is said stands in `plan_words`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from admin.plan_words import HEADINGS, action_text, all_lines, counts_text, plain, summary_lines, troubles, user_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.plan_cycle import TargetPlan
    from shared.app.planned import PlannedUser

_AT_A_TIME: Final = 100  # rows
_MOST_IN_MARKDOWN: Final = 100  # users of one target
_WIDTH: Final = 160  # characters, where no terminal says
_ACTION_WIDTH: Final = 14
_USER_WIDTH: Final = 36  # an object id
_PUNCTUATION: Final = frozenset("""!"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~""")


class PlanWriter(Protocol):
    """Takes a plan, user by user."""

    def user(self, user: PlannedUser) -> None:
        """One more user."""
        ...

    def end(self, targets: Mapping[str, TargetPlan]) -> None:
        """That was all, and this is what it came to."""
        ...


class TableWriter:
    """Rows as they come, under one heading, and a summary of each target."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, width=None if stream.isatty() else _WIDTH)
        self._rows: list[PlannedUser] = []
        self._first = True

    def user(self, user: PlannedUser) -> None:
        """See `PlanWriter.user`."""
        self._rows.append(user)
        if len(self._rows) >= _AT_A_TIME:
            self._flush()

    def end(self, targets: Mapping[str, TargetPlan]) -> None:
        """See `PlanWriter.end`."""
        self._flush()
        for name, plan in targets.items():
            for line in summary_lines(name, plan):
                self._console.print(Text(line))

    def _flush(self) -> None:
        if not self._rows:
            return
        table = Table(box=box.SIMPLE_HEAD, show_header=self._first, expand=True, pad_edge=False)
        table.add_column("target", width=max(len("target"), *[len(user.target) for user in self._rows]))
        table.add_column("action", width=_ACTION_WIDTH)
        table.add_column("user", width=_USER_WIDTH, overflow="fold")
        table.add_column("what", ratio=1, overflow="fold")
        for user in self._rows:
            cells = (user.target, action_text(user), "\n".join(_who(user)), "\n".join(all_lines(user)))
            table.add_row(*[Text(cell) for cell in cells])  # as text: a name in brackets is no markup
        self._console.print(table)
        self._rows.clear()
        self._first = False


class JsonWriter:
    """One JSON object: `users` as they come, then `targets`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._count = 0

    def user(self, user: PlannedUser) -> None:
        """See `PlanWriter.user`."""
        self._stream.write('{"users": [\n' if not self._count else ",\n")
        self._stream.write(json.dumps(user_json(user)))
        self._count += 1

    def end(self, targets: Mapping[str, TargetPlan]) -> None:
        """See `PlanWriter.end`."""
        self._stream.write('{"users": [' if not self._count else "\n")
        summary = {name: target_json(plan) for name, plan in targets.items()}
        self._stream.write(f'], "targets": {json.dumps(summary, indent=2)}}}\n')


@dataclass(slots=True)
class MarkdownWriter:
    """A summary, then a table for each target. All that comes from a tenant stands in code that cannot be left."""

    stream: TextIO
    _shown: defaultdict[str, list[PlannedUser]] = field(default_factory=lambda: defaultdict(list))
    _seen: Counter[str] = field(default_factory=Counter)

    def user(self, user: PlannedUser) -> None:
        """See `PlanWriter.user`."""
        self._seen[user.target] += 1
        if len(self._shown[user.target]) < _MOST_IN_MARKDOWN:
            self._shown[user.target].append(user)

    def end(self, targets: Mapping[str, TargetPlan]) -> None:
        """See `PlanWriter.end`."""
        lines = ["## Plan", "", "| target | " + " | ".join(HEADINGS.values()) + " |"]
        lines.append("|---|" + "---:|" * len(HEADINGS))
        for name, plan in targets.items():
            lines.append(f"| {name} | " + " | ".join([str(plan.tally.by_heading[one]) for one in HEADINGS]) + " |")
        for name, plan in targets.items():
            lines += ["", f"### {name}", "", f"{markdown(counts_text(plan))}."]
            for trouble in troubles(plan):
                lines += ["", f"**{markdown(trouble)}**"]
            if self._shown[name]:
                lines += ["", "| action | user | what |", "|---|---|---|"]
                lines += [_markdown_row(user) for user in self._shown[name]]
            more = self._seen[name] - len(self._shown[name])
            if more:
                lines += ["", f"And {more} more: `python -m admin plan --target {name} --format json` shows all."]
        self.stream.write("\n".join(lines) + "\n")


def markdown(text: str) -> str:
    """Text that Markdown, HTML and GitHub's mentions leave as it is: every sign that could mean something is coded."""
    return "".join([f"&#{ord(one)};" if one in _PUNCTUATION else one for one in plain(text)])


def user_json(user: PlannedUser) -> dict[str, Any]:
    """All of one user."""
    return {
        "target": user.target,
        "sourceId": user.source_id,
        "targetId": user.target_id,
        "name": user.name,
        "heading": user.heading.value,
        "action": user.action.value,
        "reason": user.reason,
        "intended": {"action": user.intended.value, "reason": user.intended_reason},
        "change": user.is_change,
        "follows": user.follows,
        "attributes": [
            {
                "name": change.name,
                "before": change.before,
                "after": change.after,
                "beforeKnown": change.known,
                "differs": change.differs,
                "refusedBefore": change.refused,
            }
            for change in user.attributes
        ],
        "manager": None
        if user.manager is None
        else {"before": user.manager.before, "after": user.manager.after, "afterSourceId": user.manager.source_id},
        "managerAwaited": user.waits_for,
        "objects": list(user.objects),
        "left": list(user.left),
        "fault": None if user.fault is None else {"code": user.fault.code, "detail": user.fault.detail},
    }


def target_json(plan: TargetPlan) -> dict[str, Any]:
    """What a plan came to."""
    return {
        "counts": {heading.value: plan.tally.by_heading[heading] for heading in HEADINGS},
        "changes": plan.tally.changes,
        "followers": plan.tally.followers,
        "inScope": plan.in_scope,
        "present": plan.present,
        "withheld": plan.withheld,
        "whole": plan.is_whole,
        "failure": plan.failure,
    }


def _who(user: PlannedUser) -> list[str]:
    return [line for line in (plain(user.name), user.source_id) if line]


def _markdown_row(user: PlannedUser) -> str:
    cells = (action_text(user), user_text(user), *all_lines(user))
    action, who, *what = [f"<code>{markdown(cell)}</code>" for cell in cells]
    return f"| {action} | {who} | {'<br>'.join(what)} |"
