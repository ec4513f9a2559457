"""The report of a run: a table for people, a JSON file for programs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sandbox.story.expectation import Comparison


@dataclass(frozen=True, slots=True)
class Report:
    """What a run showed. Latencies are seconds from a change in the source to its write in a target."""

    targets: Mapping[str, Comparison]
    requests: Mapping[str, Mapping[str, int]]  # by tenant and operation
    latencies: Sequence[float]

    @property
    def passed(self) -> bool:
        """Whether every target holds exactly what it should."""
        return all(comparison.right for comparison in self.targets.values())

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        path.write_text(json.dumps(self._document(), indent=2) + "\n", encoding="utf-8")

    def table(self) -> Table:
        """The report as a table."""
        table = Table(title="What each target holds against what it should hold", title_justify="left")
        for heading in ("target", "expected", "actual", "missing", "unexpected", "different", ""):
            table.add_column(heading, justify="left" if heading in {"target", ""} else "right")
        for name, comparison in self.targets.items():
            table.add_row(
                name,
                str(comparison.expected),
                str(comparison.actual),
                *(str(len(part)) for part in (comparison.missing, comparison.unexpected, comparison.different)),
                "[green]right[/]" if comparison.right else "[red]wrong[/]",
            )
        return table

    def _document(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "targets": {name: asdict(comparison) for name, comparison in self.targets.items()},
            "requests": self.requests,
            "latencySeconds": latency_summary(self.latencies),
        }


def latency_summary(latencies: Sequence[float]) -> dict[str, float | None]:
    """Median, 95th percentile and maximum (nearest rank), in seconds; None where nothing was measured."""
    ordered = sorted(latencies)
    if not ordered:
        return {"p50": None, "p95": None, "max": None}
    return {
        "p50": round(ordered[math.ceil(0.5 * len(ordered)) - 1], 3),
        "p95": round(ordered[math.ceil(0.95 * len(ordered)) - 1], 3),
        "max": round(ordered[-1], 3),
    }
