"""Lists of objects: filter, order, count and pages, from a replica or from the advanced index.

A page's continuation stays on the replica it began on, and names the last object it gave by its place
in the list, so objects that come or go meanwhile shift nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from sandbox.tenants.directory.keys import INDEXED_NAMES
from sandbox.tenants.graph.call import SEARCH_INDEX
from sandbox.tenants.graph.errors import GraphError, malformed, unsupported_query
from sandbox.tenants.odata import filters
from sandbox.tenants.odata.filter_parser import parse
from sandbox.tenants.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sandbox.tenants.directory.model import Version
    from sandbox.tenants.directory.view import View
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.graph.resources import Resource
    from sandbox.tenants.wire import JsonObject

_COLLECTIONS = frozenset({"otherMails", "proxyAddresses", "businessPhones", "imAddresses", "groupTypes"})
_UNFILTERABLE = frozenset(
    {"identities", "passwordProfile", "employeeOrgData", "onPremisesExtensionAttributes", "aboutMe", "skills"}
    | {"assignedLicenses", "assignedPlans", "signInActivity", "customSecurityAttributes"}
)
_SORTABLE = frozenset({"displayName", "userPrincipalName", "createdDateTime", "mail"})


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed `$filter`, ready to run."""

    expression: filters.Expression
    matches: filters.Predicate
    advanced: bool


@lru_cache(maxsize=512)
def _parsed(text: str) -> Filter:
    expression = parse(text)
    return Filter(expression, filters.compiled(expression), filters.is_advanced(expression))


def read_filter(call: Call, resource: Resource) -> Filter | None:
    """The call's filter; Graph's 400 where it is wrong or not supported."""
    text = call.query.get("$filter")
    if not text:
        return None
    try:
        found = _parsed(text)
    except filters.FilterError as error:
        if error.syntax:
            raise malformed(f"Invalid filter clause: {error}") from None
        raise unsupported_query(str(error)) from None
    _check_names(call, resource, found.expression)
    if found.advanced:
        _require_advanced(call)
    return found


def _check_names(call: Call, resource: Resource, expression: filters.Expression) -> None:
    collections = _any_names(expression)
    for name in filters.names(expression):
        known = name in resource.properties or (
            name.startswith("extension_") and call.world.extension(call.tenant, name) is not None
        )
        if not known:
            raise malformed(
                f"Invalid filter clause: Could not find a property named '{name}' on type '{resource.kind.type_name}'."
            )
        if name in _UNFILTERABLE or (name in _COLLECTIONS) != (name in collections):
            raise unsupported_query(f"Unsupported property filter clause for property '{name}'.")


def _any_names(expression: filters.Expression) -> set[str]:
    match expression:
        case filters.AnyItem(name, _):
            return {name}
        case filters.Not(inner):
            return _any_names(inner)
        case filters.Both(left, right) | filters.Either(left, right):
            return _any_names(left) | _any_names(right)
        case _:
            return set()


def _require_advanced(call: Call) -> None:
    if not (call.eventual and call.query.count):
        raise unsupported_query(
            "The query needs the advanced index: set $count=true and the header ConsistencyLevel: eventual."
        )


def _sorting(call: Call, *, filtered: bool) -> tuple[str, bool] | None:
    text = call.query.get("$orderby")
    if not text:
        return None
    name, _, direction = text.strip().partition(" ")
    if name not in _SORTABLE or direction.strip().lower() not in {"", "asc", "desc"}:
        raise unsupported_query("Sorting by this property is not supported.")
    if filtered:
        _require_advanced(call)
    return name, direction.strip().lower() == "desc"


def _indexed(name: str) -> bool:
    return name in INDEXED_NAMES or name.startswith("extension_")


def _candidates(view: View, resource: Resource, wanted: Filter, after: int) -> Iterator[Version]:
    keys = filters.keys(wanted.expression, _indexed)
    if keys is None:
        for version in view.after(resource.kind, after):
            if wanted.matches(version.properties):
                yield version
        return
    found: dict[int, Version] = {}
    for name, value in keys:
        hits = [view.live.get(value.lower())] if name == "id" else view.by_key(name, value)
        for hit in hits:
            if hit is not None and hit.kind is resource.kind and hit.serial > after:
                found[hit.serial] = hit
    for serial in sorted(found):
        if wanted.matches(found[serial].properties):
            yield found[serial]


