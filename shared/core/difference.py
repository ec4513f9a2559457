"""What to write on a target user: everything, or what differs from what the target holds.

An attribute that somebody changed in the target is drift. Each mapping says what becomes of it: put back, left and
reported, or the target's from then on. Which of the two sides changed is told by the link, which remembers a digest
of what we wrote last for every attribute that is not simply put back. Whether to write at all is `decide`'s to say.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, assert_never

from shared.core.mapping_rules import Drift
from shared.core.model import LinkState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.core.desired import InScope
    from shared.core.model import Link
    from shared.core.observed import Present


@dataclass(frozen=True, slots=True)
class Change:
    """What to write on a target user; an empty one writes nothing."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    set_manager: str | None = None  # target id
    clear_manager: bool = False
    mark: bool = False  # write our marker too

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.attributes or self.set_manager or self.clear_manager or self.mark)


@dataclass(frozen=True, slots=True)
class Difference:
    """What to write, and the names of attributes that differ and are left as the target has them."""

    change: Change
    left: tuple[str, ...] = ()


def whole(desired: InScope, manager_held: str | None, *, creating: bool) -> Change:
    """Everything, for a user who is made, adopted or restored; what the source has not is cleared."""
    attributes = {**desired.attributes, **desired.on_create} if creating else dict(desired.attributes)
    return _with_manager(Change(attributes, mark=True), desired, manager_held)


def whole_anew(desired: InScope) -> Change:
    """Everything, for a user who is yet to be invited, and has nothing to clear."""
    change = whole(desired, None, creating=True)
    attributes = {name: value for name, value in change.attributes.items() if value not in (None, [])}
    return replace(change, attributes=attributes)


def manager_in_doubt(desired: InScope, link: Link) -> str | None:
    """Whom to take for the manager held after a restore: the bin may have kept them or not.

    Whoever can be set is set anew; else the one we set last is cleared.
    """
    can_be_set = desired.manager is not None and desired.manager.target_id is not None
    return None if can_be_set else link.manager_target_id


def difference(
    desired: InScope, observed: Present, link: Link, drift: Mapping[str, Drift], *, trust: bool
) -> Difference:
    """What differs. While a read may be older than our own last write (`trust` is off), our memory of it decides.

    `drift` holds the attributes that are not simply put back.
    """
    if not trust:
        remembered = link.claim is None and link.fingerprint == desired.fingerprint
        attributes = {
            name: value
            for name, value in desired.attributes.items()
            if not (remembered or (name in drift and link.applied.get(name) == digest(value)))
        }
        left = tuple(name for name in link.drifted if name not in attributes)
        held = observed.manager_id if link.target_id is None else link.manager_target_id
        if link.state is LinkState.SOFT_DELETED:  # restored, and the answer lost
            held = manager_in_doubt(desired, link)
        return Difference(_with_manager(Change(attributes), desired, held), left)
    differing = {
        name: value
        for name, value in desired.attributes.items()
        if not same_value(value, observed.attributes.get(name))
    }
    left = tuple(
        sorted(
            name
            for name, value in differing.items()
            if _is_left(drift.get(name, Drift.REPAIR), value, observed.attributes.get(name), link.applied.get(name))
        )
    )
    attributes = {name: value for name, value in differing.items() if name not in left}
    return Difference(_with_manager(Change(attributes), desired, observed.manager_id), left)


def digest(value: object) -> str:
    """Eight hexadecimal digits that tell one value of an attribute from another; nothing has one of its own."""
    text = json.dumps(None if value in ("", []) else value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def same_value(wanted: object, held: object) -> bool:
    """Whether the target already holds a value; Graph shows an empty list or text where nothing is set."""
    if wanted in (None, "", []) and held in (None, "", []):
        return True
    if isinstance(wanted, dict) and isinstance(held, dict):
        return all(same_value(value, held.get(name)) for name, value in wanted.items())
    return type(wanted) is type(held) and wanted == held


def _is_left(drift: Drift, wanted: object, held: object, applied: str | None) -> bool:
    """Whether an attribute that differs is left as it is. Without memory of a write there is nothing to protect."""
    match drift:
        case Drift.REPAIR:
            return False
        case Drift.REPORT:  # until the source changes it
            return applied == digest(wanted)
        case Drift.TARGET_WINS:  # from the first change in the target on
            if isinstance(wanted, dict) and isinstance(held, dict):
                held = {name: held.get(name) for name in wanted}
            return applied is not None and applied != digest(held)
        case _:
            assert_never(drift)


def _with_manager(change: Change, desired: InScope, held: str | None) -> Change:
    """A manager who has no user in the target is none there: an old one would be wrong."""
    if not desired.manages_manager:
        return change
    wanted = desired.manager.target_id if desired.manager else None
    return replace(
        change,
        set_manager=wanted if wanted != held else None,
        clear_manager=wanted is None and held is not None,
    )
