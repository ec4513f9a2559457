"""The cross-tenant access policy: partners, their switches, and identity synchronisation.

Values are kept as given where Graph only hands them to other services; the switches that invitations
obey are read by them from here, some time after they were changed. Graph shows the change at once, and
tells nobody when it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.tenants.graph.call import GUID
from sandbox.tenants.graph.errors import GraphError, bad_request, not_found, unknown_property
from sandbox.tenants.wire import Reply
from sandbox.tenants.world import empty_partner

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject

_READ_ONLY = frozenset({"tenantId", "isInMultiTenantOrganization", "isServiceDefault"})
_ROOT = "policies/crossTenantAccessPolicy"


def get_policy(call: Call) -> Reply:
    """GET /policies/crossTenantAccessPolicy."""
    return Reply(
        200,
        {
            "@odata.context": call.context(f"{_ROOT}/$entity"),
            "displayName": "CrossTenantAccessPolicy",
            "allowedCloudEndpoints": [],
        },
    )


def get_default(call: Call) -> Reply:
    """GET …/default."""
    return Reply(200, {"@odata.context": call.context(f"{_ROOT}/default/$entity"), **call.tenant.default_access})


def patch_default(call: Call) -> Reply:
    """PATCH …/default; redeeming automatically is a partner's alone."""
    body = call.body()
    if "automaticUserConsentSettings" in body:
        raise bad_request("Property 'automaticUserConsentSettings' is read-only and cannot be set.")
    _changes(call)
    _merge(call.tenant.default_access, body, "crossTenantAccessPolicyConfigurationDefault")
    call.tenant.default_access["isServiceDefault"] = False
    return Reply(204)


def list_partners(call: Call) -> Reply:
    """GET …/partners."""
    return Reply(
        200,
        {
            "@odata.context": call.context(f"{_ROOT}/partners"),
            "value": [_shown(call, partner) for partner in call.tenant.partners.values()],
        },
    )


def get_partner(call: Call) -> Reply:
    """GET …/partners/{tenantId}."""
    partner = _found(call)
    return Reply(200, {"@odata.context": call.context(f"{_ROOT}/partners/$entity"), **_shown(call, partner)})


def create_partner(call: Call) -> Reply:
    """POST …/partners."""
    body = call.body()
    tenant_id = body.get("tenantId")
    if not isinstance(tenant_id, str) or GUID.match(tenant_id) is None:
        raise bad_request("'tenantId' must be a GUID.")
    if tenant_id.lower() in call.tenant.partners:
        raise GraphError(
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            "Another object with the same value for property tenantId already exists.",
        )
    partner = empty_partner(tenant_id.lower())
    _merge(partner, {name: value for name, value in body.items() if name != "tenantId"})
    _changes(call)
    call.tenant.partners[tenant_id.lower()] = partner
    return Reply(
        201,
        {"@odata.context": call.context(f"{_ROOT}/partners/$entity"), **partner},
        {"Location": f"{call.root}/{_ROOT}/partners/{tenant_id.lower()}"},
    )


def patch_partner(call: Call) -> Reply:
    """PATCH …/partners/{tenantId}."""
    body = call.body()
    partner = _found(call)
    _changes(call)
    _merge(partner, body)
    return Reply(204)


def delete_partner(call: Call) -> Reply:
    """DELETE …/partners/{tenantId}; identity synchronisation must be gone before."""
    partner = _found(call)
    if partner["tenantId"] in call.tenant.synchronization:
        raise bad_request("The partner has an identity synchronization policy, which must be deleted first.")
    _changes(call)
    del call.tenant.partners[partner["tenantId"]]
    return Reply(204)


def get_synchronization(call: Call) -> Reply:
    """GET …/partners/{tenantId}/identitySynchronization."""
    found = call.tenant.synchronization.get(_found(call)["tenantId"])
    if found is None:
        raise not_found("identitySynchronization")
    return Reply(200, {"@odata.context": call.context(f"{_ROOT}/partners/identitySynchronization"), **found})


def put_synchronization(call: Call) -> Reply:
    """PUT …/partners/{tenantId}/identitySynchronization."""
    body = call.body()
    key = call.parameters["id"].lower()
    if key not in call.tenant.partners:
        raise GraphError(404, "Directory_ObjectNotFound", "The partner does not exist.")
    if key in call.tenant.synchronization:
        raise GraphError(
            409, "Request_MultipleObjectsWithSameKeyValue", "An identity synchronization policy already exists."
        )
    call.tenant.synchronization[key] = _synchronization(key, body)
    return Reply(204)


def patch_synchronization(call: Call) -> Reply:
    """PATCH …/partners/{tenantId}/identitySynchronization."""
    key = call.parameters["id"].lower()
    if key not in call.tenant.synchronization:
        raise GraphError(404, "Directory_ObjectNotFound", "There is no identity synchronization policy.")
    call.tenant.synchronization[key] |= _synchronization(key, call.body())
    return Reply(204)


def delete_synchronization(call: Call) -> Reply:
    """DELETE …/partners/{tenantId}/identitySynchronization."""
    if call.tenant.synchronization.pop(call.parameters["id"].lower(), None) is None:
        raise not_found("identitySynchronization")
    return Reply(204)


def _synchronization(key: str, body: JsonObject) -> JsonObject:
    for name in body:
        if name not in {"displayName", "userSyncInbound", "tenantId"} and not name.startswith("@odata."):
            raise unknown_property(name, "crossTenantIdentitySyncPolicyPartner")
    inbound = body.get("userSyncInbound")
    if inbound is not None and not isinstance((inbound or {}).get("isSyncAllowed"), bool):
        raise bad_request("'userSyncInbound.isSyncAllowed' must be true or false.")
    return {"tenantId": key, "displayName": body.get("displayName"), "userSyncInbound": inbound}


def _found(call: Call) -> JsonObject:
    partner = call.tenant.partners.get(call.parameters["id"].lower())
    if partner is None:
        raise not_found(call.parameters["id"])
    return partner


def _shown(call: Call, partner: JsonObject) -> JsonObject:
    if (call.query.get("$expand") or "").lower() == "identitysynchronization":
        return {**partner, "identitySynchronization": call.tenant.synchronization.get(partner["tenantId"])}
    return partner


def _changes(call: Call) -> None:
    """Invitations obey what was there before for a while."""
    call.tenant.change_access(call.now, call.world.config.invitations.policy_delay)


def _merge(partner: JsonObject, body: JsonObject, kind: str = "crossTenantAccessPolicyConfigurationPartner") -> None:
    checked: dict[str, Any] = {}
    for name, value in body.items():
        if name.startswith("@odata."):
            continue
        if name not in partner:
            raise unknown_property(name, kind)
        if name in _READ_ONLY:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        if name == "automaticUserConsentSettings":
            checked[name] = {**partner[name], **_consent(value)}
        elif value is not None and not isinstance(value, (dict, bool)):
            raise bad_request(f"Property '{name}' has a wrong type.")
        else:
            checked[name] = value
    partner.update(checked)


def _consent(value: Any) -> JsonObject:
    if not isinstance(value, dict):
        raise bad_request("Property 'automaticUserConsentSettings' has a wrong type.")
    for name, allowed in value.items():
        if name not in {"inboundAllowed", "outboundAllowed"} or not isinstance(allowed, (bool, type(None))):
            raise bad_request("Property 'automaticUserConsentSettings' has a wrong member.")
    return value
