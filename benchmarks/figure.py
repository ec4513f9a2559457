"""One figure of a benchmark: what it should be, what it was, and whether that will do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """What one part of a benchmark should cost, for each target or in all, and what it did cost."""

    name: str  # whole: "life.create"
    users: int
    expected: dict[str, float]  # by what is counted: the most, unless `exact` or `at_least` names it
    measured: dict[str, float]
    seconds: float
    exact: frozenset[str] = frozenset()  # what must be met to the request
    at_least: frozenset[str] = frozenset()  # what must be reached
    requests: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether nothing cost more than it should, what must be reached is, and what must be exact is."""
        return all(map(self._meets, self.expected))

    def line(self) -> str:
        """As JSON."""
        return json.dumps(
            {
                "benchmark": self.name,
                "users": self.users,
                "met": self.met,
                "expected": self.expected,
                "measured": self.measured,
                "seconds": round(self.seconds, 1),
                **({"requestsPerUser": self.requests} if self.requests else {}),
            }
        )

    def _meets(self, name: str) -> bool:
        expected, measured = self.expected[name], self.measured[name]
        if name in self.exact:
            return measured == expected
        return measured >= expected if name in self.at_least else measured <= expected
