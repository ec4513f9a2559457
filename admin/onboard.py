"""`onboard`: what two tenants have to allow each other, shown and then set in their cross-tenant access settings.

Each side is changed by an administrator of that side, who needs sync.yaml and no other setting of the app. Nothing is
changed before it was shown and agreed to, and what is right already is left.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from admin.running import check_target, json_option, refuse, settings_option, take_settings, wrong
from admin.sign_in import WAYS, person_from, sign_in
from shared.app.onboard import PERMISSIONS, Entry, OnboardingError, WrongTenantError, change, look
from shared.config.faults import ConfigurationError
from shared.config.settings import Addresses, read_addresses
from shared.config.sync_file import SyncConfiguration, Tenant, read_sync_file
from shared.core.access_policy import Side
from shared.graph.client import GraphClient

if TYPE_CHECKING:
    from collections.abc import Callable

_DELAY: Final = "It can take from 15 minutes to an hour until Entra acts on it."
_EXIT_CODES: Final = (
    "Exit codes: 0 done, or nothing to do; 1 refused, by Entra or by you; 2 a wrong argument, file or tenant."
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--sign-in", "way", type=click.Choice(WAYS), default="browser", show_default=True, help="How to sign in."
        ),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="A Graph token instead of signing in, for automation.",
        ),
        click.option("--undo", is_flag=True, help="Set it back to off."),
        click.option("--yes", is_flag=True, help="Change without asking."),
        json_option,
        settings_option,
    ):
        command = option(command)
    return command


@click.group()
def onboard() -> None:
    """Let people pass from the source to a target: first in the target, then in the source."""


@onboard.command(epilog=f"{_EXIT_CODES} Example: python -m admin onboard target emea --trust-mfa")
@click.argument("name")
@click.option("--trust-mfa", is_flag=True, help="Let the multifactor authentication of the source count in the target.")
@_options
def target(name: str, *, trust_mfa: bool, settings_file: Path | None, **how: Any) -> None:
    """Enable the source in target NAME of sync.yaml. For an administrator of the target (Security Administrator)."""
    addresses, sync = _configuration(settings_file)
    check_target(name, [each.name for each in sync.targets])
    partners = {"the source": sync.source.tenant_id}
    _onboard(addresses, sync.target(name).tenant, partners, Side.TARGET, trust_mfa=trust_mfa, **how)


@onboard.command(epilog=f"{_EXIT_CODES} Example: python -m admin onboard source")
@_options
def source(*, settings_file: Path | None, **how: Any) -> None:
    """Enable all targets of sync.yaml in the source. For an administrator of the source (Security Administrator)."""
    addresses, sync = _configuration(settings_file)
    partners = {each.name: each.tenant.tenant_id for each in sync.targets}
    _onboard(addresses, sync.source, partners, Side.SOURCE, trust_mfa=False, **how)


def _configuration(settings_file: Path | None) -> tuple[Addresses, SyncConfiguration]:
    take_settings(settings_file)
    addresses = read_addresses()
    try:
        return addresses, read_sync_file(addresses.sync_file)
    except ConfigurationError as error:
        wrong(str(error))


def _onboard(
    addresses: Addresses,
    tenant: Tenant,
    partners: dict[str, str],
    side: Side,
    *,
    trust_mfa: bool,
    way: str,
    token_file: Path | None,
    undo: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from shared.graph.transport import GraphTransport  # noqa: PLC0415 - an HTTP client, as in `running`

    graph, authority = addresses.graph_endpoint or tenant.cloud.graph, addresses.authority or tenant.cloud.authority
    if token_file is not None:
        person = person_from(token_file)
    else:
        person = sign_in(way, tenant.tenant_id, authority, graph, PERMISSIONS)

    async def work() -> None:
        client = GraphClient(graph, lambda: GraphTransport(graph, person), lambda: datetime.now(UTC))
        try:
            entries = await look(client, tenant, partners, side, trust_mfa=trust_mfa, undo=undo)
            changes = [entry for entry in entries if entry.settings]
            if not as_json:
                _show(entries)
            if changes and not yes and not click.confirm("Change this?", err=True):
                refuse("nothing was changed")
            for entry in changes:
                await change(client, entry)
            if as_json:
                print(json.dumps([_json(entry) for entry in entries], indent=2))
            elif changes:
                print(f"Done. {_DELAY}")
        except WrongTenantError as error:
            wrong(str(error))
        except OnboardingError as error:
            refuse(str(error))
        finally:
            await client.close()

    asyncio.run(work())


def _show(entries: list[Entry]) -> None:
    for entry in entries:
        made = "" if entry.exists else ", which is new"
        print(f"Cross-tenant access settings of {entry.tenant_id}, for {entry.partner} ({entry.partner_id}){made}:")
        for setting in entry.settings:
            print(f"  {setting.title}: {_word(setting.before)} → {_word(setting.after)}")
        if not entry.settings:
            print("  as it should be")


def _word(value: bool | None) -> str:
    return "not set" if value is None else "on" if value else "off"


def _json(entry: Entry) -> dict[str, Any]:
    return {
        "tenantId": entry.tenant_id,
        "partnerTenantId": entry.partner_id,
        "changed": [asdict(setting) for setting in entry.settings],
    }
