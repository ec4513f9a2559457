"""`register`: the app registrations in the source tenant, shown and then made or corrected.

It runs before the deployment, which needs their client ids, and once more after it, when the managed identity that
vouches for them exists. What is right already is left.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from admin.administrator import EXIT_CODES, administrator_options, as_administrator, confirm, read_configuration
from admin.running import typed_id
from shared.app.register import RIGHTS, Brought, Wanted, bring
from shared.core.registrations import READER, WRITER

if TYPE_CHECKING:
    from pathlib import Path

    from shared.app.administrator import Administrator


@click.command(
    epilog=f"{EXIT_CODES} Example: python -m admin register --managed-identity $(azd env get-value"
    " MANAGED_IDENTITY_PRINCIPAL_ID) --host $(azd env get-value FUNCTION_APP_HOST)"
)
@click.option("--managed-identity", "identity", help="Object (principal) id of the app's managed identity.")
@click.option("--host", help="Host name of the function app; Entra leads back to it after the writer's consent.")
@administrator_options
def register(
    *,
    identity: str | None,
    host: str | None,
    way: str,
    token_file: Path | None,
    yes: bool,
    as_json: bool,
    settings_file: Path | None,
) -> None:
    """Make the two app registrations in the source, or correct them. For an administrator of the source."""
    addresses, sync = read_configuration(settings_file)
    cloud = sync.source.cloud
    wanted = Wanted(
        issuer=f"{cloud.authority}/{sync.source.tenant_id}/v2.0",
        audience=cloud.federation_audience,
        subject=typed_id(identity) if identity is not None else None,
        redirect=f"https://{host}/" if host is not None else None,
    )

    async def job(administrator: Administrator) -> None:
        await administrator.check_tenant()
        found = [await bring(administrator, each, wanted, act=False) for each in (READER, WRITER)]
        if not as_json:
            _show(found)
        if any(each.steps for each in found):
            confirm(yes=yes)
            found = [await bring(administrator, each, wanted, act=True) for each in (READER, WRITER)]
        if as_json:
            print(json.dumps([_json(each) for each in found], indent=2))
        else:
            for each in found:
                print(f"{each.registration.setting}={each.client_id}")

    as_administrator(addresses, sync.source, RIGHTS, way=way, token_file=token_file, job=job)


def _show(found: list[Brought]) -> None:
    for each in found:
        print(f"{each.registration.title}:")
        for step in each.steps or ["as it should be"]:
            print(f"  {step}")


def _json(brought: Brought) -> dict[str, Any]:
    return {"setting": brought.registration.setting, "clientId": brought.client_id, "changed": brought.steps}
