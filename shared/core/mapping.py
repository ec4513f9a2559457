"""Attribute mappings: from a source user's attributes to what the target user should hold.

The whole user is mapped every time, never a delta, and null is explicit: each mapping says whether a value
that is gone is cleared, kept, or replaced by a default. One attribute that cannot be had stops the write of
that user, unless its mapping may be skipped: a half-right user is worse than an old one. Reading the rules
from configuration is in `mapping_rules`; matching, links and writing are elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final, assert_never

from .attributes import PropertyType
from .expressions import (
    Compat,
    Environment,
    EvaluationError,
    Ignore,
    IgnoreFlow,
    Surroundings,
    Value,
)
from .fitting import Misfit, fit
from .mapping_rules import DEFAULT_MAPPINGS, Apply, AttributeMapping, Drift, WhenNull, parse_mappings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from .scoping import Filter


@dataclass(frozen=True, slots=True)
class ManagerSet:
    """The manager should be the target's user of this source user."""

    source_id: str


@dataclass(frozen=True, slots=True)
class ManagerClear:
    """There should be no manager."""


@dataclass(frozen=True, slots=True)
class NotMapped:
    """The manager is not ours to change."""


ManagerReference = ManagerSet | ManagerClear | NotMapped


@dataclass(frozen=True, slots=True)
class MappingFailure:
    """Why one attribute could not be had for one user. Holds no value of the user's."""

    attribute: str
    reason: str
    position: int | None = None  # in the expression, from 0; None when the value does not fit its target
    skippable: bool = False


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the rules make of one user.

    `attributes` and `on_create` are flat, by canonical name; None clears. At creation both are sent, and
    `on_create` wins. An attribute that is in neither is left alone.
    """

    attributes: Mapping[str, Value]
    on_create: Mapping[str, Value]
    manager: ManagerReference
    failures: tuple[MappingFailure, ...]
    ignored_object: bool
    redacted: frozenset[str]  # names whose values must not be logged

    @property
    def blocking_failures(self) -> tuple[MappingFailure, ...]:
        """Those with which the user must not be written."""
        return tuple([failure for failure in self.failures if not failure.skippable])


__all__ = [
    "DEFAULT_MAPPINGS",
    "Apply",
    "AttributeMapping",
    "Drift",
    "ManagerClear",
    "ManagerReference",
    "ManagerSet",
    "Mapped",
    "MappingFailure",
    "NotMapped",
    "WhenNull",
    "attributes_read",
    "map_user",
    "parse_mappings",
]

_NO_RANDOMNESS: Final = Random(0)
_NOT_MAPPED: Final = NotMapped()
# Looked up once: these loops run for every attribute of every user.
_REFERENCE: Final = PropertyType.REFERENCE
_ALWAYS: Final = Apply.ALWAYS


def map_user(
    mappings: Sequence[AttributeMapping],
    attributes: Mapping[str, Value],
    *,
    now: datetime,
    random: Random | None = None,
    compat: Compat = Compat.FIXED,
) -> Mapped:
    """Apply all mappings to one user's source attributes. Never raises for a user's data.

    Without `random`, random values are drawn from the user's id: an interrupted creation that is tried
    again makes the same user.
    """
    if random is None:
        varies = [mapping for mapping in mappings if mapping.expression.varies]
        random = Random(str(attributes.get("id"))) if varies else _NO_RANDOMNESS
    environment = Environment(attributes, Surroundings(now, random, compat))
    held: dict[str, Value] = {}
    on_create: dict[str, Value] = {}
    manager: ManagerReference = _NOT_MAPPED
    failures: list[MappingFailure] = []
    ignored_object = False
    for mapping in mappings:
        target = mapping.written
        if mapping.copied is not None:
            text = attributes.get(mapping.copied)
            if type(text) is str and 0 < len(text) <= target.plain:  # nearly every value: spare it the rest
                (held if mapping.apply is _ALWAYS else on_create)[target.name] = text
                continue
        try:
            value = mapping.expression.run(environment)
        except IgnoreFlow as signal:
            ignored_object = ignored_object or signal.what is Ignore.OBJECT
            continue
        except EvaluationError as error:
            failures.append(MappingFailure(target.name, error.message, error.position, mapping.skip_on_error))
            continue
        fitted = fit(target, value)
        if isinstance(fitted, Misfit):
            failures.append(MappingFailure(target.name, fitted.reason, None, mapping.skip_on_error))
        elif target.type is _REFERENCE:
            manager = _reference(mapping, fitted)
        elif fitted is not None:
            (held if mapping.apply is _ALWAYS else on_create)[target.name] = fitted
        else:
            _without_value(mapping, held, on_create)
    return Mapped(
        attributes=held,
        on_create=on_create,
        manager=manager,
        failures=tuple(failures),
        ignored_object=ignored_object,
        redacted=frozenset([mapping.target for mapping in mappings if mapping.expression.redacts]),
    )


def _reference(mapping: AttributeMapping, value: Value) -> ManagerReference:
    if isinstance(value, str):
        return ManagerSet(value)
    return NotMapped() if mapping.when_null is WhenNull.KEEP else ManagerClear()


def _without_value(mapping: AttributeMapping, held: dict[str, Value], on_create: dict[str, Value]) -> None:
    name = mapping.written.name
    if mapping.default is not None:
        on_create[name] = mapping.default
    if mapping.apply is Apply.ON_CREATE:
        return
    match mapping.when_null:
        case WhenNull.CLEAR:
            held[name] = None
        case WhenNull.DEFAULT:
            held[name] = mapping.default
        case WhenNull.KEEP:
            pass
        case _:
            assert_never(mapping.when_null)


def attributes_read(mappings: Iterable[AttributeMapping], *filters: Filter | None) -> frozenset[str]:
    """The names of all source attributes that the rules read."""
    names: set[str] = set()
    for mapping in mappings:
        names |= mapping.expression.attributes
    for each in filters:
        names |= each.attributes if each is not None else frozenset()
    return frozenset(names)
