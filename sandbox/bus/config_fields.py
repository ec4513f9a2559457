"""Reading one JSON object field by field, noting what is wrong with each instead of stopping at the first.

A reader asks for what it knows and then calls ``end``; what nobody asked for is a fault.
"""

from __future__ import annotations

import math
from typing import Any

from sandbox.bus.durations import parse_duration


class ConfigError(Exception):
    """A configuration that cannot be used, with all its faults, each naming entity and field."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Faults:
    """What is wrong so far."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, entity: str, field: str, problem: str) -> None:
        """Note a fault."""
        self._texts.append(f"{entity}: {field}: {problem}")

    def __bool__(self) -> bool:
        return bool(self._texts)

    def raise_any(self) -> None:
        """Raise ``ConfigError`` if there are any."""
        if self._texts:
            raise ConfigError(self._texts)


class Fields:
    """One JSON object of the configuration; ``entity`` is what faults call it."""

    def __init__(self, entity: str, value: Any, faults: Faults, prefix: str = "") -> None:
        self.entity = entity
        self.faults = faults
        self._prefix = prefix
        self._asked: set[str] = set()
        if not isinstance(value, dict):
            faults.add(entity, prefix.rstrip(".") or "(itself)", "must be an object")
            value = {}
        self._values: dict[str, Any] = value

    def fault(self, field: str, problem: str) -> None:
        """Note a fault of one field."""
        self.faults.add(self.entity, self._prefix + field, problem)

    def get(self, field: str) -> Any:
        """A field's value as it stands, ``None`` where it is missing or null."""
        self._asked.add(field)
        return self._values.get(field)

    def ignore(self, field: str) -> None:
        """A field that may be there and means nothing here."""
        self._asked.add(field)

    def end(self) -> None:
        """Note the fields nobody asked for."""
        for field in self._values:
            if field not in self._asked:
                self.fault(field, "is not known")

    def fields(self, field: str, *, required: bool = False) -> Fields:
        """An object within; an empty one where it is missing and may be."""
        value = self.get(field)
        if value is None and not required:
            value = {}
        return Fields(self.entity, value, self.faults, f"{self._prefix}{field}.")

    def list_of_fields(self, field: str, kind: str, *, required: bool = False) -> list[Fields]:
        """A list of objects, each an entity of its own that faults call by ``kind`` and its Name."""
        value = self.get(field)
        if value is None and not required:
            return []
        if not isinstance(value, list):
            self.fault(field, "must be a list")
            return []
        return [Fields(_title(kind, index, item), item, self.faults) for index, item in enumerate(value)]

    def text(self, field: str, *, required: bool = False) -> str | None:
        """A text; an empty one counts as missing."""
        value = self.get(field)
        if value is not None and not isinstance(value, str):
            self.fault(field, "must be a text")
            return None
        if required and not value:
            self.fault(field, "is missing")
        return value or None

    def refuse_text(self, field: str, problem: str) -> None:
        """A text that must be empty or missing."""
        if self.get(field):
            self.fault(field, problem)

    def flag(self, field: str) -> bool:
        """True or false; false where it is missing."""
        value = self.get(field)
        if value is not None and not isinstance(value, bool):
            self.fault(field, "must be true or false")
            return False
        return bool(value)

    def integer(self, field: str, default: int, *, most: int) -> int:
        """A whole number from 1 on."""
        value = self.get(field)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            self.fault(field, f"must be a whole number from 1 to {most}")
            return default
        return value

    def duration(self, field: str, *, least: float = 0.0, most: float = math.inf) -> float | None:
        """Seconds; ``None`` where it is missing or means "without end"."""
        value = self.get(field)
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault(field, "must be an ISO 8601 duration in quotes, such as PT1M")
            return None
        try:
            seconds = parse_duration(value)
        except ValueError as error:
            self.fault(field, f"{value!r} {error}")
            return None
        if seconds <= 0 or not least <= seconds <= most:
            limits = f"from {least:g} to {most:g} seconds" if most < math.inf else "more than 0 seconds"
            self.fault(field, f"{value!r} is outside what is allowed: {limits}")
            return None
        return None if math.isinf(seconds) else seconds


def _title(kind: str, index: int, item: Any) -> str:
    name = item.get("Name") if isinstance(item, dict) else None
    return f"{kind} {name}" if isinstance(name, str) and name else f"{kind} number {index + 1}"
