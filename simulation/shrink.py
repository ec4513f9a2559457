"""The smallest schedule that still goes wrong: events are taken out as long as something is wrong without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Event = TypeVar("_Event")


def shrink(events: Sequence[_Event], is_wrong: Callable[[Sequence[_Event]], bool], *, tries: int = 200) -> list[_Event]:
    """A part of the events, in their order, that is wrong by itself; none can be spared, unless the tries run out.

    Delta debugging: halves are left out, then quarters, and so on down to single events, until nothing more goes.
    """
    kept = list(events)
    size = max(1, len(kept) // 2)
    while True:
        before, start = len(kept), 0
        while start < len(kept) and tries > 0:
            tries -= 1
            without = kept[:start] + kept[start + size :]
            if is_wrong(without):
                kept = without
            else:
                start += size
        if tries <= 0 or (size == 1 and len(kept) == before):
            return kept
        size = max(1, size // 2)
