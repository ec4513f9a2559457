"""Life, made up: a company whose people come, change, go and come back, so that each deed makes sense when it comes.

It knows who is where by what it made happen itself, never by asking: the same seed gives the same life, whatever the
app makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sandbox.chaos.deeds import (
    Change,
    Delete,
    DeleteInTarget,
    EditInTarget,
    Event,
    Hire,
    Invite,
    Join,
    Leave,
    Nest,
    Report,
    Restore,
    Unnest,
)
from sandbox.tenants.people import strangers

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.chaos.deeds import Life

Told = tuple["Life", str]
"""A deed and how it is told."""

_LEAST_SHARE: Final = 0.6  # of the people who were there in the beginning: so many stay in scope
_FIRST_HIRE: Final = 500  # numbers of those who are hired begin here, apart from everybody else's
LATEST_JOIN: Final = 9.0
"""Seconds from an invitation by hand until its person joins, at most."""
_EARLIEST_JOIN: Final = 3.0
_DEPARTMENTS: Final = ("Sales", "Engineering", "Retail", "Legal", "Finance", "Operations", "Marketing")
_CITIES: Final = ("Oslo", "Lyon", "Porto", "Kyoto", "Perth", "Graz", "Zürich", "Kraków")
_TITLES: Final = ("Architect", "Analyst", "Planner", "Director", "Recruiter", "Controller")
_SURNAMES: Final = ("Berg", "Okonkwo", "Łaszcz", "d'Arc", "Lindqvist", "Güneş", "Sørensen")


@dataclass(slots=True)
class _Person:
    """What has become of one person so far."""

    alias: str
    groups: set[str] = field(default_factory=set)
    enabled: bool = True
    deleted: bool = False
    was_in_scope: bool = False
    quiet_until: float = 0.0  # nothing happens to this person before: a planned deed waits


class Company:
    """The people of the source, and what happens to them next."""

    def __init__(
        self, people: Sequence[str], members: Mapping[str, Sequence[str]], scope: str, targets: Sequence[str], seed: int
    ) -> None:
        """`members` are the groups with the aliases in them; `scope` names the scoping group."""
        self._people = {alias: _Person(alias) for alias in people}
        self._scope = scope
        self._groups = [group for group in members if group != scope]
        self._nested: set[str] = set()
        self._targets = targets
        self._seed = seed
        self._hired = 0
        for group, aliases in members.items():
            for alias in aliases:
                self._people[alias].groups.add(group)
        self._least = _LEAST_SHARE * len(self._in_scope())
        self._note_scope()

    def next(self, at: float, chance: random.Random) -> list[Event]:
        """What happens at this time, and what follows from it for certain."""
        kinds: Sequence[tuple[int, Callable[[float, random.Random], Told | None]]] = (
            (14, self._hire),
            (12, self._join),
            (10, self._leave),
            (18, self._move),
            (6, self._rename),
            (5, self._block),
            (7, self._unblock),
            (5, self._delete),
            (9, self._restore),
            (4, self._report),
            (4, self._nest),
            (4, self._edit_group),
            (4, self._invite),
            (6, self._edit_in_target),
            (3, self._delete_in_target),
        )
        while True:
            [kind] = chance.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])
            told = kind(at, chance)
            if told is not None:
                events = [Event(at, *told)]
                if isinstance(told[0], Invite):
                    events.append(self._joins_soon(told[0].person, at, chance))
                self._note_scope()
                return events

    # --- who is where -------------------------------------------------------------------------------

    def _is_in_scope(self, person: _Person) -> bool:
        return not person.deleted and bool(person.groups & ({self._scope} | self._nested))

    def _in_scope(self) -> list[_Person]:
        return [person for person in self._people.values() if self._is_in_scope(person)]

    def _note_scope(self) -> None:
        for person in self._in_scope():
            person.was_in_scope = True

    def _one(
        self, at: float, chance: random.Random, is_fit: Callable[[_Person], bool], *, takes: bool = False
    ) -> _Person | None:
        """Somebody to whom something can happen; nobody where it `takes` people from a scope that is small already."""
        if takes and len(self._in_scope()) <= self._least:
            return None
        fit = [person for person in self._people.values() if person.quiet_until <= at and is_fit(person)]
        return chance.choice(fit) if fit else None

    # --- people come and go -------------------------------------------------------------------------

    def _hire(self, _at: float, chance: random.Random) -> Told:
        number = _FIRST_HIRE + self._hired
        self._hired += 1
        seed = self._seed * 10_000 + number
        [made_up] = strangers(1, seed, first=number)
        group = chance.choice([self._scope, self._scope, *self._groups, None])
        self._people[made_up.alias] = _Person(made_up.alias, {group} if group else set())
        where = f'is hired into "{group}"' if group else "is hired"
        return Hire(made_up.alias, seed, number, group), f"{made_up.alias} {where}"

    def _join(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: not one.deleted and self._scope not in one.groups)
        return self._joins(person, self._scope) if person else None

    def _joins(self, person: _Person, group: str) -> Told:
        person.groups.add(group)
        return Join(person.alias, group), f'{person.alias} joins "{group}"'

    def _leave(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: not one.deleted and self._scope in one.groups, takes=True)
        return self._leaves(person, self._scope) if person else None

    def _leaves(self, person: _Person, group: str) -> Told:
        person.groups.discard(group)
        return Leave(person.alias, group), f'{person.alias} leaves "{group}"'

    def _delete(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: not one.deleted, takes=True)
        if person is None:
            return None
        person.deleted = True
        return Delete(person.alias), f"{person.alias} is deleted in the source"

    def _restore(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: one.deleted)
        if person is None:
            return None
        person.deleted = False
        return Restore(person.alias), f"{person.alias} is restored in the source"

    # --- people change ------------------------------------------------------------------------------

    def _move(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: not one.deleted)
        if person is None:
            return None
        department, title, city = chance.choice(_DEPARTMENTS), chance.choice(_TITLES), chance.choice(_CITIES)
        values = {"department": department, "jobTitle": title, "city": chance.choice([city, None])}
        return Change(person.alias, values), f"{person.alias} moves to {department} as {title}"

    def _rename(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: not one.deleted and one.was_in_scope)
        if person is None:
            return None
        surname = chance.choice(_SURNAMES)
        address = f"{person.alias}.{chance.randrange(10_000)}@contoso.com".lower()
        given = person.alias.partition(".")[0].capitalize()
        values = {
            "surname": surname,
            "displayName": f"{given} {surname}",
            "mail": address,
            "userPrincipalName": address,
        }
        return Change(person.alias, values), f"{person.alias} is now {given} {surname}, {address}"

    def _block(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: not one.deleted and one.enabled)
        if person is None:
            return None
        person.enabled = False
        return Change(person.alias, {"accountEnabled": False}), f"{person.alias} is blocked"

    def _unblock(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: not one.deleted and not one.enabled)
        if person is None:
            return None
        person.enabled = True
        return Change(person.alias, {"accountEnabled": True}), f"{person.alias} is let in again"

    def _report(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: not one.deleted)
        manager = self._one(at, chance, lambda one: not one.deleted and one is not person)
        if person is None or manager is None:
            return None
        return Report(person.alias, manager.alias), f"{person.alias} reports to {manager.alias}"

    # --- groups -------------------------------------------------------------------------------------

    def _nest(self, _at: float, chance: random.Random) -> Told | None:
        if not self._groups:
            return None
        group = chance.choice(self._groups)
        if group not in self._nested:
            self._nested.add(group)
            return Nest(group), f'the group "{group}" becomes a member of "{self._scope}"'
        self._nested.discard(group)
        if len(self._in_scope()) < self._least:
            self._nested.add(group)
            return None
        return Unnest(group), f'the group "{group}" leaves "{self._scope}"'

    def _edit_group(self, at: float, chance: random.Random) -> Told | None:
        if not self._groups:
            return None
        group = chance.choice(self._groups)
        if chance.random() < 0.5:
            person = self._one(at, chance, lambda one: not one.deleted and group not in one.groups)
            return self._joins(person, group) if person else None
        person = self._one(at, chance, lambda one: not one.deleted and group in one.groups, takes=True)
        return self._leaves(person, group) if person else None

    # --- in a target --------------------------------------------------------------------------------

    def _invite(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, lambda one: not one.deleted and one.enabled and not one.was_in_scope)
        if person is None:
            return None
        target = chance.choice(self._targets)
        return Invite(person.alias, target), f"{person.alias} is invited to {target} by hand, and will join soon"

    def _joins_soon(self, alias: str, at: float, chance: random.Random) -> Event:
        person = self._people[alias]
        joins_at = at + chance.uniform(_EARLIEST_JOIN, LATEST_JOIN)
        person.quiet_until = joins_at + LATEST_JOIN
        return Event(joins_at, *self._joins(person, self._scope))

    def _edit_in_target(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, self._is_in_scope)
        if person is None:
            return None
        target = chance.choice(self._targets)
        # No block: the app leaves one as it is, until the source itself blocks or lets in.
        edits: Sequence[Mapping[str, object]] = (
            {"department": "Edited here"},
            {"city": "Elsewhere"},
            {"jobTitle": None},
            {"businessPhones": []},
        )
        values = chance.choice(edits)
        words = f"{target}: somebody edits {person.alias}: {', '.join(values)}"
        return EditInTarget(person.alias, target, values), words

    def _delete_in_target(self, at: float, chance: random.Random) -> Told | None:
        person = self._one(at, chance, self._is_in_scope)
        if person is None:
            return None
        target = chance.choice(self._targets)
        return DeleteInTarget(person.alias, target), f"{target}: somebody deletes {person.alias}"
