"""What the front door makes of one operation: an answer, or a wait for webhooks.

These two stand apart so that a batch and the front door can both speak of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sandbox.tenants.wire import UNTOUCHED, Interference, Reply, Validation, ValidationAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Finished:
    """An operation's whole answer, not yet bytes. `raw` stands in for the JSON body."""

    reply: Reply
    interference: Interference = UNTOUCHED
    raw: bytes | None = None
    raw_type: str = ""


@dataclass(frozen=True, slots=True)
class Suspended:
    """An operation that waits for webhooks."""

    calls: tuple[Validation, ...]
    resume: Callable[[Sequence[ValidationAnswer]], Outcome]


Outcome: TypeAlias = Finished | Suspended
