"""Which user of a target is this person? The marker first, then the configured attributes in their order.

The criteria stand here once: the graph adapter turns them into a filter, and `choose` judges by the same ones
what the filter brought. The first step that somebody meets decides; several in it are for a person to sort out.

Whom an invitation of the person would lead to is looked for whatever is configured: Entra answers the invitation
of a known address with the user who has it already, and the next write would take that user over. Nothing here
decides what becomes of a match, or reads anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, assert_never

from shared.core.attributes import find
from shared.core.observed import Ambiguous

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Comparison(Enum):
    """How a property of a target user is compared; case never matters, as in Entra."""

    EQUALS = auto()
    CONTAINS = auto()  # a list has this item
    STARTS_WITH = auto()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition on a target user. A dot in `name` leads to a part of a complex property."""

    name: str
    comparison: Comparison
    value: str = field(repr=False)

    def holds(self, user: Mapping[str, Any]) -> bool:
        """Whether a user (Graph's JSON) meets it."""
        held = _held(user, self.name)
        wanted = self.value.lower()
        match self.comparison:
            case Comparison.EQUALS:
                return isinstance(held, str) and held.lower() == wanted
            case Comparison.STARTS_WITH:
                return isinstance(held, str) and _without_bin_prefix(user, held).lower().startswith(wanted)
            case Comparison.CONTAINS:
                return isinstance(held, list) and any(isinstance(item, str) and item.lower() == wanted for item in held)
            case _:
                assert_never(self.comparison)


@dataclass(frozen=True, slots=True)
class Person:
    """One source user, as far as matching goes.

    `addresses` are the mail addresses that lead to the person when invited. `values` are Graph properties as the
    target user should hold them, for matching by any other attribute.
    """

    marker_attribute: str
    marker: str
    addresses: tuple[str, ...] = field(default=(), repr=False)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Match:
    """Exactly one user meets the first step that anybody meets."""

    user_id: str
    by: str  # the property


@dataclass(frozen=True, slots=True)
class Collision:
    """Nobody matches, but an invitation of the person would lead to this user."""

    user_id: str


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Nobody: the person can be invited."""


Choice = Match | Collision | NoMatch | Ambiguous

_BIN_PREFIX_LENGTH: Final = 32  # an object id without its dashes


def choose(person: Person, candidates: Sequence[Mapping[str, Any]], precedence: Sequence[str]) -> Choice:
    """Choose among the users that a filter by `all_criteria` brought (Graph's JSON, each with its id).

    A candidate who meets no step is one all the same whom an invitation may lead to: the target's idea of equal
    may be wider than ours.
    """
    for name, criteria in steps(person, precedence):
        hits = _ids(user for user in candidates if any(criterion.holds(user) for criterion in criteria))
        if len(hits) == 1:
            return Match(hits[0], name)
        if hits:
            return Ambiguous(hits)
    left = _ids(candidates)
    match left:
        case ():
            return NoMatch()
        case (only,):
            return Collision(only)
        case _:
            return Ambiguous(left)


def steps(person: Person, precedence: Sequence[str]) -> tuple[tuple[str, tuple[Criterion, ...]], ...]:
    """The steps in order: a property and the criteria of which one must hold."""
    marker = Criterion(person.marker_attribute, Comparison.EQUALS, person.marker)
    names = [name if name in _BY_ADDRESS else canonical(name) for name in precedence]
    return ((person.marker_attribute, (marker,)), *[(name, _criteria(person, name)) for name in names])


def all_criteria(person: Person, precedence: Sequence[str]) -> tuple[Criterion, ...]:
    """Every criterion that makes a target user a candidate, without repetition."""
    found = [criterion for _, criteria in steps(person, precedence) for criterion in criteria]
    found += [criterion for name in _BY_ADDRESS for criterion in _criteria(person, name)]
    return tuple(dict.fromkeys(found))


def properties_read(precedence: Iterable[str]) -> tuple[str, ...]:
    """The Graph properties that `choose` looks at, but for the marker."""
    names = [*_BY_ADDRESS, *[canonical(name).partition(".")[0] for name in precedence]]
    return tuple(dict.fromkeys(names))


def canonical(name: str) -> str:
    """Graph's name of an attribute in the precedence, which may be Entra's.

    Raises:
        ValueError: it is no attribute of a user. Names go into filters, so nothing else may pass.
    """
    known = find(name)
    if known is None:
        raise ValueError(f"{name} is no attribute of a user")
    return known.name


def external_prefix(address: str) -> str:
    """The part of a B2B user's name that Entra makes from the invited address: `ann_contoso.com#EXT#`."""
    return f"{address.replace('@', '_')}#EXT#"


_BY_ADDRESS: Final = ("mail", "userPrincipalName", "otherMails", "proxyAddresses")
"""The properties that an invitation compares with the invited address."""


def _criteria(person: Person, name: str) -> tuple[Criterion, ...]:
    if name not in _BY_ADDRESS:
        return _equal(name, person.values)
    found: list[Criterion] = []
    for address in filter(_sayable, person.addresses):
        match name:
            case "mail":
                found.append(Criterion(name, Comparison.EQUALS, address))
            case "userPrincipalName":
                found.append(Criterion(name, Comparison.STARTS_WITH, external_prefix(address)))
            case "otherMails":
                found.append(Criterion(name, Comparison.CONTAINS, address))
            case _:  # the primary address has the prefix in capitals, and Graph compares it with case
                found += [Criterion(name, Comparison.CONTAINS, f"{prefix}:{address}") for prefix in ("SMTP", "smtp")]
    return tuple(found)


def _equal(name: str, values: Mapping[str, Any]) -> tuple[Criterion, ...]:
    """Nothing and an empty text match nobody: they would match everybody who has none."""
    wanted = _held(values, name)
    if isinstance(wanted, str) and _sayable(wanted):
        return (Criterion(name, Comparison.EQUALS, wanted),)
    if isinstance(wanted, list):
        items = [item for item in wanted if isinstance(item, str) and _sayable(item)]
        return tuple([Criterion(name, Comparison.CONTAINS, item) for item in items])
    return ()


def _sayable(value: str) -> bool:
    """Whether there is anything to compare, and it can stand in an address: half a surrogate pair cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return bool(value.strip())


def _held(user: Mapping[str, Any], name: str) -> object:
    outer, _, inner = name.partition(".")
    held = user.get(outer)
    if not inner:
        return held
    return held.get(inner) if isinstance(held, dict) else None


def _without_bin_prefix(user: Mapping[str, Any], name: str) -> str:
    """The name that a user in the bin had: the directory puts the object id before it."""
    prefix = str(user.get("id")).replace("-", "").lower()
    return name[len(prefix) :] if len(prefix) == _BIN_PREFIX_LENGTH and name.lower().startswith(prefix) else name


def _ids(users: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted({str(user["id"]) for user in users}))
