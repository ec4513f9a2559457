"""What the host refuses, and why: one fault per function and field, all told at once.

In Azure a single invalid binding makes every function of the app disappear, mostly without a word. Here the
whole list is shown before anything runs. This module only carries faults; finding them is the readers' work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason for refusal.

    `function` is the function's name, or the file's for faults that belong to no function; `field` is the
    setting, property or parameter at fault, in the spelling of that file.
    """

    function: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.function}: {self.field}: {self.message}"


class HostRefusedError(Exception):
    """The app cannot be hosted. Carries every fault that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
