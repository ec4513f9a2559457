"""One read for all who ask at the same time.

Each of them gets what was read after they had asked, as if it were theirs alone: nothing is remembered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class SharedRead(Generic[T]):
    """A read that goes on once at a time; those who ask meanwhile share the next one."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[T] | None = None  # the one that has not begun

    async def get(self) -> T:
        """What a read gives that begins now or later. Raises what it raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_in_turn())
        return await asyncio.shield(self._next)  # one caller who gives up takes it from no other

    async def _read_in_turn(self) -> T:
        async with self._turn:
            self._next = None
            return await self._read()
