"""Changing a state row of the store by compare-and-set, however many workers are at it.

One loop for all who keep something in a state row: the guards, and the outbox of the operations log. What a row
holds, and what a change means, is theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from shared.core.model import StateRow
from shared.store.protocol import TooLarge, Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.store.protocol import Store

_ATTEMPTS: Final = 25
"""Each lost compare-and-set means that another worker won one, so only a crowd can lose so many in a row."""

_Value = TypeVar("_Value")
_Result = TypeVar("_Result")


class WithStore(Protocol):
    """What is needed of the app's parts."""

    @property
    def store(self) -> Store:
        """Shared by all workers."""
        ...


class StateRowError(Exception):
    """A state row that could not be changed; nothing was written."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"state row {name}: {problem}")
        self.name = name
        self.problem = problem


class ContendedRowError(StateRowError):
    """Too many workers at once: it will work a little later."""


async def change_row(
    store: Store,
    name: str,
    decode: Callable[[str | None], _Value],
    encode: Callable[[_Value], str],
    change: Callable[[_Value], tuple[_Value, _Result]],
) -> _Result:
    """Replace a row's value by what `change` makes of it, and return what else it says; it may be called several times.

    `decode` is given None where there is no row yet. A change that changes nothing writes nothing.

    Raises:
        StateRowError: the new value is too long for a row; or what `decode` raises.
        ContendedRowError: others were quicker every time.
    """
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
            raise StateRowError(name, f"{outcome.length} characters are more than {outcome.limit}")
    raise ContendedRowError(name, f"lost to other workers {_ATTEMPTS} times")
