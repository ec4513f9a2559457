"""Reading users: lists, one user, the manager, and which groups a user is in.

Nothing here writes; what a caller sees is what one replica holds at that moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tenants.directory.model import Kind, Version
from sandbox.tenants.graph.call import SEARCH_INDEX, Call, strings
from sandbox.tenants.graph.errors import GraphError, bad_request
from sandbox.tenants.graph.listing import count_text, listed, paged_ids
from sandbox.tenants.graph.resources import (
    BY_KIND,
    GROUPS,
    USERS,
    columns,
    columns_of,
    context_suffix,
    expansion,
    rendered,
    typed,
)
from sandbox.tenants.wire import Reply

if TYPE_CHECKING:
    from sandbox.tenants.directory.view import View
    from sandbox.tenants.wire import JsonObject

_MOST_GROUPS_CHECKED = 20


def list_users(call: Call) -> Reply:
    """GET /users."""
    chosen = columns(call, USERS)
    expanded = expansion(call)

    def render(version: Version, view: View) -> JsonObject:
        item = rendered(version, chosen)
        if expanded is not None:
            expanded.into(item, version, view)
        return item

    return listed(call, USERS, f"{call.root}/users", render, call.context(context_suffix(call, USERS)))


def count_users(call: Call) -> Reply:
    """GET /users/$count."""
    return count_text(call, USERS)


def get_user(call: Call) -> Reply:
    """GET /users/{id | userPrincipalName}."""
    chosen = columns(call, USERS)
    expanded = expansion(call)
    version = call.readable(call.parameters["id"], Kind.USER)
    value: JsonObject = {"@odata.context": call.context(f"{context_suffix(call, USERS)}/$entity")}
    value.update(rendered(version, chosen))
    if expanded is not None:
        expanded.into(value, version, call.view())
    return Reply(200, value)


def get_manager(call: Call) -> Reply:
    """GET /users/{id}/manager."""
    user = call.readable(call.parameters["id"], Kind.USER)
    view = call.view()
    manager = view.get(view.manager.get(user.id, ""))
    if manager is None:
        raise GraphError(
            404,
            "Request_ResourceNotFound",
            "Resource 'manager' does not exist or one of its queried reference-property objects are not present.",
        )
    value: JsonObject = {"@odata.context": call.context("directoryObjects/$entity")}
    value.update(typed(manager, columns(call, USERS)))
    return Reply(200, value)


def list_direct_reports(call: Call) -> Reply:
    """GET /users/{id}/directReports."""
    user = call.readable(call.parameters["id"], Kind.USER)
    chosen = columns(call, USERS)
    page, view, envelope = paged_ids(
        call,
        f"{call.root}/users/{user.id}/directReports",
        f"directReports:{user.id}",
        lambda view: [report for report in sorted(view.reports_of(user.id)) if report in view.live],
        call.replica,
    )
    value: JsonObject = {"@odata.context": call.context("directoryObjects"), **envelope}
    value["value"] = [typed(view.live[report], chosen) for report in page]
    return Reply(200, value)


def list_member_of(call: Call) -> Reply:
    """GET /users/{id}/memberOf."""
    return _groups_of(call, transitive=False)


def list_transitive_member_of(call: Call) -> Reply:
    """GET /users/{id}/transitiveMemberOf."""
    return _groups_of(call, transitive=True)


def _groups_of(call: Call, *, transitive: bool) -> Reply:
    user = call.readable(call.parameters["id"], Kind.USER)
    chosen = columns_of(call, GROUPS, call.query.select)
    name = "transitiveMemberOf" if transitive else "memberOf"

    def ids(view: View) -> list[str]:
        groups = view.transitive_groups(user.id) if transitive else view.groups_of(user.id)
        return sorted(group for group in groups if group in view.live)

    replica = SEARCH_INDEX if call.eventual and call.query.count else call.replica
    page, view, envelope = paged_ids(call, f"{call.root}/users/{user.id}/{name}", f"{name}:{user.id}", ids, replica)
    value: JsonObject = {"@odata.context": call.context("directoryObjects"), **envelope}
    value["value"] = [typed(view.live[group], chosen) for group in page]
    return Reply(200, value)


def check_member_groups(call: Call) -> Reply:
    """POST /users/{id}/checkMemberGroups: which of these groups hold the user, nested ones included."""
    wanted = strings(call.body(), "groupIds", _MOST_GROUPS_CHECKED)
    user = call.readable(call.parameters["id"], Kind.USER)
    groups = call.view().transitive_groups(user.id)
    value = [group for group in dict.fromkeys(wanted) if group.lower() in groups]
    return Reply(200, {"@odata.context": call.context("Collection(Edm.String)"), "value": value})


def get_member_groups(call: Call) -> Reply:
    """POST /users/{id}/getMemberGroups: all groups that hold the user, nested ones included."""
    only_security = call.body().get("securityEnabledOnly")
    if not isinstance(only_security, bool):
        raise bad_request("'securityEnabledOnly' must be true or false.")
    user = call.readable(call.parameters["id"], Kind.USER)
    view = call.view()
    groups = [
        group
        for group in sorted(view.transitive_groups(user.id))
        if not only_security or view.live[group].properties.get("securityEnabled")
    ]
    return Reply(200, {"@odata.context": call.context("Collection(Edm.String)"), "value": groups})


def photo(call: Call) -> Reply:
    """GET and PUT /users/{id}/photo/$value: there are no mailboxes here, so there are no photos."""
    call.readable(call.parameters["id"], Kind.USER)
    raise GraphError(404, "ImageNotFound", "The photo wasn't found.")


def get_by_ids(call: Call) -> Reply:
    """POST /directoryObjects/getByIds: up to 1,000 objects; ids that lead nowhere are left out."""
    body = call.body()
    ids = strings(body, "ids", 1000)
    types = body.get("types") or ["user", "group"]
    if not isinstance(types, list):
        raise bad_request("'types' must be a collection of strings.")
    view = call.view()
    objects = []
    for object_id in dict.fromkeys(ids):
        found = view.get(object_id.lower())
        if found is not None and ("directoryObject" in types or found.kind.rpartition(".")[2] in types):
            resource = BY_KIND[found.kind]
            names = call.query.select
            if names is not None:  # a selection may name properties of either type
                names = tuple(name for name in names if name in resource.properties or name[:10] == "extension_")
            objects.append(typed(found, columns_of(call, resource, names)))
    return Reply(200, {"@odata.context": call.context("directoryObjects"), "value": objects})


def get_directory_object(call: Call) -> Reply:
    """GET /directoryObjects/{id}."""
    key = call.parameters["id"].lower()
    view = call.view()
    kind = Kind.GROUP if view.get(key, Kind.GROUP) is not None else Kind.USER
    found = call.readable(key, kind)
    value: JsonObject = {"@odata.context": call.context("directoryObjects/$entity")}
    value.update(typed(found, columns(call, BY_KIND[found.kind])))
    return Reply(200, value)
