"""Scoping filters of a synchronizationSchema and ours, in both directions.

In: Entra's groups of clauses keep their titles; the template's own clauses against external users go, since those
are never synchronized. Out: a tree is flattened into alternatives of conditions, exactly or not at all. Attribute
mappings are elsewhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, assert_never

from .attributes import PropertyType, complaint, find
from .scoping_rules import parse_filter
from .scoping_tree import INSTANTS, UNARY, All, Clause, Filter, Not, Operator, Rule, in_words
from .scoping_tree import Any as Either
from .synchronization_schema import BUILT_IN_CLAUSES, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .synchronization_schema_reading import SchemaClause, SchemaGroup

_UNARY: Final = frozenset(operator.value for operator in UNARY)
_MOST_GROUPS: Final = 100  # alternatives that a tree may become
_NOT_IN_ENTRA: Final = {
    "userType": "Entra's filters cannot ask for userType",
    "manager": "Entra's filters cannot ask for a reference",
}


# --- in -----------------------------------------------------------------------------------------------------------


def filter_from(groups: Sequence[SchemaGroup], setting: str, report: Report) -> dict[str, object] | None:
    """The filter in sync.yaml's words; None where everybody passes."""
    kept: list[dict[str, object]] = []
    for group in groups:
        own = [clause for clause in group.clauses if not _is_built_in(clause, report)]
        if not own:
            if group.clauses and len(groups) > 1:
                why = "lets every internal user through, so that its alternatives restrict nobody"
                report.differs(f'filter "{group.name}"', why, group.path)
            elif not group.clauses:
                report.taken(f'filter "{group.name}"', "has no clauses and lets everybody through", group.path)
            return None
        named = {"name": group.name} if group.name else {}
        kept.append({**named, "clauses": [_entry(clause, setting, report) for clause in own]})
    return {"groups": kept} if kept else None


def _is_built_in(clause: SchemaClause, report: Report) -> bool:
    value = clause.values[0] if len(clause.values) == 1 else ""
    why = BUILT_IN_CLAUSES.get((clause.attribute, clause.operator.upper().replace("_", " "), value))
    if why is not None:
        report.differs(_words(clause), why, clause.path)
    return why is not None


def _words(clause: SchemaClause) -> str:
    values = " or ".join([f'"{value}"' for value in clause.values])
    return f"{clause.attribute} {clause.operator} {values}".rstrip()


def _entry(clause: SchemaClause, setting: str, report: Report) -> dict[str, object]:
    entry: dict[str, object] = {"attribute": clause.attribute, "operator": clause.operator}
    if clause.operator.upper().replace("_", " ") in _UNARY:
        pass  # Entra may leave an empty value there
    elif len(clause.values) == 1:
        entry["value"] = clause.values[0]
    else:
        entry["values"] = list(clause.values)
    faults = parse_filter(entry, known=complaint)[1]
    for fault in faults:
        report.cannot(
            _words(clause),
            f"{fault.message}; it stands in scope.{setting} as it is, and the file is refused until you decide",
            clause.path,
        )
    if not faults:
        leaving = "leaving it deprovisions" if setting == "filter" else "leaving it freezes"
        report.taken(_words(clause), f"scope.{setting}: {leaving}", clause.path)
    return entry


# --- out ----------------------------------------------------------------------------------------------------------


def groups_of(scope: Filter | None, setting: str, report: Report) -> list[dict[str, Any]] | None:
    """The filter as Entra's groups of clauses, [] where everybody passes; None where Entra cannot say it."""
    if scope is None or scope.rule is None:
        return []
    alternatives = _alternatives(scope.rule)
    if alternatives is None:
        report.cannot(f"scope.{setting}", "Entra knows alternatives of conditions only; a negation cannot be said so")
        return None
    if len(alternatives) > _MOST_GROUPS:
        report.cannot(f"scope.{setting}", f"has more than {_MOST_GROUPS} alternatives when it is written out")
        return None
    reasons = [reason for _, clauses in alternatives for clause in clauses if (reason := _not_in_entra(clause))]
    for reason in dict.fromkeys(reasons):
        report.cannot(f"scope.{setting}", reason)
    if reasons:
        return None
    report.taken(f"scope.{setting}", "alternatives of conditions")
    titles = [name or f"Filter {number}" for number, (name, _) in enumerate(alternatives, 1)]
    return [
        {"name": title, "clauses": [_clause(clause, setting, report) for clause in clauses]}
        for title, (_, clauses) in zip(titles, alternatives, strict=True)
    ]


_Alternatives = list[tuple[str | None, tuple[Clause, ...]]]


def _alternatives(rule: Rule) -> _Alternatives | None:
    """A tree as titles and conditions of which one set must hold; None where that is not the same."""
    match rule:
        case Clause():
            return [(None, (rule,))]
        case Not(part=Clause(operator=Operator.IS_NULL | Operator.IS_NOT_NULL) as clause):
            turned = Operator.IS_NOT_NULL if clause.operator is Operator.IS_NULL else Operator.IS_NULL
            return [(None, (Clause(clause.attribute, turned),))]
        case Not():  # "not equal" is false for an empty attribute, "not (equal)" is true
            return None
        case Either(parts=parts):
            written: _Alternatives = []
            for part in parts:
                found = _alternatives(part)
                if found is None:
                    return None
                written += found
            return written
        case All(parts=parts, name=name):
            return _together(parts, name)
        case _:
            assert_never(rule)


def _together(parts: tuple[Rule, ...], name: str | None) -> _Alternatives | None:
    combined: _Alternatives = [(name, ())]
    for part in parts:
        found = _alternatives(part)
        if found is None:
            return None
        combined = [(name or title or inner, (*left, *right)) for title, left in combined for inner, right in found]
        if len(combined) > _MOST_GROUPS:
            return combined
    return combined


def _not_in_entra(clause: Clause) -> str | None:
    if clause.operator in INSTANTS:
        return f"{in_words(clause)}: Entra's filters cannot compare dates"
    found = find(clause.attribute)
    if found is not None and found.type is PropertyType.TEXT_LIST and clause.attribute != found.entra:
        return f"{clause.attribute}: Entra's filters cannot ask for an attribute with several values"
    return _NOT_IN_ENTRA.get(clause.attribute)


def _clause(clause: Clause, setting: str, report: Report) -> dict[str, Any]:
    operator, values = clause.operator, list(clause.values)
    if operator is Operator.STARTS_WITH:
        report.differs(f"scope.{setting}", f"{in_words(clause)} becomes a REGEX MATCH, since Entra lacks it")
        operator, values = Operator.REGEX_MATCH, [f"^{re.escape(value)}.*" for value in values]
    found = find(clause.attribute)
    return {
        "operatorName": operator.value,
        "sourceOperandName": (found.entra if found else None) or clause.attribute,
        "targetOperand": {"values": values},
    }
