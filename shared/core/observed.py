"""What one target holds for one source user: present, in the bin, absent, ambiguous, or unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.core.fault_sizes import Fault


class Marker(Enum):
    """Whose name the marker attribute of a target user carries."""

    OURS = auto()  # this installation's, for this very source user
    NONE = auto()
    ANOTHER = auto()  # another installation's, or another source user's


@dataclass(frozen=True, slots=True)
class Present:
    """A user in the target, as read now (perhaps from a replica that lags)."""

    user_id: str
    marker: Marker
    external: bool
    attributes: Mapping[str, Any] = field(default_factory=dict)
    manager_id: str | None = None
    created_at: datetime | None = None
    collides: bool = False  # matches by no configured attribute, but an invitation would lead to this user


@dataclass(frozen=True, slots=True)
class Binned:
    """A user in the target's deleted items."""

    user_id: str
    marker: Marker
    collides: bool = False  # as for a user who is present


@dataclass(frozen=True, slots=True)
class Absent:
    """Looked for, with an answer: not there."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several users of the target match one source user."""

    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnknownObserved:
    """The target could not be read."""

    fault: Fault


Observed = Present | Binned | Absent | Ambiguous | UnknownObserved
