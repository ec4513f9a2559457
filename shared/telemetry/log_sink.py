"""What a sink of the two logs is: it takes rows of a table and says which it took.

Rows that were not taken stay where they are kept (with their link, or in the outbox) and are offered again. So no
sink raises because a service is away, and none keeps rows itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = Mapping[str, str | int | bool | None]


class LogTable(StrEnum):
    """The two tables; docs/provisioning-log.md describes their columns."""

    PROVISIONING = "CrosstenantProvisioning_CL"
    OPERATIONS = "CrosstenantOperations_CL"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a service would not take rows: an HTTP status (None: it did not answer) and its own code for it."""

    status: int | None
    code: str = ""


class LogSink(Protocol):
    """Takes rows."""

    async def write(self, table: LogTable, rows: Sequence[Row]) -> frozenset[int]:
        """Offer rows, in their order; returns the positions of those that were taken for good.

        Ends within a bounded time. A row that may or may not have been taken counts as not taken: it comes again
        under the same EventId.
        """
        ...

    async def refusal(self, table: LogTable) -> Refusal | None:
        """Why rows of a table would not be taken now; None where they would. Nothing is written."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
