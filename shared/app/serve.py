"""One pass over some users of one target: read, claim, look, decide, apply, commit, log.

Line by line this is the life of a change. The link is claimed by compare-and-set before the first write, and
committed with the provisioning-log event in one row after the last; a crash anywhere between leaves a claim
that grows stale, and whoever takes it over looks at the target again.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from shared.app.apply import Outcome, Task, apply
from shared.app.events import send_events
from shared.app.guard import learn, settle, was_not_tried
from shared.app.invited import strangers
from shared.app.judgement import judge
from shared.app.link_rows import write_links
from shared.app.operations import tell
from shared.app.two_source_users import of_another
from shared.core.commit import about_to_write, carried_out, failed, is_old_drift, with_writes
from shared.core.decide import RESUMED, Action, Plan
from shared.core.decision_event import Occasion, event_of
from shared.core.desired import InScope
from shared.core.fault_sizes import Fault, FaultSize, back_off, lasts
from shared.core.messages import CHECKS, RETRIES, Kind, Reason, UserChange, retried
from shared.core.model import Link, LinkState
from shared.core.refusals import as_written, is_old_news, reason_to_keep
from shared.graph.writes import Invitation
from shared.telemetry.tracing import trace_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shared.app.parts import Parts, TargetParts
    from shared.core.desired import Desired
    from shared.core.observed import Observed
    from shared.core.provisioning_event import ProvisioningEvent

_logger = logging.getLogger(__name__)

_CONTENTION_WAIT: Final = timedelta(seconds=5)

_NEWS: Final = frozenset({Reason.NOTIFICATION, Reason.CONTENTION, Reason.THROTTLED, Reason.TRANSIENT})
"""Why a pass was asked for by something that happened moments ago, or by an attempt at it that came to nothing."""

_WRITES_NOTHING: Final = frozenset({Action.NOTHING, Action.HOLD, Action.RETRY})

_SETTLED: Final = frozenset({LinkState.ACTIVE, LinkState.DISABLED})


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A user to be looked at again, no earlier than a time."""

    change: UserChange
    not_before: datetime


async def serve(parts: Parts, hands: TargetParts, changes: Sequence[UserChange]) -> list[FollowUp]:
    """Serve some users of one target; returns what has to be sent."""
    one_pass = _Pass(parts, hands, changes)
    return await one_pass.run()


