"""The words of the product as types: hints, links, what is desired, what is observed.

Every floor above speaks these types, so this module knows none of them: no Graph JSON, no message
format, no storage row. Decisions stand in `decide`, not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class LinkState(StrEnum):
    """Where one source user stands in one target."""

    NEW = "new"  # nothing was applied yet
    IMPORTED = "imported"  # a person named the target user, who is not marked yet
    ACTIVE = "active"  # present in the target, sign-in as mapped
    DISABLED = "disabled"  # present, sign-in blocked by us
    SOFT_DELETED = "softDeleted"  # in the target's bin, by us
    HELD = "held"  # waits for a person; see `reason`


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's mark on a link, set by compare-and-set before its first write to the target.

    A fresh claim of another worker means: come back later. A stale one is taken over, and the
    target is then observed again, never trusted.
    """

    worker: str  # random id of one invocation
    at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """Our row for one source user in one target. A cache: the target is the truth."""

    target: str
    source_id: str
    state: LinkState = LinkState.NEW
    target_id: str | None = None
    fingerprint: str | None = None  # of the attributes last applied; None forces a look at the target
    claim: Claim | None = None
    was_new: bool = False  # held while new: whoever was invited, or restored, was never told of
    manager_source_id: str | None = None  # wanted manager that has no user in the target yet
    manager_target_id: str | None = None  # the manager that we last set there
    reason: str | None = None  # reason code of the last decision
    attempt: int = 0  # failed attempts since the last success
    retry_at: datetime | None = None  # set while in escrow
    changed_at: datetime | None = None  # of the last write to the target, or of an attempt that may have written
    missing_since: datetime | None = None  # first read that found neither source user nor its deleted item
    leaving_since: datetime | None = None  # first proof that the user left; the grace days begin with it
    applied: Mapping[str, str] = field(default_factory=dict)  # digests of what was last written, see `difference`
    drifted: tuple[str, ...] = ()  # attributes that were changed in the target and are left so
    unlogged: tuple[str, ...] = ()  # provisioning-log events (JSON) not yet acknowledged
    etag: str | None = field(default=None, compare=False)  # of the stored row; None: not stored yet

    @property
    def waits(self) -> bool:
        """Whether the user is in escrow, or waits for a person."""
        return self.retry_at is not None or self.state is LinkState.HELD


@dataclass(frozen=True, slots=True)
class RetiredState:
    """The clientState of a subscription that another has taken the place of."""

    client_state: str = field(repr=False)
    subscription_id: str
    until: datetime | None = None  # still believed till then; None: Graph may have the subscription yet


@dataclass(frozen=True, slots=True)
class SubscriptionRecord:
    """A Graph change-notification subscription that we made, or are about to make.

    Written before the create call, with the id unknown, because Graph may deliver before it answers. One record is
    the subscription that lives, the one that is about to take its place, and those that may still be heard of.
    """

    resource: str  # "/users" | "/groups"; the key
    client_state: str = field(repr=False)
    notification_url: str
    subscription_id: str | None = None
    expires_at: datetime | None = None
    change_types: str = "updated,deleted"  # as Graph was asked
    made_at: datetime | None = None
    successor: str | None = field(default=None, repr=False)  # clientState of the one that is being made
    retired: tuple[RetiredState, ...] = ()
    etag: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class StateRow:
    """A small named document with compare-and-set: a cursor, a pause, a lease."""

    name: str
    value: str  # JSON text
    etag: str | None = field(default=None, compare=False)


__all__ = ["Claim", "Link", "LinkState", "RetiredState", "StateRow", "SubscriptionRecord"]
