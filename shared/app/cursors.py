"""Where catch-up has got to: the delta links of users and of groups, and what is known of the last full cycles.

A cursor is moved only after what it passed was sent. It remembers since when it has followed changes without a gap,
because whoever relies on delta has to know. Rows that cannot be read count as not there: the cursor begins anew, and
a full cycle makes up for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.core.model import StateRow
from shared.store.protocol import Written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.store.protocol import Store

USERS: Final = "cursor:users"
_GROUPS: Final = "cursor:groups:"
_ATTEMPT: Final = "cycle:attempt"
_TRY_AGAIN_AFTER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """One delta link."""

    name: str
    link: str = field(repr=False)
    follows: str  # what the delta was asked for: another question needs another cursor
    since: datetime  # changes after this were followed without a gap
    at: datetime  # the link is of this time
    ids: tuple[str, ...] = ()  # groups
    etag: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """The last whole survey of one target."""

    target: str
    cycle_id: str
    finished_at: datetime
    rules: str  # digest of the rules that it compared with
    in_scope: int
    present: int
    managers_at: datetime | None  # when managers were last read and not only followed
    counts: Mapping[str, int] = field(default_factory=dict)


async def load_cursor(store: Store, name: str) -> Cursor | None:
    """The cursor of that name, if there is one that can be read."""
    row = await store.get_state(name)
    raw = _object(row)
    if row is None or raw is None:
        return None
    try:
        return Cursor(
            name,
            str(raw["link"]),
            str(raw["follows"]),
            datetime.fromisoformat(raw["since"]),
            datetime.fromisoformat(raw["at"]),
            tuple(raw["ids"]),
            row.etag,
        )
    except (KeyError, TypeError, ValueError):
        return None


async def load_group_cursors(store: Store) -> list[Cursor]:
    """The cursors of groups, in the order they were made."""
    cursors: list[Cursor] = []
    while (cursor := await load_cursor(store, group_cursor_name(len(cursors)))) is not None:
        cursors.append(cursor)
    return cursors


def group_cursor_name(number: int) -> str:
    """The name of the cursor that was made as number `number`, from 0."""
    return f"{_GROUPS}{number}"


async def save_cursor(store: Store, cursor: Cursor) -> Cursor | None:
    """Move or make a cursor; None where another worker was quicker, or where a row that is of no use is in the way."""
    value = json.dumps(
        {
            "link": cursor.link,
            "follows": cursor.follows,
            "since": cursor.since.isoformat(),
            "at": cursor.at.isoformat(),
            "ids": list(cursor.ids),
        }
    )
    etag = cursor.etag
    if etag is None:
        row = await store.get_state(cursor.name)
        etag = row.etag if row is not None else None
    outcome = await store.put_state(StateRow(cursor.name, value, etag))
    if not isinstance(outcome, Written):
        return None
    return Cursor(cursor.name, cursor.link, cursor.follows, cursor.since, cursor.at, cursor.ids, outcome.etag)


async def load_cycle(store: Store, target: str) -> CycleRecord | None:
    """What is known of a target's last whole survey."""
    raw = _object(await store.get_state(f"cycle:{target}"))
    if raw is None:
        return None
    try:
        managers_at = raw["managersAt"]
        return CycleRecord(
            target,
            str(raw["cycleId"]),
            datetime.fromisoformat(raw["finishedAt"]),
            str(raw["rules"]),
            int(raw["inScope"]),
            int(raw["present"]),
            datetime.fromisoformat(managers_at) if managers_at else None,
            {str(name): int(count) for name, count in raw["counts"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


async def save_cycle(store: Store, record: CycleRecord) -> None:
    """Remember a target's last whole survey. Under the lease of the full cycle, so nobody else writes it."""
    name = f"cycle:{record.target}"
    row = await store.get_state(name)
    value = {
        "cycleId": record.cycle_id,
        "finishedAt": record.finished_at.isoformat(),
        "rules": record.rules,
        "inScope": record.in_scope,
        "present": record.present,
        "managersAt": record.managers_at.isoformat() if record.managers_at else None,
        "counts": dict(record.counts),
    }
    await store.put_state(StateRow(name, json.dumps(value), row.etag if row else None))


async def note_attempt(store: Store, rules: Mapping[str, str], now: datetime) -> None:
    """Remember that a full cycle with these rules (by target) has begun."""
    row = await store.get_state(_ATTEMPT)
    tried = (_object(row) or {}) | {target: [digest, now.isoformat()] for target, digest in rules.items()}
    await store.put_state(StateRow(_ATTEMPT, json.dumps(tried), row.etag if row else None))


async def was_tried(store: Store, target: str, rules: str, now: datetime) -> bool:
    """Whether a full cycle with these rules was begun within the last hour: one that fails is not begun at once."""
    tried = (_object(await store.get_state(_ATTEMPT)) or {}).get(target)
    try:
        return tried is not None and tried[0] == rules and now - datetime.fromisoformat(tried[1]) < _TRY_AGAIN_AFTER
    except (KeyError, TypeError, ValueError, IndexError):
        return False


def _object(row: StateRow | None) -> dict[str, Any] | None:
    try:
        raw = json.loads(row.value) if row is not None else None
    except ValueError:
        return None
    return raw if isinstance(raw, dict) else None
