"""onboard: the entries of two tenants for one another, looked at and changed by an administrator of one of them.

What an entry should say is `access_policy`'s to decide. Nothing is changed but what `look` found, and running it again
finds nothing more to change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shared.core.access_policy import Setting, Side, blocks, body, in_effect, needed
from shared.core.fault_sizes import Fault, FaultSize
from shared.graph.client import GraphRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.config.sync_file import Tenant
    from shared.graph.client import GraphClient

PERMISSIONS: Final = ("Policy.ReadWrite.CrossTenantAccess", "Organization.Read.All")
"""What the administrator has to consent to for this."""

_POLICY: Final = "/policies/crossTenantAccessPolicy"
_PARTNERS: Final = f"{_POLICY}/partners"


class OnboardingError(Exception):
    """Entra refused, or something stands in the way; the text tells a person what to do."""


class WrongTenantError(Exception):
    """The administrator is signed in to another tenant; the text names both."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be changed in one tenant's entry for another."""

    tenant_id: str  # whose settings
    partner: str  # in words: the source, or a target's name
    partner_id: str
    exists: bool
    settings: list[Setting]
    body: dict[str, Any]


async def look(
    client: GraphClient,
    tenant: Tenant,
    partners: Mapping[str, str],
    side: Side,
    *,
    trust_mfa: bool = False,
    undo: bool = False,
) -> list[Entry]:
    """The tenant's entry for each partner (tenant ids by name), with what has to be changed in it.

    Raises:
        WrongTenantError, OnboardingError: nothing can be changed.
    """
    await _check_tenant(client, tenant)
    default = await _read(client, f"{_POLICY}/default", tenant)
    entries = []
    for name, partner in partners.items():
        held = await _read(client, f"{_PARTNERS}/{quote(partner)}", tenant)
        now = in_effect(held, default or {})
        if blocks(now, side) and not undo:
            whose = "settings" if blocks(held or {}, side) else "default settings"
            raise OnboardingError(
                f"the {whose} of {tenant.tenant_id} block B2B collaboration for all users of {name} ({partner}), and"
                " that is not this command's to change: allow it for that organization in Entra, External Identities,"
                " Cross-tenant access settings"
            )
        settings = needed(now, side, trust_mfa=trust_mfa, undo=undo)
        entries.append(Entry(tenant.tenant_id, name, partner, held is not None, settings, body(now, settings)))
    return entries


async def change(client: GraphClient, entry: Entry) -> None:
    """Change an entry as it was found to need, or make it.

    Raises:
        OnboardingError: it is as it was.
    """
    if entry.exists:
        request = GraphRequest("PATCH", f"{_PARTNERS}/{quote(entry.partner_id)}", entry.body)
    else:
        request = GraphRequest("POST", _PARTNERS, {"tenantId": entry.partner_id, **entry.body})
    answer = await client.send(request)
    if answer.fault is not None:
        raise _refused(answer.fault, entry.tenant_id)


async def _check_tenant(client: GraphClient, tenant: Tenant) -> None:
    """Somebody who is signed in elsewhere would open a door that nobody knows of."""
    answer = await client.send(GraphRequest("GET", "/organization?$select=id,displayName"))
    if answer.fault is not None:
        raise _refused(answer.fault, tenant.tenant_id)
    [organization] = answer.body["value"]
    if str(organization["id"]).lower() != tenant.tenant_id.lower():
        raise WrongTenantError(
            f"you are signed in to {organization['displayName']} ({organization['id']}), and sync.yaml names"
            f" {tenant.tenant_id}; sign in there, or correct sync.yaml"
        )


async def _read(client: GraphClient, address: str, tenant: Tenant) -> Mapping[str, Any] | None:
    """Settings of a tenant, and None where there are none."""
    answer = await client.send(GraphRequest("GET", address))
    if answer.fault is None:
        return answer.body
    if answer.fault.size is FaultSize.GONE:
        return None
    raise _refused(answer.fault, tenant.tenant_id)


def _refused(fault: Fault, tenant_id: str) -> OnboardingError:
    if fault.code == "InsufficientRights":
        return OnboardingError(
            f"Entra does not let you see or change the cross-tenant access settings of {tenant_id}: sign in as Security"
            f" Administrator of that tenant, and consent to {' and '.join(PERMISSIONS)} when you are asked"
        )
    return OnboardingError(
        f"Graph could not do it ({fault.code}); what was changed stays, and running this again does the rest"
    )
