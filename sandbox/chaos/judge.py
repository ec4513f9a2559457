"""What may not be, whatever happened: pure judgements of what the tenants, the logs and the app's own status show.

What each target should hold is `story.expectation`'s to say, and who was wronged on the way `oracle`'s. Here is the
rest: nobody is there twice, no write is without its event, and nothing is stuck. Every wrong is a sentence.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sandbox.chaos.oracle import SOURCE, WRITER_APP_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Json = Mapping[str, Any]

_CLOCKS: Final = 0.5
"""Seconds between the time of a write and that of its event, at most, that are no order: the event comes after it."""

UNFINISHED: Final = "invitationUnfinished"
"""Why somebody is held whom we invited and who left before they were marked; such a hold names the user."""

_TOLD_AS: Final = {
    "create": {"create", "adopt", UNFINISHED},
    "delete": {"softDelete", "alreadyRemoved"},
    "restore": {"restore", "create", "update", "enable", "disable"},
}
"""Writes that have an event of their own, by the decisions that tell of them. Where the answer to a write was lost, the
next attempt finds it done: then the event tells what was found, and what was left to do."""

_NOT_TOLD: Final = frozenset({"proxyAddresses"})
"""What Graph changes by itself beside what was written."""


def doubled(users: Iterable[Json], marker: str) -> list[str]:
    """People with more than one live user in a target, by our marker or by the account that a guest stands for."""
    marked: Counter[str] = Counter()
    homes: Counter[str] = Counter()
    for user in users:
        if user.get(marker):
            marked[str(user[marker])] += 1
        if user.get("home"):
            homes[str(user["home"]["id"])] += 1
    wrongs = [f"{number} users are marked as {value}" for value, number in marked.items() if number > 1]
    return wrongs + [f"{number} users stand for {home}" for home, number in homes.items() if number > 1]


@dataclass(frozen=True, slots=True)
class _Told:
    """What an event of the provisioning log says of one user."""

    at: float
    decision: str  # or why nothing was to be done
    changed: frozenset[str]
    tells_all: bool = False  # it stands for whatever an attempt wrote before it that was cut short


def unlogged(journal: Iterable[Json], rows: Iterable[Json], *, marker: str, writer: str = WRITER_APP_ID) -> list[str]:
    """Writes of the app in the tenants' journal without an event in the provisioning log, in words.

    Creations, deletions and restores have an event each. What an update changed has to be told by one event that is no
    older; a user who was made, adopted or restored since then is told of as a whole. Where the app was interrupted, the
    next attempt tells what it found: that is enough where it undoes what was begun, and is the first to tell anything.
    """
    told = _events(rows)
    entries = list(journal)
    removed = _removed_by_others(entries, writer)
    used: set[tuple[str, int]] = set()
    wrongs = []
    for entry in entries:
        if entry["tenant"] == SOURCE or entry["actor"] != writer or entry["consequence"]:
            continue
        events = told.get((entry["tenant"], entry["objectId"]), [])
        after = [event for event in events if event[1].at >= entry["time"] - _CLOCKS]
        unused = [(key, event) for key, event in after if key not in used]
        deletions = removed.get((entry["tenant"], entry["objectId"]), [])
        if _is_undone(entry["kind"], unused) or _is_undone_by_others(entry, unused, deletions):
            continue  # and what tells of the next of its kind, days later perhaps, is not this one's
        if own := _TOLD_AS.get(entry["kind"]):
            free = [key for key, event in unused if event.decision in own or event.tells_all]
            used.update(free[:1])
            is_told = bool(free)
        else:
            names = set(entry["changed"]) - _NOT_TOLD - {marker}
            is_told = any(
                event.decision in {"create", "adopt", "restore"} or event.tells_all or names <= event.changed
                for _, event in after
            )
        if not is_told:
            what = ", ".join(sorted(entry["changed"])) if entry["kind"] in {"update", "manager"} else ""
            wrongs.append(
                f"{entry['tenant']} {entry['objectId']}: no event tells of its {entry['kind']} at {entry['at']}"
                + (f" ({what})" if what else "")
            )
    return wrongs


def _is_undone(kind: str, events: Sequence[tuple[tuple[str, int], _Told]]) -> bool:
    """Whether the first that is told after a write is its reverse: a restore of a removal, or the removal of a user.

    A restore that is told before the creation was is of somebody whom another removed in between, and tells of all.
    """
    first = events[0][1].decision if events else ""
    if kind == "delete":
        return first == "restore"
    return first in _TOLD_AS["delete"] or (kind == "create" and first == "restore")


def _is_undone_by_others(entry: Json, events: Sequence[tuple[tuple[str, int], _Told]], deletions: list[float]) -> bool:
    """Whether somebody else removed a user whom we had made or restored before anything was told of them."""
    made = entry["kind"] in {"create", "restore"} and bool(events)
    return made and any(entry["time"] < at < events[0][1].at for at in deletions)


def _removed_by_others(journal: Iterable[Json], writer: str) -> Mapping[tuple[str, str], list[float]]:
    """When others than the app deleted a user, by tenant and id."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for entry in journal:
        if entry["kind"] == "delete" and entry["actor"] != writer:
            found[entry["tenant"], entry["objectId"]].append(entry["time"])
    return found


