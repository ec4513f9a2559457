"""What can happen in a chaos: the deeds of people and administrators, and troubles, as values.

A deed names people by their alias, which they keep, and targets by their name. What it takes to do it is the affair of
`hands`; when it is done, and that it makes sense, is the plan's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

# --- life in the source ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hire:
    """Somebody new, made up from `seed` under a number, and in a group from the first day if one is named."""

    person: str
    seed: int
    number: int
    group: str | None


@dataclass(frozen=True, slots=True)
class Join:
    """Into a group."""

    person: str
    group: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Out of a group."""

    person: str
    group: str


@dataclass(frozen=True, slots=True)
class Change:
    """Other values of properties of a source user; `{address}` in one is a new address of the person."""

    person: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """Another manager."""

    person: str
    manager: str


@dataclass(frozen=True, slots=True)
class Delete:
    """To the bin of the source."""

    person: str


@dataclass(frozen=True, slots=True)
class Restore:
    """Back from the bin."""

    person: str


@dataclass(frozen=True, slots=True)
class Nest:
    """A group becomes a member of the scoping group."""

    group: str


@dataclass(frozen=True, slots=True)
class Unnest:
    """It is one no longer."""

    group: str


# --- life in a target ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Invite:
    """Somebody of a target invites a person by hand, before that person is in scope."""

    person: str
    target: str


@dataclass(frozen=True, slots=True)
class EditInTarget:
    """Somebody of a target edits the user of a person: drift."""

    person: str
    target: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteInTarget:
    """Somebody of a target deletes the user of a person."""

    person: str
    target: str


# --- what an administrator and the timers do -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunTimer:
    """A timer of the app runs now."""

    function: str


@dataclass(frozen=True, slots=True)
class ReleaseHolds:
    """An administrator looks at who is held, and lets them go on."""


# --- trouble ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StrikeGraph:
    """A fault of Graph or of the login service, as the tenants' control interface takes it."""

    fault: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StrikeLogs:
    """A fault of the log ingestion, as the monitor's control interface takes it."""

    fault: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Manners:
    """Other manners of the tenants for some seconds: notifications, or replicas."""

    profile: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Forge:
    """A notification that is none of Graph's, about a person."""

    person: str


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that nobody can read gets onto the topic."""

    text: str


@dataclass(frozen=True, slots=True)
class KillHost:
    """SIGKILL of the Functions host, which comes back some seconds later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CutBus:
    """Every connection to the bus is dropped, and none is taken for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WithdrawConsent:
    """A target's administrator withdraws the writer's consent, and gives it back some seconds later.

    Tokens outlive a consent, so the host is killed both times: a new process asks for a new token.
    """

    target: str
    seconds: float


Life: TypeAlias = (
    Hire | Join | Leave | Change | Report | Delete | Restore | Nest | Unnest | Invite | EditInTarget | DeleteInTarget
)
Work: TypeAlias = RunTimer | ReleaseHolds
Trouble: TypeAlias = StrikeGraph | StrikeLogs | Manners | Forge | Poison | KillHost | CutBus | WithdrawConsent
Deed: TypeAlias = Life | Work | Trouble


@dataclass(frozen=True, slots=True)
class Event:
    """A deed, when it is due (seconds from the beginning), and how it is told."""

    at: float
    deed: Deed
    words: str
