"""Entra's synchronizationSchema and our rules: the words that both directions of the translation share.

A translation that says nothing of what it lost is worse than none, so every attribute and every clause ends in
one line of a report: taken, different, or impossible. Reading the JSON, importing and exporting have modules of
their own; no file is touched here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """The three parts of a report."""

    TAKEN = "taken"  # means the same on the other side
    DIFFERS = "differs"  # is there on the other side, with a difference that somebody should know
    CANNOT = "cannot"  # has no counterpart


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What became of one attribute, clause or setting, and why."""

    outcome: Outcome
    subject: str  # the name of the attribute or setting, or a clause in words
    why: str
    path: str = ""  # in the JSON, or in sync.yaml


@dataclass(slots=True)
class Report:
    """The lines of a translation, in the order in which they were found."""

    lines: list[ReportLine] = field(default_factory=list)

    def taken(self, subject: str, why: str, path: str = "") -> None:
        """The same on the other side."""
        self.lines.append(ReportLine(Outcome.TAKEN, subject, why, path))

    def differs(self, subject: str, why: str, path: str = "") -> None:
        """There, and different."""
        self.lines.append(ReportLine(Outcome.DIFFERS, subject, why, path))

    def cannot(self, subject: str, why: str, path: str = "") -> None:
        """Not there."""
        self.lines.append(ReportLine(Outcome.CANNOT, subject, why, path))

    def of(self, outcome: Outcome) -> tuple[ReportLine, ...]:
        """The lines of one part."""
        return tuple([line for line in self.lines if line.outcome is outcome])


ADD: Final = "Add"
UPDATE: Final = "Update"
DELETE: Final = "Delete"
FLOWS: Final = (ADD, UPDATE, DELETE)
"""Actions that an object mapping may carry out, as its `flowTypes` names them."""

ALWAYS: Final = "Always"
ON_CREATE: Final = "ObjectAddOnly"
"""The two of Entra's flow types that have an exact counterpart."""

MATCHED_BY_ENTRA: Final = "alternativeSecurityIds"
"""The attribute by which Entra recognizes its users; Graph does not show it."""

MATCH_EXPRESSION: Final = "AltSecIdFromNetId([netId])"
SOFT_DELETED: Final = "IsSoftDeleted"
PRINCIPAL_NAME: Final = "userPrincipalName"

BUILT_IN_CLAUSES: Final = {
    ("alternativeSecurityIds", "EQUALS", "None"): (
        "external users of the source are never synchronized; somebody who becomes one is out of scope, and users "
        "with SMS sign-in, whom Entra skips for it, are in scope"
    ),
    ("userState", "NOT EQUALS", "PendingAcceptance"): (
        "only external users have such a state, and they are never synchronized"
    ),
}
"""Clauses of the template by which Entra leaves out external users: attribute, operator, value; and what is instead."""
