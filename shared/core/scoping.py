"""Who is in scope by attributes: Entra's scoping filters, and a boolean tree where they do not suffice.

A verdict is one of three. Out names the clauses that failed. Undecidable means that the filter could not be
evaluated (a regular expression that takes too long): it is never out, because out may delete. Group
membership is no matter of this module; reading filters from configuration is in `scoping_rules`.

Entra's own rules: clauses of a filter are joined by AND, filters by OR; a null attribute fails every clause
but IS NULL; comparison of text is exact. Beyond Entra: `all`, `any`, `not`, dates, and multi-valued
attributes, of which one value is enough (for the negative operators: none may be).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from .expressions.date_reading import read_date
from .expressions.errors import Failure
from .expressions.values import as_integer, as_list, as_text, is_empty
from .scoping_rules import parse_filter
from .scoping_tree import All, Any, Clause, Filter, Not, Operator, Rule, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from .expressions import Value


__all__ = [
    "All",
    "Any",
    "Clause",
    "Filter",
    "InScope",
    "Not",
    "Operator",
    "Out",
    "Rule",
    "Undecidable",
    "Verdict",
    "evaluate_filter",
    "parse_filter",
]

_NEGATIVE = frozenset({Operator.NOT_EQUALS, Operator.NOT_REGEX_MATCH, Operator.LACKS_BITS})


@dataclass(frozen=True, slots=True)
class InScope:
    """The filter lets the user through; `why` names what did."""

    why: str


@dataclass(frozen=True, slots=True)
class Out:
    """The filter does not; `why` names the failing clauses. It holds settings, no value of the user's."""

    why: str


@dataclass(frozen=True, slots=True)
class Undecidable:
    """The filter could not be evaluated."""

    why: str


Verdict = InScope | Out | Undecidable


def evaluate_filter(scope: Filter, attributes: Mapping[str, Value], *, now: datetime) -> Verdict:
    """Whether the user with these attributes passes. Never raises for a user's data."""
    if scope.rule is None:
        return InScope("no scoping filter")
    return _evaluate(scope.rule, attributes, now)


def _evaluate(rule: Rule, attributes: Mapping[str, Value], now: datetime) -> Verdict:
    match rule:
        case Clause():
            return _clause(rule, attributes, now)
        case All(parts=parts):
            return _all(rule, [_evaluate(part, attributes, now) for part in parts])
        case Any(parts=parts):
            return _any([_evaluate(part, attributes, now) for part in parts])
        case Not(part=part):
            verdict = _evaluate(part, attributes, now)
            match verdict:
                case InScope(why=why):
                    return Out(f"not allowed: {why}")
                case Out(why=why):
                    return InScope(why)
                case Undecidable():
                    return verdict
                case _:
                    assert_never(verdict)
        case _:
            assert_never(rule)


def _all(rule: All, verdicts: Sequence[Verdict]) -> Verdict:
    """What fails is certain, whatever the undecided parts would say."""
    title = f'"{rule.name}": ' if rule.name else ""
    failing = [verdict.why for verdict in verdicts if isinstance(verdict, Out)]
    if failing:
        return Out(title + " and ".join(failing))
    undecided = [verdict.why for verdict in verdicts if isinstance(verdict, Undecidable)]
    if undecided:
        return Undecidable(title + " and ".join(undecided))
    return InScope(title + (" and ".join([verdict.why for verdict in verdicts]) or "no clauses"))


def _any(verdicts: Sequence[Verdict]) -> Verdict:
    for verdict in verdicts:
        if isinstance(verdict, InScope):
            return verdict
    undecided = [verdict.why for verdict in verdicts if isinstance(verdict, Undecidable)]
    if undecided:
        return Undecidable("; ".join(undecided))
    return Out("; ".join([verdict.why for verdict in verdicts]) or "no alternatives")


def _clause(clause: Clause, attributes: Mapping[str, Value], now: datetime) -> Verdict:
    words = in_words(clause)
    value = attributes.get(clause.attribute)
    if clause.operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        holds = is_empty(value) is (clause.operator is Operator.IS_NULL)
        return InScope(words) if holds else Out(f"{words} fails")
    if is_empty(value):
        return Out(f"{words} fails: the attribute is empty")
    held = as_list(value)
    try:
        if clause.operator in _NEGATIVE:
            holds = all(_holds(clause, each, now) for each in held)
        else:
            holds = any(_holds(clause, each, now) for each in held)
    except Failure as failure:
        return Undecidable(f"{words}: {failure.message}")
    return InScope(words) if holds else Out(f"{words} fails")


def _holds(clause: Clause, value: Value, now: datetime) -> bool:
    """Whether one value that is not null passes. Raises Failure when that cannot be known."""
    match clause.operator:
        case Operator.EQUALS:
            return _equals(value, clause.values)
        case Operator.NOT_EQUALS:
            return not _equals(value, clause.values)
        case Operator.IS_TRUE:
            return value is True
        case Operator.IS_FALSE:
            return value is False
        case Operator.REGEX_MATCH:
            return _matches(clause, value)
        case Operator.NOT_REGEX_MATCH:
            return not _matches(clause, value)
        case Operator.INCLUDES:
            return any(each in (as_text(value) or "") for each in clause.values)
        case Operator.ENDS_WITH:
            return (as_text(value) or "").endswith(clause.values)
        case Operator.STARTS_WITH:
            return (as_text(value) or "").startswith(clause.values)
        case Operator.GREATER_THAN | Operator.GREATER_THAN_OR_EQUALS | Operator.HAS_BITS | Operator.LACKS_BITS:
            return _number_holds(clause, value)
        case Operator.BEFORE:
            at = read_date(as_text(value) or "")
            return any(at < instant.when(now) for instant in clause.instants)
        case Operator.AFTER:
            at = read_date(as_text(value) or "")
            return any(at > instant.when(now) for instant in clause.instants)
        case Operator.IS_NULL | Operator.IS_NOT_NULL:  # pragma: no cover - decided before values are looked at
            raise AssertionError(clause.operator)
        case _:
            assert_never(clause.operator)


def _equals(value: Value, values: tuple[str, ...]) -> bool:
    if isinstance(value, bool):
        return str(value).lower() in [each.lower() for each in values]
    return as_text(value) in values


def _matches(clause: Clause, value: Value) -> bool:
    text = as_text(value) or ""
    return any(pattern.search(text) is not None for pattern in clause.patterns)


def _number_holds(clause: Clause, value: Value) -> bool:
    """Integers only, as Entra says: anything else fails the clause."""
    if isinstance(value, bool | float | dict):
        return False
    try:
        number = as_integer(value, clause.attribute)
    except Failure:
        return False
    if number is None:
        return False
    for limit in clause.numbers:
        held = {
            Operator.GREATER_THAN: number > limit,
            Operator.GREATER_THAN_OR_EQUALS: number >= limit,
            Operator.HAS_BITS: number & limit == limit,
            Operator.LACKS_BITS: number & limit == 0,
        }
        if held[clause.operator]:
            return True
    return False
