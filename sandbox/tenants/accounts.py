"""The shapes of new accounts: a tenant's own user, and the guest that an invitation makes.

Only names and properties, as Entra adds them to what was asked; who may make whom is decided elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.tenants.wire import JsonObject
    from sandbox.tenants.world import Tenant

EXTERNAL_MARK = "#EXT#"


def guest_alias(address: str) -> str:
    """The local part of a guest's user principal name: the address with "_" for "@", and the mark."""
    return address.replace("@", "_") + EXTERNAL_MARK


def guest_principal_name(address: str, initial_domain: str) -> str:
    """The user principal name of whoever is invited by this address."""
    return f"{guest_alias(address)}@{initial_domain}"


def pending_identities(tenant: Tenant, name: str) -> list[JsonObject]:
    """Identities before redemption: one federated entry with the host tenant as issuer."""
    return [
        {"signInType": "federated", "issuer": tenant.config.initial_domain, "issuerAssignedId": None},
        {
            "signInType": "userPrincipalName",
            "issuer": tenant.config.initial_domain,
            "issuerAssignedId": name,
        },
    ]


def redeemed_identities(tenant: Tenant, name: str) -> list[JsonObject]:
    """Identities after the first sign-in with an Entra account."""
    return [
        {"signInType": "federated", "issuer": "ExternalAzureAD", "issuerAssignedId": None},
        {
            "signInType": "userPrincipalName",
            "issuer": tenant.config.initial_domain,
            "issuerAssignedId": name,
        },
    ]


def guest_properties(tenant: Tenant, address: str, display_name: str | None, now: str, user_type: str) -> JsonObject:
    """All properties of a new guest or external member."""
    name = guest_principal_name(address, tenant.config.initial_domain)
    return {
        "accountEnabled": True,
        "displayName": display_name or address.partition("@")[0],
        "userPrincipalName": name,
        "mailNickname": guest_alias(address),
        "mail": address,
        "otherMails": [address],
        "proxyAddresses": [f"SMTP:{address}"],
        "userType": user_type,
        "creationType": "Invitation",
        "createdDateTime": now,
        "externalUserState": "PendingAcceptance",
        "externalUserStateChangeDateTime": now,
        "identities": pending_identities(tenant, name),
    }


def internal_properties(tenant: Tenant, values: JsonObject, created: str) -> JsonObject:
    """A user of the tenant's own with what the directory adds to the given values."""
    name = values["userPrincipalName"]
    mail = values.get("mail")
    return {
        "accountEnabled": True,
        "mailNickname": name.partition("@")[0],
        "userType": "Member",
        "createdDateTime": created,
        "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
        "identities": [
            {
                "signInType": "userPrincipalName",
                "issuer": tenant.config.initial_domain,
                "issuerAssignedId": name,
            }
        ],
        **values,
    }
