"""Delta for users and groups: rounds over everything, and rounds over what the journal holds since.

A round's state is in its token. The first round reads the truth, so that nothing can fall between it and
the journal position it ends with; later rounds walk the journal and may name an object on several pages.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.tenants.directory.directory import changes_between
from sandbox.tenants.directory.model import Change, ChangeKind, Kind, Version
from sandbox.tenants.graph.delta_tracking import Tracking, read_token, tracked, tracking_of
from sandbox.tenants.graph.resources import GROUPS, USERS, Columns, Resource
from sandbox.tenants.wire import Reply

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject


@dataclass(slots=True)
class _Facts:
    """What the walked part of the journal says about one object."""

    names: set[str] = field(default_factory=set)
    whole: bool = False  # created or restored: everything counts as changed
    removed: bool = False
    manager: bool = False
    former_manager: str | None = None
    members: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Page:
    items: list[JsonObject]
    more: JsonObject | None  # the state of the next page, or None at the end of the round
    until: int  # the journal position that the round ends with


def users_delta(call: Call) -> Reply:
    """GET /users/delta."""
    return _delta(call, USERS)


def groups_delta(call: Call) -> Reply:
    """GET /groups/delta."""
    return _delta(call, GROUPS)


def _delta(call: Call, resource: Resource) -> Reply:
    address = f"{call.root}/{resource.segment}/delta"
    token = call.query.get("$skiptoken") or call.query.get("$deltatoken")
    now = _visible(call)
    if token is None or token == "latest":
        tracking = tracking_of(call, resource)
        if token is not None:
            return _reply(call, address, tracking, _Page([], None, now))
        return _reply(call, address, tracking, _everything(call, tracking, {"p": 0, "o": 0, "n": now}))
    state = read_token(call, resource, address, token)
    tracking = tracked(call, resource, state["s"], state["i"])
    if state["m"] == "first":
        return _reply(call, address, tracking, _everything(call, tracking, state))
    if state["m"] == "since":
        state = {**state, "n": now}
    return _reply(call, address, tracking, _since(call, tracking, state["p"], state["n"]))


def _visible(call: Call) -> int:
    """How many journal entries delta shows by now."""
    changes = call.tenant.directory.changes
    return bisect_right(changes, call.now, key=lambda change: change.delta_visible_at)


# --- pages -------------------------------------------------------------------------------------


def _size(call: Call) -> int:
    """This page's room: mostly the whole of it, sometimes less, sometimes none."""
    settings, stream = call.world.config.delta, call.world.chance.stream("delta")
    if stream.random() < settings.empty_page_share:
        return 0
    if stream.random() < settings.short_page_share:
        return max(1, settings.page_size // 3)
    return settings.page_size


def _everything(call: Call, tracking: Tracking, state: JsonObject) -> _Page:
    """One page of the first round: live objects by their place, then what lies in the bin."""
    room = _size(call)
    truth = call.tenant.directory.replicas.truth
    items: list[JsonObject] = []
    place, offset = int(state["p"]), int(state["o"])
    if room == 0:
        return _Page([], {**state, "m": "first"}, state["n"])
    kind = tracking.resource.kind
    for version in truth.after(kind, place - 1 if offset else place):
        if tracking.ids is not None and version.id not in tracking.ids:
            place = version.serial
            continue
        if room <= 0:
            return _Page(items, {"m": "first", "p": place, "o": offset, "n": state["n"]}, state["n"])
        item = _shown(version, tracking.chosen)
        room -= 1
        if tracking.relation and kind is Kind.USER and (manager := truth.manager.get(version.id)):
            item["manager@delta"] = [{"@odata.type": Kind.USER.value, "id": manager}]
        if tracking.relation and kind is Kind.GROUP:
            members = list(truth.members(version.id))
            part = members[offset : offset + max(room, 1)]
            room -= len(part)
            if part:
                item["members@delta"] = [_link(call, member) for member in part]
            items.append(item)
            if offset + len(part) < len(members):  # the rest of a large group stands on the next page
                state = {"m": "first", "p": version.serial, "o": offset + len(part), "n": state["n"]}
                return _Page(items, state, state["n"])
            offset = 0
        else:
            items.append(item)
        place = version.serial
    items.extend(
        {"id": version.id, "@removed": {"reason": "changed"}}
        for version in truth.deleted.values()
        if version.kind is kind and (tracking.ids is None or version.id in tracking.ids)
    )
    return _Page(items, None, state["n"])


def _since(call: Call, tracking: Tracking, after: int, until: int) -> _Page:
    """One page of the journal in (after, until]."""
    room = _size(call)
    if room == 0 and after < until:
        return _Page([], {"m": "walk", "p": after, "n": until}, until)
    found: dict[str, _Facts] = {}
    links = 0
    position = after
    for change in changes_between(call.tenant.directory.changes, after, until):
        mine = change.object_kind is tracking.resource.kind and (
            tracking.ids is None or change.object_id in tracking.ids
        )
        if mine:
            if change.object_id not in found and len(found) + links >= room:
                break
            facts = found.setdefault(change.object_id, _Facts())
            _learn(facts, change)
            links += change.kind in {ChangeKind.MEMBER_ADDED, ChangeKind.MEMBER_REMOVED}
        position = change.sequence
        if links >= room:
            break
    items = [
        item for object_id, facts in found.items() if (item := _changed(call, tracking, object_id, facts)) is not None
    ]
    more = {"m": "walk", "p": position, "n": until} if position < until else None
    return _Page(items, more, until)


def _learn(facts: _Facts, change: Change) -> None:
    match change.kind:
        case ChangeKind.CREATE | ChangeKind.RESTORE:
            facts.whole = True
        case ChangeKind.UPDATE:
            facts.names.update(change.changed)
        case ChangeKind.DELETE | ChangeKind.PURGE:
            facts.removed = True
        case ChangeKind.MANAGER:
            facts.manager = True
            facts.former_manager = change.changed["manager"][0]
        case ChangeKind.MEMBER_ADDED | ChangeKind.MEMBER_REMOVED:
            facts.members[str(change.related)] = None


def _changed(call: Call, tracking: Tracking, object_id: str, facts: _Facts) -> JsonObject | None:
    """The entry for an object, or None where nothing that is tracked changed."""
    truth = call.tenant.directory.replicas.truth
    version = truth.live.get(object_id)
    if version is None:
        reason = "changed" if object_id in truth.deleted else "deleted"
        return {"id": object_id, "@removed": {"reason": reason}}
    followed = {name for name, _ in tracking.chosen}
    touched = facts.names & followed
    follows_manager = tracking.relation and tracking.resource.kind is Kind.USER
    follows_members = tracking.relation and tracking.resource.kind is Kind.GROUP
    manager = follows_manager and (facts.manager or facts.whole)
    members = follows_members and bool(facts.members or facts.whole)
    if not (touched or facts.whole or facts.removed or (follows_manager and facts.manager) or members):
        return None
    if call.prefers("return=minimal") and not facts.whole:
        item = {"id": version.id, **_minimal(call, version, touched, followed)}
    else:
        item = _shown(version, tracking.chosen)
        # What was cleared in this part of the journal shows as null, what was never set is left out.
        item.update({name: None for name in touched if name not in version.properties})
    if manager:
        links = _manager_links(truth.manager.get(object_id), facts.former_manager)
        if links:
            item["manager@delta"] = links
    if members:
        wanted = dict.fromkeys(truth.members(object_id)) if facts.whole else facts.members
        item["members@delta"] = [_member_link(call, object_id, member) for member in wanted]
    return item


def _minimal(call: Call, version: Version, touched: set[str], followed: set[str]) -> JsonObject:
    names = set(touched)
    types = {_extension_type(call, name) for name in touched} - {None}
    # Directory extensions come together: all of the data type of one that changed.
    names.update(name for name in followed if _extension_type(call, name) in types)
    return {name: version.properties.get(name) for name in sorted(names)}


def _extension_type(call: Call, name: str) -> str | None:
    if not name.startswith("extension_"):
        return None
    definition = call.world.extension(call.tenant, name)
    return None if definition is None else definition.data_type


def _shown(version: Version, chosen: Columns) -> JsonObject:
    properties = version.properties
    return {name: properties[name] for name, _ in chosen if name in properties}


def _manager_links(manager: str | None, former: str | None) -> list[JsonObject]:
    if manager is not None:
        return [{"@odata.type": Kind.USER.value, "id": manager}]
    if former is not None:
        return [{"@odata.type": Kind.USER.value, "id": former, "@removed": {"reason": "deleted"}}]
    return []


def _link(call: Call, member: str) -> JsonObject:
    directory = call.tenant.directory
    version = directory.live(member) or directory.deleted(member)
    kind = Kind.USER if version is None else version.kind
    return {"@odata.type": kind.value, "id": member}


def _member_link(call: Call, group: str, member: str) -> JsonObject:
    link = _link(call, member)
    if member not in call.tenant.directory.replicas.truth.members(group):
        link["@removed"] = {"reason": "deleted"}
    return link


def _reply(call: Call, address: str, tracking: Tracking, page: _Page) -> Reply:
    state: dict[str, Any] = {
        "t": call.tenant.id,
        "a": call.caller.app_id,
        "at": call.now,
        **tracking.state(),
    }
    select = tracking.select
    suffix = tracking.resource.segment if select is None else f"{tracking.resource.segment}({','.join(select)})"
    value: JsonObject = {"@odata.context": call.context(suffix)}
    if page.more is not None:
        token = call.world.mint.make({**state, **page.more})
        value["@odata.nextLink"] = f"{address}?$skiptoken={token}"
    else:
        token = call.world.mint.make({**state, "m": "since", "p": page.until})
        value["@odata.deltaLink"] = f"{address}?$deltatoken={token}"
    value["value"] = page.items
    minimal = call.prefers("return=minimal")
    return Reply(200, value, {"Preference-Applied": "return=minimal"} if minimal else {})
