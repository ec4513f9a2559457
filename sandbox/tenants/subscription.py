"""A subscription: what it was made with, and which changes concern it.

It holds no queue and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sandbox.tenants.directory.model import ChangeKind, Kind

if TYPE_CHECKING:
    from sandbox.tenants.directory.model import Change


class Scope(Enum):
    """What a subscription's resource path means."""

    USERS = "users"
    USER = "user"
    GROUPS = "groups"
    GROUP = "group"
    MEMBERS = "members"
    OWNERS = "owners"


@dataclass(slots=True)
class Subscription:
    """One subscription as Graph keeps it. Times are seconds since 1970."""

    id: str
    tenant: str  # the tenant's name here
    tenant_id: str
    app_id: str
    creator_id: str
    resource: str
    scope: Scope
    object_id: str | None
    change_types: frozenset[str]
    change_type_text: str
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires_at: float
    tls: str
    renewals: int = 0


def concerns(subscription: Subscription, change: Change) -> bool:
    """Whether its subscriber hears of this change."""
    membership = change.kind in {ChangeKind.MEMBER_ADDED, ChangeKind.MEMBER_REMOVED}
    wanted = "deleted" if change.kind is ChangeKind.PURGE else "updated"
    # A subscription to "created" hears of a new object as an update.
    if wanted not in subscription.change_types and not (
        change.kind is ChangeKind.CREATE and "created" in subscription.change_types
    ):
        return False
    match subscription.scope:
        case Scope.USERS:
            return change.object_kind is Kind.USER
        case Scope.USER:
            return change.object_kind is Kind.USER and change.object_id == subscription.object_id
        case Scope.GROUPS:
            return change.object_kind is Kind.GROUP
        case Scope.GROUP:
            return change.object_kind is Kind.GROUP and change.object_id == subscription.object_id
        case Scope.MEMBERS:
            return membership and change.object_id == subscription.object_id
        case Scope.OWNERS:
            return False  # ownership is not modelled
