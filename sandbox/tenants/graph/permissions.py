"""Which application permissions each operation accepts, and what a token's roles allow per property.

A requirement is a tuple of sets: the token must hold at least one role of every set. The lists follow
the permission tables of Graph's reference for application access.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from sandbox.tenants.directory.properties import Access, Property

if TYPE_CHECKING:
    from collections.abc import Mapping

Requirement: TypeAlias = tuple[frozenset[str], ...]

# Microsoft Graph's application roles that this service knows, with their published ids where they matter.
ROLE_IDS: Mapping[str, str] = MappingProxyType(
    {
        "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
        "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
        "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
        "User.Invite.All": "09850681-111b-4a89-9bed-3f2cae46d706",
        "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
        "User.DeleteRestore.All": "eccc023d-eccf-4e7b-9683-8813ab36cecc",
        "User.EnableDisableAccount.All": "3011c876-62b7-4ada-afa2-506cbbecc68c",
        "User-Phone.ReadWrite.All": "86ceff06-c822-49ff-989a-d912845ffe69",
        "User-Mail.ReadWrite.All": "280d0935-0796-47d1-8d26-273470a3f17a",
    }
)
KNOWN_ROLES: frozenset[str] = frozenset(ROLE_IDS) | {
    "User.ReadUpdate.All",
    "User.ManageIdentities.All",
    "User-LifeCycleInfo.ReadWrite.All",
    "User-PasswordProfile.ReadWrite.All",
    "User-OnPremisesSyncBehavior.ReadWrite.All",
    "CustomSecAttributeAssignment.ReadWrite.All",
    "Group.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "Group.Create",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Organization.Read.All",
    "Domain.Read.All",
    "Application.Read.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Policy.Read.All",
    "Policy.ReadWrite.Authorization",
    "Policy.ReadWrite.CrossTenantAccess",
    "RoleManagement.ReadWrite.Directory",
}

_DIRECTORY = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
_READ_USERS = frozenset({"User.Read.All", "User.ReadWrite.All"}) | _DIRECTORY
_READ_GROUPS = (
    frozenset({"GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"})
    | _DIRECTORY
)
_UPDATE_USERS = frozenset({"User.ReadUpdate.All", "User.ReadWrite.All", "Directory.ReadWrite.All"})

NOTHING: Requirement = ()
READ_USERS: Requirement = (_READ_USERS,)
READ_GROUPS: Requirement = (_READ_GROUPS,)
READ_ANY: Requirement = (_READ_USERS | _READ_GROUPS,)
READ_USERS_AND_GROUPS: Requirement = (_READ_USERS, _READ_GROUPS)
CREATE_USERS: Requirement = (frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"}),)
DELETE_USERS: Requirement = (frozenset({"User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}),)
SET_MANAGER: Requirement = (frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"}),)
CREATE_GROUPS: Requirement = (frozenset({"Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"}),)
WRITE_GROUPS: Requirement = (frozenset({"Group.ReadWrite.All", "Directory.ReadWrite.All"}),)
WRITE_MEMBERS: Requirement = (
    frozenset({"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}),
)
READ_DELETED_USERS: Requirement = (_READ_USERS | {"User.DeleteRestore.All"},)
READ_DELETED_GROUPS: Requirement = (frozenset({"Group.Read.All", "Group.ReadWrite.All"}) | _DIRECTORY,)
READ_ORGANIZATION: Requirement = (frozenset({"Organization.Read.All", "User.Read.All"}) | _READ_USERS,)
READ_DOMAINS: Requirement = (frozenset({"Domain.Read.All"}) | _DIRECTORY,)
READ_APPLICATIONS: Requirement = (frozenset({"Application.Read.All", "Application.ReadWrite.All"}) | _DIRECTORY,)
WRITE_APPLICATIONS: Requirement = (frozenset({"Application.ReadWrite.All", "Directory.ReadWrite.All"}),)
CONSENT: Requirement = (frozenset({"AppRoleAssignment.ReadWrite.All"}), *READ_APPLICATIONS)
READ_POLICIES: Requirement = (frozenset({"Policy.Read.All", "Policy.ReadWrite.CrossTenantAccess"}),)
READ_AUTHORIZATION: Requirement = (frozenset({"Policy.Read.All", "Policy.ReadWrite.Authorization"}),)
WRITE_AUTHORIZATION: Requirement = (frozenset({"Policy.ReadWrite.Authorization"}),)
WRITE_POLICIES: Requirement = (frozenset({"Policy.ReadWrite.CrossTenantAccess"}),)
# Only read permissions make a subscription; a write permission does not imply them here.
SUBSCRIBE_USERS: Requirement = (frozenset({"User.Read.All", "Directory.Read.All"}),)
SUBSCRIBE_GROUPS: Requirement = (frozenset({"Group.Read.All", "Directory.Read.All"}),)
INVITE = frozenset({"User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"})
RESET_REDEMPTION = frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"})
_PRIVILEGED_WRITER = "RoleManagement.ReadWrite.Directory"


def meets(requirement: Requirement, roles: frozenset[str]) -> bool:
    """Whether a token with these roles may do it."""
    return all(roles & accepted for accepted in requirement)


def may_patch_users_at_all(roles: frozenset[str]) -> bool:
    """Whether any property could be written with these roles: Graph refuses the others before it reads."""
    return bool(roles & _UPDATE_USERS) or bool(roles & PROPERTY_ROLES)


def may_write(row: Property, roles: frozenset[str], *, privileged_target: bool) -> bool:
    """Whether a token with these roles may write this property of this kind of target."""
    match row.access:
        case Access.ORDINARY | Access.READ_ONLY:
            return bool(roles & _UPDATE_USERS)
        case Access.SENSITIVE:
            if privileged_target and _PRIVILEGED_WRITER not in roles:
                return False
            broad = bool(roles & {"User.ReadWrite.All", "Directory.ReadWrite.All"})
            return broad or (row.role in roles and bool(roles & _READ_USERS))
        case Access.OWN_ROLE:
            return row.role in roles
        case Access.NOT_APP_ONLY:
            return False


PROPERTY_ROLES: frozenset[str] = frozenset(
    {
        "User.EnableDisableAccount.All",
        "User-Phone.ReadWrite.All",
        "User-Mail.ReadWrite.All",
        "User-LifeCycleInfo.ReadWrite.All",
        "User-PasswordProfile.ReadWrite.All",
        "User.ManageIdentities.All",
        "CustomSecAttributeAssignment.ReadWrite.All",
        "User-OnPremisesSyncBehavior.ReadWrite.All",
    }
)
