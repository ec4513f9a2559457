"""One authenticated call: who asks, what, in which tenant, and which replica answers.

Handlers get everything they may use from here. It decides nothing about an operation.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.tenants.directory.model import Kind, Version
from sandbox.tenants.graph.errors import bad_request, malformed, not_found
from sandbox.tenants.odata.query import Query, QueryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.tenants.directory.view import View
    from sandbox.tenants.wire import JsonObject, Request
    from sandbox.tenants.world import Tenant, World

GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_REFERENCE = re.compile(r"https?://[^/]+/(?:v1\.0|beta)/(?:[^/]+/)*([^/?]+)/?\Z")
SEARCH_INDEX = -1


@dataclass(frozen=True, slots=True)
class Caller:
    """What the token says: the app, its principal in the tenant, its application permissions."""

    app_id: str
    principal_id: str
    roles: frozenset[str]


@dataclass(slots=True)
class Call:
    """One call on its way through a handler."""

    world: World
    tenant: Tenant
    caller: Caller
    request: Request
    parameters: Mapping[str, str]
    query: Query
    _replica: int | None = field(default=None)

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.world.now()

    @property
    def root(self) -> str:
        """The version root's address, on the base that the caller used."""
        return f"{self.request.base}/v1.0"

    @property
    def actor(self) -> str:
        """Who the journal names."""
        return self.caller.app_id

    @property
    def eventual(self) -> bool:
        """Whether the caller accepts the advanced index."""
        return self.request.headers.get("consistencylevel", "").lower() == "eventual"

    @property
    def replica(self) -> int:
        """The replica that answers this call's reads, chosen once."""
        if self._replica is None:
            self._replica = self.tenant.directory.replicas.pick()
        return self._replica

    def view(self, replica: int | None = None) -> View:
        """The directory as the call's replica, a given one, or the search index sees it."""
        replicas = self.tenant.directory.replicas
        if replica == SEARCH_INDEX:
            return replicas.search(self.now)
        return replicas.read(self.replica if replica is None else replica, self.now)

    def context(self, suffix: str) -> str:
        """An `@odata.context` address."""
        return f"{self.root}/$metadata#{suffix}"

    def prefers(self, preference: str) -> bool:
        """Whether the Prefer header names it."""
        named = self.request.headers.get("prefer", "").lower().split(",")
        return preference in (part.strip() for part in named)

    # --- bodies ----------------------------------------------------------------------------------

    def body(self) -> JsonObject:
        """The JSON object in the body; 400 if there is none."""
        if not self.request.body:
            raise malformed("Empty Payload. JSON content expected.")
        kind = self.request.headers.get("content-type", "")
        if kind and "json" not in kind.lower():
            raise malformed("Write requests must carry JSON: the content type is not supported.")
        try:
            value = json.loads(self.request.body)
        except ValueError:
            raise malformed("Unable to read JSON request payload. Please ensure it is valid JSON.") from None
        if not isinstance(value, dict):
            raise malformed("Unable to read JSON request payload: an object is expected.")
        return value

    def reference(self) -> str:
        """The id in a body of the form {"@odata.id": "…/users/{id}"}; 400 if it is none."""
        address = self.body().get("@odata.id")
        found = _REFERENCE.match(address) if isinstance(address, str) else None
        if found is None:
            raise bad_request("The reference in '@odata.id' is not a valid resource address.")
        return found[1]

    # --- objects ---------------------------------------------------------------------------------

    def readable(self, key: str, kind: Kind, view: View | None = None) -> Version:
        """The object on this call's replica, by id or a user's principal name; 404 if it is not there."""
        found = find(view or self.view(), key, kind)
        if found is None:
            raise not_found(key)
        return found

    def writable(self, key: str, kind: Kind) -> Version:
        """The true object for a write, if the replica that checks the write knows it; 404 else."""
        directory = self.tenant.directory
        seen = find(directory.replicas.for_write(self.now), key, kind)
        found = None if seen is None else directory.live(seen.id, kind)
        if found is None:
            raise not_found(key)
        return found

    def page_size(self, default: int = 100, most: int = 999) -> int:
        """`$top`, checked; 400 out of range."""
        try:
            return self.query.top(default, most)
        except QueryError as error:
            raise bad_request(str(error)) from None


def find(view: View, key: str, kind: Kind) -> Version | None:
    """A live object by id, or a user by principal name."""
    if GUID.match(key):
        return view.get(key.lower(), kind)
    if kind is Kind.USER:
        named = view.by_key("userPrincipalName", key)
        return named[0] if named else None
    return None


def strings(body: Mapping[str, Any], name: str, most: int) -> list[str]:
    """A list of 1 to `most` texts in a body; 400 if it is none."""
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_request(f"'{name}' must be a collection of strings.")
    if not 1 <= len(value) <= most:
        raise bad_request(f"'{name}' must hold between 1 and {most} values.")
    return value
