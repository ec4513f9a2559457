"""A pass up to its first write to a target: read, claim, look, decide, and what the guards say.

There is one judgement for all who need one: `serve` carries it out, and a plan shows it, judged on a store that
forgets. What it writes are rows of the store: claims, notes on holds, charges. No tenant is ever written to here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.app.guard import limit
from shared.app.inquiry import desire, look, not_confirmed
from shared.app.link_rows import write_links
from shared.app.two_source_users import held_together, hold_both
from shared.core.commit import with_claim
from shared.core.decide import Look, Plan, decide, look_needed, without_look
from shared.core.messages import CHECKS, Reason, UserChange
from shared.core.model import Claim, Link

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from shared.app.parts import Parts, TargetParts
    from shared.core.desired import Desired
    from shared.core.observed import Observed


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to become of some users of one target. All keys are source ids."""

    changes: Mapping[str, UserChange]  # with those who had to be taken in
    links: Mapping[str, Link]  # as they were before
    busy: tuple[str, ...]  # another worker is at them: nothing was decided
    desired: Mapping[str, Desired]
    unseen: Mapping[str, Plan]  # decided without a look at the target; not claimed
    claimed: Mapping[str, Link]
    observed: Mapping[str, Observed]
    decided: Mapping[str, Plan]  # as the rules say
    plans: Mapping[str, Plan]  # as far as the guards allow it now


async def judge(
    parts: Parts, hands: TargetParts, changes: Sequence[UserChange], *, worker: str, now: datetime
) -> Judgement:
    """Judge some users of one target, each once; whoever carries out the plans has to free the claims.

    Raises:
        StoreError: nothing may be written.
    """
    store, target = parts.store, hands.target
    waiting = {change.user_id: change for change in changes}
    links = await store.get_links(target.name, list(waiting))
    partners = await held_together(store, target.name, links)
    # Somebody who is held because of others is judged together with them: one of them alone would win.
    joining = sorted({other for others in partners.values() for other in others} - waiting.keys())
    waiting |= {user_id: UserChange(user_id, Reason.REFERENCE) for user_id in joining}
    links |= await store.get_links(target.name, joining)
    free = [user_id for user_id in waiting if not is_busy(links.get(user_id), now, parts.settings.timing.lock)]
    desired = await desire(parts, target, free, links, now)
    desired |= not_confirmed(desired, links, waiting, now, parts.settings.timing.second_look)
    looks = {
        user_id: look_needed(want, links.get(user_id), check=waiting[user_id].kind in CHECKS)
        for user_id, want in desired.items()
    }
    unseen = {
        user_id: without_look(desired[user_id], links.get(user_id))
        for user_id, needed in looks.items()
        if needed is Look.NONE
    }
    claim = Claim(worker, now)
    claimed, _ = await write_links(
        store,
        [
            with_claim(links.get(user_id) or Link(target.name, user_id), claim)
            for user_id, needed in looks.items()
            if needed is not Look.NONE
        ],
    )
    observed = await look(hands, list(claimed), desired, links)
    decided = {
        user_id: decide(desired[user_id], observed[user_id], links.get(user_id), target.policy, now)
        for user_id in claimed
    }
    busy = tuple(user_id for user_id in waiting if user_id not in unseen and user_id not in claimed)
    decided = await hold_both(
        store, target.name, decided, desired=desired, observed=observed, partners=partners, lost=busy
    )
    return Judgement(
        changes=waiting,
        links=links,
        busy=busy,
        desired=desired,
        unseen=unseen,
        claimed=claimed,
        observed=observed,
        decided=decided,
        plans=await limit(parts, target.name, target.deletion_budget, decided, links, now=now),
    )


def is_busy(link: Link | None, now: datetime, lock: timedelta) -> bool:
    """Whether another worker is at this user; a claim that outlived the lock of its message is taken over."""
    return link is not None and link.claim is not None and now - link.claim.at < lock
