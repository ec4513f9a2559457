"""Why a user is, or is not, in a target: sentences made of an inspection, and what to do at their end.

Every sentence is a fact that was read or is remembered just now; what to do is the advice that goes with the reason.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from admin.plan_words import action_text, detail_lines, plain, why_text
from admin.provision_steps import fault_text, verdict_of
from admin.user_words import groups_text, observed_words
from shared.app.planned import Heading
from shared.core.decide import Action
from shared.core.desired import InScope, OutOfScope
from shared.core.hold_notes import REMOVALS
from shared.core.model import LinkState
from shared.core.observed import Present
from shared.core.quarantine import pause_left
from shared.core.reason_words import words_for
from shared.graph.source import Deleted, Found, Missing, Unreadable

if TYPE_CHECKING:
    from datetime import datetime

    from shared.app.inspection import Inspection


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is said of one user in one target."""

    headline: str
    facts: tuple[str, ...]
    to_do: tuple[str, ...]


def explain(seen: Inspection) -> Explanation:
    """Say it."""
    facts = [*_source(seen), *_remembered(seen), *_now(seen), *_target(seen)]
    return Explanation(_headline(seen), tuple(facts), tuple(dict.fromkeys(_to_do(seen))) or ("Nothing.",))


def explanation_json(seen: Inspection) -> dict[str, Any]:
    """The same for a program."""
    said = explain(seen)
    verdict, why = verdict_of(seen)
    link = seen.link
    return {
        "target": seen.target.name,
        "sourceId": seen.source_id,
        "targetId": seen.planned.target_id,
        "there": isinstance(seen.observed, Present),
        "scope": {"verdict": verdict, "why": why},
        "state": link.state.value if link is not None else None,
        "reason": link.reason if link is not None else None,
        "heldSince": _time(seen.hold.since) if seen.hold is not None else None,
        "attempts": link.attempt if link is not None else 0,
        "retryAt": _time(link.retry_at) if link is not None else None,
        "next": {"action": seen.planned.action.value, "reason": seen.planned.reason},
        "headline": said.headline,
        "facts": list(said.facts),
        "toDo": list(said.to_do),
    }


def _headline(seen: Inspection) -> str:
    name = plain(seen.planned.name) or seen.source_id
    where = seen.target.name
    if isinstance(seen.observed, Present) and seen.planned.target_id is not None and not _is_foreign(seen):
        return f"{name} is in {where}, as {seen.planned.target_id}."
    if isinstance(seen.observed, Present):
        return f"{name} is not in {where} as a user of ours."
    if seen.observed is None and seen.link is not None and seen.link.state in {LinkState.ACTIVE, LinkState.DISABLED}:
        return f"{name} was in {where}, as {seen.link.target_id}, when last looked at."
    return f"{name} is not in {where}."


def _is_foreign(seen: Inspection) -> bool:
    return seen.link is None or seen.link.target_id is None


def _source(seen: Inspection) -> list[str]:
    match seen.reading:
        case Unreadable(fault=fault):
            return [f"The source cannot be read: {fault_text(fault)}"]
        case Missing():
            return [words_for("sourceNotFound").reason]
        case Deleted():
            return ["The user was deleted in the source."]
        case Found():
            pass
    verdict, why = verdict_of(seen)
    facts = [f"By the rules: {verdict}. {why}."]
    if isinstance(seen.desired, OutOfScope) and seen.desired.reason == "notInGroup":
        facts.append(f"The scoping groups are {groups_text(seen.target.scope.groups, seen.groups)}.")
    if isinstance(seen.desired, InScope) and not seen.desired.enabled:
        facts.append("The user is blocked in the source.")
    return facts


def _remembered(seen: Inspection) -> list[str]:
    """What the link and its hold tell."""
    link = seen.link
    if link is None:
        return ["Nothing was done for this user here so far."]
    facts = []
    if seen.hold is not None:
        since = f" since {_time(seen.hold.since)}" if seen.hold.since else ""
        objects = f" It is about {', '.join(seen.hold.objects)}." if seen.hold.objects else ""
        facts.append(f"Held{since}: {words_for(seen.hold.reason).reason}{objects}")
    if link.retry_at is not None:
        reason = words_for((link.reason or "").partition(":")[0]).reason
        facts.append(f"In escrow: {reason} {link.attempt} attempts failed; the next is due at {_time(link.retry_at)}.")
    if link.state is LinkState.SOFT_DELETED:
        facts.append(f"We soft-deleted {link.target_id}{_at(link.changed_at)}; it can be restored for 30 days.")
    elif link.changed_at is not None:
        facts.append(f"Last written {_time(link.changed_at)}.")
    if link.leaving_since is not None and seen.target.policy.grace and link.state is LinkState.DISABLED:
        ends = link.leaving_since + seen.target.policy.grace
        facts.append(f"The user left on {_time(link.leaving_since)}; the days of grace end at {_time(ends)}.")
    if link.manager_source_id is not None:
        facts.append(f"The manager {link.manager_source_id} has no user in {seen.target.name} yet.")
    if link.drifted:
        facts.append(f"Changed in the target and left so: {', '.join(link.drifted)}.")
    return facts


