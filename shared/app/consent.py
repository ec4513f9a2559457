"""consent: what a tenant lets an app registration do, given by an administrator of that tenant.

The app becomes known in the tenant by its service principal, and each permission of Graph is a role assigned to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.registrations import GRAPH_APP_ID

if TYPE_CHECKING:
    from shared.app.administrator import Administrator
    from shared.core.registrations import Registration


async def consent(
    administrator: Administrator, registration: Registration, client_id: str | None, *, act: bool
) -> list[str]:
    """Consent to what is not consented to yet; without `act`, only tell, in words, what that is.

    `client_id` is None where the app is still to be registered. Raises RefusedError: what was done before stays.
    """
    principal = None
    if client_id is not None:
        found = await administrator.listed(f"/servicePrincipals?$filter=appId eq '{client_id}'")
        principal = found[0] if found else None
        if principal is None and act:
            principal = await administrator.write("POST", "/servicePrincipals", {"appId": client_id})
    if principal is None:
        missing = registration.permissions
    else:
        place = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
        held = {each["appRoleId"] for each in await administrator.listed(place)}
        missing = tuple(each for each in registration.permissions if each.id not in held)
        if act and missing:
            [graph] = await administrator.listed(f"/servicePrincipals?$filter=appId eq '{GRAPH_APP_ID}'")
            for permission in missing:
                grant = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": permission.id}
                await administrator.write("POST", place, grant)
    return [f"consent to {permission.name} of {registration.title}" for permission in missing]
