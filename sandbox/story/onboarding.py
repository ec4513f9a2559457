"""The beginning before the day: tenants that know nothing of each other, and the commands by which they come to.

They are the commands that an administrator types, run as processes, with a token in place of the sign-in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from sandbox.tenants.contoso import default_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.story.run import Sandbox

_ROLES: Final = [
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Organization.Read.All",
    "Policy.ReadWrite.CrossTenantAccess",
]
_OURS: Final = {"reader", "writer"}


def strangers() -> Mapping[str, Any]:
    """Contoso and its targets, without our apps, consents, or any agreement between them."""
    document = default_document()
    apps = [each for each in document["apps"] if each["name"] not in _OURS]
    consents = [each for each in document["consents"] if each["app"] not in _OURS]
    return document | {"apps": apps, "consents": consents, "automaticRedemption": []}


async def register(sandbox: Sandbox) -> tuple[str, str]:
    """Make the app registrations in the source; the client ids of reader and writer."""
    ids = dict(line.split("=") for line in (await _type(sandbox, "source", "register")) if "_CLIENT_ID=" in line)
    return ids["READER_CLIENT_ID"], ids["WRITER_CLIENT_ID"]


async def agree(sandbox: Sandbox, host: str) -> None:
    """What follows the deployment: the identity vouches, the targets let people in, and the source lets them go.

    `host` is the function app's host name.
    """
    identity = sandbox.tenants.ready["managedIdentity"]["principalId"]
    await _type(sandbox, "source", "register", "--managed-identity", identity, "--host", host)
    sync = yaml.safe_load(sandbox.options.sync_file.read_text(encoding="utf-8"))
    for tenant, target in zip(sandbox.tenant_names(), sync["targets"], strict=True):
        await _type(sandbox, tenant, "onboard", "target", target["name"], "--writer", sandbox.writer_id)
    await _type(sandbox, "source", "onboard", "source")


async def _type(sandbox: Sandbox, tenant: str, *command: str) -> list[str]:
    """Run a command as an administrator of a tenant, and show it with what it printed."""
    issued = await sandbox.cloud.control("POST", "tokens", {"tenant": tenant, "roles": _ROLES})
    token = sandbox.folder / "administrator.token"
    token.write_text(issued["access_token"], encoding="utf-8")
    printed = (await sandbox.administer(*command, "--yes", "--token-file", str(token))).splitlines()
    sandbox.tell(f"{tenant}: python -m admin {' '.join(command)}")
    for line in printed:
        sandbox.tell(f"  {line}")
    return printed
