"""The meaning of a SQL filter, in three-valued logic: true, false, and ``None`` for unknown.

A property that is not there is unknown; so is a comparison of things that do not compare. Only true matches. The
tables for AND and OR are SQL's: unknown yields to what decides, and otherwise stays unknown.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.bus.rules.view import MessageView


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, number, truth value, or ``None`` for NULL."""

    value: Any


@dataclass(frozen=True, slots=True)
class SystemProperty:
    """``sys.Name``; the name in lower case, known to exist."""

    name: str


@dataclass(frozen=True, slots=True)
class UserProperty:
    """A property of the sender's; the name case-folded, because filters do not tell case apart in names."""

    name: str


Operand = Constant | SystemProperty | UserProperty


class Comparison(Enum):
    """The six comparisons."""

    EQUAL = "="
    NOT_EQUAL = "<>"
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="


@dataclass(frozen=True, slots=True)
class Compare:
    """``left <comparison> right``."""

    left: Operand
    comparison: Comparison
    right: Operand


@dataclass(frozen=True, slots=True)
class In:
    """``operand IN (…)``."""

    operand: Operand
    choices: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """``operand LIKE pattern``, the pattern compiled."""

    operand: Operand
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class IsNull:
    """``property IS NULL``: not there, or there with no value."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class Exists:
    """``EXISTS(property)``."""

    subject: SystemProperty | UserProperty


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT …``."""

    predicate: Predicate


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    predicates: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    predicates: tuple[Predicate, ...]


Predicate = Compare | In | Like | IsNull | Exists | Not | And | Or


@dataclass(frozen=True, slots=True)
class SqlFilter:
    """Matches where its predicate is true; ``expression`` is what was written."""

    expression: str
    predicate: Predicate

    def matches(self, view: MessageView) -> bool:
        """Whether it is true; unknown is not."""
        return evaluate(self.predicate, view) is True


def evaluate(predicate: Predicate, view: MessageView) -> bool | None:
    """The predicate's truth for one message."""
    match predicate:
        case Compare(left, comparison, right):
            return _compare(comparison, _value(left, view), _value(right, view))
        case In(operand, choices):
            value = _value(operand, view)
            return _any([_compare(Comparison.EQUAL, value, _value(choice, view)) for choice in choices])
        case Like(operand, pattern):
            value = _value(operand, view)
            return pattern.fullmatch(value) is not None if isinstance(value, str) else None
        case IsNull(operand):
            return _value(operand, view) is None
        case Exists(subject):
            if isinstance(subject, UserProperty):
                return view.has_user(subject.name)
            return view.system(subject.name) is not None
        case Not(inner):
            truth = evaluate(inner, view)
            return None if truth is None else not truth
        case And(predicates):
            truths = [evaluate(inner, view) for inner in predicates]
            return False if False in truths else None if None in truths else True
        case Or(predicates):
            return _any([evaluate(inner, view) for inner in predicates])


def like_pattern(pattern: str, escape: str | None) -> re.Pattern[str]:
    """A LIKE pattern compiled: ``%`` any run of characters, ``_`` any one, the escape takes away their meaning."""
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            parts.append(re.escape(next(characters, character)))
        elif character == "%":
            parts.append(".*")
        elif character == "_":
            parts.append(".")
        else:
            parts.append(re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


def _any(truths: list[bool | None]) -> bool | None:
    return True if True in truths else None if None in truths else False


def _value(operand: Operand, view: MessageView) -> Any:
    match operand:
        case Constant(value):
            return value
        case SystemProperty(name):
            return view.system(name)
        case UserProperty(name):
            return view.user(name)


_OPERATORS = {
    Comparison.EQUAL: operator.eq,
    Comparison.NOT_EQUAL: operator.ne,
    Comparison.LESS: operator.lt,
    Comparison.LESS_OR_EQUAL: operator.le,
    Comparison.GREATER: operator.gt,
    Comparison.GREATER_OR_EQUAL: operator.ge,
}


def _compare(comparison: Comparison, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    kind = _kind(left)
    if kind is None or kind is not _kind(right):
        return None
    if kind is bool and comparison not in {Comparison.EQUAL, Comparison.NOT_EQUAL}:
        return None
    return bool(_OPERATORS[comparison](left, right))


def _kind(value: Any) -> type | None:
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    return str if isinstance(value, str) else None
