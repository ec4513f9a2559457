"""The tenant itself: organization, domains, applications with their extension attributes, principals.

Just as much as an administrator's preflight and the directory extensions need; nothing else of the
application model.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.tenants.clock import timestamp
from sandbox.tenants.directory.properties import EXTENSION_NAME, EXTENSION_TYPES, ExtensionProperty
from sandbox.tenants.graph.errors import bad_request, not_found, property_conflict, unsupported_query
from sandbox.tenants.graph.permissions import KNOWN_ROLES, ROLE_IDS
from sandbox.tenants.wire import Reply
from sandbox.tenants.world import GRAPH_APP_ID, App, derived_id

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject
    from sandbox.tenants.world import Tenant

_EQUALS = re.compile(r"\s*(appId|displayName)\s+eq\s+'((?:[^']|'')*)'\s*\Z")
_TENANT_AGE = 3 * 365 * 24 * 3600.0


def role_id(role: str) -> str:
    """The id of one of Graph's application roles; a derived one where it is not published here."""
    return ROLE_IDS.get(role) or derived_id(GRAPH_APP_ID, role)


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


# --- applications --------------------------------------------------------------------------------


def list_applications(call: Call) -> Reply:
    """GET /applications: those registered in this tenant."""
    value = [_application(app) for app in _homed(call) if _matches(call, app.config.app_id, app.config.name)]
    return Reply(200, {"@odata.context": call.context("applications"), "value": value})


def get_application(call: Call) -> Reply:
    """GET /applications/{id}, or applications(appId='…')."""
    return Reply(200, {"@odata.context": call.context("applications/$entity"), **_application(_app(call))})


def list_extensions(call: Call) -> Reply:
    """GET /applications/{id}/extensionProperties."""
    app = _app(call)
    value = [_extension(app, item) for item in app.extensions.values()]
    return Reply(200, {"@odata.context": call.context("extensionProperties"), "value": value})


def create_extension(call: Call) -> Reply:
    """POST /applications/{id}/extensionProperties."""
    app = _app(call)
    body = call.body()
    name, data_type, targets = body.get("name"), body.get("dataType"), body.get("targetObjects")
    full = f"extension_{app.config.app_id.replace('-', '')}_{name}"
    if not isinstance(name, str) or EXTENSION_NAME.match(full) is None:
        raise bad_request("'name' must begin with a letter and hold letters, digits and underscores.")
    if data_type not in EXTENSION_TYPES:
        raise bad_request(f"'dataType' must be one of {', '.join(EXTENSION_TYPES)}.")
    if not isinstance(targets, list) or not targets or not all(isinstance(item, str) for item in targets):
        raise bad_request("'targetObjects' must name at least one type.")
    if full in app.extensions:
        raise property_conflict("name")
    definition = app.extensions[full] = ExtensionProperty(full, data_type, tuple(targets))
    value = {"@odata.context": call.context("extensionProperties/$entity"), **_extension(app, definition)}
    return Reply(201, value)


def _homed(call: Call) -> list[App]:
    return [app for app in call.world.apps.values() if app.config.home_tenant == call.tenant.name]


def _app(call: Call) -> App:
    key = call.parameters["id"].lower()
    for app in _homed(call):
        if key in {app.object_id, f"appid={app.config.app_id}"}:
            return app
    raise not_found(call.parameters["id"])


def _application(app: App) -> JsonObject:
    return {
        "id": app.object_id,
        "appId": app.config.app_id,
        "displayName": app.config.name,
        "signInAudience": "AzureADMultipleOrgs",
    }


def _extension(app: App, item: ExtensionProperty) -> JsonObject:
    return {
        "id": derived_id(app.object_id, item.name),
        "appDisplayName": app.config.name,
        "name": item.name,
        "dataType": item.data_type,
        "isMultiValued": False,
        "isSyncedFromOnPremises": False,
        "targetObjects": list(item.targets),
    }


# --- service principals --------------------------------------------------------------------------


def list_principals(call: Call) -> Reply:
    """GET /servicePrincipals."""
    value = [item for item in _principals(call) if _matches(call, item["appId"], item["displayName"])]
    return Reply(200, {"@odata.context": call.context("servicePrincipals"), "value": value})


def get_principal(call: Call) -> Reply:
    """GET /servicePrincipals/{id}, or servicePrincipals(appId='…')."""
    return Reply(200, {"@odata.context": call.context("servicePrincipals/$entity"), **_principal(call)})


def list_assignments(call: Call) -> Reply:
    """GET /servicePrincipals/{id}/appRoleAssignments: what was consented to."""
    principal = _principal(call)
    graph = call.tenant.service_principal_id(GRAPH_APP_ID)
    value = [
        {
            "id": derived_id(principal["id"], role),
            "appRoleId": role_id(role),
            "principalId": principal["id"],
            "principalType": "ServicePrincipal",
            "principalDisplayName": principal["displayName"],
            "resourceId": graph,
            "resourceDisplayName": "Microsoft Graph",
        }
        for role in sorted(call.tenant.consents.get(principal["appId"], ()))
    ]
    return Reply(200, {"@odata.context": call.context("appRoleAssignments"), "value": value})


def _principals(call: Call) -> list[JsonObject]:
    found = [_graph_principal(call.tenant)]
    for app_id in call.tenant.consents:
        app = call.world.apps.get(app_id)
        if app is not None:
            found.append(
                {
                    "id": call.tenant.service_principal_id(app_id),
                    "appId": app_id,
                    "displayName": app.config.name,
                    "accountEnabled": app_id not in call.tenant.disabled_apps,
                    "servicePrincipalType": "Application",
                    "appOwnerOrganizationId": call.world.tenants[app.config.home_tenant].id,
                    "appRoles": [],
                }
            )
    return found


def _graph_principal(tenant: Tenant) -> JsonObject:
    return {
        "id": tenant.service_principal_id(GRAPH_APP_ID),
        "appId": GRAPH_APP_ID,
        "displayName": "Microsoft Graph",
        "accountEnabled": True,
        "servicePrincipalType": "Application",
        "appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
        "appRoles": [
            {"id": role_id(role), "value": role, "isEnabled": True, "allowedMemberTypes": ["Application"]}
            for role in sorted(KNOWN_ROLES)
        ],
    }


def _principal(call: Call) -> JsonObject:
    key = call.parameters["id"].lower()
    for item in _principals(call):
        if key in {item["id"], f"appid={item['appId']}"}:
            return item
    raise not_found(call.parameters["id"])


def _matches(call: Call, app_id: str, name: str) -> bool:
    text = call.query.get("$filter")
    if not text:
        return True
    found = _EQUALS.match(text)
    if found is None:
        raise unsupported_query("Only appId and displayName can be filtered here.")
    wanted = found[2].replace("''", "'").lower()
    return wanted == (app_id if found[1] == "appId" else name).lower()
