"""One call of Microsoft Graph as telemetry may tell of it: a template and numbers, nobody's id, name or address.

Filled in by the Graph adapter while the call runs and read by whoever traces it, so that neither has to know the
other. A template keeps the words that are known here and puts `{id}` in place of everything else, also of what Graph
may invent tomorrow.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_WORDS: Final = frozenset(
    {
        "$batch", "$count", "$ref", "accounts", "applications", "auditLogs", "checkMemberGroups", "delta",
        "deletedItems", "directory", "directoryObjects", "domains", "getByIds", "getMemberGroups", "groups",
        "invitations", "manager", "memberOf", "members", "microsoft.graph.group", "microsoft.graph.user",
        "organization", "policies", "restore", "servicePrincipals", "subscribedSkus", "subscriptions",
        "transitiveMemberOf", "transitiveMembers", "users",
    }
)  # fmt: skip


@dataclass(slots=True)
class GraphCall:
    """A call under way. `items` counts the requests in a `$batch`; one otherwise."""

    operation: str
    tenant: str  # a target's name, or "source"
    items: int = 1
    inner: tuple[str, ...] = ()  # the operations in a `$batch`, each once
    status: int = 0  # 0 where no answer came
    resource_units: float = 0.0
    throttled: int = 0  # answers that asked us to wait
    wait: float = 0.0  # the longest of those waits, in seconds
    fault: str = ""  # its code, where the call itself failed
    faults: dict[str, int] = field(default_factory=dict)  # codes of refused items

    def units(self, header: str | None) -> None:
        """Add an answer's `x-ms-resource-unit`."""
        try:
            self.resource_units += float(header or 0)
        except ValueError:
            return


class GraphObserver(Protocol):
    """Told of every call; the call is complete when the context ends."""

    def __call__(self, call: GraphCall, /) -> AbstractContextManager[None]:
        """Watch one call."""
        ...


def unobserved(_call: GraphCall) -> AbstractContextManager[None]:
    """Watch nothing."""
    return nullcontext()


def operation_of(method: str, path: str) -> str:
    """The template of a request addressed relative to the version root: `PATCH /users/{id}`."""
    plain = path.partition("?")[0].removesuffix("()")
    parts = [part if part in _WORDS else "{id}" for part in plain.split("/") if part]
    return f"{method} /{'/'.join(parts)}"
