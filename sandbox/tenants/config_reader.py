"""Takes a configuration document apart, and collects every fault with its path.

It knows texts, numbers and lists, not what a tenant is.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.tenants.wire import JsonObject

REQUIRED: Any = object()


class Reader:
    """Takes a mapping apart; every fault goes to one list with its path."""

    def __init__(self, value: Any, path: str, faults: list[str]) -> None:
        self.path = path
        self.faults = faults
        self._left: dict[str, Any] = {}
        if isinstance(value, dict):
            self._left = dict(value)
        elif value is not None:
            self.fault("", "must be a mapping")

    def fault(self, key: str, message: str) -> None:
        """Note a fault at a key."""
        path = f"{self.path}.{key}" if key and self.path else key or self.path
        self.faults.append(f"{path}: {message}" if path else message)

    def _take(self, key: str, expected: type | tuple[type, ...], default: Any, what: str) -> Any:
        if key not in self._left:
            if default is REQUIRED:
                self.fault(key, "is missing")
                return None
            return default
        value = self._left.pop(key)
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            self.fault(key, f"must be {what}")
            return None if default is REQUIRED else default
        return value

    def text(self, key: str, default: Any = None) -> str:
        """A text; missing is a fault where the default is REQUIRED, and reads as empty."""
        value: str = self._take(key, str, default, "a text")
        return value or ""

    def guid(self, key: str) -> str:
        """A required GUID in lower case; empty after a fault."""
        value = self.text(key, REQUIRED)
        try:
            return str(uuid.UUID(value)) if value else ""
        except ValueError:
            self.fault(key, "must be a GUID")
            return ""

    def flag(self, key: str, *, default: bool) -> bool:
        """A truth value."""
        value: bool = self._take(key, bool, default, "true or false")
        return value

    def number(self, key: str, default: float, *, least: float = 0.0, most: float = 1e9) -> float:
        """A number within bounds."""
        value = float(self._take(key, (int, float), default, "a number"))
        if not least <= value <= most:
            self.fault(key, f"must be between {least:g} and {most:g}")
        return value

    def share(self, key: str, default: float) -> float:
        """A number between 0 and 1."""
        return self.number(key, default, most=1.0)

    def items(self, key: str, *, required: bool = False) -> list[Any]:
        """A list."""
        value = self._take(key, list, REQUIRED if required else [], "a list")
        return value or []

    def each(self, key: str, *, required: bool = False) -> list[Reader]:
        """A reader for each item of a list."""
        return [
            Reader(item, f"{self.path}.{key}[{n}]".lstrip("."), self.faults)
            for n, item in enumerate(self.items(key, required=required))
        ]

    def section(self, key: str) -> Reader | None:
        """A reader for a mapping, or None where the key is missing."""
        value = self._left.pop(key, None)
        return None if value is None else Reader(value, f"{self.path}.{key}".lstrip("."), self.faults)

    def raw(self, key: str, default: Any) -> Any:
        """A value of any type."""
        return self._left.pop(key, default)

    def rest(self) -> JsonObject:
        """Everything that was not taken yet, as it is."""
        left, self._left = self._left, {}
        return left

    def done(self) -> None:
        """Note what was never taken as unknown keys."""
        for key in self._left:
            self.fault(key, "is not a known key")
