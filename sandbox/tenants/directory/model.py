"""The words of a directory: objects in versions, links, and the journal's record of a change.

Versions are never changed in place: every replica, index and journal entry may share them. No
behaviour here beyond what a value knows about itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, TypeAlias

Properties: TypeAlias = Mapping[str, Any]


class Kind(StrEnum):
    """What an object is; the value is its OData type."""

    USER = "#microsoft.graph.user"
    GROUP = "#microsoft.graph.group"

    @property
    def type_name(self) -> str:
        """The type without the "#", as a path segment casts to it."""
        return self.value[1:]


class Presence(Enum):
    """Where an object is."""

    LIVE = "live"
    DELETED = "deleted"  # soft-deleted: in the bin, can be restored
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Version:
    """An object as one write left it. `serial` orders objects in lists, `keys` are its index entries."""

    id: str
    kind: Kind
    serial: int
    properties: Properties
    keys: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PutObject:
    """The object stands at `presence` with this version."""

    version: Version
    presence: Presence


@dataclass(frozen=True, slots=True)
class PutMember:
    """The member is, or is not, a direct member of the group."""

    group: str
    member: str
    present: bool


@dataclass(frozen=True, slots=True)
class PutManager:
    """The user's manager is this one, or nobody."""

    user: str
    manager: str | None


Mutation: TypeAlias = PutObject | PutMember | PutManager


class ChangeKind(StrEnum):
    """What happened, in the journal's words."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"
    PURGE = "purge"
    MANAGER = "manager"
    MEMBER_ADDED = "memberAdded"
    MEMBER_REMOVED = "memberRemoved"


@dataclass(frozen=True, slots=True)
class Change:
    """One true change. `changed` maps a property to (before, after); `related` is the other end of a link.

    `consequence` marks a link that went or came because its object was deleted or restored: it is true,
    but no notification tells it.
    """

    sequence: int  # counts from 1 in each tenant
    at: float  # seconds since 1970
    tenant: str  # the tenant's name in the configuration
    actor: str  # application id of the caller, or "control", or "clock"
    kind: ChangeKind
    object_kind: Kind
    object_id: str
    changed: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    related: str | None = None
    consequence: bool = False
    delta_visible_at: float = 0.0
