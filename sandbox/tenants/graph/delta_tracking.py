"""What a delta round follows, and how its tokens keep that: options count on the first request only.

Graph's refusals for options and tokens are here; pages are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.tenants.directory.model import Kind
from sandbox.tenants.graph.errors import GraphError, bad_request, unsupported_query
from sandbox.tenants.graph.resources import Columns, Resource, columns_of

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject

_DAY = 24 * 3600.0
_GONE_AFTER = 7 * _DAY
_REFUSED_AFTER = 30 * _DAY
_MOST_IDS = 50
_ID_FILTER = re.compile(r"\s*id\s+eq\s+'([0-9a-fA-F-]{36})'\s*", re.IGNORECASE)
_RELATION = {Kind.USER: "manager", Kind.GROUP: "members"}
_REFUSED_OPTIONS = ("$expand", "$top", "$orderby", "$search", "$skip", "$count")


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a round follows, fixed by its first request."""

    resource: Resource
    select: tuple[str, ...] | None
    ids: tuple[str, ...] | None
    chosen: Columns
    relation: bool  # whether manager or members are followed

    def state(self) -> JsonObject:
        """What a token keeps of it."""
        return {"k": self.resource.segment, "s": self.select, "i": self.ids}


def tracking_of(call: Call, resource: Resource) -> Tracking:
    """What a first request asks to follow; 400 for options that delta does not know."""
    for option in _REFUSED_OPTIONS:
        if call.query.get(option) is not None:
            raise unsupported_query(f"'{option}' is not supported for delta.")
    text = call.query.get("$filter")
    ids: tuple[str, ...] | None = None
    if text:
        found = [_ID_FILTER.fullmatch(part) for part in re.split(r"\bor\b", text, flags=re.IGNORECASE)]
        ids = tuple(match[1].lower() for match in found if match is not None)
        if len(ids) != len(found):
            raise unsupported_query("Delta can only be filtered by id.")
        if len(ids) > _MOST_IDS:
            raise unsupported_query(f"Delta can be filtered by at most {_MOST_IDS} ids.")
    return tracked(call, resource, call.query.select, ids)


def tracked(call: Call, resource: Resource, select: tuple[str, ...] | None, ids: tuple[str, ...] | None) -> Tracking:
    """The same from a selection and ids, as a token keeps them."""
    relation = _RELATION[resource.kind]
    names = None if select is None else tuple(name for name in select if name != relation)
    # members come by default; a manager must be asked for
    follows = relation in select if select is not None else resource.kind is Kind.GROUP
    chosen = columns_of(call, resource, (*names, "id") if names is not None else None)
    return Tracking(
        resource,
        None if select is None else tuple(select),
        None if ids is None else tuple(ids),
        chosen,
        follows,
    )


def read_token(call: Call, resource: Resource, address: str, token: str) -> JsonObject:
    """A token's state; 400 if it is none of ours here, 410 after seven days."""
    state = call.world.mint.read(token)
    if state is None or state.get("k") != resource.segment or "m" not in state:
        raise bad_request("Badly formed token.")
    if state["t"] != call.tenant.id or state["a"] != call.caller.app_id:
        raise bad_request("The token does not belong to this application in this tenant.")
    age = call.now - state["at"]
    if age > _REFUSED_AFTER:
        raise unsupported_query("DeltaLink older than 30 days is not supported.")
    if age > _GONE_AFTER:
        raise GraphError(
            410,
            "syncStateNotFound",
            "The sync state is not found: a new round must be started.",
            headers={"Location": f"{address}?$deltatoken="},
        )
    return state