def _now(seen: Inspection) -> list[str]:
    """What a look would do now."""
    if seen.busy:
        return ["Another worker is at this user right now."]
    user = seen.planned
    found = [f"{seen.target.name} holds: {observed_words(seen.observed)}."] if seen.observed is not None else []
    if user.heading is Heading.NOTHING:
        return [*found, f"A look now would change nothing: {why_text(user)}"]
    lines = [f"A look now would end as: {action_text(user)}. {why_text(user)}"]
    return [*found, *lines, *[f"  {line}" for line in detail_lines(user)]]


def _target(seen: Inspection) -> list[str]:
    """What is in the way of everybody in this target."""
    facts = []
    if seen.unreachable is not None:
        facts.append(f"{seen.target.name} cannot be read: {fault_text(seen.unreachable)}")
    if pause_left(seen.health, seen.now) is not None and seen.health.paused_until is not None:
        facts.append(f"{seen.target.name} asked us to pause until {_time(seen.health.paused_until)}.")
    for kind, quarantine in sorted(seen.health.quarantines.items()):
        facts.append(
            f"{seen.target.name} refuses to {kind} users since {_time(quarantine.since)}: "
            f"{words_for(quarantine.code).reason} The next probe is due at {_time(quarantine.probe_at)}."
        )
    return facts


def _to_do(seen: Inspection) -> list[str]:
    command = f"{shlex.quote(seen.source_id)} --target {shlex.quote(seen.target.name)}"
    to_do = [words_for(quarantine.code).advice for quarantine in seen.health.quarantines.values()]
    if seen.hold is not None:
        to_do.append(words_for(seen.hold.reason).advice)
        verb = "let it happen" if seen.hold.reason in REMOVALS else "look again once it is mended"
        to_do.append(f"To {verb}: python -m admin holds release {command}")
    elif seen.link is not None and seen.link.retry_at is not None:
        to_do.append(words_for((seen.link.reason or "").partition(":")[0]).advice)
        to_do.append(f"To try at once: python -m admin escrow retry {command}")
    user = seen.planned
    match user.heading:
        case Heading.HOLD | Heading.FAIL | Heading.UNKNOWN:
            to_do.append(words_for(user.reason).advice)
        case Heading.CREATE | Heading.ADOPT | Heading.UPDATE | Heading.RESTORE | Heading.REMOVE:
            to_do.append(f"It happens by itself; to do it at once: python -m admin provision {command}")
        case Heading.PUT_OFF | Heading.NOTHING:
            pass
    to_do += _to_bring_in(seen)
    return [line for line in to_do if line]


def _to_bring_in(seen: Inspection) -> list[str]:
    """For somebody who is rightly not there."""
    if seen.planned.action is not Action.NOTHING:
        return []
    if isinstance(seen.reading, Deleted):
        return ["To bring the user back: restore them in the source within 30 days."]
    match seen.planned.reason:
        case "sourceDisabled":
            return ["To bring the user in: allow their sign-in in the source."]
        case "sourceNotFound":
            return ["Look for the user by principal name or mail address: the id may be that of another tenant."]
    if not isinstance(seen.desired, OutOfScope):
        return []
    match seen.desired.reason:
        case "notInGroup":
            return ["To bring the user in: make them a member of a scoping group, directly or through a group."]
        case "scopingFilter":
            return ["To bring the user in: change the attribute that the clause names, or the filter in sync.yaml."]
        case "externalUser" | "agentUser":
            return ["Nothing: guests and agents of the source are never synchronized on."]
        case _:
            return []


def _at(time: datetime | None) -> str:
    return f" at {_time(time)}" if time is not None else ""


def _time(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time is not None else None
