"""The tenant itself: organization and domains, as an administrator's preflight reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tenants.clock import timestamp
from sandbox.tenants.wire import Reply

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call

_TENANT_AGE = 3 * 365 * 24 * 3600.0


def list_organization(call: Call) -> Reply:
    """GET /organization."""
    tenant = call.tenant
    organization = {
        "id": tenant.id,
        "displayName": tenant.name,
        "tenantType": "AAD",
        "countryLetterCode": None,
        "createdDateTime": timestamp(call.now - _TENANT_AGE),
        "onPremisesSyncEnabled": None,
        "assignedPlans": [],
        "verifiedDomains": [
            {
                "name": name,
                "type": "Managed",
                "isDefault": name == tenant.config.domain,
                "isInitial": name == tenant.config.initial_domain,
                "capabilities": "Email, OfficeCommunicationsOnline",
            }
            for name in tenant.domains
        ],
    }
    if call.query.select is not None:
        organization = {name: organization.get(name) for name in call.query.select}
    return Reply(200, {"@odata.context": call.context("organization"), "value": [organization]})


def list_domains(call: Call) -> Reply:
    """GET /domains."""
    value = [
        {
            "id": name,
            "isVerified": True,
            "isDefault": name == call.tenant.config.domain,
            "isInitial": name == call.tenant.config.initial_domain,
            "isAdminManaged": True,
            "isRoot": True,
            "authenticationType": "Managed",
            "supportedServices": ["Email"],
        }
        for name in call.tenant.domains
    ]
    return Reply(200, {"@odata.context": call.context("domains"), "value": value})
