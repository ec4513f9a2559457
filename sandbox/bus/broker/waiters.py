"""Those who found nothing and want to be told when there is something.

A notice is given once and only says "look again"; whoever is told and still finds nothing waits anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Waiters:
    """Callbacks by key, told in the order in which they came."""

    def __init__(self) -> None:
        self._callbacks: dict[Hashable, Callable[[], object]] = {}

    def add(self, key: Hashable, callback: Callable[[], object]) -> None:
        """Be told once; a key that waits already keeps its place."""
        self._callbacks.setdefault(key, callback)

    def discard(self, key: Hashable) -> None:
        """Wait no longer."""
        self._callbacks.pop(key, None)

    def tell(self) -> None:
        """Tell everyone."""
        if self._callbacks:
            callbacks, self._callbacks = self._callbacks, {}
            for callback in callbacks.values():
                callback()
