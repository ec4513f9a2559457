"""The way of one user in Entra's five steps: connect, import, scope, match, act. What each found, and how it ended.

Made of an inspection, and of what came of it where something was done. Values that a mapping redacts are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, assert_never

from admin.plan_words import action_text, all_lines
from admin.user_words import observed_words, scope_words
from shared.app.planned import Heading
from shared.core.desired import InScope
from shared.core.observed import Ambiguous, UnknownObserved
from shared.core.reason_words import words_for
from shared.graph.source import Deleted, Found, Missing, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.inspection import Inspection
    from shared.app.on_demand import Served
    from shared.core.fault_sizes import Fault


class Ended(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `values` are the attributes that it found."""

    name: str
    ended: Ended
    lines: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


def steps_of(seen: Inspection, served: Served | None) -> list[Step]:
    """The five steps; `served` is None where nothing was done."""
    steps = [_connect(seen), _import(seen), _scope(seen), _match(seen)]
    return [*steps, _act(seen) if served is None else _acted(seen, served)]


def _connect(seen: Inspection) -> Step:
    faults = {"the source": seen.reading.fault} if isinstance(seen.reading, Unreadable) else {}
    if seen.unreachable is not None:
        faults[seen.target.name] = seen.unreachable
    if not faults:
        return Step("connect", Ended.PASSED, (f"The source and {seen.target.name} answer.",))
    return Step("connect", Ended.FAILED, tuple(f"{where}: {fault_text(fault)}" for where, fault in faults.items()))


def _import(seen: Inspection) -> Step:
    match seen.reading:
        case Found():
            return Step("import", Ended.PASSED, ("The user was read from the source.",), seen.attributes)
        case Deleted():
            return Step("import", Ended.PASSED, ("The user was deleted in the source.",))
        case Missing():
            return Step("import", Ended.FAILED, (words_for("sourceNotFound").reason,))
        case Unreadable(fault=fault):
            return Step("import", Ended.FAILED, (fault_text(fault),))
        case other:
            assert_never(other)


def _scope(seen: Inspection) -> Step:
    if seen.desired is None:
        return Step("scope", Ended.SKIPPED, ("Another worker is at this user now.",))
    verdict, why = verdict_of(seen)
    return Step("scope", Ended.PASSED if isinstance(seen.desired, InScope) else Ended.FAILED, (f"{verdict}: {why}",))


def _match(seen: Inspection) -> Step:
    match seen.observed:
        case None:
            return Step("match", Ended.SKIPPED, ("There is nobody in the target to look for.",))
        case UnknownObserved(fault=fault):
            return Step("match", Ended.FAILED, (fault_text(fault),))
        case Ambiguous():
            return Step("match", Ended.FAILED, (observed_words(seen.observed),))
        case _:
            how = "linked" if seen.link is not None and seen.link.target_id is not None else "looked for by attributes"
            return Step("match", Ended.PASSED, (f"{observed_words(seen.observed)} ({how})",))


def _act(seen: Inspection) -> Step:
    """What would be done."""
    user = seen.planned
    values = {change.name: change.after for change in user.attributes}
    lines = tuple(all_lines(user))
    match user.heading:
        case Heading.NOTHING:
            return Step("act", Ended.SKIPPED, ("Nothing to do.", *lines))
        case Heading.HOLD | Heading.FAIL | Heading.UNKNOWN | Heading.PUT_OFF:
            return Step("act", Ended.FAILED, (f"Would end as: {action_text(user)}", *lines))
        case _:
            return Step("act", Ended.PASSED, (f"Would {action_text(user)}", *lines), values)


def _acted(seen: Inspection, served: Served) -> Step:
    """What was done."""
    told = served.told
    if told is not None:
        lines = [f"{told.decision}: {told.description}"]
        if told.changed:
            lines.append(f"written: {', '.join(told.changed)}")
        if told.refused:
            lines.append(f"the target refused: {', '.join(told.refused)}")
        advice = words_for(told.reason).advice if told.status != "success" else ""
        lines += [advice] if advice else []
        return Step("act", Ended.PASSED if told.status == "success" else Ended.FAILED, (*lines, *_afterwards(served)))
    reason = seen.planned.reason if served.link is None else served.link.reason or seen.planned.reason
    if served.again_at is not None:
        return Step("act", Ended.FAILED, (f"Not now: {words_for(reason).reason}", *_afterwards(served)))
    lines = [words_for(reason).reason] if served.link is None or served.link.reason else []
    return Step("act", Ended.SKIPPED, ("Nothing to do.", *lines, *_afterwards(served)))


def _afterwards(served: Served) -> list[str]:
    lines = []
    if served.again_at is not None:
        lines.append(f"The user is looked at again at {served.again_at.isoformat(timespec='seconds')}.")
    if served.follow_ups > (served.again_at is not None):
        lines.append(f"{served.follow_ups - (served.again_at is not None)} users who report to them are looked at.")
    return lines


def verdict_of(seen: Inspection) -> tuple[str, str]:
    """Whether the rules want the user, and why."""
    if seen.desired is None:
        return "not decided", "another worker is at this user"
    return scope_words(
        seen.desired,
        seen.target.scope,
        seen.attributes,
        member_of=seen.reading.groups if isinstance(seen.reading, Found) else (),
        names=seen.groups,
        now=seen.now,
    )


def fault_text(fault: Fault) -> str:
    """A fault in words, with its code."""
    words = words_for(fault.code)
    detail = f" {fault.detail}" if fault.detail else ""
    return f"{words.reason}{detail} ({fault.code})" if words.reason != fault.code else f"{fault.code}{detail}"


def step_json(step: Step) -> dict[str, Any]:
    """The same for a program."""
    return {"name": step.name, "ended": step.ended.value, "found": list(step.lines), "attributes": dict(step.values)}
