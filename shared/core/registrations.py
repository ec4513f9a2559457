"""The two app registrations: what each may do and why, and what an application of Entra's lacks to be one of them.

Two, so that the source never consents to a write, and no target to a look at the source. Both stand in the source
tenant. The reader is known there alone; the writer can be consented to from other tenants, and owns the marker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph, in every tenant."""

MARKER_NAME: Final = "crosstenantSource"
"""The writer's extension attribute, by which the app knows the users that it owns."""

FEDERATION_NAME: Final = "crosstenant"
"""The federated credential through which the app's managed identity vouches for an app registration."""


@dataclass(frozen=True, slots=True)
class Permission:
    """An application permission of Microsoft Graph."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What an app registration has to be."""

    setting: str  # that holds its client id
    title: str
    audience: str  # Graph's signInAudience
    permissions: tuple[Permission, ...]
    consents_at_home: bool  # or else in each target, by its own administrator
    has_marker: bool = False


READER: Final = Registration(
    "READER_CLIENT_ID",
    "Crosstenant reader",
    "AzureADMyOrg",
    (
        Permission("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
        Permission("Group.Read.All", "5b567255-7703-4780-807c-7be8301ae99b"),
    ),
    consents_at_home=True,
)
WRITER: Final = Registration(
    "WRITER_CLIENT_ID",
    "Crosstenant writer",
    "AzureADMultipleOrgs",
    (
        Permission("User.Invite.All", "09850681-111b-4a89-9bed-3f2cae46d706"),
        Permission("User.ReadWrite.All", "741f803b-c850-494e-b5df-cde7c675a1ca"),
    ),
    consents_at_home=False,
    has_marker=True,
)


def correction(application: Mapping[str, Any], registration: Registration, redirect: str | None) -> dict[str, Any]:
    """What has to be changed in an application (Graph's JSON; {} for a new one): nothing that it has is taken away.

    `redirect` is where Entra leads an administrator back to who consented to the writer; None leaves that as it is.
    """
    body: dict[str, Any] = {}
    if application.get("signInAudience") != registration.audience:
        body["signInAudience"] = registration.audience
    access = _with_permissions(application.get("requiredResourceAccess") or [], registration)
    if access is not None:
        body["requiredResourceAccess"] = access
    addresses = (application.get("web") or {}).get("redirectUris") or []
    if redirect is not None and registration.has_marker and redirect not in addresses:
        body["web"] = {"redirectUris": [*addresses, redirect]}
    return body


def _with_permissions(held: list[Mapping[str, Any]], registration: Registration) -> list[Mapping[str, Any]] | None:
    """`requiredResourceAccess` with our permissions of Graph; None where they are in it."""
    of_graph = next((each for each in held if each.get("resourceAppId") == GRAPH_APP_ID), None) or {}
    listed = list(of_graph.get("resourceAccess") or [])
    ids = {each.get("id") for each in listed if each.get("type") == "Role"}
    missing = [{"id": each.id, "type": "Role"} for each in registration.permissions if each.id not in ids]
    if not missing:
        return None
    others = [each for each in held if each.get("resourceAppId") != GRAPH_APP_ID]
    return [*others, {"resourceAppId": GRAPH_APP_ID, "resourceAccess": [*listed, *missing]}]
