"""A scoping filter as a tree of conditions, and a condition in words.

Plain values: reading them is in `scoping_rules`, evaluating them in `scoping`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .expressions.dotnet_regex import Pattern


class Operator(StrEnum):
    """Operators, by Entra's names; the last three are ours."""

    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT EQUALS"
    IS_TRUE = "IS TRUE"
    IS_FALSE = "IS FALSE"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"
    REGEX_MATCH = "REGEX MATCH"
    NOT_REGEX_MATCH = "NOT REGEX MATCH"
    GREATER_THAN = "Greater_Than"
    GREATER_THAN_OR_EQUALS = "Greater_Than_OR_EQUALS"
    INCLUDES = "Includes"
    ENDS_WITH = "ENDS_WITH"
    HAS_BITS = "&"
    LACKS_BITS = "!&"
    STARTS_WITH = "STARTS_WITH"
    BEFORE = "BEFORE"
    AFTER = "AFTER"


UNARY = frozenset({Operator.IS_TRUE, Operator.IS_FALSE, Operator.IS_NULL, Operator.IS_NOT_NULL})
WHOLE = frozenset({Operator.GREATER_THAN, Operator.GREATER_THAN_OR_EQUALS, Operator.HAS_BITS, Operator.LACKS_BITS})
PATTERNS = frozenset({Operator.REGEX_MATCH, Operator.NOT_REGEX_MATCH})
INSTANTS = frozenset({Operator.BEFORE, Operator.AFTER})


@dataclass(frozen=True, slots=True)
class Instant:
    """A fixed instant, or one so far from now."""

    at: datetime | None = None
    from_now: timedelta = timedelta()

    def when(self, now: datetime) -> datetime:
        """The instant, in UTC."""
        return (now + self.from_now if self.at is None else self.at).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition on one attribute; several values are alternatives."""

    attribute: str
    operator: Operator
    values: tuple[str, ...] = ()
    patterns: tuple[Pattern, ...] = field(default=(), compare=False, repr=False)
    numbers: tuple[int, ...] = field(default=(), compare=False, repr=False)
    instants: tuple[Instant, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class All:
    """Every part must hold; none do when there are none to fail. `name` is an Entra filter's title."""

    parts: tuple[Rule, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Any:
    """One part must hold."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part must not hold."""

    part: Rule


Rule = Clause | All | Any | Not


@dataclass(frozen=True, slots=True)
class Filter:
    """A whole filter; without a rule it lets everybody through."""

    rule: Rule | None
    attributes: frozenset[str]

    @property
    def follows_time(self) -> bool:
        """Whether the verdict on somebody may change though nothing about them does."""
        return any(instant.at is None for clause in clauses_of(self.rule) for instant in clause.instants)


def in_words(clause: Clause) -> str:
    """`department EQUALS "Sales"`."""
    values = " or ".join([f'"{value}"' for value in clause.values])
    return f"{clause.attribute} {clause.operator.value} {values}".rstrip()


def clauses_of(rule: Rule | None) -> Iterator[Clause]:
    """All conditions in a rule."""
    match rule:
        case Clause():
            yield rule
        case All(parts=parts) | Any(parts=parts):
            for part in parts:
                yield from clauses_of(part)
        case Not(part=part):
            yield from clauses_of(part)
        case None:
            return
        case _:
            assert_never(rule)
