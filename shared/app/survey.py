"""A survey: both sides of some targets read to their ends and compared, as findings of who has to be looked at.

The source is read once for all targets, group by group, and each target once. A list that fails ends the survey of
the targets that need it, and no other's; what was found before stays true, but leavers come only out of a survey that
is whole, and only where it found about as many people as the last one. Nothing is written here, neither to a tenant
nor to the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.app.desire import draft, selection
from shared.app.mapped_before import MappedBefore
from shared.core.cycle import Comparison, Counts, Found, is_plausible
from shared.core.fingerprints import record
from shared.graph.pages import ListFailedError
from shared.graph.source import Found as FoundInSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.app.parts import Parts, TargetParts
    from shared.core.model import Link

    Page = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is asked of one target in a survey."""

    everything: bool = False  # held and leaving people too, as after a change of the rules
    managers: bool = False  # read who is whose manager, where nothing else vouches for it
    in_scope_before: int | None = None  # in the last survey that was whole


@dataclass(frozen=True, slots=True)
class Findings:
    """Some findings in one target, as they come."""

    target: str
    found: Sequence[Found]


@dataclass(slots=True)
class Outcome:
    """What a survey of one target came to."""

    counts: Counts
    pages: int = 0  # that were read for it
    withheld: int = 0  # leavers who were not told, since the source's lists showed suspiciously few people
    failure: ListFailedError | None = None  # the list that was not whole


@dataclass(slots=True)
class Survey:
    """One survey. Iterate over `run`; `outcomes` are whole once it has ended."""

    parts: Parts
    purposes: Mapping[str, Purpose]  # by target
    now: datetime
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    mapped: dict[str, MappedBefore] = field(default_factory=dict)  # what may be remembered for the next one
    _comparisons: dict[str, Comparison] = field(default_factory=dict)

    async def run(self) -> AsyncIterator[Findings]:
        """Read and compare.

        Raises:
            StoreError: the links could not be read.
        """
        for name, purpose in self.purposes.items():
            target = self.parts.targets[name].target
            links: dict[str, Link] = {}
            async for page in self.parts.store.list_links(name):
                links |= {link.source_id: link for link in page}
            comparison = Comparison(target.policy, links, self.now, everything=purpose.everything)
            self._comparisons[name] = comparison
            self.outcomes[name] = Outcome(comparison.counts)
            self.mapped[name] = await MappedBefore.load(self.parts.store, target, links)
        async for findings in self._source():
            yield findings
        for one in self._going():
            async for findings in self._target(one):
                yield findings

    def _going(self) -> list[TargetParts]:
        """The targets whose lists were whole so far."""
        return [self.parts.targets[name] for name, outcome in self.outcomes.items() if outcome.failure is None]

    def _fail(self, hands: Sequence[TargetParts], error: ListFailedError) -> None:
        for one in hands:
            self.outcomes[one.target.name].failure = error

    async def _source(self) -> AsyncIterator[Findings]:
        """Every scoping group once, or everybody once, for all targets whose scope they are."""
        wholes = [one for one in self._going() if one.target.scope.all_users]
        expand = any(map(_manages_manager, wholes))
        if wholes:
            pages = self.parts.source.list_users(_selected(wholes), expand_manager=expand)
            async for findings in self._each(wholes, pages, partial(self._compare, group=None, with_managers=expand)):
                yield findings
        for group in dict.fromkeys(group for one in self._going() for group in one.target.scope.groups):
            having = [one for one in self._going() if group in one.target.scope.groups]
            if having:
                pages = self.parts.source.list_members(group, _selected(having))
                compare = partial(self._compare, group=group, with_managers=False)
                async for findings in self._each(having, pages, compare):
                    yield findings
        asking = [
            one
            for one in self._going()
            if not one.target.scope.all_users and self.purposes[one.target.name].managers and _manages_manager(one)
        ]
        if asking:
            pages = self.parts.source.list_users(("id",), expand_manager=True)
            async for findings in self._each(asking, pages, self._managers):
                yield findings

    async def _each(
        self,
        hands: Sequence[TargetParts],
        pages: AsyncIterator[Page],
        compare: Callable[[TargetParts, Page], Sequence[Found]],
    ) -> AsyncIterator[Findings]:
        """Each page for each of these targets; a list that is not whole ends their survey."""
        try:
            async for page in pages:
                for one in hands:
                    self.outcomes[one.target.name].pages += 1
                    yield Findings(one.target.name, compare(one, page))
        except ListFailedError as error:
            self._fail(hands, error)

    def _compare(self, one: TargetParts, page: Page, *, group: str | None, with_managers: bool) -> list[Found]:
        groups = frozenset() if group is None else frozenset({group})
        comparison, mapped = self._comparisons[one.target.name], self.mapped[one.target.name]
        found = []
        for user in page:
            user_id = str(user["id"]).lower()
            if comparison.has_seen(user_id):
                continue
            read = record(user)
            if mapped.made(user_id, read, comparison.applied(user_id)):
                comparison.as_applied(user_id, mapped.names)
            else:
                desired = draft(one.target, FoundInSource(user, groups), None, self.now).desired
                mapped.learn(user_id, read, desired)
                found.append(comparison.source(user_id, desired))
            if with_managers:
                found.append(comparison.manager(user_id, _manager_of(user)))
        return _told(found)

    def _managers(self, one: TargetParts, page: Page) -> list[Found]:
        comparison = self._comparisons[one.target.name]
        return _told(comparison.manager(str(user["id"]).lower(), _manager_of(user)) for user in page)

    async def _target(self, one: TargetParts) -> AsyncIterator[Findings]:
        """Everybody of ours in one target, then what shows when both sides were read to their ends."""
        name = one.target.name
        comparison, outcome = self._comparisons[name], self.outcomes[name]
        names = sorted({mapping.target.partition(".")[0] for mapping in one.target.mappings} - {"manager"})
        manages = _manages_manager(one)
        try:
            async for page in one.directory.list_owned(names):
                outcome.pages += 1
                yield Findings(
                    name, _told(comparison.target(source_id, user, manages_manager=manages) for source_id, user in page)
                )
        except ListFailedError as error:
            outcome.failure = error
            return
        yield Findings(name, list(comparison.afterwards()))
        leavers = comparison.leavers()
        if is_plausible(outcome.counts.in_scope, self.purposes[name].in_scope_before):
            yield Findings(name, leavers)
        else:
            outcome.withheld = len(leavers)


def _told(found: Iterable[Found | None]) -> list[Found]:
    return [one for one in found if one is not None]


def _selected(hands: Sequence[TargetParts]) -> list[str]:
    """What has to be read of a user for all of these targets."""
    return sorted({name for one in hands for name in selection(one.target).properties})


def _manages_manager(hands: TargetParts) -> bool:
    return any(mapping.target == "manager" for mapping in hands.target.mappings)


def _manager_of(user: Mapping[str, object]) -> str | None:
    manager = user.get("manager")
    return str(manager["id"]).lower() if isinstance(manager, dict) and manager.get("id") else None
