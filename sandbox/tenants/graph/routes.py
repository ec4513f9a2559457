"""The table of Graph's operations: method, path, handler, permissions and cost.

An operation's name, as counters and faults use it, is its method and its path template. Costs are in
resource units and writes, as Graph's throttling documentation lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

from sandbox.tenants.graph import (
    applications,
    authorization,
    catalog,
    deleted_items,
    delta,
    groups,
    invitations,
    policies,
    subscriptions,
    user_writes,
    users,
)
from sandbox.tenants.graph import permissions as needs
from sandbox.tenants.graph.call import Call
from sandbox.tenants.wire import HandlerResult

if TYPE_CHECKING:
    from sandbox.tenants.odata.query import Query

Handler: TypeAlias = Callable[[Call], HandlerResult]

_FUNCTION = re.compile(r"([A-Za-z.]+)\((.*)\)\Z")
_NARROW_PAGE = 20


@dataclass(frozen=True, slots=True)
class Route:
    """One operation."""

    method: str
    template: str
    handler: Handler
    requirement: needs.Requirement
    units: int
    writes: int

    @property
    def operation(self) -> str:
        """The operation's name."""
        return f"{self.method} {self.template}"

    def cost(self, query: Query) -> int:
        """Resource units of one request."""
        units = self.units
        if query.select is not None:
            units -= 1
        top = query.get("$top")
        if top is not None and top.isdecimal() and int(top) < _NARROW_PAGE:
            units -= 1
        if query.get("$expand"):
            units += 1
        return max(units, 1)


def _get(template: str, handler: Handler, requirement: needs.Requirement, units: int = 1) -> Route:
    return Route("GET", template, handler, requirement, units, 0)


def _ask(template: str, handler: Handler, requirement: needs.Requirement, units: int) -> Route:
    return Route("POST", template, handler, requirement, units, 0)


def _write(method: str, template: str, handler: Handler, requirement: needs.Requirement) -> Route:
    return Route(method, template, handler, requirement, 1, 1)


def _apart(method: str, template: str, handler: Handler) -> Route:
    """An operation of the subscription service, which has limits of its own and checks roles itself."""
    return Route(method, template, handler, needs.NOTHING, 1, 0)


_AUTHORIZATION = "/policies/authorizationPolicy"
_POLICY = "/policies/crossTenantAccessPolicy"
_PARTNERS = _POLICY + "/partners"
_SYNC = _PARTNERS + "/{id}/identitySynchronization"
_CREDENTIALS = "/applications/{id}/federatedIdentityCredentials"
_ASSIGNMENTS = "/servicePrincipals/{id}/appRoleAssignments"
_BIN = "/directory/deletedItems"

