"""The size of a fault decides what happens next, and to whom.

    Fault
    ├── TRANSIENT   nobody's: try the user again soon
    ├── THROTTLED   nobody's: try again when the service says, spending no attempt
    ├── YOUNG       an object that is not on every replica yet: try again shortly
    ├── GONE        the object is not there: drop the cached belief and observe
    ├── CONFLICT    somebody else wrote: observe and decide again
    ├── USER        this user cannot be written as things stand: escrow
    └── TENANT      no user of this target can: quarantine that kind of action

Which wording of Microsoft Graph means which size is known by the graph adapter alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class FaultSize(StrEnum):
    """How far a fault reaches."""

    TRANSIENT = "transient"
    THROTTLED = "throttled"
    YOUNG = "young"
    GONE = "gone"
    CONFLICT = "conflict"
    USER = "user"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Fault:
    """One refused or lost request, without anything personal in it."""

    size: FaultSize
    code: str  # Entra's name where it has one, so that old runbooks match
    retry_after: timedelta | None = None  # as the service asked
    request_id: str | None = None
    detail: str | None = None  # names of attributes and settings, and reasons; never a value of a user's


_TRANSIENT_BACK_OFF = tuple(timedelta(seconds=s) for s in (5, 15, 45, 120, 300))
_YOUNG_BACK_OFF = tuple(timedelta(seconds=s) for s in (2, 3, 5, 10, 20, 40, 60, 120, 300))
_ESCROW_BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 360))
_THROTTLE_DEFAULT = timedelta(seconds=10)  # Graph usually sends Retry-After; this is for when it does not


def back_off(fault: Fault, attempt: int) -> timedelta:
    """How long to wait before attempt number `attempt` (1 is the first repetition).

    A fault that outlives its short waits is treated like a user-level one: see `lasts`.
    """
    match fault.size:
        case FaultSize.THROTTLED:
            return fault.retry_after or _THROTTLE_DEFAULT
        case FaultSize.USER | FaultSize.TENANT:
            wait = _ESCROW_BACK_OFF[min(attempt, len(_ESCROW_BACK_OFF)) - 1]
        case FaultSize.TRANSIENT | FaultSize.YOUNG | FaultSize.GONE | FaultSize.CONFLICT:
            short = _YOUNG_BACK_OFF if fault.size is FaultSize.YOUNG else _TRANSIENT_BACK_OFF
            waits = short + _ESCROW_BACK_OFF
            wait = waits[min(attempt, len(waits)) - 1]
    return max(wait, fault.retry_after or timedelta())


def lasts(fault: Fault, attempt: int) -> bool:
    """Whether this is more than passing trouble: escrow, and worth a row in the provisioning log."""
    match fault.size:
        case FaultSize.USER | FaultSize.TENANT:
            return True
        case FaultSize.THROTTLED:
            return False
        case FaultSize.YOUNG:
            return attempt > len(_YOUNG_BACK_OFF)
        case FaultSize.TRANSIENT | FaultSize.GONE | FaultSize.CONFLICT:
            return attempt > len(_TRANSIENT_BACK_OFF)
