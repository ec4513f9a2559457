"""The bin: soft-deleted users and groups, to be read, restored or purged.

The bin is read from the truth's replica like everything else, so a fresh deletion may not be there yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tenants.directory.model import Kind, Version
from sandbox.tenants.graph import permissions
from sandbox.tenants.graph.errors import Detail, bad_request, denied, not_found
from sandbox.tenants.graph.listing import paged_ids, read_filter
from sandbox.tenants.graph.resources import BY_KIND, GROUPS, USERS, Resource, columns, columns_of, rendered, typed
from sandbox.tenants.wire import Reply

if TYPE_CHECKING:
    from sandbox.tenants.directory.view import View
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject


def list_deleted_users(call: Call) -> Reply:
    """GET /directory/deletedItems/microsoft.graph.user."""
    return _list(call, USERS)


def list_deleted_groups(call: Call) -> Reply:
    """GET /directory/deletedItems/microsoft.graph.group."""
    if not permissions.meets(permissions.READ_DELETED_GROUPS, call.caller.roles):
        raise denied()
    return _list(call, GROUPS)


def list_without_cast(call: Call) -> Reply:
    """GET /directory/deletedItems: refused, the cast is required."""
    raise bad_request(f"The collection needs a cast, such as {call.root}/directory/deletedItems/microsoft.graph.user.")


def _list(call: Call, resource: Resource) -> Reply:
    names = call.query.select
    if names is None:
        names = (*resource.default, "deletedDateTime") if resource is USERS else resource.default
    chosen = columns_of(call, resource, names)
    wanted = read_filter(call, resource)

    def ids(view: View) -> list[str]:
        return [
            version.id
            for version in view.deleted.values()
            if version.kind is resource.kind and (wanted is None or wanted.matches(version.properties))
        ]

    address = f"{call.root}/directory/deletedItems/{resource.kind.type_name}"
    page, view, envelope = paged_ids(call, address, f"deleted:{resource.segment}", ids, call.replica)
    value: JsonObject = {"@odata.context": call.context(resource.segment), **envelope}
    value["value"] = [rendered(view.deleted[key], chosen) for key in page if key in view.deleted]
    return Reply(200, value)


def get_deleted(call: Call) -> Reply:
    """GET /directory/deletedItems/{id}."""
    key = call.parameters["id"].lower()
    found = call.view().deleted.get(key)
    if found is None:
        raise not_found(key)
    _check_group(call, found)
    resource = BY_KIND[found.kind]
    names = call.query.select or (*resource.default, "deletedDateTime")
    value: JsonObject = {"@odata.context": call.context("directoryObjects/$entity")}
    value.update(typed(found, columns_of(call, resource, names)))
    return Reply(200, value)


def restore(call: Call) -> Reply:
    """POST /directory/deletedItems/{id}/restore: 200 with the object; 400 while its names are taken."""
    binned = _binned(call)
    directory = call.tenant.directory
    if binned.kind is Kind.USER:
        name = binned.properties["userPrincipalName"].removeprefix(binned.id.replace("-", ""))
        if directory.named("userPrincipalName", name):
            raise _conflict("userPrincipalName")
        for proxy in binned.properties.get("proxyAddresses", []):
            if directory.named("proxyAddresses", proxy):
                raise _conflict("proxyAddresses")
    restored = directory.restore(binned, call.actor)
    value: JsonObject = {"@odata.context": call.context("directoryObjects/$entity")}
    value.update(typed(restored, columns(call, BY_KIND[restored.kind])))
    return Reply(200, value)


def purge(call: Call) -> Reply:
    """DELETE /directory/deletedItems/{id}: for good."""
    binned = _binned(call)
    if binned.kind is Kind.GROUP:
        raise denied()  # a group is purged only by a signed-in administrator
    call.tenant.directory.purge(binned, call.actor)
    return Reply(204)


def _binned(call: Call) -> Version:
    key = call.parameters["id"].lower()
    seen = call.tenant.directory.replicas.for_write(call.now).deleted.get(key)
    found = None if seen is None else call.tenant.directory.deleted(key)
    if found is None:
        raise not_found(key)
    _check_group(call, found)
    return found


def _check_group(call: Call, found: Version) -> None:
    if found.kind is Kind.GROUP and not permissions.meets(permissions.READ_DELETED_GROUPS, call.caller.roles):
        raise denied()


def _conflict(name: str) -> Exception:
    message = f"The object cannot be restored: another object holds the same value for property {name}."
    return bad_request(message, Detail("ObjectConflict", name, message))