def listed(
    call: Call, resource: Resource, address: str, render: Callable[[Version, View], JsonObject], context: str
) -> Reply:
    """One page of a whole entity set."""
    _refuse_unsupported(call)
    wanted = read_filter(call, resource)
    sorting = _sorting(call, filtered=wanted is not None)
    size = call.page_size()
    # Only advanced queries need the index; a plain list is answered by a replica whatever the header says.
    replica = SEARCH_INDEX if call.eventual and (call.query.count or wanted is not None) else call.replica
    after = 0
    token = call.query.get("$skiptoken")
    if token is not None:
        after, replica = _continued(call, resource, token)
    view = call.view(replica)

    def matching(behind: int) -> Iterable[Version]:
        if wanted is None:
            return view.after(resource.kind, behind)
        return _candidates(view, resource, wanted, behind)

    if sorting is None:
        page = list(islice(matching(after), size + 1))
        position = page[size - 1].serial if len(page) > size else 0
    else:
        name, descending = sorting
        ordered = sorted(
            matching(0), key=lambda version: str(version.properties.get(name, "")).lower(), reverse=descending
        )
        page = ordered[after : after + size + 1]
        position = after + size
    value: JsonObject = {"@odata.context": context}
    if call.query.count and call.eventual:
        counted = view.count(resource.kind) if wanted is None else sum(1 for _ in matching(0))
        value["@odata.count"] = counted
    if len(page) > size:
        state = {"k": resource.segment, "t": call.tenant.id, "p": position, "r": replica}
        value["@odata.nextLink"] = call.query.link(address, "$skiptoken", call.world.mint.make(state))
    value["value"] = [render(version, view) for version in page[:size]]
    return Reply(200, value)


def count_text(call: Call, resource: Resource) -> Reply:
    """The number of objects as text, which Graph gives only from the advanced index."""
    if not call.eventual:
        raise unsupported_query("$count needs the header ConsistencyLevel: eventual.")
    view = call.view(SEARCH_INDEX)
    text = call.query.get("$filter")
    if not text:
        return Reply(200, str(view.count(resource.kind)), text=True)
    try:
        wanted = _parsed(text)
    except filters.FilterError as error:
        raise unsupported_query(str(error)) from None
    _check_names(call, resource, wanted.expression)
    return Reply(200, str(sum(1 for _ in _candidates(view, resource, wanted, 0))), text=True)


def paged_ids(
    call: Call, address: str, subject: str, ids: Callable[[View], list[str]], replica: int
) -> tuple[list[str], View, JsonObject]:
    """One page of a list of ids (members and the like): the page, its view, and the envelope's start."""
    _refuse_unsupported(call)
    size = call.page_size()
    start = 0
    token = call.query.get("$skiptoken")
    if token is not None:
        state = call.world.mint.read(token)
        if state is None or state.get("k") != subject or state.get("t") != call.tenant.id:
            raise _expired()
        start, replica = state["p"], state["r"]
    view = call.view(replica)
    found = ids(view)
    envelope: JsonObject = {}
    if call.query.count and call.eventual:
        envelope["@odata.count"] = len(found)
    if len(found) > start + size:
        state = {"k": subject, "t": call.tenant.id, "p": start + size, "r": replica}
        envelope["@odata.nextLink"] = call.query.link(address, "$skiptoken", call.world.mint.make(state))
    return found[start : start + size], view, envelope


def _continued(call: Call, resource: Resource, token: str) -> tuple[int, int]:
    state: dict[str, Any] | None = call.world.mint.read(token)
    if state is None or state.get("k") != resource.segment or state.get("t") != call.tenant.id:
        raise _expired()
    return state["p"], state["r"]


def _expired() -> GraphError:
    return GraphError(400, "Directory_ExpiredPageToken", "The specified page token value is not valid any more.")


def _refuse_unsupported(call: Call) -> None:
    if call.query.get("$skip") is not None:
        raise unsupported_query("'$skip' is not supported by the service.")
    if call.query.get("$search") is not None:
        raise unsupported_query("'$search' is not supported on this resource.")
