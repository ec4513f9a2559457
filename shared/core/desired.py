"""What the rules say one target user should be: present like this, out of scope, gone, left alone, or unknown.

Only a positive reading of the source makes `OutOfScope` or `SourceDeleted`; everything else that is not
`InScope` is `UnknownDesired`, which can never lead to a removal. Each carries the person's name as it was read, for
the provisioning log; nothing is decided by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.core.fault_sizes import Fault
    from shared.core.provisioning_event import Identity


@dataclass(frozen=True, slots=True)
class Manager:
    """The manager the target user should have; `target_id` is None while it has no user in the target."""

    source_id: str
    target_id: str | None


@dataclass(frozen=True, slots=True)
class InScope:
    """The user belongs into the target, like this.

    `attributes` and `on_create` are Graph property names with the values to hold; a None clears.
    """

    address: str  # the mail address to invite
    attributes: Mapping[str, Any]
    on_create: Mapping[str, Any]
    fingerprint: str  # of the attributes
    aliases: tuple[str, ...] = ()  # further addresses of theirs, by which they may be in the target already
    skipped: str | None = None  # attributes that could not be had and may be missing, each with its reason
    enabled: bool = True
    manager: Manager | None = None
    manages_manager: bool = False  # whether the manager is mapped at all
    identity: Identity | None = field(default=None, compare=False, repr=False)  # for the log alone


@dataclass(frozen=True, slots=True)
class OutOfScope:
    """Proven now: the user was read, and the scope says no."""

    reason: str  # e.g. "notInGroup", "scopingFilter"
    why: str = ""
    addresses: tuple[str, ...] = field(default=(), compare=False, repr=False)  # to find an invitation nobody finished
    identity: Identity | None = field(default=None, compare=False, repr=False)  # for the log alone


@dataclass(frozen=True, slots=True)
class SourceDeleted:
    """Proven now: found in the source's deleted items, or gone in two reads some minutes apart."""

    addresses: tuple[str, ...] = field(default=(), compare=False, repr=False)  # as far as the deleted item tells
    identity: Identity | None = field(default=None, compare=False, repr=False)  # for the log alone


@dataclass(frozen=True, slots=True)
class UnknownDesired:
    """A failed, partial or stale read. Never leads to a removal."""

    fault: Fault
    identity: Identity | None = field(default=None, compare=False, repr=False)  # for the log alone


@dataclass(frozen=True, slots=True)
class Frozen:
    """Leave the target user as it is, whatever it is: the rules say that this user is not to be looked at now."""

    reason: str  # e.g. "ignoredByMapping", "sourceNotFound"
    identity: Identity | None = field(default=None, compare=False, repr=False)  # for the log alone


Desired = InScope | OutOfScope | SourceDeleted | UnknownDesired | Frozen
