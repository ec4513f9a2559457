"""App registrations with their extension attributes and federated credentials, principals, and consent.

Just as much of the application model as this app's own registrations need. Whoever addresses a new application or
principal, or names one in a body, may ask a replica that has not heard of it. Lists show it at once.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.tenants.config import AppConfig, FederatedCredential
from sandbox.tenants.directory.properties import EXTENSION_NAME, EXTENSION_TYPES, ExtensionProperty
from sandbox.tenants.graph.call import GUID
from sandbox.tenants.graph.errors import (
    bad_request,
    not_found,
    property_conflict,
    unknown_property,
    unsupported_query,
)
from sandbox.tenants.graph.permissions import KNOWN_ROLES, ROLE_IDS
from sandbox.tenants.wire import Reply
from sandbox.tenants.world import GRAPH_APP_ID, App, derived_id

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject
    from sandbox.tenants.world import Tenant

_EQUALS = re.compile(r"\s*(appId|displayName)\s+eq\s+'((?:[^']|'')*)'\s*\Z")
_AUDIENCES = ("AzureADMyOrg", "AzureADMultipleOrgs")
_WRITABLE = {"displayName": str, "signInAudience": str, "requiredResourceAccess": list, "web": dict}
_CREDENTIAL = ("name", "issuer", "subject", "audiences", "description")


def role_id(role: str) -> str:
    """The id of one of Graph's application roles; a derived one where it is not published here."""
    return ROLE_IDS.get(role) or derived_id(GRAPH_APP_ID, role)


# --- applications --------------------------------------------------------------------------------


def list_applications(call: Call) -> Reply:
    """GET /applications: those registered in this tenant."""
    value = [_application(app) for app in _homed(call) if _matches(call, app.config.app_id, app.config.name)]
    return Reply(200, {"@odata.context": call.context("applications"), "value": value})


def get_application(call: Call) -> Reply:
    """GET /applications/{id}, or applications(appId='…')."""
    return Reply(200, {"@odata.context": call.context("applications/$entity"), **_application(_app(call))})


def create_application(call: Call) -> Reply:
    """POST /applications."""
    body = _checked(call.body())
    if not body.get("displayName"):
        raise bad_request("A value is required for property 'displayName' of resource 'Application'.")
    app_id = call.world.chance.guid("applications")
    app = App(AppConfig(app_id, body["displayName"], call.tenant.name), call.tenant.id)
    call.world.apps[app_id] = app
    _born(call, app.object_id)
    _change(app, {"signInAudience": "AzureADMultipleOrgs"} | body)
    return Reply(201, {"@odata.context": call.context("applications/$entity"), **_application(app)})


def patch_application(call: Call) -> Reply:
    """PATCH /applications/{id}."""
    _change(_app(call), _checked(call.body()))
    return Reply(204)


def list_credentials(call: Call) -> Reply:
    """GET /applications/{id}/federatedIdentityCredentials."""
    app = _app(call)
    value = [_credential(app, name) for name in app.federated]
    return Reply(200, {"@odata.context": call.context("federatedIdentityCredentials"), "value": value})


def create_credential(call: Call) -> Reply:
    """POST /applications/{id}/federatedIdentityCredentials."""
    app, body = _app(call), call.body()
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise bad_request("'name' is required.")
    if name in app.federated:
        raise property_conflict("name")
    app.federated[name] = _federation(body)
    value = {"@odata.context": call.context("federatedIdentityCredentials/$entity"), **_credential(app, name)}
    return Reply(201, value)


def patch_credential(call: Call) -> Reply:
    """PATCH /applications/{id}/federatedIdentityCredentials/{name}."""
    app, name = _app(call), call.parameters["name"]
    if name not in app.federated:
        raise not_found(name)
    app.federated[name] = _federation({**_credential(app, name), **call.body()})
    return Reply(204)


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
        if key in {app.object_id, f"appid={app.config.app_id}"} and _heard(call, call.tenant, app.object_id):
            return app
    raise not_found(call.parameters["id"])


def _application(app: App) -> JsonObject:
    return {
        "id": app.object_id,
        "appId": app.config.app_id,
        "displayName": app.config.name,
        "signInAudience": app.audience,
        "requiredResourceAccess": app.required,
        "web": {"redirectUris": app.redirect_uris},
    }


def _checked(body: JsonObject) -> JsonObject:
    for name, value in body.items():
        if name not in _WRITABLE:
            raise unknown_property(name, "application")
        if not isinstance(value, _WRITABLE[name]):
            raise bad_request(f"Property '{name}' has a wrong type.")
    if body.get("signInAudience", _AUDIENCES[0]) not in _AUDIENCES:
        raise bad_request(f"'signInAudience' must be one of {', '.join(_AUDIENCES)} here.")
    return body


def _change(app: App, body: JsonObject) -> None:
    app.config = replace(app.config, name=body.get("displayName", app.config.name))
    app.audience = body.get("signInAudience", app.audience)
    app.required = body.get("requiredResourceAccess", app.required)
    app.redirect_uris = body.get("web", {}).get("redirectUris", app.redirect_uris)


