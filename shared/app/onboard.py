"""onboard: the entries of two tenants for one another, looked at and changed by an administrator of one of them.

What an entry should say is `access_policy`'s to decide. Nothing is changed but what `look` found, and running it again
finds nothing more to change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shared.app.administrator import RefusedError, Rights
from shared.core.access_policy import Setting, Side, blocks, body, in_effect, needed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.administrator import Administrator

RIGHTS: Final = Rights(
    "the cross-tenant access settings",
    "Security Administrator",
    ("Policy.ReadWrite.CrossTenantAccess", "Organization.Read.All"),
)
RIGHTS_WITH_CONSENT: Final = Rights(
    "the cross-tenant access settings or the consent",
    "Security Administrator and Privileged Role Administrator",
    (*RIGHTS.permissions, "Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"),
)

_POLICY: Final = "/policies/crossTenantAccessPolicy"
_PARTNERS: Final = f"{_POLICY}/partners"


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
    administrator: Administrator,
    partners: Mapping[str, str],
    side: Side,
    *,
    trust_mfa: bool = False,
    undo: bool = False,
) -> list[Entry]:
    """The tenant's entry for each partner (tenant ids by name), with what has to be changed in it.

    Raises:
        WrongTenantError, RefusedError: nothing can be changed.
    """
    await administrator.check_tenant()
    tenant_id = administrator.tenant.tenant_id
    entries = []
    for name, partner in partners.items():
        held, default = await access_settings(administrator, partner)
        now = in_effect(held, default)
        if blocks(now, side) and not undo:
            whose = "settings" if blocks(held or {}, side) else "default settings"
            raise RefusedError(
                f"the {whose} of {tenant_id} block B2B collaboration for all users of {name} ({partner}), and"
                " that is not this command's to change: allow it for that organization in Entra, External Identities,"
                " Cross-tenant access settings"
            )
        settings = needed(now, side, trust_mfa=trust_mfa, undo=undo)
        entries.append(Entry(tenant_id, name, partner, held is not None, settings, body(now, settings)))
    return entries


async def access_settings(
    administrator: Administrator, partner: str
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any]]:
    """A tenant's entry for another, None where there is none, and its default settings. Raises RefusedError."""
    held = await administrator.found(f"{_PARTNERS}/{quote(partner)}")
    return held, await administrator.found(f"{_POLICY}/default") or {}


async def change(administrator: Administrator, entry: Entry) -> None:
    """Change an entry as it was found to need, or make it.

    Raises:
        RefusedError: it is as it was.
    """
    if entry.exists:
        await administrator.write("PATCH", f"{_PARTNERS}/{quote(entry.partner_id)}", entry.body)
    else:
        await administrator.write("POST", _PARTNERS, {"tenantId": entry.partner_id, **entry.body})
