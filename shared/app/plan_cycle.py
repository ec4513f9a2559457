"""The plan of whole targets: what a full cycle would find now, and what would become of everybody it finds.

A survey streams its findings, and these are planned some at a time, in the order in which a full cycle would send
them. Users come out as they are planned and are not kept, so a plan of a hundred thousand fits into memory as a cycle
does. A target whose lists were not whole is told; nobody is a leaver because of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shared.app.full_cycle import looks, purpose
from shared.app.plan import AT_A_TIME, Foresight, Tally
from shared.app.survey import Survey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.app.parts import Parts
    from shared.app.planned import PlannedUser
    from shared.core.messages import UserChange


class Progress(Protocol):
    """Told as a plan goes on."""

    def __call__(self, target: str, *, read: int, found: int, planned: int) -> None:
        """Pages read for a target so far, users found who have to be looked at, and those planned already."""
        ...


@dataclass(slots=True)
class TargetPlan:
    """What a plan came to in one target."""

    tally: Tally = field(default_factory=Tally)
    in_scope: int | None = None  # None: not everybody was looked for
    present: int = 0  # users of ours in the target
    found: int = 0
    planned: int = 0
    withheld: int = 0  # leavers whom a cycle would not even look at: far fewer people in scope than last time
    failure: str | None = None  # the list that was not whole

    @property
    def is_whole(self) -> bool:
        """Whether the plan says all that there is to say."""
        return self.failure is None and self.tally.is_known


class CyclePlan:
    """A plan of some targets. Iterate over `run`; `targets` is whole once it has ended."""

    def __init__(self, parts: Parts, targets: Sequence[str], progress: Progress) -> None:
        self._parts = parts
        self._progress = progress
        self._foresight = {name: Foresight(parts, parts.targets[name]) for name in targets}
        self._waiting: dict[str, list[UserChange]] = {name: [] for name in targets}
        self.targets = {name: TargetPlan() for name in targets}

    async def run(self) -> AsyncIterator[PlannedUser]:
        """Survey and plan.

        Raises:
            StoreError: the links could not be read.
        """
        now = self._parts.clock.now()
        purposes = {name: await purpose(self._parts, name) for name in self.targets}
        survey = Survey(self._parts, purposes, now)
        async for findings in survey.run():
            waiting = self._waiting[findings.target]
            waiting += looks(findings, now, "")
            self.targets[findings.target].found += len(findings.found)
            self._tell(findings.target, survey)
            while len(waiting) >= AT_A_TIME:
                for user in await self._plan(findings.target, survey):
                    yield user
        for name, one in self.targets.items():
            outcome = survey.outcomes[name]
            one.in_scope, one.present = outcome.counts.in_scope, outcome.counts.present
            one.withheld = outcome.withheld
            one.failure = None if outcome.failure is None else str(outcome.failure)
            for user in await self._plan(name, survey):
                yield user
            async for user in self._foresight[name].followers():
                one.tally.count(user)
                yield user

    async def _plan(self, name: str, survey: Survey) -> list[PlannedUser]:
        """Plan the next users of a target."""
        waiting = self._waiting[name]
        some, self._waiting[name][:] = waiting[:AT_A_TIME], waiting[AT_A_TIME:]
        if not some:
            return []
        users = await self._foresight[name].plan(some)
        one = self.targets[name]
        one.planned += len(some)
        for user in users:
            one.tally.count(user)
        self._tell(name, survey)
        return users

    def _tell(self, name: str, survey: Survey) -> None:
        one = self.targets[name]
        self._progress(name, read=survey.outcomes[name].pages, found=one.found, planned=one.planned)
