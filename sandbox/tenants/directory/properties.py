"""What a user and a group are made of: every property's shape, length, and who may write it.

The tables follow Microsoft Graph v1.0's documentation of `user`, `group` and "update user". They say
nothing about tokens or HTTP; `values` holds the rules in force.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shape(Enum):
    """What JSON value a property takes."""

    STRING = "String"
    BOOLEAN = "Boolean"
    STRINGS = "Collection(String)"
    DATETIME = "DateTimeOffset"
    COUNTRY_CODE = "two letters of ISO 3166-1"
    ADDRESS = "an e-mail address"
    USER_TYPE = "Member or Guest"
    ORG_DATA = "employeeOrgData"
    EXTENSION_ATTRIBUTES = "onPremisesExtensionAttributes"
    INTEGER = "Int32"
    LARGE_INTEGER = "Int64"
    BINARY = "Binary"
    OTHER = "complex"


class Access(Enum):
    """Who may write a property by PATCH with an application's token."""

    ORDINARY = "ordinary"
    SENSITIVE = "sensitive"  # privileged targets and narrow roles are excluded
    OWN_ROLE = "own role"  # the property's own role, always
    READ_ONLY = "read-only"
    NOT_APP_ONLY = "not with an application's token"


@dataclass(frozen=True, slots=True)
class Property:
    """One row. `most` is a length in characters, or for a collection its items and each item's length."""

    name: str
    shape: Shape = Shape.STRING
    access: Access = Access.ORDINARY
    most: int | None = None
    nullable: bool = True
    role: str | None = None  # the property's own permission
    most_items: int | None = None
    synchronised: bool = True  # mastered on premises where the object is


def _table(*rows: Property) -> Mapping[str, Property]:
    return MappingProxyType({row.name: row for row in rows})


_READ_ONLY = Access.READ_ONLY
_SENSITIVE = Access.SENSITIVE

USER: Mapping[str, Property] = _table(
    Property("id", access=_READ_ONLY),
    Property("accountEnabled", Shape.BOOLEAN, _SENSITIVE, nullable=False, role="User.EnableDisableAccount.All"),
    Property("displayName", most=256, nullable=False),
    Property("givenName", most=64),
    Property("surname", most=64),
    Property("jobTitle", most=128),
    Property("department", most=64),
    Property("companyName", most=64),
    Property("officeLocation", most=128),
    Property("city", most=128),
    Property("country", most=128),
    Property("state", most=128),
    Property("streetAddress", most=1024),
    Property("postalCode", most=40),
    Property("employeeId", most=16),
    Property("employeeType", most=256),
    Property("preferredLanguage", most=64),
    Property("mailNickname", most=64, nullable=False),
    Property("userType", Shape.USER_TYPE),
    Property("mobilePhone", access=_SENSITIVE, most=64, role="User-Phone.ReadWrite.All"),
    Property("businessPhones", Shape.STRINGS, _SENSITIVE, 64, False, "User-Phone.ReadWrite.All", 1),
    Property("otherMails", Shape.STRINGS, _SENSITIVE, 250, False, "User-Mail.ReadWrite.All", 250),
    Property("mail", Shape.ADDRESS, most=256, nullable=False),
    Property("usageLocation", Shape.COUNTRY_CODE, nullable=False, synchronised=False),
    Property("showInAddressList", Shape.BOOLEAN),
    Property("employeeOrgData", Shape.ORG_DATA),
    Property("onPremisesExtensionAttributes", Shape.EXTENSION_ATTRIBUTES, most=1024),
    Property("employeeHireDate", Shape.DATETIME, Access.NOT_APP_ONLY),
    Property("employeeLeaveDateTime", Shape.DATETIME, Access.OWN_ROLE, role="User-LifeCycleInfo.ReadWrite.All"),
    Property("identities", Shape.OTHER, Access.OWN_ROLE, role="User.ManageIdentities.All"),
    Property(
        "customSecurityAttributes",
        Shape.OTHER,
        Access.OWN_ROLE,
        role="CustomSecAttributeAssignment.ReadWrite.All",
    ),
    Property("userPrincipalName", access=_SENSITIVE, most=1024, nullable=False, role="User.ReadWrite.All"),
    Property("passwordProfile", Shape.OTHER, _SENSITIVE, role="User-PasswordProfile.ReadWrite.All"),
    Property("onPremisesImmutableId", access=_SENSITIVE, role="User-OnPremisesSyncBehavior.ReadWrite.All"),
    Property("passwordPolicies"),
    Property("ageGroup"),
    Property("consentProvidedForMinor"),
    Property("faxNumber", most=128),
    *(
        Property(name, Shape.OTHER, Access.NOT_APP_ONLY)
        for name in (
            "aboutMe",
            "birthday",
            "hireDate",
            "interests",
            "mySite",
            "pastProjects",
            "preferredName",
            "responsibilities",
            "schools",
            "skills",
        )
    ),
    Property("proxyAddresses", Shape.STRINGS, _READ_ONLY),
    Property("imAddresses", Shape.STRINGS, _READ_ONLY),
    Property("createdDateTime", Shape.DATETIME, _READ_ONLY),
    Property("deletedDateTime", Shape.DATETIME, _READ_ONLY),
    Property("externalUserState", access=_READ_ONLY),
    Property("externalUserStateChangeDateTime", Shape.DATETIME, _READ_ONLY),
    Property("onPremisesSyncEnabled", Shape.BOOLEAN, _READ_ONLY),
    Property("isResourceAccount", Shape.BOOLEAN, _READ_ONLY),
    Property("isManagementRestricted", Shape.BOOLEAN, _READ_ONLY),
    Property("assignedLicenses", Shape.OTHER, _READ_ONLY),
    Property("assignedPlans", Shape.OTHER, _READ_ONLY),
    Property("provisionedPlans", Shape.OTHER, _READ_ONLY),
    Property("licenseAssignmentStates", Shape.OTHER, _READ_ONLY),
    Property("onPremisesProvisioningErrors", Shape.OTHER, _READ_ONLY),
    Property("serviceProvisioningErrors", Shape.OTHER, _READ_ONLY),
    Property("signInActivity", Shape.OTHER, _READ_ONLY),
    Property("authorizationInfo", Shape.OTHER, _READ_ONLY),
    *(
        Property(name, access=_READ_ONLY)
        for name in (
            "creationType",
            "legalAgeGroupClassification",
            "lastPasswordChangeDateTime",
            "onPremisesDistinguishedName",
            "onPremisesDomainName",
            "onPremisesLastSyncDateTime",
            "onPremisesSamAccountName",
            "onPremisesSecurityIdentifier",
            "onPremisesUserPrincipalName",
            "refreshTokensValidFromDateTime",
            "securityIdentifier",
            "signInSessionsValidFromDateTime",
            "usageRights",
        )
    ),
)

