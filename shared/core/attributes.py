"""The attributes of a user: their names in Entra's schema and in Graph, their types and lengths.

One table answers what may be mapped, what must be read from Graph for it, and what a request body looks
like. Values are held flat, under one canonical (Graph) name each; an empty text and an empty list are
null, as they are in the directory. Nothing here sends anything.

Lengths and nullability are those of Graph's user resource. Whether a value fits is in `fitting`.
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from .expressions import Value


class PropertyType(Enum):
    """What a property holds."""

    TEXT = "text"
    BOOLEAN = "true or false"
    TEXT_LIST = "a list of texts"
    DATE = "an ISO 8601 date"
    REFERENCE = "a user"


@dataclass(frozen=True, slots=True)
class UserProperty:
    """One attribute. `name` is canonical: Graph's, with a dot for a part of a complex property."""

    name: str
    type: PropertyType = PropertyType.TEXT
    longest: int | None = None  # characters of one text
    most: int | None = None  # values of a list
    nullable: bool = True
    writable: bool = True  # by an application
    entra: str | None = None  # name in Entra's provisioning schema, if it is another
    choices: frozenset[str] = frozenset()
    plain: int = field(init=False, compare=False)  # characters up to which every text fits as it is; 0 where none does

    def __post_init__(self) -> None:
        takes_any = self.type is PropertyType.TEXT and not self.choices
        object.__setattr__(self, "plain", (self.longest or sys.maxsize) if takes_any else 0)


@dataclass(frozen=True, slots=True)
class Selection:
    """What must be asked of Graph: `$select` names, and whether `$expand=manager($select=id)` is needed."""

    properties: tuple[str, ...]
    manager: bool


_TEXT, _BOOLEAN, _LIST, _DATE = (
    PropertyType.TEXT,
    PropertyType.BOOLEAN,
    PropertyType.TEXT_LIST,
    PropertyType.DATE,
)
_ON_PREMISES = "onPremisesExtensionAttributes"
_ORGANIZATION = "employeeOrgData"
_COMPLEX = (_ON_PREMISES, _ORGANIZATION)
_SENT_WHOLE = frozenset({_ORGANIZATION})
"""Complex properties of which Graph nulls the parts that a request leaves out."""


def _read_only(name: str, kind: PropertyType = _TEXT, entra: str | None = None) -> UserProperty:
    return UserProperty(name, kind, writable=False, entra=entra)


_TABLE = (
    UserProperty("accountEnabled", _BOOLEAN, nullable=False),
    UserProperty("displayName", longest=256, nullable=False),
    UserProperty("givenName", longest=64),
    UserProperty("surname", longest=64),
    UserProperty("mailNickname", longest=64, nullable=False),
    UserProperty("mail", nullable=False),
    UserProperty("jobTitle", longest=128),
    UserProperty("department", longest=64),
    UserProperty("companyName", longest=64),
    UserProperty("employeeId", longest=16),
    UserProperty("employeeType"),
    UserProperty("officeLocation", longest=128, entra="physicalDeliveryOfficeName"),
    UserProperty("streetAddress", longest=1024),
    UserProperty("city", longest=128),
    UserProperty("state", longest=128),
    UserProperty("postalCode", longest=40),
    UserProperty("country", longest=128),
    UserProperty("usageLocation", longest=2, nullable=False),
    UserProperty("preferredLanguage"),
    UserProperty("mobilePhone", longest=64, entra="mobile"),
    UserProperty("businessPhones", _LIST, longest=64, most=1, entra="telephoneNumber"),
    UserProperty("faxNumber", entra="facsimileTelephoneNumber"),
    UserProperty("otherMails", _LIST, longest=250, most=250),
    UserProperty("userType", nullable=False, choices=frozenset({"Member", "Guest"})),
    UserProperty("showInAddressList", _BOOLEAN, nullable=False),
    UserProperty("ageGroup", choices=frozenset({"Minor", "NotAdult", "Adult"})),
    UserProperty("consentProvidedForMinor", choices=frozenset({"Granted", "Denied", "NotRequired"})),
    UserProperty("employeeLeaveDateTime", _DATE),
    UserProperty(f"{_ORGANIZATION}.division"),
    UserProperty(f"{_ORGANIZATION}.costCenter"),
    *[
        UserProperty(f"{_ON_PREMISES}.extensionAttribute{number}", longest=1024, entra=f"extensionAttribute{number}")
        for number in range(1, 16)
    ],
    UserProperty("manager", PropertyType.REFERENCE),
    _read_only("id", entra="objectId"),
    _read_only("userPrincipalName"),
    _read_only("proxyAddresses", _LIST),
    _read_only("imAddresses", _LIST),
    _read_only("createdDateTime", _DATE),
    _read_only("creationType"),
    _read_only("externalUserState", entra="userState"),
    _read_only("employeeHireDate", _DATE),
    _read_only("deletedDateTime", _DATE),
    _read_only("IsSoftDeleted", _BOOLEAN),
    _read_only("lastPasswordChangeDateTime", _DATE),
    _read_only("legalAgeGroupClassification"),
    _read_only("passwordPolicies"),
    _read_only("securityIdentifier"),
    _read_only("onPremisesDistinguishedName", entra="dn"),
    _read_only("onPremisesDomainName"),
    _read_only("onPremisesImmutableId", entra="immutableId"),
    _read_only("onPremisesLastSyncDateTime", _DATE),
    _read_only("onPremisesSamAccountName"),
    _read_only("onPremisesSecurityIdentifier"),
    _read_only("onPremisesSyncEnabled", _BOOLEAN, entra="dirSyncEnabled"),
    _read_only("onPremisesUserPrincipalName"),
)

