"""What is wrong with a configuration: every fault at once, each with its path and its mend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConfigurationFault:
    """One fault: where (`targets[0].scope.groups[1]`, or a setting's name) and what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.path}: {self.message}"


class ConfigurationError(Exception):
    """A configuration that cannot be used. Carries all of its faults."""

    def __init__(self, source: str, faults: tuple[ConfigurationFault, ...]) -> None:
        """Name the source (a file, "app settings") and its faults."""
        self.source = source
        self.faults = faults
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n".join([f"{source}: {count}", *(f"  {fault}" for fault in faults)]))
