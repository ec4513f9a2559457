"""How the app stands: subscriptions, catch-up, cycles, links, quarantines; whether that is well, and if not, why.

One report for the health function and for the administrator's terminal, so that both say the same. It reads the store
and nothing else, every link once; what Graph and the bus would say now is not asked, and nothing is decided or written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.app.configuration import lost_groups
from shared.app.cursors import USERS, CycleRecord, load_cursor, load_cycle, load_group_cursors
from shared.app.escrow import escrow_of
from shared.app.guard_rows import load_health
from shared.app.subscriptions import RESOURCES
from shared.core.model import LinkState
from shared.core.quarantine import ActionKind, Quarantine, pause_left

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.parts import Parts

_CURSOR_IS_OLD: Final = timedelta(hours=1)
"""Catch-up runs every few minutes and moves its cursors each time, whether or not anything changed."""

_CYCLE_IS_OLD: Final = timedelta(days=3)
"""Full cycles are daily; two may fail for reasons that pass."""


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target."""

    name: str
    links: Mapping[LinkState, int]
    escrow: int  # users whose change failed
    unlogged: int  # links that owe an event to the log
    quarantines: Mapping[ActionKind, Quarantine]
    paused_until: datetime | None
    last_cycle: CycleRecord | None
    rules_changed: bool  # since that cycle
    lost_groups: tuple[str, ...]  # scoping groups that sync.yaml names no more

    @property
    def held(self) -> int:
        """Users who wait for a person."""
        return self.links[LinkState.HELD]


@dataclass(frozen=True, slots=True)
class Status:
    """All of it. `faults` make it unhealthy; `notes` are what a person may want to look at."""

    now: datetime
    subscriptions: Mapping[str, datetime | None]  # until when they live, by resource
    cursors: Mapping[str, datetime]  # when each was last moved, by name
    targets: tuple[TargetStatus, ...]
    faults: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong that a person has to mend."""
        return not self.faults


async def status(parts: Parts) -> Status:
    """Report how the app stands.

    Raises:
        StoreError: nobody knows.
    """
    now = parts.clock.now()
    records = {record.resource: record for record in await parts.store.get_subscriptions()}
    subscriptions = {resource: records[resource].expires_at if resource in records else None for resource in RESOURCES}
    users = await load_cursor(parts.store, USERS)
    cursors = {cursor.name: cursor.at for cursor in ([users] if users else [])}
    cursors |= {cursor.name: cursor.at for cursor in await load_group_cursors(parts.store)}
    targets = tuple([await _target(parts, name, now) for name in parts.targets])
    faults = [*_subscription_faults(subscriptions, now), *_cursor_faults(cursors, now)]
    for target in targets:
        faults += _target_faults(target, now)
    return Status(now, subscriptions, cursors, targets, tuple(faults), tuple(_notes(cursors, targets)))


async def _target(parts: Parts, name: str, now: datetime) -> TargetStatus:
    links: Counter[LinkState] = Counter()
    escrow = unlogged = 0
    async for page in parts.store.list_links(name):
        links.update(link.state for link in page)
        escrow += sum(escrow_of(link) is not None for link in page)
        unlogged += sum(bool(link.unlogged) for link in page)
    hands = parts.targets[name].target
    health = await load_health(parts, name)
    cycle = await load_cycle(parts.store, name)
    return TargetStatus(
        name=name,
        links={state: links[state] for state in LinkState},
        escrow=escrow,
        unlogged=unlogged,
        quarantines=health.quarantines,
        paused_until=health.paused_until if pause_left(health, now) is not None else None,
        last_cycle=cycle,
        rules_changed=cycle is not None and cycle.rules != hands.rules,
        lost_groups=await lost_groups(parts.store, hands),
    )


def _subscription_faults(subscriptions: Mapping[str, datetime | None], now: datetime) -> list[str]:
    return [
        f"There is no subscription to {resource} that lives: changes arrive by catch-up alone, minutes late."
        for resource, expires_at in subscriptions.items()
        if expires_at is None or expires_at <= now
    ]


def _cursor_faults(cursors: Mapping[str, datetime], now: datetime) -> list[str]:
    old = [name for name, at in cursors.items() if now - at > _CURSOR_IS_OLD]
    if not old:
        return []
    minutes = round((now - min(cursors[name] for name in old)) / timedelta(minutes=1))
    return [f"Catch-up has not moved for {minutes} minutes: {', '.join(old)}."]


def _target_faults(target: TargetStatus, now: datetime) -> list[str]:
    faults = [
        f"{target.name} refuses to {kind} users since {quarantine.since.isoformat(timespec='seconds')}"
        f" ({quarantine.code})."
        for kind, quarantine in sorted(target.quarantines.items())
    ]
    if target.last_cycle is not None and now - target.last_cycle.finished_at > _CYCLE_IS_OLD:
        finished = target.last_cycle.finished_at.isoformat(timespec="seconds")
        faults.append(f"No full cycle of {target.name} was whole since {finished}.")
    return faults


def _notes(cursors: Mapping[str, datetime], targets: tuple[TargetStatus, ...]) -> list[str]:
    notes = [] if USERS in cursors else ["Catch-up has not begun yet."]
    for target in targets:
        if target.last_cycle is None:
            notes.append(f"No full cycle of {target.name} has ended yet.")
        elif target.rules_changed:
            notes.append(f"The rules of {target.name} changed since its last full cycle; the next catch-up starts one.")
        elif target.last_cycle.counts.get("withheld"):
            notes.append(
                f"The last full cycle of {target.name} found far fewer people in scope than the one before, and looked"
                f" at none of {target.last_cycle.counts['withheld']} who may have left."
            )
        if target.held:
            notes.append(f"{target.held} users of {target.name} wait for a person: python -m admin holds list")
        if target.escrow:
            notes.append(f"{target.escrow} users of {target.name} fail: python -m admin escrow list")
        if target.lost_groups:
            notes.append(
                f"sync.yaml names {len(target.lost_groups)} scoping groups of {target.name} no more, and who is held"
                f" for it stays: python -m admin configuration accept --target {target.name}"
            )
        if target.unlogged:
            notes.append(f"{target.unlogged} users of {target.name} owe an event to the log; it is sent again.")
        if target.paused_until is not None:
            until = target.paused_until.isoformat(timespec="seconds")
            notes.append(f"{target.name} asked us to pause until {until}; nothing is lost.")
    return notes


def status_json(report: Status) -> dict[str, object]:
    """The report for a program."""
    return {
        "healthy": report.is_healthy,
        "faults": list(report.faults),
        "notes": list(report.notes),
        "subscriptions": {resource: _time(at) for resource, at in report.subscriptions.items()},
        "cursors": {
            name: {"movedAt": _time(at), "ageSeconds": round((report.now - at).total_seconds())}
            for name, at in report.cursors.items()
        },
        "targets": {target.name: _target_json(target) for target in report.targets},
    }


def _target_json(target: TargetStatus) -> dict[str, object]:
    cycle = target.last_cycle
    return {
        **{state.value: count for state, count in target.links.items()},
        "escrow": target.escrow,
        "unlogged": target.unlogged,
        "pausedUntil": _time(target.paused_until),
        "quarantines": {
            kind.value: {"code": one.code, "since": _time(one.since), "probeAt": _time(one.probe_at)}
            for kind, one in target.quarantines.items()
        },
        "lastCycle": None
        if cycle is None
        else {"id": cycle.cycle_id, "finishedAt": _time(cycle.finished_at), "counts": dict(cycle.counts)},
        "rulesChanged": target.rules_changed,
        "lostGroups": list(target.lost_groups),
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
