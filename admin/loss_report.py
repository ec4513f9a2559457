"""The report of a translation between Entra's schema and ours, for a person or for a program.

It says of every attribute, clause and setting whether it was taken, differs, or cannot be, and why. Making the
report is core's; this module only shows it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from shared.core.synchronization_schema import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.synchronization_schema import ReportLine

_TITLES: Final = {Outcome.TAKEN: "Taken", Outcome.DIFFERS: "Differs", Outcome.CANNOT: "Cannot be"}


def as_text(lines: Sequence[ReportLine]) -> str:
    """Three parts, each line with the name and the reason; faults of expressions keep their caret."""
    parts = []
    for outcome, title in _TITLES.items():
        found = [line for line in lines if line.outcome is outcome]
        shown = [f"  {line.subject}: {line.why}{_place(line)}" for line in found] or ["  nothing"]
        parts.append("\n".join([f"{title} ({len(found)})", *shown]))
    return "\n\n".join(parts) + "\n"


def _place(line: ReportLine) -> str:
    """The path goes behind a reason of one line; a caret must stay under its expression."""
    return f"  [{line.path}]" if line.path and "\n" not in line.why else ""


def as_json(lines: Sequence[ReportLine]) -> str:
    """One object with the three parts, each a list of `{subject, why, path}`."""
    document = {
        outcome.value: [
            {"subject": line.subject, "why": line.why, "path": line.path} for line in lines if line.outcome is outcome
        ]
        for outcome in _TITLES
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
