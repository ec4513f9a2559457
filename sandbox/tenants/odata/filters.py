"""What a `$filter` can say about a directory object, run as a function over objects' properties.

Comparison of strings ignores letters' case, as the directory does. What Graph refuses is refused
with `FilterError`; whether a filter needs the advanced index is said, not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Predicate: TypeAlias = Callable[[Mapping[str, Any]], bool]
Literal: TypeAlias = str | bool | int | None


class FilterError(ValueError):
    """A filter that cannot be read (`syntax`), or one that Graph does not support."""

    def __init__(self, message: str, *, syntax: bool) -> None:
        super().__init__(message)
        self.syntax = syntax


@dataclass(frozen=True, slots=True)
class Comparison:
    """`property op literal` with op eq, ne, ge, le, gt or lt."""

    name: str
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class In:
    """`property in (literals)`."""

    name: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Affix:
    """`startsWith(property, literal)` or `endsWith(…)`."""

    name: str
    value: str
    start: bool


@dataclass(frozen=True, slots=True)
class AnyItem:
    """`collection/any(x: condition on x)`; no condition means "not empty". Inside, x is named ""."""

    name: str
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class Not:
    """`not expression`."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class Both:
    """`left and right`."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Either:
    """`left or right`."""

    left: Expression
    right: Expression


Expression: TypeAlias = Comparison | In | Affix | AnyItem | Not | Both | Either


def names(expression: Expression) -> set[str]:
    """All properties the expression reads."""
    match expression:
        case Comparison(name) | In(name) | Affix(name) | AnyItem(name):
            return {name}
        case Not(inner):
            return names(inner)
        case Both(left, right) | Either(left, right):
            return names(left) | names(right)


def is_advanced(expression: Expression) -> bool:
    """Whether Graph answers it only from the advanced index (ne, not, endsWith)."""
    match expression:
        case Comparison(_, operator):
            return operator == "ne"
        case In():
            return False
        case Affix(_, _, start):
            return not start
        case AnyItem(_, condition):
            return condition is not None and is_advanced(condition)
        case Not():
            return True
        case Both(left, right) | Either(left, right):
            return is_advanced(left) or is_advanced(right)


def keys(expression: Expression, indexed: Callable[[str], bool]) -> list[tuple[str, str]] | None:
    """Index entries that together hold every match, or None where the index cannot say."""
    match expression:
        case Comparison(name, "eq", str(value)) if name == "id" or indexed(name):
            return [(name, value)]
        case In(name, values) if name == "id" or indexed(name):
            strings = [value for value in values if isinstance(value, str)]
            return [(name, value) for value in strings] if len(strings) == len(values) else None
        case AnyItem(name, Comparison("", "eq", str(value))) if indexed(name):
            return [(name, value)]
        case Both(left, right):
            found = keys(left, indexed)
            return found if found is not None else keys(right, indexed)
        case Either(left, right):
            one, other = keys(left, indexed), keys(right, indexed)
            return None if one is None or other is None else one + other
        case _:
            return None


def compiled(expression: Expression) -> Predicate:
    """The expression as a function of an object's properties."""
    match expression:
        case Comparison(name, operator, value):
            return _comparison(name, operator, value)
        case In(name, values):
            wanted = {_folded(value) for value in values}
            return lambda item: _folded(item.get(name)) in wanted
        case Affix(name, value, start):
            folded = value.lower()
            if start:
                return lambda item: isinstance(v := item.get(name), str) and v.lower().startswith(folded)
            return lambda item: isinstance(v := item.get(name), str) and v.lower().endswith(folded)
        case AnyItem(name, condition):
            return _any(name, condition)
        case Not(negated):
            positive = compiled(negated)
            return lambda item: not positive(item)
        case Both(left, right):
            one, other = compiled(left), compiled(right)
            return lambda item: one(item) and other(item)
        case Either(left, right):
            one, other = compiled(left), compiled(right)
            return lambda item: one(item) or other(item)


def _any(name: str, condition: Expression | None) -> Predicate:
    if condition is None:
        return lambda item: bool(item.get(name))
    inner = compiled(condition)
    return lambda item: any(inner({"": element}) for element in item.get(name) or ())


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _comparison(name: str, operator: str, value: Literal) -> Predicate:
    wanted = _folded(value)
    match operator:
        case "eq":
            return lambda item: _folded(item.get(name)) == wanted
        case "ne":
            return lambda item: _folded(item.get(name)) != wanted
    if wanted is None or isinstance(wanted, bool):
        raise FilterError(f"The operator '{operator}' does not compare with this literal", syntax=False)

    def ordered(item: Mapping[str, Any]) -> bool:
        held = _folded(item.get(name))
        if isinstance(held, bool) or type(held) is not type(wanted):
            return False
        match operator:
            case "ge":
                return bool(held >= wanted)
            case "le":
                return bool(held <= wanted)
            case "gt":
                return bool(held > wanted)
            case _:
                return bool(held < wanted)

    return ordered
