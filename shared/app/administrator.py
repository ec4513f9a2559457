"""An administrator who is signed in to a tenant: whether it is the right one, and what Entra did not let them do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.core.fault_sizes import Fault, FaultSize
from shared.graph.client import STABLE, GraphRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shared.config.sync_file import Tenant
    from shared.graph.client import GraphClient

_YOUNG_WAITS: Final = (1, 2, 4, 8, 15, 30)
"""Seconds between tries; a minute in all. Entra mostly needs some seconds, and promises nothing."""

_NOT_FOUND: Final = frozenset({FaultSize.YOUNG, FaultSize.GONE})


class RefusedError(Exception):
    """Entra refused, or something stands in the way; the text tells a person what to do."""


class WrongTenantError(Exception):
    """The administrator is signed in to another tenant; the text names both."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody needs for a command: what it is about, in words, a role of theirs, permissions to consent to."""

    subject: str
    role: str
    permissions: tuple[str, ...]


class Administrator:
    """The person's way to one tenant, for one command."""

    def __init__(
        self,
        client: GraphClient,
        tenant: Tenant,
        rights: Rights,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`client` has the person's token; `sleep` takes seconds."""
        self._client = client
        self.tenant = tenant
        self._rights = rights
        self._sleep = sleep
        self._made: set[str] = set()  # ids of what this command made

    async def check_tenant(self) -> None:
        """Somebody who is signed in elsewhere would open a door that nobody knows of.

        Raises:
            WrongTenantError, RefusedError: it is another tenant, or could not be told.
        """
        [organization] = (await self.found("/organization?$select=id,displayName") or {})["value"]
        if str(organization["id"]).lower() != self.tenant.tenant_id.lower():
            raise WrongTenantError(
                f"you are signed in to {organization['displayName']} ({organization['id']}), and sync.yaml names"
                f" {self.tenant.tenant_id}; sign in there, or correct sync.yaml"
            )

    async def found(self, path: str, *, version: str = STABLE) -> Mapping[str, Any] | None:
        """What Graph holds at an address, and None where there is nothing. Raises RefusedError."""
        answer = await self._client.send(GraphRequest("GET", path, version=version))
        if answer.fault is None:
            return answer.body
        if answer.fault.size is FaultSize.GONE:
            return None
        raise self.refused(answer.fault, f"Graph did not tell ({answer.fault.code})")

    async def listed(self, path: str) -> list[Mapping[str, Any]]:
        """The first page of a list, where that is all there is: names and ids are unique, or nearly so."""
        return list((await self.found(path) or {}).get("value") or [])

    async def write(self, method: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change something; the answer's body. Raises RefusedError: it is as it was.

        Entra's replicas hear of a new object one after the other, so what is not found and was just made is waited for.
        """
        waits = iter(_YOUNG_WAITS)
        while True:
            answer = await self._client.send(GraphRequest(method, path, body))
            if answer.fault is None:
                self._made |= {str(answer.body[name]) for name in ("id", "appId") if name in answer.body}
                return answer.body
            wait = next(waits, None) if answer.fault.size in _NOT_FOUND and self._is_young(path, body) else None
            if wait is None:
                raise self.refused(
                    answer.fault,
                    f"Graph could not do it ({answer.fault.code}); what was changed stays, and running this again does"
                    " the rest",
                )
            await self._sleep(wait)

    def _is_young(self, path: str, body: Mapping[str, Any]) -> bool:
        """Whether a request is about something that this command made."""
        return any(made in path or made in body.values() for made in self._made)

    def refused(self, fault: Fault, otherwise: str) -> RefusedError:
        """What to tell the person of a fault: a role that is missing, or what is said otherwise."""
        rights = self._rights
        if fault.code == "InsufficientRights":
            return RefusedError(
                f"Entra does not let you see or change {rights.subject} of {self.tenant.tenant_id}: sign in as"
                f" {rights.role} of that tenant, and consent to {' and '.join(rights.permissions)} when you are asked"
            )
        return RefusedError(otherwise)