ROUTES: tuple[Route, ...] = (
    _get("/users", users.list_users, needs.READ_USERS, 2),
    _get("/users/$count", users.count_users, needs.READ_USERS, 2),
    _get("/users/delta", delta.users_delta, needs.READ_USERS),
    _get("/users/{id}", users.get_user, needs.READ_USERS, 2),
    _get("/users/{id}/manager", users.get_manager, needs.READ_USERS),
    _get("/users/{id}/directReports", users.list_direct_reports, needs.READ_USERS),
    _get("/users/{id}/memberOf", users.list_member_of, needs.READ_USERS_AND_GROUPS, 2),
    _get("/users/{id}/transitiveMemberOf", users.list_transitive_member_of, needs.READ_USERS_AND_GROUPS, 2),
    _get("/users/{id}/photo/$value", users.photo, needs.READ_USERS),
    _ask("/users/{id}/checkMemberGroups", users.check_member_groups, needs.READ_USERS_AND_GROUPS, 4),
    _ask("/users/{id}/getMemberGroups", users.get_member_groups, needs.READ_USERS_AND_GROUPS, 2),
    _ask("/directoryObjects/getByIds", users.get_by_ids, needs.READ_ANY, 5),
    _get("/directoryObjects/{id}", users.get_directory_object, needs.READ_ANY),
    _write("POST", "/users", user_writes.create_user, needs.CREATE_USERS),
    _write("PATCH", "/users/{id}", user_writes.patch_user, needs.NOTHING),
    _write("DELETE", "/users/{id}", user_writes.delete_user, needs.DELETE_USERS),
    _write("PUT", "/users/{id}/photo/$value", users.photo, needs.CREATE_USERS),
    _write("PUT", "/users/{id}/manager/$ref", user_writes.put_manager, needs.SET_MANAGER),
    _write("DELETE", "/users/{id}/manager/$ref", user_writes.delete_manager, needs.SET_MANAGER),
    _get("/groups", groups.list_groups, needs.READ_GROUPS),
    _get("/groups/$count", groups.count_groups, needs.READ_GROUPS),
    _get("/groups/delta", delta.groups_delta, needs.READ_GROUPS),
    _get("/groups/{id}", groups.get_group, needs.READ_GROUPS),
    _write("POST", "/groups", groups.create_group, needs.CREATE_GROUPS),
    _write("PATCH", "/groups/{id}", groups.patch_group, needs.WRITE_GROUPS),
    _write("DELETE", "/groups/{id}", groups.delete_group, needs.WRITE_GROUPS),
    _get("/groups/{id}/members", groups.list_members, needs.READ_GROUPS, 3),
    _get("/groups/{id}/members/microsoft.graph.user", groups.list_user_members, needs.READ_GROUPS, 3),
    _get("/groups/{id}/transitiveMembers", groups.list_transitive_members, needs.READ_GROUPS, 5),
    _get(
        "/groups/{id}/transitiveMembers/microsoft.graph.user",
        groups.list_transitive_user_members,
        needs.READ_GROUPS,
        5,
    ),
    _write("POST", "/groups/{id}/members/$ref", groups.add_member, needs.WRITE_MEMBERS),
    _write("DELETE", "/groups/{id}/members/{memberId}/$ref", groups.remove_member, needs.WRITE_MEMBERS),
    # Invitations answer a missing permission in their own way.
    _write("POST", "/invitations", invitations.invite, needs.NOTHING),
    _get(_BIN, deleted_items.list_without_cast, needs.READ_ANY),
    _get(_BIN + "/microsoft.graph.user", deleted_items.list_deleted_users, needs.READ_DELETED_USERS),
    _get(_BIN + "/microsoft.graph.group", deleted_items.list_deleted_groups, needs.READ_DELETED_GROUPS),
    _get(_BIN + "/{id}", deleted_items.get_deleted, needs.READ_DELETED_USERS),
    _write("POST", _BIN + "/{id}/restore", deleted_items.restore, needs.DELETE_USERS),
    _write("DELETE", _BIN + "/{id}", deleted_items.purge, needs.DELETE_USERS),
    _apart("GET", "/subscriptions", subscriptions.list_all),
    _apart("POST", "/subscriptions", subscriptions.create),
    _apart("GET", "/subscriptions/{id}", subscriptions.get),
    _apart("PATCH", "/subscriptions/{id}", subscriptions.renew),
    _apart("DELETE", "/subscriptions/{id}", subscriptions.delete),
    _apart("POST", "/subscriptions/{id}/reauthorize", subscriptions.reauthorize),
    _get(_AUTHORIZATION, authorization.get_authorization, needs.READ_AUTHORIZATION),
    _write("PATCH", _AUTHORIZATION, authorization.patch_authorization, needs.WRITE_AUTHORIZATION),
    _get(_POLICY, policies.get_policy, needs.READ_POLICIES),
    _get(_POLICY + "/default", policies.get_default, needs.READ_POLICIES),
    _write("PATCH", _POLICY + "/default", policies.patch_default, needs.WRITE_POLICIES),
    _get(_PARTNERS, policies.list_partners, needs.READ_POLICIES),
    _get(_PARTNERS + "/{id}", policies.get_partner, needs.READ_POLICIES),
    _write("POST", _PARTNERS, policies.create_partner, needs.WRITE_POLICIES),
    _write("PATCH", _PARTNERS + "/{id}", policies.patch_partner, needs.WRITE_POLICIES),
    _write("DELETE", _PARTNERS + "/{id}", policies.delete_partner, needs.WRITE_POLICIES),
    _get(_SYNC, policies.get_synchronization, needs.READ_POLICIES),
    _write("PUT", _SYNC, policies.put_synchronization, needs.WRITE_POLICIES),
    _write("PATCH", _SYNC, policies.patch_synchronization, needs.WRITE_POLICIES),
    _write("DELETE", _SYNC, policies.delete_synchronization, needs.WRITE_POLICIES),
    _get("/organization", catalog.list_organization, needs.READ_ORGANIZATION),
    _get("/domains", catalog.list_domains, needs.READ_DOMAINS),
    _get("/applications", applications.list_applications, needs.READ_APPLICATIONS, 2),
    _write("POST", "/applications", applications.create_application, needs.WRITE_APPLICATIONS),
    _write("PATCH", "/applications/{id}", applications.patch_application, needs.WRITE_APPLICATIONS),
    _get("/applications/{id}", applications.get_application, needs.READ_APPLICATIONS, 2),
    _get("/applications/{id}/extensionProperties", applications.list_extensions, needs.READ_APPLICATIONS, 2),
    _write("POST", "/applications/{id}/extensionProperties", applications.create_extension, needs.WRITE_APPLICATIONS),
    _get(_CREDENTIALS, applications.list_credentials, needs.READ_APPLICATIONS, 2),
    _write("POST", _CREDENTIALS, applications.create_credential, needs.WRITE_APPLICATIONS),
    _write("PATCH", _CREDENTIALS + "/{name}", applications.patch_credential, needs.WRITE_APPLICATIONS),
    _get("/servicePrincipals", applications.list_principals, needs.READ_APPLICATIONS),
    _write("POST", "/servicePrincipals", applications.create_principal, needs.WRITE_APPLICATIONS),
    _get("/servicePrincipals/{id}", applications.get_principal, needs.READ_APPLICATIONS),
    _get(_ASSIGNMENTS, applications.list_assignments, needs.READ_APPLICATIONS, 2),
    _write("POST", _ASSIGNMENTS, applications.create_assignment, needs.CONSENT),
)


