"""Groups and their members, read from a replica and written to the truth.

Transitive membership is answered by the advanced index when it is asked with a count, as in Graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.tenants.clock import timestamp
from sandbox.tenants.directory import properties as table
from sandbox.tenants.directory.model import Kind, Version
from sandbox.tenants.directory.properties import Access
from sandbox.tenants.directory.values import InvalidValueError, checked
from sandbox.tenants.graph.call import SEARCH_INDEX, Call
from sandbox.tenants.graph.errors import Detail, bad_request, malformed, not_found, unknown_property
from sandbox.tenants.graph.listing import count_text, listed, paged_ids, read_filter
from sandbox.tenants.graph.quota import need_room
from sandbox.tenants.graph.resources import BY_KIND, GROUPS, USERS, columns, columns_of, context_suffix, rendered, typed
from sandbox.tenants.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.tenants.directory.view import View
    from sandbox.tenants.wire import JsonObject

_REQUIRED = ("displayName", "mailEnabled", "mailNickname", "securityEnabled")
_MOST_BOUND = 20
_BIND = "members@odata.bind"


def list_groups(call: Call) -> Reply:
    """GET /groups."""
    chosen = columns(call, GROUPS)
    context = call.context(context_suffix(call, GROUPS))
    return listed(call, GROUPS, f"{call.root}/groups", lambda version, _: rendered(version, chosen), context)


def count_groups(call: Call) -> Reply:
    """GET /groups/$count."""
    return count_text(call, GROUPS)


def get_group(call: Call) -> Reply:
    """GET /groups/{id}."""
    chosen = columns(call, GROUPS)
    group = call.readable(call.parameters["id"], Kind.GROUP)
    value: JsonObject = {"@odata.context": call.context(f"{context_suffix(call, GROUPS)}/$entity")}
    value.update(rendered(group, chosen))
    return Reply(200, value)


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, raw in body.items():
        if name.startswith("@odata.") or name == _BIND:
            continue
        row = table.GROUP.get(name)
        if row is None:
            raise unknown_property(name, "Group")
        if row.access is Access.READ_ONLY:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        try:
            values[name] = checked(row, raw)
        except InvalidValueError as error:
            raise bad_request(str(error), Detail("InvalidValue", name, str(error))) from None
    return values


def _bound(call: Call, body: Mapping[str, Any]) -> list[str]:
    addresses = body.get(_BIND, [])
    if not isinstance(addresses, list) or len(addresses) > _MOST_BOUND:
        raise bad_request(f"'{_BIND}' must hold at most {_MOST_BOUND} references.")
    return [_member(call, str(address).rstrip("/").rpartition("/")[2]).id for address in addresses]


def create_group(call: Call) -> Reply:
    """POST /groups."""
    body = call.body()
    for name in _REQUIRED:
        if body.get(name) is None:
            raise bad_request(
                "A required property is missing.",
                Detail("MissingProperty", name, f"Property '{name}' is required for a group."),
            )
    members = _bound(call, body)
    values = {"groupTypes": [], "createdDateTime": timestamp(call.now), **_checked(body)}
    need_room(call)
    group = call.tenant.directory.create(Kind.GROUP, values, call.actor)
    for member in members:
        call.tenant.directory.set_member(group, member, call.actor, present=True)
    shown = rendered(group, columns(call, GROUPS))
    return Reply(
        201,
        {"@odata.context": call.context("groups/$entity"), **shown},
        {"Location": f"{call.root}/groups/{group.id}"},
    )


def patch_group(call: Call) -> Reply:
    """PATCH /groups/{id}; members can be added with it, at most 20."""
    body = call.body()
    values = _checked(body)
    group = call.writable(call.parameters["id"], Kind.GROUP)
    members = _bound(call, body)
    for member in members:
        _refuse_member(call, group, member)
    if values:
        call.tenant.directory.update(group, values, call.actor)
    for member in members:
        call.tenant.directory.set_member(group, member, call.actor, present=True)
    return Reply(204)


def delete_group(call: Call) -> Reply:
    """DELETE /groups/{id}: to the bin."""
    group = call.writable(call.parameters["id"], Kind.GROUP)
    call.tenant.directory.soft_delete(group, call.actor)
    return Reply(204)


# --- members -----------------------------------------------------------------------------------


def list_members(call: Call) -> Reply:
    """GET /groups/{id}/members."""
    return _members(call, transitive=False, kind=None)


def list_user_members(call: Call) -> Reply:
    """GET /groups/{id}/members/microsoft.graph.user."""
    return _members(call, transitive=False, kind=Kind.USER)


def list_transitive_members(call: Call) -> Reply:
    """GET /groups/{id}/transitiveMembers."""
    return _members(call, transitive=True, kind=None)


def list_transitive_user_members(call: Call) -> Reply:
    """GET /groups/{id}/transitiveMembers/microsoft.graph.user."""
    return _members(call, transitive=True, kind=Kind.USER)


def _members(call: Call, *, transitive: bool, kind: Kind | None) -> Reply:
    group = call.readable(call.parameters["id"], Kind.GROUP)
    name = "transitiveMembers" if transitive else "members"
    cast = "" if kind is None else f"/{kind.type_name}"
    wanted = read_filter(call, USERS) if kind is Kind.USER else None
    if kind is None and call.query.get("$filter"):
        raise malformed("A filter on members needs a cast to their type.")

    def ids(view: View) -> list[str]:
        members = view.transitive_members(group.id) if transitive else view.members(group.id)
        live = (view.live.get(member) for member in members)
        return [
            member.id
            for member in live
            if member is not None
            and (kind is None or member.kind is kind)
            and (wanted is None or wanted.matches(member.properties))
        ]

    advanced = call.eventual and (call.query.count or wanted is not None)
    page, view, envelope = paged_ids(
        call,
        f"{call.root}/groups/{group.id}/{name}{cast}",
        f"{name}{cast}:{group.id}",
        ids,
        SEARCH_INDEX if advanced else call.replica,
    )
    suffix = "directoryObjects" if kind is None else context_suffix(call, BY_KIND[kind])
    value: JsonObject = {"@odata.context": call.context(suffix), **envelope}
    value["value"] = [_item(call, view.live[member], cast=bool(cast)) for member in page]
    return Reply(200, value)


def _item(call: Call, member: Version, *, cast: bool) -> JsonObject:
    resource = BY_KIND[member.kind]
    names = call.query.select
    if names is not None and not cast:  # a selection may name properties of either type
        names = tuple(name for name in names if name in resource.properties or name.startswith("extension_"))
        names = names or ("id",)
    chosen = columns_of(call, resource, names)
    return rendered(member, chosen) if cast else typed(member, chosen)


def _member(call: Call, key: str) -> Version:
    directory = call.tenant.directory
    seen = directory.replicas.for_write(call.now).get(key.lower())
    found = None if seen is None else directory.live(seen.id)
    if found is None:
        raise not_found(key)
    return found


def _refuse_member(call: Call, group: Version, member: str) -> None:
    if member == group.id:
        raise bad_request("A group cannot be a member of itself.")
    if member in call.tenant.directory.replicas.truth.members(group.id):
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'members'."
        )


def add_member(call: Call) -> Reply:
    """POST /groups/{id}/members/$ref."""
    reference = call.reference()
    group = call.writable(call.parameters["id"], Kind.GROUP)
    member = _member(call, reference)
    _refuse_member(call, group, member.id)
    call.tenant.directory.set_member(group, member.id, call.actor, present=True)
    return Reply(204)


def remove_member(call: Call) -> Reply:
    """DELETE /groups/{id}/members/{memberId}/$ref."""
    group = call.writable(call.parameters["id"], Kind.GROUP)
    member = call.parameters["memberId"].lower()
    if member not in call.tenant.directory.replicas.truth.members(group.id):
        raise not_found(member)
    call.tenant.directory.set_member(group, member, call.actor, present=False)
    return Reply(204)
