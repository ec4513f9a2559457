"""What a link says once it is claimed, and after a decision was carried out, or failed.

The rows of the life of a change, kept pure: what is committed follows from the plan, the outcome and the row before.
Its event in the log is made by `decision_event`; storing and sending are the app's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.core.decide import GRACE_BEGINS, Action, Plan, Policy, was_never_marked
from shared.core.desired import Desired, Frozen, InScope, OutOfScope, SourceDeleted
from shared.core.difference import digest
from shared.core.fault_sizes import Fault, FaultSize, back_off, lasts
from shared.core.model import Claim, Link, LinkState

if TYPE_CHECKING:
    from datetime import datetime, timedelta


def with_claim(link: Link, claim: Claim) -> Link:
    """The link as a worker claims it. Whoever had claimed it before may have written, and that is not forgotten."""
    if link.claim is not None:
        changed_at = max(link.changed_at or link.claim.at, link.claim.at)
        link = replace(_in_doubt(link), changed_at=changed_at)
    return replace(link, claim=claim)


def about_to_write(link: Link, plan: Plan) -> Link:
    """The link while a plan is carried out: of what is to change, nobody knows any more what the target was last given.

    A worker may die over it, or get no answer; its own change would look like one that was made in the target.
    """
    wanted = {name: digest(value) for name, value in plan.change.attributes.items() if name in link.applied}
    kept = {name: given for name, given in link.applied.items() if wanted.get(name, given) == given}
    return link if kept == link.applied else replace(link, applied=kept)


def with_writes(link: Link, target_id: str | None, fault: Fault | None, *, began_at: datetime, now: datetime) -> Link:
    """The link after writes to a user; `target_id` is None where an invitation brought nobody, `began_at` its pass.

    An invitation without an answer may have been taken, and its user is known by the time of the attempt. One that was
    refused tells nothing, and whoever the link knew before is no more.
    """
    if target_id is not None:
        return replace(link, target_id=target_id, changed_at=now)
    if fault is not None and fault.size is FaultSize.TRANSIENT:
        return replace(link, target_id=None, changed_at=began_at)
    return replace(link, target_id=None, changed_at=link.changed_at if link.target_id is None else None)


def carried_out(link: Link, plan: Plan, want: Desired, policy: Policy, now: datetime) -> Link:
    """The link after a plan that was carried out."""
    link = replace(
        link, attempt=0, retry_at=None, missing_since=None, leaving_since=_leaving_since(link, plan, want, now)
    )
    match plan.action:
        case Action.HOLD:
            return replace(link, state=LinkState.HELD, was_new=was_never_marked(link), fingerprint=None)
        case Action.SOFT_DELETE:
            return replace(link, state=LinkState.SOFT_DELETED, fingerprint=None)
        case Action.NOTHING if plan.reason == "alreadyRemoved":
            return replace(link, state=LinkState.SOFT_DELETED, fingerprint=None)
        case _ if not isinstance(want, InScope):
            disabled = plan.action is Action.DISABLE or plan.reason == "alreadyDisabled"
            disabled = disabled or plan.reason == GRACE_BEGINS
            given = {name: digest(value) for name, value in plan.change.attributes.items() if name in policy.drift}
            otherwise = link.state if isinstance(want, Frozen) else _when_over(link)
            state = LinkState.DISABLED if disabled else otherwise
            return replace(link, state=state, fingerprint=None, applied={**link.applied, **given})
        case Action.NOTHING if plan.target_id is None:
            return replace(link, state=_when_over(link))
        case _:
            unresolved = want.manager is not None and want.manager.target_id is None
            blocked = want.attributes.get("accountEnabled") is False
            return replace(
                link,
                target_id=link.target_id or plan.target_id,
                state=LinkState.DISABLED if blocked else LinkState.ACTIVE,
                fingerprint=want.fingerprint,
                manager_source_id=want.manager.source_id if want.manager and unresolved else None,
                manager_target_id=want.manager.target_id if want.manager else None,
                applied=_applied(link, plan, want, policy),
                drifted=plan.left,
            )


def _when_over(link: Link) -> LinkState:
    """The state where nothing is left to do: a hold is over then, and says no more than what was before it."""
    if link.state is not LinkState.HELD:
        return link.state
    return LinkState.NEW if link.was_new or link.target_id is None else LinkState.ACTIVE


def _leaving_since(link: Link, plan: Plan, want: Desired, now: datetime) -> datetime | None:
    """When somebody who left was first dealt with; a hold is none of it, and coming back ends it."""
    if not isinstance(want, OutOfScope | SourceDeleted):
        return None
    waits = plan.action is Action.HOLD or plan.reason == "kept"
    return link.leaving_since if waits else link.leaving_since or now


def _applied(link: Link, plan: Plan, want: InScope, policy: Policy) -> dict[str, str]:
    """Digests of what the target user was last given, of those attributes whose drift is not simply repaired."""
    given = {name: digest(want.attributes[name]) for name in policy.drift if name in want.attributes}
    return given | {name: link.applied[name] for name in plan.left if name in link.applied}


def failed(link: Link, fault: Fault, now: datetime, *, wrote: bool) -> tuple[Link, timedelta]:
    """The link after a fault, and how long to wait before the user is looked at again.

    Throttling costs no attempt. Only an attempt that wrote something makes us doubt what we knew.
    """
    attempt = link.attempt + (fault.size is not FaultSize.THROTTLED)
    wait = back_off(fault, max(1, attempt))
    link = _in_doubt(link) if wrote else link
    link = replace(
        link,
        reason=fault.code,
        attempt=attempt,
        retry_at=now + wait if lasts(fault, attempt) else None,
        missing_since=(link.missing_since or now) if fault.code == "sourceMissing" else link.missing_since,
    )
    return link, wait


def _in_doubt(link: Link) -> Link:
    """The link after writes of which nobody knows how far they came: a user whom we removed may be restored."""
    state = LinkState.NEW if link.state is LinkState.SOFT_DELETED else link.state
    return replace(link, state=state, fingerprint=None)


def is_old_drift(plan: Plan, before: Link) -> bool:
    """Whether all there is to tell is a change in the target that was told before."""
    return plan.action is Action.NOTHING and set(plan.left) <= set(before.drifted)
