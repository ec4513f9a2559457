"""The tenant itself: organization and domains, as an administrator's preflight reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tenants.clock import timestamp
from sandbox.tenants.graph.errors import malformed
from sandbox.tenants.graph.quota import used
from sandbox.tenants.wire import Reply

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject

_TENANT_AGE = 3 * 365 * 24 * 3600.0


def list_organization(call: Call) -> Reply:
    """GET /organization."""
    return _chosen(call, _organization(call))


def list_beta_organization(call: Call) -> Reply:
    """GET /organization of the beta version, which tells how full the tenant is."""
    tenant = call.tenant
    size = {"used": used(tenant), "total": tenant.config.object_quota}
    return _chosen(call, {**_organization(call), "directorySizeQuota": size})


def _organization(call: Call) -> JsonObject:
    tenant = call.tenant
    return {
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


def _chosen(call: Call, organization: JsonObject) -> Reply:
    select = call.query.select
    for name in select or ():
        if name not in organization:
            raise malformed(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type"
                " 'microsoft.graph.organization'."
            )
    value = organization if select is None else {name: organization[name] for name in select}
    return Reply(200, {"@odata.context": call.context("organization"), "value": [value]})


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
