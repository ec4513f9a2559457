"""The cloud that stands there when no file is given: Contoso and the two companies it bought.

Every id is fixed and readable, so that settings, tests and documentation can name them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tenants.config_file import parse

if TYPE_CHECKING:
    from sandbox.tenants.config import Config
    from sandbox.tenants.wire import JsonObject

SOURCE_TENANT_ID = "50000000-0000-4000-8000-000000000001"
EMEA_TENANT_ID = "e0000000-0000-4000-8000-000000000002"
APAC_TENANT_ID = "a0000000-0000-4000-8000-000000000003"
READER_APP_ID = "11111111-aaaa-4000-8000-000000000001"
WRITER_APP_ID = "22222222-aaaa-4000-8000-000000000002"
ADMIN_TEST_APP_ID = "33333333-aaaa-4000-8000-000000000003"
ADMIN_TEST_SECRET = "sandbox-admin-secret"  # a fixture of the default configuration, worth nothing elsewhere
MANAGED_IDENTITY_CLIENT_ID = "44444444-aaaa-4000-8000-000000000004"
MANAGED_IDENTITY_PRINCIPAL_ID = "44444444-bbbb-4000-8000-000000000005"
CROSS_TENANT_USERS_GROUP_ID = "60000000-0000-4000-8000-000000000001"
ENGINEERING_GROUP_ID = "60000000-0000-4000-8000-000000000002"
MARKETING_GROUP_ID = "60000000-0000-4000-8000-000000000003"
MARKER_NAME = "crosstenantSource"
MARKER = f"extension_{WRITER_APP_ID.replace('-', '')}_{MARKER_NAME}"

_FEDERATED = [
    {
        "issuer": f"https://login.microsoftonline.com/{SOURCE_TENANT_ID}/v2.0",
        "subject": MANAGED_IDENTITY_PRINCIPAL_ID,
        "audience": "api://AzureADTokenExchange",
    }
]
_WRITER_ROLES = [
    "User.Invite.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "User.DeleteRestore.All",
    "User.EnableDisableAccount.All",
    "User-Phone.ReadWrite.All",
    "User-Mail.ReadWrite.All",
    "Policy.Read.All",
    "Organization.Read.All",
]
_READER_ROLES = ["User.Read.All", "GroupMember.Read.All", "Group.Read.All", "Policy.Read.All"]
_ADMIN_ROLES = [
    "User.ReadWrite.All",
    "User.Invite.All",
    "Group.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Application.ReadWrite.All",
    "Policy.ReadWrite.CrossTenantAccess",
]


def default_document() -> JsonObject:
    """The default configuration as the document a file would hold; the caller may change its copy."""
    return {
        "tenants": [
            {
                "name": "source",
                "tenantId": SOURCE_TENANT_ID,
                "domain": "contoso.com",
                "initialDomain": "contoso.onmicrosoft.com",
                "people": "contoso",
                "groups": [
                    _group(CROSS_TENANT_USERS_GROUP_ID, "Cross-tenant users", []),
                    _group(
                        ENGINEERING_GROUP_ID,
                        "Engineering",
                        [
                            "JohannaL@contoso.com",
                            "LidiaH@contoso.com",
                            "HenriettaM@contoso.com",
                            "GerhartM@contoso.com",
                        ],
                    ),
                    _group(
                        MARKETING_GROUP_ID,
                        "Marketing",
                        ["MeganB@contoso.com", "AlexW@contoso.com", "CameronW@contoso.com"],
                    ),
                ],
            },
            {
                "name": "emea",
                "tenantId": EMEA_TENANT_ID,
                "domain": "emea.contoso.com",
                "initialDomain": "contosoemea.onmicrosoft.com",
                "users": [
                    _own("e1000000-0000-4000-8000-000000000001", "Enrico Cattaneo", "enricoc@emea.contoso.com"),
                    _own("e1000000-0000-4000-8000-000000000002", "Irvin Sayers", "irvins@emea.contoso.com"),
                    _own("e1000000-0000-4000-8000-000000000003", "Emily Braun", "emilyb@emea.contoso.com"),
                    # Invited by hand, long before anyone thought of synchronisation.
                    {
                        "id": "e1000000-0000-4000-8000-000000000009",
                        "displayName": "Adele V. (guest)",
                        "mail": "AdeleV@contoso.com",
                        "userType": "Guest",
                        "homeTenant": "source",
                    },
                ],
            },
            {
                "name": "apac",
                "tenantId": APAC_TENANT_ID,
                "domain": "apac.contoso.com",
                "initialDomain": "contosoapac.onmicrosoft.com",
                "users": [
                    _own("a1000000-0000-4000-8000-000000000001", "Sonia Rees", "soniar@apac.contoso.com"),
                    _own("a1000000-0000-4000-8000-000000000002", "Hiro Tanabe", "hirot@apac.contoso.com"),
                    _own("a1000000-0000-4000-8000-000000000003", "Tony Krijnen", "tonyk@apac.contoso.com"),
                    {
                        "id": "a1000000-0000-4000-8000-000000000009",
                        "displayName": "Lee Gu (guest)",
                        "mail": "LeeG@contoso.com",
                        "userType": "Guest",
                        "homeTenant": "source",
                    },
                ],
            },
        ],
        "apps": [
            {
                "appId": READER_APP_ID,
                "name": "reader",
                "homeTenant": "source",
                "federated": [dict(item) for item in _FEDERATED],
            },
            {
                "appId": WRITER_APP_ID,
                "name": "writer",
                "homeTenant": "source",
                "federated": [dict(item) for item in _FEDERATED],
                "extensionProperties": [{"name": MARKER_NAME, "dataType": "String", "targetObjects": ["User"]}],
            },
            {
                "appId": ADMIN_TEST_APP_ID,
                "name": "admin-test",
                "homeTenant": "source",
                "secret": ADMIN_TEST_SECRET,
            },
        ],
        "managedIdentity": {
            "clientId": MANAGED_IDENTITY_CLIENT_ID,
            "principalId": MANAGED_IDENTITY_PRINCIPAL_ID,
            "tenant": "source",
        },
        "consents": [
            {"tenant": "source", "app": "reader", "roles": list(_READER_ROLES)},
            *({"tenant": name, "app": "writer", "roles": list(_WRITER_ROLES)} for name in ("emea", "apac")),
            *(
                {"tenant": name, "app": "admin-test", "roles": list(_ADMIN_ROLES)}
                for name in ("source", "emea", "apac")
            ),
        ],
        "automaticRedemption": [
            {"source": "source", "target": "emea"},
            {"source": "source", "target": "apac"},
        ],
    }


def default_config() -> Config:
    """The default configuration."""
    return parse(default_document())


def _group(object_id: str, name: str, members: list[str]) -> JsonObject:
    return {
        "id": object_id,
        "displayName": name,
        "mailNickname": name.replace(" ", "-").lower(),
        "mailEnabled": False,
        "securityEnabled": True,
        "members": members,
    }


def _own(object_id: str, name: str, address: str) -> JsonObject:
    given, surname = name.split(" ", 1)
    return {
        "id": object_id,
        "displayName": name,
        "givenName": given,
        "surname": surname,
        "userPrincipalName": address,
        "mail": address,
        "mailNickname": address.partition("@")[0],
        "accountEnabled": True,
        "usageLocation": "GB" if ".emea." in address else "JP",
    }
