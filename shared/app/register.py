"""register: the app registrations in the source tenant, made or brought to what they have to be.

A registration is found by its display name. `bring` goes through what it needs, in the order in which one thing needs
another; it tells what is missing, and, where it may, makes it. Running it again finds nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from shared.app.administrator import RefusedError, Rights
from shared.app.consent import consent
from shared.core.registrations import FEDERATION_NAME, MARKER_NAME, correction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.administrator import Administrator
    from shared.core.registrations import Registration

RIGHTS: Final = Rights(
    "the app registrations",
    "Application Administrator (and Privileged Role Administrator, who can consent)",
    ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Organization.Read.All"),
)


_PARTS: Final = MappingProxyType(
    {
        "signInAudience": "in which tenants it can be used",
        "requiredResourceAccess": "its permissions",
        "web": "where Entra leads back to after the consent",
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of the deployment, which may come after the registrations."""

    issuer: str  # of the source tenant's tokens
    audience: str  # of the cloud's token exchange
    subject: str | None  # object id of the managed identity; None leaves federation as it is
    redirect: str | None  # where Entra leads back to who consented


@dataclass(frozen=True, slots=True)
class Brought:
    """A registration after `bring`."""

    registration: Registration
    client_id: str | None  # None where it is still to be made
    steps: list[str]  # what was missing, in words


async def bring(administrator: Administrator, registration: Registration, wanted: Wanted, *, act: bool) -> Brought:
    """Bring a registration to what it has to be; without `act`, tell what that would take.

    Raises:
        RefusedError: Entra refused, or there are two of the name; what was done before stays.
    """
    steps: list[str] = []
    application = await _application(administrator, registration)
    body = correction(application or {}, registration, wanted.redirect)
    if application is None:
        steps.append(f"register the app {registration.title}, with its permissions")
        if act:
            made = {"displayName": registration.title, **body}
            application = await administrator.write("POST", "/applications", made)
    elif body:
        steps += [f"correct {_PARTS[part]}" for part in body]
        if act:
            await administrator.write("PATCH", f"/applications/{application['id']}", body)
    address = f"/applications/{application['id']}" if application is not None else None
    if registration.has_marker:
        steps += await _marker(administrator, address, act=act)
    if wanted.subject is not None:
        steps += await _federation(administrator, address, wanted, wanted.subject, act=act)
    client_id = str(application["appId"]) if application is not None else None
    if registration.consents_at_home:
        steps += await consent(administrator, registration, client_id, act=act)
    return Brought(registration, client_id, steps)


async def _application(administrator: Administrator, registration: Registration) -> Mapping[str, Any] | None:
    found = await administrator.listed(f"/applications?$filter=displayName eq '{registration.title}'")
    if len(found) > 1:
        ids = ", ".join(str(each["appId"]) for each in found)
        raise RefusedError(
            f"{len(found)} app registrations are called {registration.title} ({ids}): rename or delete all but the one"
            " that is used"
        )
    return found[0] if found else None


async def _marker(administrator: Administrator, address: str | None, *, act: bool) -> list[str]:
    extensions = await administrator.listed(f"{address}/extensionProperties") if address is not None else []
    if any(str(each["name"]).endswith(f"_{MARKER_NAME}") for each in extensions):
        return []
    if act:
        body = {"name": MARKER_NAME, "dataType": "String", "targetObjects": ["User"]}
        await administrator.write("POST", f"{address}/extensionProperties", body)
    return [f"add the extension attribute {MARKER_NAME}, the marker of the users that the app owns"]


async def _federation(
    administrator: Administrator, address: str | None, wanted: Wanted, subject: str, *, act: bool
) -> list[str]:
    place = f"{address}/federatedIdentityCredentials"
    credentials = await administrator.listed(place) if address is not None else []
    body = {"issuer": wanted.issuer, "subject": subject, "audiences": [wanted.audience]}
    if any(all(each.get(name) == value for name, value in body.items()) for each in credentials):
        return []
    held = next((each for each in credentials if each.get("name") == FEDERATION_NAME), None)
    if held is None:
        if act:
            await administrator.write("POST", place, {"name": FEDERATION_NAME, **body})
        return [f"let the managed identity {subject} vouch for it"]
    if act:
        await administrator.write("PATCH", f"{place}/{FEDERATION_NAME}", body)
    return [f"let the managed identity {subject} vouch for it, and no longer {held.get('subject')}"]
