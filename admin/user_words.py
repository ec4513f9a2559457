"""What was found of one user, in words: whether the rules want them in a target, and what the target holds.

Said alike by all commands that look at one user. Groups are named where their names are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from shared.core.desired import Desired, Frozen, InScope, OutOfScope, SourceDeleted, UnknownDesired
from shared.core.observed import Absent, Ambiguous, Binned, Marker, Observed, Present, UnknownObserved
from shared.core.scoping import evaluate_filter

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from shared.config.sync_file import Scope
    from shared.core.expressions import Value

_MARKERS: Final = {Marker.OURS: "ours", Marker.NONE: "not marked yet", Marker.ANOTHER: "another installation's"}


def scope_words(
    desired: Desired,
    scope: Scope,
    attributes: Mapping[str, Value],
    *,
    member_of: Collection[str],
    names: Mapping[str, str],
    now: datetime,
) -> tuple[str, str]:
    """A verdict in a few words, and why: which group, which clause. `names` are groups' names by id."""
    match desired:
        case InScope():
            reasons = ["everybody is" if scope.all_users else f"member of {groups_text(member_of, names)}"]
            if scope.filter is not None:
                reasons.append(evaluate_filter(scope.filter, attributes, now=now).why)
            return "in scope", "; ".join(reasons)
        case OutOfScope(reason=reason, why=why):
            return "out of scope", f"{reason}: {why}"
        case Frozen(reason="inputFilter") if scope.input_filter is not None:
            return "left as they are", f"inputFilter: {evaluate_filter(scope.input_filter, attributes, now=now).why}"
        case Frozen(reason=reason):
            return "left as they are", reason
        case UnknownDesired(fault=fault):
            return "cannot be written", f"{fault.code}: {fault.detail}" if fault.detail else fault.code
        case SourceDeleted():
            return "deleted in the source", "sourceDeleted"
        case _:
            assert_never(desired)


def groups_text(groups: Collection[str], names: Mapping[str, str]) -> str:
    """Groups by name and id."""
    return ", ".join([f"{names[group]} ({group})" if group in names else group for group in sorted(groups)])


def observed_words(observed: Observed) -> str:
    """What the target holds."""
    match observed:
        case Present(user_id=user_id, marker=marker):
            return f"{user_id}, {_MARKERS[marker]}"
        case Binned(user_id=user_id, marker=marker):
            return f"{user_id}, among the deleted items, {_MARKERS[marker]}"
        case Absent():
            return "not there"
        case Ambiguous(user_ids=user_ids):
            return f"several match: {', '.join(user_ids)}"
        case UnknownObserved(fault=fault):
            return f"cannot be read: {fault.code}"
        case _:
            assert_never(observed)
