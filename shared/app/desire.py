"""From what was read of a source user to what one target should hold: scope, mapping, manager.

Given readings and links, it asks nobody. Only a reading that proves it makes
somebody leave.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from shared.core.attributes import source_attributes, to_graph
from shared.core.desired import (
    Desired,
    Frozen,
    InScope,
    Manager,
    OutOfScope,
    SourceDeleted,
    UnknownDesired,
)
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.mapping import ManagerSet, Mapped, NotMapped, fingerprint, map_user
from shared.core.scoping import Out, Undecidable, evaluate_filter
from shared.graph.source import Deleted, Found, Missing, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.config.sync_file import Target
    from shared.core.model import Link
    from shared.graph.source import SourceReading

ALWAYS_READ: Final = ("accountEnabled", "mail", "userPrincipalName", "userType")
"""Attributes of the source user that are needed whatever is mapped."""

_GONE_FOR_GOOD: Final = timedelta(minutes=5)
"""A user whom two reads so far apart did not find, not even among the deleted items, was purged."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A desire but for the manager, who has to be looked up among the links first."""

    desired: Desired
    mapped: Mapped | None = None  # with InScope only


def draft(target: Target, reading: SourceReading, link: Link | None, now: datetime) -> Draft:
    """What the rules say of one reading."""
    match reading:
        case Unreadable():
            return Draft(UnknownDesired(reading.fault))
        case Deleted():
            return Draft(SourceDeleted())
        case Missing():
            return Draft(_missing(link, now))
        case Found():
            return _draft_found(target, reading, now)
        case _:
            assert_never(reading)


def complete(drafted: Draft, managers: Mapping[str, Link]) -> Desired:
    """Put the manager in: `managers` are the links, by source id, of the managers that are wanted."""
    if not isinstance(drafted.desired, InScope) or drafted.mapped is None:
        return drafted.desired
    manager = None
    if isinstance(drafted.mapped.manager, ManagerSet):
        link = managers.get(drafted.mapped.manager.source_id)
        manager = Manager(drafted.mapped.manager.source_id, _present_id(link))
    manages = not isinstance(drafted.mapped.manager, NotMapped)
    return replace(drafted.desired, manager=manager, manages_manager=manages)


def wanted_manager(drafted: Draft) -> str | None:
    """The source id of the manager that a draft asks for."""
    if drafted.mapped is not None and isinstance(drafted.mapped.manager, ManagerSet):
        return drafted.mapped.manager.source_id
    return None


def _missing(link: Link | None, now: datetime) -> Desired:
    if link is None or link.target_id is None:
        return Frozen("sourceNotFound")
    if link.missing_since is not None and now - link.missing_since >= _GONE_FOR_GOOD:
        return SourceDeleted()
    return UnknownDesired(Fault(FaultSize.GONE, "sourceMissing", _GONE_FOR_GOOD))


def _draft_found(target: Target, found: Found, now: datetime) -> Draft:
    user = found.user
    if user.get("userType") == "Guest" or "#EXT#" in str(user.get("userPrincipalName")):
        return Draft(OutOfScope("externalUser", "external users of the source are not synchronized on"))
    if not (target.scope.all_users or found.groups):
        return Draft(OutOfScope("notInGroup", "in none of the scoping groups"))
    attributes = source_attributes(user)
    if target.scope.filter is not None:
        match evaluate_filter(target.scope.filter, attributes, now=now):
            case Out(why=why):
                return Draft(OutOfScope("scopingFilter", why))
            case Undecidable():
                return Draft(UnknownDesired(Fault(FaultSize.USER, "scopingFilterUndecidable")))
    mapped = map_user(target.mappings, attributes, now=now)
    if mapped.ignored_object:
        return Draft(Frozen("ignoredByMapping"))
    if mapped.blocking_failures:
        return Draft(UnknownDesired(Fault(FaultSize.USER, "mappingFailed")))
    address = user.get("mail") or user.get("userPrincipalName")
    if not isinstance(address, str):
        return Draft(UnknownDesired(Fault(FaultSize.USER, "MissingValues")))
    in_scope = InScope(
        address=address,
        attributes=to_graph(mapped.attributes),
        on_create=to_graph(mapped.on_create),
        fingerprint=fingerprint(replace(mapped, manager=NotMapped())),  # managers are compared by themselves
        enabled=user.get("accountEnabled") is not False,
    )
    return Draft(in_scope, mapped)


def _present_id(link: Link | None) -> str | None:
    """The target user of a manager, if there is one that can be referred to."""
    if link is None or link.state not in {"active", "disabled"}:
        return None
    return link.target_id
