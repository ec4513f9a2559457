"""From what was read of a source user to what one target should hold: scope, mapping, manager.

Given readings and links, it asks nobody. Only a reading that proves it makes
somebody leave.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, assert_never

from shared.core.attributes import Selection, select_for, source_attributes, to_graph
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
from shared.core.fingerprints import fingerprint, names_in
from shared.core.mapping import ManagerSet, Mapped, MappingFailure, NotMapped, attributes_read, map_user
from shared.core.provisioning_event import Identity
from shared.core.scoping import InScope as Passes
from shared.core.scoping import Out, Undecidable, evaluate_filter
from shared.graph.source import Deleted, Found, Missing, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from shared.config.sync_file import Target
    from shared.core.expressions import Value
    from shared.core.model import Link
    from shared.graph.source import SourceReading

ALWAYS_READ: Final = ("accountEnabled", "displayName", "mail", "userPrincipalName", "userType")
"""Attributes of the source user that are needed whatever is mapped; the log names people by two of them."""

_GONE_FOR_GOOD: Final = timedelta(minutes=5)
"""A user whom two reads so far apart did not find, not even among the deleted items, was purged."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A desire but for the manager, who has to be looked up among the links first."""

    desired: Desired
    mapped: Mapped | None = None  # with InScope only


def selection(target: Target) -> Selection:
    """What must be read of a source user to draft the desire of one target: no more than its rules ask for."""
    read = attributes_read(target.mappings, target.scope.filter, target.scope.input_filter)
    return select_for({*ALWAYS_READ, *read})


def draft(target: Target, reading: SourceReading, link: Link | None, now: datetime) -> Draft:
    """What the rules say of one reading."""
    match reading:
        case Unreadable():
            return Draft(UnknownDesired(reading.fault))
        case Deleted():
            return Draft(SourceDeleted(_addresses(reading.user), _identity(reading.user)))
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
    identity = _identity(user)
    attributes = source_attributes(user)
    outside = _outside(target, found, attributes, now)
    if outside is not None:
        if isinstance(outside, OutOfScope):
            outside = replace(outside, addresses=_addresses(user))
        return Draft(replace(outside, identity=identity))
    mapped = map_user(target.mappings, attributes, now=now, compat=target.compat)
    if mapped.ignored_object:
        return Draft(Frozen("ignoredByMapping", identity))
    if mapped.failures and mapped.blocking_failures:
        detail = _in_words(mapped.blocking_failures)
        return Draft(UnknownDesired(Fault(FaultSize.USER, "mappingFailed", detail=detail), identity))
    addresses = _addresses(user)
    if not addresses:
        return Draft(UnknownDesired(Fault(FaultSize.USER, "MissingValues"), identity))
    held = to_graph(mapped.attributes)
    in_scope = InScope(
        address=addresses[0],
        aliases=addresses[1:],
        skipped=_in_words(mapped.failures) if mapped.failures else None,
        attributes=held,
        on_create=to_graph(mapped.on_create),
        fingerprint=fingerprint(held, names_in(held)),
        enabled=user.get("accountEnabled") is not False,
        identity=identity,
    )
    return Draft(in_scope, mapped)


def _in_words(failures: Iterable[MappingFailure]) -> str:
    """Attributes and reasons, as the provisioning log shows them. No values."""
    return " | ".join([f"{failure.attribute}: {failure.reason}" for failure in failures])


def _outside(target: Target, found: Found, attributes: Mapping[str, Value], now: datetime) -> Desired | None:
    """Why the user is not to be written; None when they are in scope.

    The input filter comes before groups: whom it stops is left as they are, even if they left a group meanwhile.
    """
    user, scope = found.user, target.scope
    if str(user.get("@odata.type", "")).lower() == "#microsoft.graph.agentuser":
        return OutOfScope("agentUser", "agents of the source are not synchronized")
    if user.get("userType") == "Guest" or "#EXT#" in str(user.get("userPrincipalName")):
        return OutOfScope("externalUser", "external users of the source are not synchronized on")
    if scope.input_filter is not None:
        match evaluate_filter(scope.input_filter, attributes, now=now):
            case Out():
                return Frozen("inputFilter")
            case Undecidable(why=why):
                return UnknownDesired(Fault(FaultSize.USER, "inputFilterUndecidable", detail=why))
            case Passes():
                pass
    if not (scope.all_users or found.groups):
        return OutOfScope("notInGroup", "in none of the scoping groups")
    if scope.filter is not None:
        match evaluate_filter(scope.filter, attributes, now=now):
            case Out(why=why):
                return OutOfScope("scopingFilter", why)
            case Undecidable(why=why):
                return UnknownDesired(Fault(FaultSize.USER, "scopingFilterUndecidable", detail=why))
            case Passes():
                pass
    return None


def _addresses(user: Mapping[str, Any]) -> tuple[str, ...]:
    """What may lead to somebody when invited, the first one first."""
    return tuple(name for name in (user.get("mail"), _principal_name(user)) if isinstance(name, str) and name)


def _identity(user: Mapping[str, Any]) -> Identity:
    """How the log names somebody."""
    return Identity(str(user.get("id") or ""), str(user.get("displayName") or ""), _principal_name(user))


def _principal_name(user: Mapping[str, Any]) -> str:
    """A deleted item's principal name begins with its object id."""
    principal = str(user.get("userPrincipalName") or "")
    prefix = str(user.get("id") or "").replace("-", "").lower()
    return principal[len(prefix) :] if prefix and principal.lower().startswith(prefix) else principal


def _present_id(link: Link | None) -> str | None:
    """The target user of a manager, if there is one that can be referred to."""
    if link is None or link.state not in {"active", "disabled"}:
        return None
    return link.target_id