def _events(rows: Iterable[Json]) -> Mapping[tuple[str, str], list[tuple[tuple[str, int], _Told]]]:
    """Events by target and target user, each row once however often it was sent, in the order of their time.

    Successes, and what tells of an invitation that was not finished.
    """
    found: dict[str, tuple[str, str, _Told]] = {}
    for row in rows:
        target_user = json.loads(row["TargetIdentity"] or "{}")
        if row["Status"] == "held" and row["ReasonCode"] == UNFINISHED:
            [invited] = json.loads(row["Objects"])
            event = _Told(_seconds(row["TimeGenerated"]), UNFINISHED, frozenset())
            found[row["EventId"]] = (row["Target"], invited, event)
        if row["Status"] == "success" and target_user and not row["DryRun"]:
            changed = frozenset(json.loads(row["ChangedAttributes"] or "[]"))
            decision = row["ReasonCode"] if row["Decision"] == "nothing" else row["Decision"]
            event = _Told(_seconds(row["TimeGenerated"]), decision, changed, row["ReasonCode"] == "resumed")
            found[row["EventId"]] = (row["Target"], target_user["Id"], event)
    by_user: dict[tuple[str, str], list[tuple[tuple[str, int], _Told]]] = defaultdict(list)
    for target, user_id, event in sorted(found.values(), key=lambda one: one[2].at):
        events = by_user[target, user_id]
        events.append(((f"{target}/{user_id}", len(events)), event))
    return by_user


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def stuck(status: Json, holds: Sequence[Json]) -> list[str]:
    """What the app itself says is not over, from `admin status --json` and `admin holds list --json`."""
    wrongs = [f"{hold['target']}: {hold['sourceId']} is held for {hold['reason']}" for hold in holds]
    for target, one in status["targets"].items():
        if one["escrow"]:
            wrongs.append(f"{target}: {one['escrow']} users are in escrow")
        if one["unlogged"]:
            wrongs.append(f"{target}: {one['unlogged']} users owe an event to the log")
        wrongs += [f"{target}: {kind} is in quarantine for {why['code']}" for kind, why in one["quarantines"].items()]
    return wrongs


def left_behind(entities: Iterable[Json], *, poisoned: int, targets: int) -> list[str]:
    """What lies in dead-letter queues and should not: all but what nobody could read, once a target at most."""
    wrongs = []
    for entity in entities:
        dead = entity["deadLettered"]
        most = poisoned * targets if entity["path"].lower().endswith("/poison") else 0
        if dead > most:
            wrongs.append(f"the bus: {dead} messages of {entity['path']} are dead-lettered, where {most} may be")
    return wrongs