GROUP: Mapping[str, Property] = _table(
    Property("id", access=_READ_ONLY),
    Property("displayName", most=256, nullable=False),
    Property("description", most=1024),
    Property("mailNickname", most=64, nullable=False),
    Property("mailEnabled", Shape.BOOLEAN, nullable=False),
    Property("securityEnabled", Shape.BOOLEAN, nullable=False),
    Property("groupTypes", Shape.STRINGS, nullable=False),
    Property("visibility"),
    Property("membershipRule"),
    Property("membershipRuleProcessingState"),
    Property("isAssignableToRole", Shape.BOOLEAN),
    Property("mail", access=_READ_ONLY),
    Property("proxyAddresses", Shape.STRINGS, _READ_ONLY),
    Property("createdDateTime", Shape.DATETIME, _READ_ONLY),
    Property("deletedDateTime", Shape.DATETIME, _READ_ONLY),
    Property("renewedDateTime", Shape.DATETIME, _READ_ONLY),
    Property("expirationDateTime", Shape.DATETIME, _READ_ONLY),
    Property("classification"),
    Property("creationOptions", Shape.STRINGS, _READ_ONLY),
    Property("onPremisesSyncEnabled", Shape.BOOLEAN, _READ_ONLY),
    Property("securityIdentifier", access=_READ_ONLY),
    Property("resourceProvisioningOptions", Shape.STRINGS, _READ_ONLY),
)

USER_DEFAULT = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
GROUP_DEFAULT = (
    "id",
    "deletedDateTime",
    "classification",
    "createdDateTime",
    "creationOptions",
    "description",
    "displayName",
    "groupTypes",
    "isAssignableToRole",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "proxyAddresses",
    "renewedDateTime",
    "securityEnabled",
    "visibility",
)
# What a property that was never set reads as; everything else reads as null.
EMPTY: Mapping[str, Any] = MappingProxyType(
    {row.name: [] for row in (*USER.values(), *GROUP.values()) if row.shape is Shape.STRINGS}
    | {
        "identities": [],
        "assignedLicenses": [],
        "assignedPlans": [],
        "provisionedPlans": [],
        "licenseAssignmentStates": [],
        "onPremisesProvisioningErrors": [],
        "serviceProvisioningErrors": [],
        "onPremisesExtensionAttributes": {f"extensionAttribute{n}": None for n in range(1, 16)},
    }
)

EXTENSION_NAME = re.compile(r"extension_([0-9a-fA-F]{32})_([A-Za-z][A-Za-z0-9_]{0,255})\Z")
_EXTENSION_SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "String": Shape.STRING,
        "Boolean": Shape.BOOLEAN,
        "Integer": Shape.INTEGER,
        "LargeInteger": Shape.LARGE_INTEGER,
        "DateTime": Shape.DATETIME,
        "Binary": Shape.BINARY,
    }
)
EXTENSION_TYPES = tuple(_EXTENSION_SHAPES)


@dataclass(frozen=True, slots=True)
class ExtensionProperty:
    """A directory extension attribute's definition; `name` is the whole `extension_…` name."""

    name: str
    data_type: str
    targets: tuple[str, ...] = ("User",)

    def as_property(self) -> Property:
        """Its row, as if it stood in the table."""
        return Property(self.name, _EXTENSION_SHAPES[self.data_type], most=256)
