"""What a plan says, as plain text for people: one user in a few lines, one target in one.

Shared by the table and the Markdown, which only lay it out and escape it. Names and values come from tenants, so
whatever could steer a terminal or turn the direction of writing is shown by its code point.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from shared.app.planned import Heading
from shared.core.decide import Action
from shared.core.hold_notes import REMOVALS
from shared.core.reason_words import words_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.app.plan_cycle import TargetPlan
    from shared.app.planned import AttributeChange, ManagerChange, PlannedUser

_LONGEST: Final = 120  # characters of one value
_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

HEADINGS: Final = {
    Heading.CREATE: "to create",
    Heading.ADOPT: "to adopt",
    Heading.UPDATE: "to update",
    Heading.RESTORE: "to restore",
    Heading.REMOVE: "to remove",
    Heading.HOLD: "held",
    Heading.PUT_OFF: "put off",
    Heading.FAIL: "fail",
    Heading.UNKNOWN: "not known",
    Heading.NOTHING: "as they should be",
}
"""How many are what, in the order in which it is said."""


def plain(text: str) -> str:
    """Text that can be shown anywhere: without control characters, line breaks and changes of direction."""
    return "".join(
        [f"\\u{ord(one):04x}" if unicodedata.category(one) in _STEERING else one for one in text.replace("\\", "\\\\")]
        if any(unicodedata.category(one) in _STEERING for one in text)
        else text
    )


def value_text(value: Any) -> str:
    """A value of an attribute, shortened."""
    match value:
        case None | "" | []:
            return "nothing"
        case str():
            text = value
        case bool():
            text = str(value).lower()
        case list():
            text = ", ".join([str(one) for one in value])
        case _:
            text = json.dumps(value, ensure_ascii=False)
    text = plain(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def action_text(user: PlannedUser) -> str:
    """One or two words."""
    match user.heading:
        case Heading.HOLD:
            return "hold"
        case Heading.PUT_OFF:
            return f"put off: {_verb(user.intended)}" if user.intended is not Action.RETRY else "put off"
        case Heading.FAIL:
            return "fail"
        case Heading.UNKNOWN:
            return "not known"
        case _:
            return _verb(user.action)


def user_text(user: PlannedUser) -> str:
    """Who it is."""
    return f"{plain(user.name)} {user.source_id}".strip()


def why_text(user: PlannedUser) -> str:
    """The reason in words, and what a person can do about it."""
    code = user.reason.partition(":")[0]
    words = words_for(code)
    parts = [words.reason if words.reason != code else code]
    if user.heading is Heading.HOLD and user.reason in REMOVALS:
        parts = [f"Would be removed: {words_for(user.intended_reason).reason}", *parts]
    if user.heading is Heading.PUT_OFF and user.intended is not Action.RETRY:
        parts = [words_for(user.intended_reason).reason, f"The target takes no such action now ({user.reason})."]
    if user.fault is not None and user.fault.detail:
        parts.append(plain(user.fault.detail))
    if user.heading in {Heading.HOLD, Heading.FAIL}:
        parts.append(words.advice)
    if user.follows:
        parts.append("Follows from what is planned for their manager.")
    return " ".join([part for part in parts if part])


def detail_lines(user: PlannedUser) -> list[str]:
    """What would be other than it is, attribute by attribute; a line each."""
    lines = []
    if user.action is Action.CREATE:
        lines += [f"{len(user.attributes)} attributes"] if user.attributes else []
    elif any(not change.known for change in user.attributes):
        lines.append(f"{len(user.attributes)} attributes are written anew")
    else:
        lines += [attribute_line(change) for change in user.attributes if change.differs]
    if user.manager is not None:
        lines.append(manager_line(user.manager))
    elif user.waits_for is not None and user.is_change:
        lines.append(f"manager: waits for the user of {user.waits_for}")
    if user.left:
        lines.append(f"left as changed in the target: {', '.join(user.left)}")
    if user.objects and user.heading is Heading.HOLD:
        lines.append(f"objects: {', '.join(user.objects)}")
    return lines


def attribute_line(change: AttributeChange) -> str:
    """An attribute before and after."""
    note = " (was refused before)" if change.refused else ""
    return f"{change.name}: {value_text(change.before)} → {value_text(change.after)}{note}"


def manager_line(manager: ManagerChange) -> str:
    """The manager before and after, by the ids of target users."""
    before = manager.before or "nobody"
    if manager.after is not None:
        return f"manager: {before} → {manager.after}"
    if manager.source_id is not None:
        return f"manager: {before} → the user that is created for {manager.source_id}"
    return f"manager: {before} → nobody"


def summary_lines(name: str, plan: TargetPlan) -> list[str]:
    """One target: how many of what; then what is not well."""
    lines = [f"{name}: {counts_text(plan)}"]
    if plan.tally.followers:
        lines.append(f"{name}: {plan.tally.followers} of these follow from what is planned for their managers")
    lines += [f"{name}: {text}" for text in troubles(plan)]
    return lines


def counts_text(plan: TargetPlan) -> str:
    """How many of what."""
    counts = [f"{number} {HEADINGS[heading]}" for heading in HEADINGS if (number := plan.tally.by_heading[heading])]
    found = ", ".join(counts) or "nothing to do"
    return found if plan.in_scope is None else f"{found}; {plan.in_scope} in scope, {plan.present} there now"


def troubles(plan: TargetPlan) -> list[str]:
    """Why the plan may not be all there is to say."""
    found = []
    if plan.failure is not None:
        found.append(f"this plan is not whole: {plan.failure}; nobody is removed because of it")
    if plan.withheld:
        found.append(
            f"far fewer people are in scope than last time, so {plan.withheld} who left are not even looked at by the"
            " first cycle"
        )
    if not plan.tally.is_known:
        found.append(f"{plan.tally.by_heading[Heading.UNKNOWN]} users could not be read; run this again")
    return found


def all_lines(user: PlannedUser) -> Iterable[str]:
    """The reason and the details."""
    return [why_text(user), *detail_lines(user)]


def _verb(action: Action) -> str:
    return "soft-delete" if action is Action.SOFT_DELETE else action.value
