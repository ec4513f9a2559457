"""Writing users: create, update, delete, and the manager link, checked as Graph checks them.

A write is all or nothing: every property is judged before the first is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.tenants.accounts import internal_properties
from sandbox.tenants.clock import timestamp
from sandbox.tenants.directory import properties as table
from sandbox.tenants.directory.model import Kind, Version
from sandbox.tenants.directory.properties import Access, Property
from sandbox.tenants.directory.values import InvalidValueError, checked
from sandbox.tenants.graph import permissions
from sandbox.tenants.graph.errors import (
    Detail,
    GraphError,
    bad_request,
    denied,
    not_found,
    property_conflict,
    unknown_property,
)
from sandbox.tenants.graph.quota import need_room
from sandbox.tenants.graph.resources import USERS, columns, rendered
from sandbox.tenants.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.tenants.graph.call import Call

_REQUIRED = ("accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName")
_EXCHANGE = frozenset({"mail", "showInAddressList", "proxyAddresses", "onPremisesExtensionAttributes"})
_NEVER_SHOWN = frozenset({"passwordProfile"})


def property_row(call: Call, name: str) -> Property:
    """A user property's row, extension attributes of this tenant included; 400 if there is none."""
    row = table.USER.get(name)
    if row is None and name.startswith("extension_"):
        definition = call.world.extension(call.tenant, name)
        row = None if definition is None else definition.as_property()
    if row is None:
        raise unknown_property(name, "User")
    return row


def checked_values(call: Call, body: Mapping[str, Any]) -> dict[str, tuple[Property, Any]]:
    """Every property of a payload with its row and its checked value; annotations are dropped."""
    values: dict[str, tuple[Property, Any]] = {}
    for name, raw in body.items():
        if name.startswith("@odata."):
            continue
        row = property_row(call, name)
        if row.access is Access.READ_ONLY:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        try:
            values[name] = row, checked(row, raw)
        except InvalidValueError as error:
            raise bad_request(str(error), Detail("InvalidValue", name, str(error))) from None
    return values


def patch_user(call: Call) -> Reply:
    """PATCH /users/{id}."""
    roles = call.caller.roles
    if not permissions.may_patch_users_at_all(roles):
        raise denied()
    values = checked_values(call, call.body())
    user = call.writable(call.parameters["id"], Kind.USER)
    directory = call.tenant.directory
    origin = directory.origins.get(user.id)
    for row, _ in values.values():
        if not permissions.may_write(row, roles, privileged_target=origin is not None and origin.privileged):
            raise denied()
    if origin is not None and origin.exchange_mastered and _EXCHANGE & values.keys():
        raise bad_request(
            "Unable to update the specified properties for objects that have originated within an external service."
        )
    if user.properties.get("onPremisesSyncEnabled") and any(row.synchronised for row, _ in values.values()):
        raise bad_request(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
            "currently undergoing migration."
        )
    directory.update(user, _settled(call, user, values), call.actor)
    return Reply(204)


def _settled(call: Call, user: Version, values: Mapping[str, tuple[Property, Any]]) -> dict[str, Any]:
    """What the directory will hold: side effects of properties on others, and conflicts refused."""
    updates = {name: value for name, (_, value) in values.items() if name not in _NEVER_SHOWN}
    if "mail" in updates:
        address = updates["mail"]
        _refuse_taken(call, user.id, "proxyAddresses", f"SMTP:{address}")
        others = [item for item in user.properties.get("proxyAddresses", []) if not item.startswith("SMTP:")]
        others = [item for item in others if item.lower() != f"smtp:{address}".lower()]
        updates["proxyAddresses"] = [f"SMTP:{address}", *others]
    if "userPrincipalName" in updates:
        _check_principal_name(call, user.id, updates["userPrincipalName"])
    if isinstance(updates.get("onPremisesExtensionAttributes"), dict):
        empty = table.EMPTY["onPremisesExtensionAttributes"]
        before = user.properties.get("onPremisesExtensionAttributes", empty)
        given = updates["onPremisesExtensionAttributes"]
        updates["onPremisesExtensionAttributes"] = {name: given.get(name, before.get(name)) for name in empty}
    return updates


def _refuse_taken(call: Call, user_id: str, name: str, value: str) -> None:
    if any(other.id != user_id for other in call.tenant.directory.named(name, value)):
        raise property_conflict(name)


def _check_principal_name(call: Call, user_id: str, name: str) -> None:
    domain = name.rpartition("@")[2].lower()
    if domain not in call.tenant.domains:
        message = "The domain portion of the userPrincipalName property is invalid: use a verified domain."
        raise bad_request(message, Detail("InvalidValue", "userPrincipalName", message))
    _refuse_taken(call, user_id, "userPrincipalName", name)


def create_user(call: Call) -> Reply:
    """POST /users."""
    body = call.body()
    for name in _REQUIRED:
        if body.get(name) is None:
            raise bad_request(
                "A required property is missing.",
                Detail("MissingProperty", name, f"Property '{name}' is required for a user."),
            )
    values = checked_values(call, body)
    for row, _ in values.values():
        if row.access in {Access.NOT_APP_ONLY, Access.OWN_ROLE} and row.role not in call.caller.roles:
            raise denied()
    settled = {name: value for name, (_, value) in values.items() if name not in _NEVER_SHOWN}
    _check_principal_name(call, "", settled["userPrincipalName"])
    if "mail" in settled:
        _refuse_taken(call, "", "proxyAddresses", f"SMTP:{settled['mail']}")
    properties = internal_properties(call.tenant, settled, timestamp(call.now))
    need_room(call)
    user = call.tenant.directory.create(Kind.USER, properties, call.actor)
    shown = rendered(user, columns(call, USERS))
    return Reply(
        201,
        {"@odata.context": call.context("users/$entity"), **shown},
        {"Location": f"{call.root}/users/{user.id}"},
    )


def delete_user(call: Call) -> Reply:
    """DELETE /users/{id}: to the bin."""
    user = call.writable(call.parameters["id"], Kind.USER)
    origin = call.tenant.directory.origins.get(user.id)
    if origin is not None and origin.privileged and "RoleManagement.ReadWrite.Directory" not in call.caller.roles:
        raise denied()
    call.tenant.directory.soft_delete(user, call.actor)
    return Reply(204)


def put_manager(call: Call) -> Reply:
    """PUT /users/{id}/manager/$ref."""
    reference = call.reference()
    user = call.writable(call.parameters["id"], Kind.USER)
    directory = call.tenant.directory
    seen = directory.replicas.for_write(call.now).get(reference.lower(), Kind.USER)
    manager = None if seen is None else directory.live(seen.id, Kind.USER)
    if manager is None:
        raise not_found(reference)
    if manager.id == user.id:
        raise bad_request("Not a valid reference update.")
    directory.set_manager(user, manager.id, call.actor)
    return Reply(204)


def delete_manager(call: Call) -> Reply:
    """DELETE /users/{id}/manager/$ref."""
    user = call.writable(call.parameters["id"], Kind.USER)
    directory = call.tenant.directory
    if user.id not in directory.replicas.truth.manager:
        raise GraphError(
            404,
            "Request_ResourceNotFound",
            "Resource 'manager' does not exist or one of its queried reference-property objects are not present.",
        )
    directory.set_manager(user, None, call.actor)
    return Reply(204)
