"""Reading scoping filters from configuration or from an Entra schema, with all faults at once.

Two shapes of a clause mean the same: Entra's `{operatorName, sourceOperandName, targetOperand: {values}}`
and ours, `{attribute, operator, value | values}`. A filter is Entra's `{groups: [{name, clauses}]}`, or a tree
of `{all: […]}`, `{any: […]}`, `{not: …}` and clauses; a list means all of it.
"""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .expressions.date_reading import read_iso
from .expressions.dotnet_regex import Pattern, compile_pattern
from .expressions.errors import Failure
from .rule_faults import RuleFault
from .scoping_tree import (
    INSTANTS,
    PATTERNS,
    UNARY,
    WHOLE,
    All,
    Any,
    Clause,
    Filter,
    Instant,
    Not,
    Operator,
    Rule,
    clauses_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DEEPEST = 50  # filters inside filters
_BRANCHES = ("groups", "all", "any", "not")
_CLAUSE_KEYS = frozenset(
    {"attribute", "operator", "value", "values", "operatorName", "sourceOperandName", "targetOperand", "name"}
)
_FROM_NOW = re.compile(r"now(?:\s*([+-])\s*([0-9]{1,5})d)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def parse_filter(
    raw: object, *, known: Callable[[str], str | None] | None = None
) -> tuple[Filter | None, tuple[RuleFault, ...]]:
    """The filter and no faults, or None and all faults; paths begin with `.` or `[`, or are "".

    `known` gives the complaint about an attribute name, None for one that exists; without it any name does.
    """
    reader = _Reader(known)
    rule = reader.rule(raw, "", 0)
    if reader.faults:
        return None, tuple(reader.faults)
    return Filter(rule, frozenset([clause.attribute for clause in clauses_of(rule)])), ()


class _Reader:
    """Reads a filter and collects its faults."""

    def __init__(self, known: Callable[[str], str | None] | None) -> None:
        self.known = known
        self.faults: list[RuleFault] = []

    def fault(self, path: str, message: str) -> None:
        self.faults.append(RuleFault(path, message))

    def rule(self, raw: object, path: str, depth: int) -> Rule | None:
        """The rule; None when it has a fault, or when there is nothing to fail."""
        if depth > _DEEPEST:
            self.fault(path, f"has more than {_DEEPEST} filters inside one another")
            return None
        if isinstance(raw, list):
            return All(self.parts(raw, path, depth))
        if not isinstance(raw, dict):
            self.fault(path, "must be a filter: groups, all, any, not, or a clause")
            return None
        branches = [key for key in _BRANCHES if key in raw]
        if len(branches) > 1 or (branches and len(raw) > 1 and set(raw) != {branches[0], "name"}):
            self.fault(
                path, f"has several meanings at once: {', '.join(map(str, raw))}; put them into a list under all"
            )
            return None
        if not branches:
            return self.group(raw, path, depth) if "clauses" in raw else self.clause(raw, path)
        branch, inner = branches[0], raw[branches[0]]
        place = f"{path}.{branch}"
        if branch == "not":
            part = self.rule(inner, place, depth + 1)
            return None if part is None else Not(part)
        if not isinstance(inner, list):
            self.fault(place, "must be a list")
            return None
        if branch == "groups":
            groups = [self.group(group, f"{place}[{index}]", depth) for index, group in enumerate(inner)]
            return Any(tuple([group for group in groups if group is not None])) if inner else None
        if not inner:
            self.fault(place, "is empty: it would say everybody or nobody; leave it out or say which")
        parts = self.parts(inner, place, depth)
        return All(parts) if branch == "all" else Any(parts)

    def parts(self, raw: list[object], path: str, depth: int) -> tuple[Rule, ...]:
        found = [self.rule(part, f"{path}[{index}]", depth + 1) for index, part in enumerate(raw)]
        return tuple([part for part in found if part is not None])

    def group(self, raw: object, path: str, depth: int) -> Rule | None:
        """One of Entra's scoping filters: clauses that are all to hold, under a title."""
        clauses = raw.get("clauses") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(clauses, list):
            self.fault(path, "must have a list of clauses")
            return None
        name = raw.get("name")
        parts = self.parts(clauses, f"{path}.clauses", depth)
        return All(parts, name if isinstance(name, str) and name else None)

    def clause(self, raw: Mapping[object, object], path: str) -> Rule | None:
        before = len(self.faults)
        for key in raw:
            if key not in _CLAUSE_KEYS:
                near = difflib.get_close_matches(str(key), [*_CLAUSE_KEYS, *_BRANCHES], n=1)
                self.fault(f"{path}.{key}", f"is no part of a clause{f'; expected {near[0]}' if near else ''}")
        attribute = raw.get("attribute", raw.get("sourceOperandName"))
        if not isinstance(attribute, str) or not attribute:
            self.fault(path, "a clause needs the name of an attribute")
        elif self.known is not None and (complaint := self.known(attribute)):
            self.fault(path, complaint)
        operator = self.operator(raw.get("operator", raw.get("operatorName")), path)
        values = self.values(raw, path)
        if operator is None or len(self.faults) > before or not isinstance(attribute, str):
            return None
        if operator in UNARY:
            return Clause(attribute, operator)
        if not values:
            self.fault(path, f"{operator.value} needs a value")
            return None
        return self.complete(attribute, operator, values, path)

    def complete(self, attribute: str, operator: Operator, values: tuple[str, ...], path: str) -> Rule | None:
        """The clause with its values in the form that the operator compares."""
        before = len(self.faults)
        patterns: list[Pattern] = []
        numbers: list[int] = []
        instants: list[Instant] = []
        for value in values:
            if operator in WHOLE:
                if _WHOLE.fullmatch(value.strip()):
                    numbers.append(int(value))
                else:
                    self.fault(path, f"{operator.value} compares with a whole number")
            elif operator in PATTERNS:
                try:
                    patterns.append(compile_pattern(value))
                except Failure as failure:
                    self.faults.append(RuleFault(path, failure.message, value))
            elif operator in INSTANTS:
                instant = _instant(value)
                if instant is None:
                    self.fault(path, f"{operator.value} compares with an ISO 8601 date, now, or now+14d")
                else:
                    instants.append(instant)
        if len(self.faults) > before:
            return None
        return Clause(attribute, operator, values, tuple(patterns), tuple(numbers), tuple(instants))

    def operator(self, raw: object, path: str) -> Operator | None:
        """By Entra's name; case and the choice of blank or underscore do not matter."""
        wanted = _plain(raw) if isinstance(raw, str) else ""
        for operator in Operator:
            if _plain(operator.value) == wanted:
                return operator
        near = difflib.get_close_matches(wanted, [_plain(each.value) for each in Operator], n=1, cutoff=0.5)
        meant = [each.value for each in Operator if _plain(each.value) in near]
        expected = meant[0] if meant else f"one of {', '.join([each.value for each in Operator])}"
        self.fault(path, f"there is no such operator; expected {expected}")
        return None

    def values(self, raw: Mapping[object, object], path: str) -> tuple[str, ...]:
        operand = raw.get("targetOperand")
        given: object = raw.get("values", raw.get("value"))
        if given is None and isinstance(operand, dict):
            given = operand.get("values")
        if given is None:
            return ()
        listed = given if isinstance(given, list) else [given]
        values: list[str] = []
        for each in listed:
            if isinstance(each, bool):
                values.append("True" if each else "False")
            elif isinstance(each, str | int):
                values.append(str(each))
            elif isinstance(each, datetime):
                values.append((each if each.tzinfo else each.replace(tzinfo=UTC)).isoformat())
            elif hasattr(each, "isoformat"):  # YAML reads an unquoted date as a date
                values.append(each.isoformat())
            else:
                self.fault(path, "values must be texts or numbers")
        return tuple(values)


def _plain(name: str) -> str:
    return " ".join(name.upper().replace("_", " ").split())


def _instant(text: str) -> Instant | None:
    relative = _FROM_NOW.fullmatch(text.strip())
    if relative:
        days = int(relative[2] or 0)
        return Instant(from_now=timedelta(days=-days if relative[1] == "-" else days))
    try:
        return Instant(at=read_iso(text)[0])
    except Failure:
        return None