def _federation(body: JsonObject) -> FederatedCredential:
    for name in body:
        if name not in {"id", *_CREDENTIAL}:
            raise unknown_property(name, "federatedIdentityCredential")
    audiences: Any = body.get("audiences")
    issuer, subject = body.get("issuer"), body.get("subject")
    if not isinstance(issuer, str) or not isinstance(subject, str):
        raise bad_request("'issuer' and 'subject' are required.")
    if not isinstance(audiences, list) or len(audiences) != 1 or not isinstance(audiences[0], str):
        raise bad_request("'audiences' must hold exactly one value.")
    return FederatedCredential(issuer, subject, audiences[0])


def _credential(app: App, name: str) -> JsonObject:
    held = app.federated[name]
    return {
        "id": derived_id(app.object_id, f"federation:{name}"),
        "name": name,
        "issuer": held.issuer,
        "subject": held.subject,
        "audiences": [held.audience],
        "description": None,
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


def create_principal(call: Call) -> Reply:
    """POST /servicePrincipals: the app becomes known in this tenant."""
    app_id = call.body().get("appId")
    app = call.world.apps.get(app_id) if isinstance(app_id, str) else None
    home = call.world.tenants[app.config.home_tenant] if app is not None else call.tenant
    if (
        app is None
        or (app.audience == "AzureADMyOrg" and home is not call.tenant)
        or not _heard(call, home, app.object_id)
    ):
        raise bad_request(
            f"The appId '{app_id}' of the service principal does not reference a valid application object."
        )
    if app.config.app_id in call.tenant.consents:
        raise property_conflict("servicePrincipalNames")
    call.tenant.consents[app.config.app_id] = frozenset()
    _born(call, call.tenant.service_principal_id(app.config.app_id))
    made = next(item for item in _principals(call) if item["appId"] == app_id)
    return Reply(201, {"@odata.context": call.context("servicePrincipals/$entity"), **made})


def create_assignment(call: Call) -> Reply:
    """POST /servicePrincipals/{id}/appRoleAssignments: consent to one application role of Graph."""
    principal, body = _principal(call), call.body()
    for name in ("principalId", "resourceId", "appRoleId"):
        if not isinstance(body.get(name), str) or GUID.match(body[name]) is None:
            raise bad_request(f"'{name}' must be a GUID.")
    graph = call.tenant.service_principal_id(GRAPH_APP_ID)
    if body["principalId"] != principal["id"] or body["resourceId"] != graph:
        raise not_found(body["resourceId"])
    role = next((role for role in KNOWN_ROLES if role_id(role) == body["appRoleId"]), None)
    if role is None:
        raise bad_request("Permission being assigned was not found on application.")
    held = call.tenant.consents[principal["appId"]]
    if role in held:
        raise bad_request("Permission being assigned already exists on the object.")
    call.tenant.consents[principal["appId"]] = held | {role}
    call.tenant.granted[principal["appId"], role] = call.now
    made = _assignment(call, principal, role)
    return Reply(201, {"@odata.context": call.context("appRoleAssignments/$entity"), **made})


def list_assignments(call: Call) -> Reply:
    """GET /servicePrincipals/{id}/appRoleAssignments: what was consented to."""
    principal = _principal(call)
    value = [_assignment(call, principal, role) for role in sorted(call.tenant.consents.get(principal["appId"], ()))]
    return Reply(200, {"@odata.context": call.context("appRoleAssignments"), "value": value})


def _assignment(call: Call, principal: JsonObject, role: str) -> JsonObject:
    return {
        "id": derived_id(principal["id"], role),
        "appRoleId": role_id(role),
        "principalId": principal["id"],
        "principalType": "ServicePrincipal",
        "principalDisplayName": principal["displayName"],
        "resourceId": call.tenant.service_principal_id(GRAPH_APP_ID),
        "resourceDisplayName": "Microsoft Graph",
    }


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
        if key in {item["id"], f"appid={item['appId']}"} and _heard(call, call.tenant, item["id"]):
            return item
    raise not_found(call.parameters["id"])


def _born(call: Call, object_id: str) -> None:
    stream = call.world.chance.stream("applications:arrivals")
    call.tenant.arrivals[object_id] = call.tenant.directory.replicas.arrivals(call.now, stream)


def _heard(call: Call, tenant: Tenant, object_id: str) -> bool:
    """Whether the call's replica has heard of a tenant's application or principal."""
    arrivals = tenant.arrivals.get(object_id)
    return not arrivals or arrivals[call.replica % len(arrivals)] <= call.now


def _matches(call: Call, app_id: str, name: str) -> bool:
    text = call.query.get("$filter")
    if not text:
        return True
    found = _EQUALS.match(text)
    if found is None:
        raise unsupported_query("Only appId and displayName can be filtered here.")
    wanted = found[2].replace("''", "'").lower()
    return wanted == (app_id if found[1] == "appId" else name).lower()
