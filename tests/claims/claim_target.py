"""The target of the claim model: what a look at it shows, and what a write does to it.

What the directory is to the app, as far as the protocol goes: an invitation of an address that it knows makes nobody
new, a user in the bin cannot be written to, and one who is not there cannot be deleted twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claim_world import NOW, User, Values

from shared.core.decide import Action
from shared.core.desired import InScope
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.observed import Absent, Ambiguous, Binned, Marker, Observed, Present

if TYPE_CHECKING:
    from claim_world import Worker

    from shared.core.decide import Plan
    from shared.core.desired import Desired
    from shared.core.difference import Change
    from shared.core.model import Link


def seen(users: tuple[User, ...], link: Link | None, want: Desired) -> Observed:
    """What a look shows: the linked user by id, or else whoever has the marker or the address."""
    if link is not None and link.target_id is not None:
        users = tuple(user for user in users if user.user_id == link.target_id)
    elif not isinstance(want, InScope) and not want.addresses:
        users = tuple(user for user in users if user.marked)
    living = [user for user in users if not user.binned]
    found = living or list(users)
    if not found:
        return Absent()
    if len(found) > 1:
        return Ambiguous(tuple(user.user_id for user in found))
    [user] = found
    marker = Marker.OURS if user.marked else Marker.NONE
    if user.binned:
        return Binned(user.user_id, marker)
    attributes = Values(displayName=user.value, accountEnabled=True)
    return Present(user.user_id, marker, external=True, attributes=attributes, created_at=user.created)


def first_write(plan: Plan) -> str:
    """The first step in which a plan is carried out; "commit" where nothing is written."""
    match plan.action:
        case Action.CREATE if plan.target_id is None:
            return "invite"
        case Action.RESTORE:
            return "restore"
        case Action.SOFT_DELETE:
            return "delete"
        case Action.NOTHING | Action.HOLD | Action.RETRY:
            return "commit"
        case _:
            return "patch"


def carry_out(users: tuple[User, ...], worker: Worker) -> tuple[tuple[User, ...], str | None, Fault | None]:
    """The users after a write, the user it was about, and the fault."""
    plan = worker.plan
    assert plan is not None
    if worker.step == "invite":
        living = [user for user in users if not user.binned]
        if living:
            return users, living[0].user_id, None
        new = User(f"t{len(users) + 1}", None, marked=False, binned=False, created=NOW)
        return (*users, new), new.user_id, None
    user_id = worker.target_id
    binned = worker.step == "restore"
    if not any(user.user_id == user_id and user.binned is binned for user in users):
        young = worker.step == "patch" and plan.action in {Action.CREATE, Action.RESTORE}
        fault = Fault(FaultSize.YOUNG if young else FaultSize.GONE, "NotFound")
        return users, user_id, None if worker.step == "delete" else fault
    after = tuple(_written(user, worker.step, plan.change) if user.user_id == user_id else user for user in users)
    return after, user_id, None


def _written(user: User, step: str, change: Change) -> User:
    if step in {"restore", "delete"}:
        return user._replace(binned=step == "delete")
    return user._replace(value=change.attributes.get("displayName", user.value), marked=user.marked or change.mark)