class _Pass:
    def __init__(self, parts: Parts, hands: TargetParts, changes: Sequence[UserChange]) -> None:
        self._parts = parts
        self._hands = hands
        self._target = hands.target
        self._changes = {change.user_id: change for change in changes}
        self._worker = uuid4().hex
        self._now = parts.clock.now()
        self._follow_ups: list[FollowUp] = []
        self._told: dict[str, ProvisioningEvent] = {}  # what this pass decided, by user
        self._owing: list[Link] = []  # links that were committed with an event

    async def run(self) -> list[FollowUp]:
        judged = await judge(self._parts, self._hands, list(self._changes.values()), worker=self._worker, now=self._now)
        self._changes |= judged.changes
        links, desired, plans = judged.links, judged.desired, judged.plans
        for user_id in judged.busy:
            self._again(user_id, Reason.CONTENTION, _CONTENTION_WAIT)
        for user_id, plan in judged.unseen.items():
            await self._leave(user_id, plan, links.get(user_id), desired[user_id])
        outcomes, claimed = await self._apply(plans, desired, judged.claimed)
        await self._learn(plans, outcomes)
        committed = await self._commit(plans, outcomes, desired, judged.observed, claimed)
        owing = [*self._owing, *committed.values()]
        self._parts.metrics.decided(self._told[link.source_id] for link in owing if link.source_id in self._told)
        await send_events(self._parts, owing)
        await self._tell_reports({**links, **committed}, committed)
        self._tell_operator(plans, outcomes)
        return self._follow_ups

    # --- apply and commit ---------------------------------------------------------------------------------------

    async def _apply(
        self, plans: Mapping[str, Plan], desired: Mapping[str, Desired], claimed: Mapping[str, Link]
    ) -> tuple[dict[str, Outcome], dict[str, Link]]:
        current = dict(claimed)

        async def remember(made: Mapping[str, str]) -> None:
            """Remember whom we invited before anything else happens to them: a crash must not orphan them."""
            links = [replace(current[who], state=LinkState.NEW, target_id=made[who]) for who in made]
            written, _ = await self._write(links)
            current.update(written)

        async def progress(created: Mapping[str, str]) -> dict[str, str]:
            await remember(created)
            others = await of_another(self._parts.store, self._target.name, created)
            return await strangers(self._hands, created, self._now) | dict.fromkeys(others, "twoSourceUsers")

        # Whom an earlier attempt invited, and did not live to remember.
        unknown = [who for who, plan in plans.items() if plan.action is Action.CREATE and not claimed[who].target_id]
        await remember({who: target_id for who in unknown if (target_id := plans[who].target_id)})
        # What is about to change: our own change is not to look like one of the target's if we do not live to commit.
        writing = {who: plan for who, plan in plans.items() if plan.action not in _WRITES_NOTHING}
        unsure = {who: about_to_write(current[who], plan) for who, plan in writing.items()}
        written, _ = await self._write([link for who, link in unsure.items() if link is not current[who]])
        current.update(written)
        tasks = [
            Task(user_id, plan, self._hands.directory.marker(user_id), _invitation(plan, desired[user_id]))
            for user_id, plan in writing.items()
        ]
        outcomes = await apply(tasks, self._hands.writes, progress, self._parts.clock.sleep)
        return outcomes, current

    async def _commit(
        self,
        plans: Mapping[str, Plan],
        outcomes: Mapping[str, Outcome],
        desired: Mapping[str, Desired],
        observed: Mapping[str, Observed],
        claimed: Mapping[str, Link],
    ) -> dict[str, Link]:
        """Write each link with the event that tells what happened, and free it."""
        now = self._parts.clock.now()
        rows = []
        for user_id, plan in plans.items():
            link, fault = claimed[user_id], plan.fault
            if fault is not None and was_not_tried(plan):
                rows.append(self._put_off(replace(link, claim=None), fault))
                continue
            outcome = outcomes.get(user_id)
            if outcome is not None:
                fault = outcome.fault
                # Whom we found is found again; only whom we made has to be known before all is written.
                found = outcome.fault is not None and plan.action is not Action.CREATE
                target_id = link.target_id if found else outcome.target_id
                link = with_writes(link, target_id, fault, began_at=self._now, now=now)
            refused = outcome.refused if outcome is not None else ()
            told = link.reason
            link = replace(link, claim=None)
            if fault is not None:
                link = self._failed(link, fault, wrote=outcome is not None)
            else:
                link = replace(link, reason=reason_to_keep(plan, refused, told))
                link = carried_out(link, plan, desired[user_id], self._target.policy, now)
                self._end_of_grace(claimed[user_id], link)
            known = (plan.action is Action.HOLD and told == plan.reason) or (
                fault is None and (is_old_news(plan, refused, told) or is_old_drift(plan, claimed[user_id]))
            )
            waited = claimed[user_id].waits and plan.action is not Action.HOLD
            waited = waited or plan.reason == RESUMED or _was_found_removed(claimed[user_id], plan)
            if waited or not known:
                written = as_written(plan, refused, told)
                seen = observed[user_id]
                link = self._with_event(link, written, fault, desired[user_id], seen, refused=refused, waited=waited)
            rows.append(link)
        committed, _ = await self._write(rows)
        return committed

    def _end_of_grace(self, before: Link, link: Link) -> None:
        """Somebody whose grace has just begun is looked at again when it is over; the full cycle is the net below."""
        grace = self._target.policy.grace
        if grace and before.leaving_since is None and link.leaving_since and link.state is LinkState.DISABLED:
            self._again(link.source_id, Reason.GRACE_OVER, grace)

    async def _learn(self, plans: Mapping[str, Plan], outcomes: Mapping[str, Outcome]) -> None:
        """What the writes showed of the target as a whole; said once, where an operator looks."""
        now = self._parts.clock.now()
        alerts = await learn(self._parts, self._target.name, self._target.deletion_budget, plans, outcomes, now=now)
        for alert in alerts:
            _logger.warning("%s: %s %s", alert.target, alert.kind, alert.reason_code)
        await tell(self._parts, alerts)
        await settle(self._parts, self._target.name, plans, outcomes)

    def _put_off(self, link: Link, fault: Fault) -> Link:
        """The link of a user whom a guard kept from being written: no attempt was made, and none is counted."""
        reason = Reason.THROTTLED if fault.size is FaultSize.THROTTLED else Reason.QUARANTINED
        self._again(link.source_id, reason, back_off(fault, 1), link.attempt)
        return link

    def _failed(self, link: Link, fault: Fault, *, wrote: bool) -> Link:
        """The link after a fault; the user is looked at again when it may be over."""
        link, wait = failed(link, fault, self._parts.clock.now(), wrote=wrote)
        reason = Reason.THROTTLED if fault.size is FaultSize.THROTTLED else Reason.TRANSIENT
        self._again(link.source_id, Reason.ESCROW if lasts(fault, link.attempt) else reason, wait, link.attempt)
        return link

    async def _leave(self, user_id: str, plan: Plan, link: Link | None, want: Desired) -> None:
        """A user for whom nothing is to be written, decided without a look at the target."""
        change = self._changes[user_id]
        lost: list[str] = []
        if plan.fault is not None:
            before = link or Link(self._target.name, user_id, attempt=change.attempt)
            row = self._failed(before, plan.fault, wrote=False)
            if link is not None or lasts(plan.fault, row.attempt):  # passing trouble makes no row for a stranger
                committed, _ = await self._write([self._with_event(row, plan, plan.fault, want)])
                self._owing += committed.values()
            return
        if link is not None and (link.attempt or link.missing_since):
            row = replace(link, attempt=0, retry_at=None, missing_since=None)
            committed, lost = await self._write([self._with_event(row, plan, None, want, waited=link.waits)])
            self._owing += committed.values()
        if lost:
            self._again(user_id, Reason.CONTENTION, _CONTENTION_WAIT)
        elif change.kind not in CHECKS and change.reason in _NEWS:
            # Something changed and nothing is to be seen: perhaps this replica has not heard of it yet, or another
            # worker, who read the source before, is about to write.
            look_again = replace(change, kind=Kind.HINT, reason=Reason.SECOND_LOOK, attempt=0)
            self._follow_ups.append(FollowUp(look_again, self._now + self._parts.settings.timing.second_look))

    def _with_event(
        self,
        link: Link,
        plan: Plan,
        fault: Fault | None,
        want: Desired,
        observed: Observed | None = None,
        *,
        refused: tuple[str, ...] = (),
        waited: bool = False,
    ) -> Link:
        """The link with the event that tells of this decision, so that both are committed or neither."""
        change = self._changes[link.source_id]
        occasion = Occasion(
            self._now, self._parts.clock.now(), change.seen_at, change.reason, change.cycle_id or "", trace_id()
        )
        policy = self._target.log
        event = event_of(
            plan, link, fault, want, observed, occasion=occasion, policy=policy, refused=refused, waited=waited
        )
        if event is None:
            return link
        self._told[link.source_id] = event
        return replace(link, unlogged=(*link.unlogged, event.to_json()))

    # --- afterwards ---------------------------------------------------------------------------------------------

    async def _tell_reports(self, links: Mapping[str, Link], committed: Mapping[str, Link]) -> None:
        """A manager who is there now can be set on those who wait for one, whichever of the two came first.

        Asked for everybody who is present, not only for those who arrived just now: the pass in which they did may
        have crashed after its commit. But not where this pass failed: that comes again by itself, and two who wait for
        one another would send each other on without a pause.
        """
        again = {follow_up.change.user_id for follow_up in self._follow_ups if follow_up.change.kind in RETRIES}
        served = {user_id: links[user_id] for user_id in self._changes if user_id in links and user_id not in again}
        present = [user_id for user_id, link in served.items() if link.state in _SETTLED]
        waiting = await self._parts.store.find_by_manager(self._target.name, present)
        reports = {report for found in waiting.values() for report in found}
        wanted = {
            user_id: link.manager_source_id
            for user_id, link in served.items()
            if user_id in committed and link.manager_source_id
        }
        managers = await self._parts.store.get_links(self._target.name, list(dict.fromkeys(wanted.values())))
        for report, manager in wanted.items():
            if manager in managers and managers[manager].state in _SETTLED:
                reports.add(report)
        for report in sorted(reports - again):
            seen_at = self._changes[report].seen_at if report in self._changes else self._now
            change = UserChange(report, Reason.REFERENCE, seen_at=seen_at)
            self._follow_ups.append(FollowUp(change, self._now))

    def _again(self, user_id: str, reason: Reason, wait: timedelta, attempt: int | None = None) -> None:
        change = self._changes[user_id]
        again = retried(change, reason, change.attempt if attempt is None else attempt)
        self._follow_ups.append(FollowUp(again, self._now + wait))

    async def _write(self, links: Sequence[Link]) -> tuple[dict[str, Link], list[str]]:
        return await write_links(self._parts.store, links)

    def _tell_operator(self, plans: Mapping[str, Plan], outcomes: Mapping[str, Outcome]) -> None:
        done = Counter(plans[user_id].action.value for user_id, outcome in outcomes.items() if outcome.fault is None)
        failed = Counter(outcome.fault.code for outcome in outcomes.values() if outcome.fault is not None)
        _logger.info(
            "%s: %d users; done %s; failed %s; to be looked at again %d",
            self._target.name,
            len(self._changes),
            dict(done),
            dict(failed),
            len(self._follow_ups),
        )


def _was_found_removed(link: Link, plan: Plan) -> bool:
    """Whether somebody of ours is gone, who was there by all we knew: a removal whose answer was lost, or another's."""
    return plan.reason == "alreadyRemoved" and link.target_id is not None and link.state is not LinkState.SOFT_DELETED


def _invitation(plan: Plan, want: Desired) -> Invitation | None:
    if plan.action is not Action.CREATE or plan.target_id is not None or not isinstance(want, InScope):
        return None
    name = want.attributes.get("displayName")
    return Invitation(
        address=want.address,
        display_name=name if isinstance(name, str) else None,
        user_type="Guest" if want.on_create.get("userType") == "Guest" else "Member",
    )
