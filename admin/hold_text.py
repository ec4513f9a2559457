"""How holds are told to a person, or as JSON to a program: why, since when, and what to do about it.

Ids and reasons alone; nobody's name or address is known here.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shared.app.holds import Hold
    from shared.core.model import Link

_REMEDIES: Final = {
    "deletionBudget": "a removal waits: release it, or bring the user back into scope",
    "severalMatches": "leave one of the objects with the matching attributes",
    "deletedTwin": "restore or purge the deleted object, or allow adoption",
    "anotherInstallation": "let the other installation give the object up",
    "internalUser": "take the matching attributes from the internal user, or convert it",
    "markerMissing": "find out who took our marker away, and put it back",
    "invitationUnfinished": "look at the user, delete them if nobody else needs them, then release",
    "adoptionNotAllowed": "name matching attributes in sync.yaml, or remove the object",
    "twoSourceUsers": "give the source users different mail addresses",
}
_OTHER_REMEDY: Final = "mend the cause, then release"


@dataclass(frozen=True, slots=True)
class Found:
    """What one target has of one user."""

    target: str
    link: Link
    hold: Hold | None


def _remedy(hold: Hold) -> str:
    return _REMEDIES.get(hold.reason, _OTHER_REMEDY)


def _command(hold: Hold) -> str:
    return f"python -m admin holds release {shlex.quote(hold.source_id)} --target {shlex.quote(hold.target)}"


def hold_text(hold: Hold) -> str:
    """Three lines: the hold, its remedy, the command."""
    since = hold.since.isoformat(timespec="seconds") if hold.since else "unknown"
    objects = f", objects {' '.join(hold.objects)}" if hold.objects else ""
    return (
        f"{hold.target} {hold.source_id}: {hold.reason} since {since}{objects}\n"
        f"    {_remedy(hold)}\n"
        f"    {_command(hold)}"
    )


def hold_json(hold: Hold) -> dict[str, Any]:
    """The same for a program."""
    return {
        "target": hold.target,
        "sourceId": hold.source_id,
        "targetId": hold.target_id,
        "reason": hold.reason,
        "since": hold.since.isoformat() if hold.since else None,
        "objects": list(hold.objects),
        "removal": hold.removes,
        "remedy": _remedy(hold),
        "run": _command(hold),
    }


def facts(one: Found) -> dict[str, Any]:
    """Where a user stands in one target, held or not."""
    return {
        "target": one.target,
        "sourceId": one.link.source_id,
        "targetId": one.link.target_id,
        "state": one.link.state.value,
        "reason": one.link.reason,
        "changedAt": one.link.changed_at.isoformat() if one.link.changed_at else None,
        "hold": hold_json(one.hold) if one.hold else None,
    }


def present_facts(one: Found) -> str:
    """One line on a user who is not held."""
    link = one.link
    changed = f", last written {link.changed_at.isoformat(timespec='seconds')}" if link.changed_at else ""
    reason = f", last decision {link.reason}" if link.reason else ""
    return (
        f"{one.target} {link.source_id}: not held; state {link.state}, target user {link.target_id or 'none'}"
        f"{changed}{reason}"
    )
