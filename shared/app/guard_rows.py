"""The guards' rows in the store: three kinds, each changed by compare-and-set alone.

    deletions:<target>       the ledger of removals, and the releases
    health:<target>          pause and quarantines
    holds:<target>:<digit>   notes on held users, by the first digit of their source id

A ledger that cannot be read is an error, for it is what stands between a mistake and a mass removal. Unreadable
health or notes begin anew: the next fault teaches the first again, and the second only inform. Nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared.app.state_rows import StateRowError, WithStore, change_row
from shared.core.guard import Ledger, UnreadableRowError, decode_ledger, encode_ledger
from shared.core.hold_notes import SHARDS, HoldNote, decode_notes, encode_notes
from shared.core.quarantine import TargetHealth, decode_health, encode_health

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Result = TypeVar("_Result")


async def load_ledger(parts: WithStore, target: str) -> Ledger:
    """The ledger of a target.

    Raises:
        StateRowError: it cannot be read.
    """
    name = _ledger_name(target)
    row = await parts.store.get_state(name)
    return _ledger(name)(row.value if row else None)


async def change_ledger(parts: WithStore, target: str, change: Callable[[Ledger], tuple[Ledger, _Result]]) -> _Result:
    """Replace the ledger by what `change` makes of it, and return what else it says; it may be called several times.

    Raises:
        StateRowError: it cannot be read, or has grown too large for a row.
        ContendedRowError: others were quicker every time.
    """
    name = _ledger_name(target)
    return await change_row(parts.store, name, _ledger(name), encode_ledger, change)


async def load_health(parts: WithStore, target: str) -> TargetHealth:
    """The health of a target."""
    row = await parts.store.get_state(_health_name(target))
    return _health(row.value if row else None)


async def change_health(
    parts: WithStore, target: str, change: Callable[[TargetHealth], tuple[TargetHealth, _Result]]
) -> _Result:
    """Replace the health by what `change` makes of it, as `change_ledger` does.

    Raises:
        ContendedRowError: others were quicker every time.
    """
    return await change_row(parts.store, _health_name(target), _health, encode_health, change)


async def load_notes(parts: WithStore, target: str) -> dict[str, HoldNote]:
    """All notes of a target, by source id; some may be of users who are held no more."""
    found: dict[str, HoldNote] = {}
    for shard in SHARDS:
        row = await parts.store.get_state(_notes_name(target, shard))
        found |= _notes(row.value if row else None)
    return found


async def change_notes(
    parts: WithStore, target: str, shard: str, change: Callable[[Mapping[str, HoldNote]], dict[str, HoldNote]]
) -> None:
    """Replace one shard of the notes by what `change` makes of it, as `change_ledger` does.

    Raises:
        StateRowError: there are too many for a row.
        ContendedRowError: others were quicker every time.
    """
    await change_row(parts.store, _notes_name(target, shard), _notes, encode_notes, lambda notes: (change(notes), None))


def _ledger(name: str) -> Callable[[str | None], Ledger]:
    def read(text: str | None) -> Ledger:
        try:
            return Ledger() if text is None else decode_ledger(text)
        except UnreadableRowError as error:
            raise StateRowError(name, f"cannot be read: {error}") from error

    return read


def _health(text: str | None) -> TargetHealth:
    try:
        return TargetHealth() if text is None else decode_health(text)
    except UnreadableRowError:
        return TargetHealth()


def _notes(text: str | None) -> dict[str, HoldNote]:
    try:
        return {} if text is None else decode_notes(text)
    except UnreadableRowError:
        return {}


def _ledger_name(target: str) -> str:
    return f"deletions:{target}"


def _health_name(target: str) -> str:
    return f"health:{target}"


def _notes_name(target: str, shard: str) -> str:
    return f"holds:{target}:{shard}"
