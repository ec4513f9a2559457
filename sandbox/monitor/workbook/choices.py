"""What a reader has chosen: parameters, tabs, selected rows. Everything else follows from the file and the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Choices:
    """Choices by key. A global parameter has one key in the whole workbook, any other one for each item."""

    values: Mapping[str, Any] = field(default_factory=dict)
    global_parameters: frozenset[str] = frozenset()

    def key(self, item_id: str, name: str) -> str:
        """The key of a parameter that an item sets."""
        return f"global/{name}" if name in self.global_parameters else f"{item_id}/{name}"

    def get(self, item_id: str, name: str) -> Any:
        """The choice, or None."""
        return self.values.get(self.key(item_id, name))
