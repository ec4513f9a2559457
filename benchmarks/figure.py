"""One figure of a benchmark: what it should be, what it was, and whether that will do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """What one chapter of the life should cost, for each target or in all, and what it did cost."""

    name: str
    users: int
    expected: dict[str, float]  # the most, by what is counted
    measured: dict[str, float]
    seconds: float
    exact: frozenset[str] = frozenset()  # what must be met to the request
    requests: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether nothing cost more than it should, and what must be exact is."""
        return all(
            self.measured[name] == most if name in self.exact else self.measured[name] <= most
            for name, most in self.expected.items()
        )

    def line(self) -> str:
        """As JSON."""
        return json.dumps(
            {
                "benchmark": f"life.{self.name}",
                "users": self.users,
                "met": self.met,
                "expected": self.expected,
                "measured": self.measured,
                "seconds": round(self.seconds, 1),
                "requestsPerUser": self.requests,
            }
        )
