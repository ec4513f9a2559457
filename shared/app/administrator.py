"""An administrator who is signed in to a tenant: whether it is the right one, and what Entra did not let them do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.core.fault_sizes import Fault, FaultSize
from shared.graph.client import STABLE, GraphRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.config.sync_file import Tenant
    from shared.graph.client import GraphClient


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

    def __init__(self, client: GraphClient, tenant: Tenant, rights: Rights) -> None:
        """`client` has the person's token."""
        self._client = client
        self.tenant = tenant
        self._rights = rights

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
        raise self.refused(answer.fault)

    async def listed(self, path: str) -> list[Mapping[str, Any]]:
        """The first page of a list, where that is all there is: names and ids are unique, or nearly so."""
        return list((await self.found(path) or {}).get("value") or [])

    async def write(self, method: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change something; the answer's body. Raises RefusedError: it is as it was."""
        answer = await self._client.send(GraphRequest(method, path, body))
        if answer.fault is not None:
            raise self.refused(answer.fault)
        return answer.body

    def refused(self, fault: Fault) -> RefusedError:
        """What to tell the person of a fault."""
        rights = self._rights
        if fault.code == "InsufficientRights":
            return RefusedError(
                f"Entra does not let you see or change {rights.subject} of {self.tenant.tenant_id}: sign in as"
                f" {rights.role} of that tenant, and consent to {' and '.join(rights.permissions)} when you are asked"
            )
        return RefusedError(
            f"Graph could not do it ({fault.code}); what was changed stays, and running this again does the rest"
        )