PROPERTIES: Mapping[str, UserProperty] = {each.name: each for each in _TABLE}
"""By canonical name, without directory extensions."""

_BY_NAME = {**{each.entra: each for each in _TABLE if each.entra}, **PROPERTIES}
_ALIAS = {each.name: each.entra for each in _TABLE if each.entra}
_PLAIN = frozenset({each.name for each in _TABLE if not each.entra and "." not in each.name}) - {"manager"}
_LISTS = frozenset({each.name for each in _TABLE if each.type is PropertyType.TEXT_LIST})
_EXTENSION = re.compile(r"extension_[0-9a-fA-F]{32}_[A-Za-z][A-Za-z0-9_]{0,119}")
_EXTENSION_LENGTH = 256

ALWAYS_READ = frozenset({"id", "accountEnabled", "mail", "userPrincipalName", "userType"})
"""Who somebody is, and whether he is external or blocked: needed for every decision, mapped or not."""

HIDDEN = {
    "netId": "Graph does not show network ids; links take their place",
    "alternativeSecurityIds": "Graph does not show them; users are matched by links, and this mapping is not needed",
    "appRoleAssignments": "application roles do not exist between tenants",
}
"""Names of Entra's schema that have no counterpart, and why."""


def find(name: str, *, extension_type: PropertyType = PropertyType.TEXT) -> UserProperty | None:
    """The property of a Graph or Entra name. A directory extension has the type that is given."""
    known = _BY_NAME.get(name)
    if known is None and _EXTENSION.fullmatch(name):
        return UserProperty(name, extension_type, longest=_EXTENSION_LENGTH if extension_type is _TEXT else None)
    return known


def suggest(name: str) -> str:
    """The known name that was probably meant, or what a name looks like."""
    near = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.6)
    by_case = [known for known in _BY_NAME if known.lower() == name.lower()]
    return (by_case or near or ["a property of Graph's user, or extension_<application id>_<name>"])[0]


def complaint(name: str) -> str | None:
    """Why an attribute of this name cannot be read; None when it can."""
    if name in HIDDEN:
        return f"[{name}] cannot be read: {HIDDEN[name]}"
    return None if find(name) else f"[{name}] is no attribute of a user; expected {suggest(name)}"


def distinguishes(name: str) -> bool:
    """Whether people can be matched by an attribute: one that holds texts."""
    found = find(name)
    return found is not None and found.type in (PropertyType.TEXT, PropertyType.TEXT_LIST)


def select_for(names: Iterable[str]) -> Selection:
    """What must be read so that the attributes of these names (Graph's or Entra's) are there."""
    select = set(ALWAYS_READ)
    expand_manager = False
    for name in names:
        found = _BY_NAME.get(name)
        canonical = found.name if found else name
        if canonical == "manager":
            expand_manager = True
        elif canonical == "IsSoftDeleted":
            select.add("deletedDateTime")
        elif name not in HIDDEN:
            select.add(canonical.partition(".")[0])
    return Selection(tuple(sorted(select)), expand_manager)


def source_attributes(user: Mapping[str, object]) -> dict[str, Value]:
    """A user of Graph's JSON as attributes, each under its canonical and its Entra name.

    `manager` is the manager's id. A telephone number is the first of the business phones under Entra's
    name, and all of them under Graph's.
    """
    held: dict[str, Value] = {}
    for name, value in user.items():
        if name in _PLAIN and type(value) is str and value:  # nearly every value: spare it the rest
            held[name] = value
        elif name in _COMPLEX:
            if isinstance(value, dict):
                for part, inner in value.items():
                    _hold(held, f"{name}.{part}", inner)
        elif name == "manager":
            held["manager"] = value.get("id") if isinstance(value, dict) else None
        elif not name.startswith("@"):
            _hold(held, name, value)
    held.setdefault("manager", None)
    held["IsSoftDeleted"] = "@removed" in user or held.get("deletedDateTime") is not None
    return held


def _hold(held: dict[str, Value], name: str, value: object) -> None:
    kept: Value = value or None if isinstance(value, str | list) else value  # type: ignore[assignment]
    held[name] = kept
    alias = _ALIAS.get(name)
    if alias:
        held[alias] = kept[0] if isinstance(kept, list) else kept


def observed_attributes(user: Mapping[str, object], names: Iterable[str]) -> dict[str, Value]:
    """What a user of Graph's JSON holds under these canonical names; null for what is not there."""
    held = source_attributes(user)
    return {name: held.get(name) for name in names}


def to_graph(attributes: Mapping[str, Value], *, only: Collection[str] | None = None) -> dict[str, Value]:
    """The body that writes these attributes (canonical names, without manager), limited to the names in `only`.

    A complex property that Graph takes as a whole is sent whole when one of its parts is in `only`.
    """
    body: dict[str, Value] = {}
    wanted = None if only is None else _with_whole(only, attributes)
    for name, value in attributes.items():
        if name == "manager" or (wanted is not None and name not in wanted):
            continue
        if "." in name:
            outer, _, inner = name.partition(".")
            parts = body.setdefault(outer, {})
            if isinstance(parts, dict):
                parts[inner] = value
        elif value is None and name in _LISTS:
            body[name] = []
        else:
            body[name] = value
    return body


def _with_whole(only: Collection[str], attributes: Iterable[str]) -> set[str]:
    """The names in `only`, and those that Graph would null without them."""
    whole = {name.partition(".")[0] for name in only} & _SENT_WHOLE
    return {*only, *[name for name in attributes if name.partition(".")[0] in whole]}
