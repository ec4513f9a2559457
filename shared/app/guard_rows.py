"""The guards' rows in the store: three kinds, each changed by compare-and-set alone.

    deletions:<target>       the ledger of removals, and the releases
    health:<target>          pause and quarantines
    holds:<target>:<digit>   notes on held users, by the first digit of their source id

A ledger that cannot be read is an error, for it is what stands between a mistake and a mass removal. Unreadable
health or notes begin anew: the next fault teaches the first again, and the second only inform. Nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from shared.core.guard import Ledger, UnreadableRowError, decode_ledger, encode_ledger
from shared.core.hold_notes import SHARDS, HoldNote, decode_notes, encode_notes
from shared.core.model import StateRow
from shared.core.quarantine import TargetHealth, decode_health, encode_health
from shared.store.protocol import TooLarge, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.store.protocol import Store

_ATTEMPTS: Final = 25
"""Each lost compare-and-set means that another worker won one, so only a crowd can lose so many in a row."""

_Value = TypeVar("_Value")
_Result = TypeVar("_Result")


class WithStore(Protocol):
    """What the guards need of the app's parts."""

    @property
    def store(self) -> Store:
        """Shared by all workers."""
        ...


class GuardRowError(Exception):
    """A row of the guards that could not be changed; nothing was written."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"state row {name}: {problem}")
        self.name = name
        self.problem = problem


class ContendedRowError(GuardRowError):
    """Too many workers at once: it will work a little later."""


async def load_ledger(parts: WithStore, target: str) -> Ledger:
    """The ledger of a target.

    Raises:
        GuardRowError: it cannot be read.
    """
    name = _ledger_name(target)
    row = await parts.store.get_state(name)
    return _ledger(name)(row.value if row else None)


async def change_ledger(parts: WithStore, target: str, change: Callable[[Ledger], tuple[Ledger, _Result]]) -> _Result:
    """Replace the ledger by what `change` makes of it, and return what else it says; it may be called several times.

    Raises:
        GuardRowError: it cannot be read, or has grown too large for a row.
        ContendedRowError: others were quicker every time.
    """
    name = _ledger_name(target)
    return await _change(parts.store, name, _ledger(name), encode_ledger, change)


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
    return await _change(parts.store, _health_name(target), _health, encode_health, change)


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
        GuardRowError: there are too many for a row.
        ContendedRowError: others were quicker every time.
    """
    await _change(parts.store, _notes_name(target, shard), _notes, encode_notes, lambda notes: (change(notes), None))


async def _change(
    store: Store,
    name: str,
    decode: Callable[[str | None], _Value],
    encode: Callable[[_Value], str],
    change: Callable[[_Value], tuple[_Value, _Result]],
) -> _Result:
    for _ in range(_ATTEMPTS):
        row = await store.get_state(name)
        before = decode(row.value if row else None)
        after, result = change(before)
        if after == before:
            return result
        outcome = await store.put_state(StateRow(name, encode(after), row.etag if row else None))
        if isinstance(outcome, Written):
            return result
        if isinstance(outcome, TooLarge):
            raise GuardRowError(name, f"{outcome.length} characters are more than {outcome.limit}")
    raise ContendedRowError(name, f"lost to other workers {_ATTEMPTS} times")


def _ledger(name: str) -> Callable[[str | None], Ledger]:
    def read(text: str | None) -> Ledger:
        try:
            return Ledger() if text is None else decode_ledger(text)
        except UnreadableRowError as error:
            raise GuardRowError(name, f"cannot be read: {error}") from error

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