BETA_ROUTES: tuple[Route, ...] = (_get("/organization", catalog.list_beta_organization, needs.READ_ORGANIZATION),)
"""What Graph documents in its beta version alone, as far as it is needed here."""


@dataclass(frozen=True, slots=True)
class Found:
    """A route and what its path's placeholders hold."""

    route: Route
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class NotFound:
    """No route: `known` if another method would have one, `segment` the first unknown segment."""

    known: bool
    segment: str


class Router:
    """Finds the route of a path; literals go before placeholders."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        self._by_size: dict[int, list[tuple[tuple[str, ...], Route]]] = {}
        for route in sorted(routes, key=lambda route: route.template.count("{")):
            parts = tuple(part if part[0] == "{" else part.lower() for part in route.template[1:].split("/"))
            self._by_size.setdefault(len(parts), []).append((parts, route))
        self._roots = {parts[0] for found in self._by_size.values() for parts, _ in found}

    def find(self, method: str, path: str) -> Found | NotFound:
        """The route for a path below the version root, still percent-encoded."""
        segments = _segments(path)
        known = False
        for parts, route in self._by_size.get(len(segments), ()):
            parameters = _matched(parts, segments)
            if parameters is None:
                continue
            if route.method == method:
                return Found(route, parameters)
            known = True
        bad = segments[0] if segments and segments[0].lower() not in self._roots else segments[-1] if segments else ""
        return NotFound(known, bad)


def _segments(path: str) -> list[str]:
    segments: list[str] = []
    for raw in path.strip("/").split("/"):
        segment = unquote(raw)
        call = _FUNCTION.match(segment)
        if call is not None:
            segments.append(_named(call[1]))
            if call[2]:
                segments.append(call[2].replace("'", ""))
        else:
            segments.append(_named(segment))
    return segments


def _named(segment: str) -> str:
    """Types and functions may carry a namespace; a type keeps it whole, a function loses it."""
    lower = segment.lower()
    for prefix in ("microsoft.graph.", "graph."):
        if lower.startswith(prefix):
            name = segment[len(prefix) :]
            return f"microsoft.graph.{name.lower()}" if name.lower() in {"user", "group"} else name
    return segment


def _matched(parts: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part[0] == "{":
            parameters[part[1:-1]] = segment
        elif part != segment.lower():
            return None
    return parameters
