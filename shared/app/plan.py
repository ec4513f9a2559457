"""plan: what a pass would do to some users of one target, without doing it.

It asks the judgement that `serve` carries out, on a store that forgets. What would have been done is remembered there,
so that later users of the same plan find the budget spent and their managers present, as they would in a real run.
Nothing is written: not to a tenant, not to the store, not to the topic, not to a log.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from shared.app.apply import Outcome
from shared.app.guard import settle
from shared.app.judgement import Judgement, judge
from shared.app.link_rows import write_links
from shared.app.planned import FORESEEN, Heading, ManagerChange, PlannedUser, actual, planned_users
from shared.app.two_source_users import REASON
from shared.core.commit import carried_out
from shared.core.decide import Action, Plan
from shared.core.desired import InScope
from shared.core.messages import Kind, Reason, UserChange
from shared.core.model import LinkState
from shared.core.refusals import reason_to_keep
from shared.store.scratch import ScratchStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from shared.app.parts import Parts, TargetParts
    from shared.core.model import Link

AT_A_TIME: Final = 100
"""Users judged side by side, as in a batch of the app."""

_WORKER: Final = "plan"
_SETTLED: Final = frozenset({LinkState.ACTIVE, LinkState.DISABLED})
_WRITES_NOTHING: Final = frozenset({Action.NOTHING, Action.HOLD, Action.RETRY})


@dataclass(slots=True)
class Tally:
    """What a plan of one target came to."""

    by_heading: Counter[Heading] = field(default_factory=Counter)
    changes: int = 0  # users for whom something would be other than it is
    followers: int = 0  # among them: because of what the plan does to others

    def count(self, user: PlannedUser) -> None:
        """Take in one user of the plan."""
        self.by_heading[user.heading] += 1
        self.changes += user.is_change
        self.followers += user.follows

    @property
    def is_known(self) -> bool:
        """Whether everybody could be planned."""
        return not self.by_heading[Heading.UNKNOWN]


async def plan_users(parts: Parts, hands: TargetParts, user_ids: Sequence[str]) -> AsyncIterator[PlannedUser]:
    """Plan a look at these users of one target, each with a look at the target; then what follows for others.

    Raises:
        StoreError: the links could not be read.
    """
    foresight = Foresight(parts, hands)
    changes = [UserChange(user_id, Reason.ON_DEMAND, Kind.CHECK) for user_id in dict.fromkeys(user_ids)]
    for start in range(0, len(changes), AT_A_TIME):
        for user in await foresight.plan(changes[start : start + AT_A_TIME]):
            yield user
    async for user in foresight.followers():
        yield user


class Foresight:
    """One target as it would become in the course of a plan."""

    def __init__(self, parts: Parts, hands: TargetParts) -> None:
        self._parts = replace(parts, store=ScratchStore(parts.store))
        self._hands = hands
        self._target = hands.target
        self._invited: dict[str, str] = {}  # address → source id
        self._reports: dict[str, None] = {}  # users whose managers came to be there, in order
        self._names: dict[str, str] = {}  # of users who are created without the manager they wait for

    async def judge(self, changes: Sequence[UserChange]) -> Judgement:
        """Judge users, and remember what would have been done."""
        now = self._parts.clock.now()
        judged = await judge(self._parts, self._hands, changes, worker=_WORKER, now=now)
        judged = self._without_doubles(judged)
        await self._remember(judged, now)
        return judged

    async def plan(self, changes: Sequence[UserChange], *, follows: bool = False) -> list[PlannedUser]:
        """Plan users of one batch, in the order in which they would be written."""
        users = list(planned_users(await self.judge(changes), self._target, follows=follows))
        self._names |= {user.source_id: user.name for user in users if user.action is Action.CREATE and user.waits_for}
        return users

    async def followers(self) -> AsyncIterator[PlannedUser]:
        """Users whose managers will be there when everybody was planned; each would be asked for by a message."""
        waiting = list(self._reports)
        self._reports.clear()
        for start in range(0, len(waiting), AT_A_TIME):
            some = waiting[start : start + AT_A_TIME]
            links = await self._parts.store.get_links(self._target.name, some)
            foreseen = [link for link in links.values() if actual(link.target_id) != link.target_id]
            for user in await self._with_managers(foreseen):
                yield user
            made = {link.source_id for link in foreseen}
            changes = [UserChange(user_id, Reason.REFERENCE) for user_id in some if user_id not in made]
            for user in await self.plan(changes, follows=True) if changes else ():
                if user.heading is not Heading.NOTHING:
                    yield user

    def _without_doubles(self, judged: Judgement) -> Judgement:
        """Somebody whose address was invited earlier in this plan would find that user, linked to another."""
        holds = {}
        for user_id, plan in judged.plans.items():
            want = judged.desired[user_id]
            if plan.action is not Action.CREATE or plan.target_id is not None or not isinstance(want, InScope):
                continue
            other = self._invited.setdefault(want.address.lower(), user_id)
            if other != user_id:
                holds[user_id] = Plan(Action.HOLD, REASON, objects=tuple(sorted((other, user_id))))
        return (
            replace(judged, decided={**judged.decided, **holds}, plans={**judged.plans, **holds}) if holds else judged
        )

    async def _remember(self, judged: Judgement, now: datetime) -> None:
        outcomes = {
            user_id: Outcome(plan.target_id or f"{FORESEEN}{user_id}")
            for user_id, plan in judged.plans.items()
            if plan.action not in _WRITES_NOTHING
        }
        await settle(self._parts, self._target.name, judged.plans, outcomes)
        rows = [self._after(judged, user_id, outcomes, now) for user_id in judged.plans]
        stored, _ = await write_links(self._parts.store, rows)
        await self._note_reports(judged, stored)

    def _after(self, judged: Judgement, user_id: str, outcomes: Mapping[str, Outcome], now: datetime) -> Link:
        """The link as a pass would leave it that succeeds."""
        plan = judged.plans[user_id]
        link = replace(judged.claimed[user_id], claim=None)
        if plan.action is Action.RETRY:
            return link
        if user_id in outcomes:
            link = replace(link, target_id=outcomes[user_id].target_id, changed_at=now)
        link = replace(link, reason=reason_to_keep(plan, (), link.reason))
        return carried_out(link, plan, judged.desired[user_id], self._target.policy, now)

    async def _note_reports(self, judged: Judgement, stored: Mapping[str, Link]) -> None:
        """As in `serve`: whoever waits for somebody who is there now, and whoever came while their manager did."""
        links = {**judged.links, **stored}
        present = [user_id for user_id in judged.changes if user_id in links and links[user_id].state in _SETTLED]
        for reports in (await self._parts.store.find_by_manager(self._target.name, present)).values():
            self._reports |= dict.fromkeys(reports)
        wanted = {link.source_id: link.manager_source_id for link in stored.values() if link.manager_source_id}
        managers = await self._parts.store.get_links(self._target.name, list(dict.fromkeys(wanted.values())))
        present_managers = {manager for manager, link in managers.items() if link.state in _SETTLED}
        self._reports |= dict.fromkeys(report for report, manager in wanted.items() if manager in present_managers)

    async def _with_managers(self, links: Sequence[Link]) -> list[PlannedUser]:
        """Users whom this plan creates, and who get their manager by a second write."""
        wanted = [link.manager_source_id for link in links if link.manager_source_id is not None]
        managers = await self._parts.store.get_links(self._target.name, wanted)
        managers = {manager: link for manager, link in managers.items() if link.state in _SETTLED}
        return [
            PlannedUser(
                target=self._target.name,
                source_id=link.source_id,
                heading=Heading.UPDATE,
                action=Action.UPDATE,
                reason="changed",
                intended=Action.UPDATE,
                intended_reason="changed",
                name=self._names.get(link.source_id, ""),
                manager=ManagerChange(None, actual(managers[manager].target_id), manager),
                follows=True,
            )
            for link in links
            if (manager := link.manager_source_id) is not None and manager in managers
        ]
