"""Users and groups as Graph shows them: `$select`, defaults, expanded managers.

Rendering only reads a version's properties; a page of a thousand users is a thousand small dicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.tenants.directory import properties as table
from sandbox.tenants.directory.model import Kind
from sandbox.tenants.graph.errors import malformed, unsupported_query
from sandbox.tenants.odata.query import QueryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.tenants.directory.model import Version
    from sandbox.tenants.directory.view import View
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject

Columns: TypeAlias = tuple[tuple[str, Any], ...]

_RELATIONS = {
    Kind.USER: frozenset({"manager", "directReports", "memberOf", "transitiveMemberOf", "sponsors"}),
    Kind.GROUP: frozenset({"members", "owners", "memberOf", "transitiveMembers"}),
}


@dataclass(frozen=True, slots=True)
class Resource:
    """One entity set: its segment, its type, its properties."""

    kind: Kind
    segment: str
    properties: Mapping[str, table.Property]
    default: tuple[str, ...]


USERS = Resource(Kind.USER, "users", table.USER, table.USER_DEFAULT)
GROUPS = Resource(Kind.GROUP, "groups", table.GROUP, table.GROUP_DEFAULT)
BY_KIND = {Kind.USER: USERS, Kind.GROUP: GROUPS}


@lru_cache(maxsize=512)
def _columns(names: tuple[str, ...]) -> Columns:
    return tuple((name, table.EMPTY.get(name)) for name in names)


def columns(call: Call, resource: Resource, *, relations: frozenset[str] = frozenset()) -> Columns:
    """What `$select` asks for with the value each property has when it was never set; 400 if unknown.

    Names in `relations` are left for the caller to render.
    """
    return columns_of(call, resource, call.query.select, relations=relations)


def columns_of(
    call: Call,
    resource: Resource,
    select: tuple[str, ...] | None,
    *,
    relations: frozenset[str] = frozenset(),
) -> Columns:
    """The same for given names."""
    if select is None:
        return _columns(resource.default)
    if "*" in select:
        return _columns(tuple(resource.properties))
    names = tuple(dict.fromkeys(select))
    for name in names:
        if name in resource.properties or name in relations or name in _RELATIONS[resource.kind]:
            continue
        definition = call.world.extension(call.tenant, name) if name.startswith("extension_") else None
        if definition is None:
            raise malformed(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type '{resource.kind.type_name}'."
            )
    return _columns(tuple(name for name in names if name not in _RELATIONS[resource.kind]))


def rendered(version: Version, chosen: Columns) -> JsonObject:
    """The chosen properties of an object."""
    properties = version.properties
    return {name: properties.get(name, empty) for name, empty in chosen}


def typed(version: Version, chosen: Columns) -> JsonObject:
    """The same with its type, as in collections of directory objects."""
    return {"@odata.type": version.kind.value, **rendered(version, chosen)}


def context_suffix(call: Call, resource: Resource) -> str:
    """The part of `@odata.context` after "#" for a set of this resource."""
    select = call.query.select
    return resource.segment if select is None else f"{resource.segment}({','.join(select)})"


@dataclass(frozen=True, slots=True)
class Expansion:
    """`$expand=manager` with the columns it wants."""

    chosen: Columns

    def into(self, item: JsonObject, version: Version, view: View) -> None:
        """Put the manager into a rendered user, if there is one on this replica."""
        manager = view.get(view.manager.get(version.id, ""))
        if manager is not None:
            item["manager"] = typed(manager, self.chosen)


def expansion(call: Call) -> Expansion | None:
    """What a users call expands; 400 for anything but manager."""
    try:
        wanted = call.query.expand
    except QueryError as error:
        raise unsupported_query(str(error)) from None
    if wanted is None:
        return None
    name, select = wanted
    if name != "manager":
        raise unsupported_query(f"The relation '{name}' cannot be expanded here.")
    return Expansion(columns_of(call, USERS, select))
