"""`onboard`: what two tenants have to allow each other, shown and then set in their cross-tenant access settings.

Each side is changed by an administrator of that side, who needs sync.yaml and no other setting of the app. Nothing is
changed before it was shown and agreed to, and what is right already is left.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote

import click

from admin.running import check_target, json_option, refuse, settings_option, take_settings, wrong
from admin.sign_in import WAYS, person_from, sign_in
from shared.config.faults import ConfigurationError
from shared.config.settings import Addresses, read_addresses
from shared.config.sync_file import SyncConfiguration, Tenant, read_sync_file
from shared.core.access_policy import Setting, Side, blocks, body, needed
from shared.core.fault_sizes import Fault, FaultSize
from shared.graph.client import GraphClient, GraphRequest

if TYPE_CHECKING:
    from collections.abc import Callable

_PARTNERS: Final = "/policies/crossTenantAccessPolicy/partners"
_PERMISSIONS: Final = ("Policy.ReadWrite.CrossTenantAccess", "Organization.Read.All")
_DELAY: Final = "It can take from 15 minutes to an hour until Entra acts on it."
_EXIT_CODES: Final = (
    "Exit codes: 0 done, or nothing to do; 1 refused, by Entra or by you; 2 a wrong argument, file or tenant."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be changed in one tenant's entry for another."""

    tenant_id: str  # whose settings
    partner: str  # in words: the source, or a target's name
    partner_id: str
    exists: bool
    settings: list[Setting]
    body: dict[str, Any]


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
        person = sign_in(way, tenant.tenant_id, authority, graph, _PERMISSIONS)

    async def work() -> None:
        client = GraphClient(graph, lambda: GraphTransport(graph, person), lambda: datetime.now(UTC))
        try:
            await _check_tenant(client, tenant)
            entries = [
                await _entry(client, tenant, name, partner, side, trust_mfa=trust_mfa, undo=undo)
                for name, partner in partners.items()
            ]
            changes = [entry for entry in entries if entry.settings]
            if not as_json:
                _show(entries)
            if changes and not yes and not click.confirm("Change this?", err=True):
                refuse("nothing was changed")
            for entry in changes:
                await _change(client, entry)
            if as_json:
                print(json.dumps([_json(entry) for entry in entries], indent=2))
            elif changes:
                print(f"Done. {_DELAY}")
        finally:
            await client.close()

    asyncio.run(work())


async def _check_tenant(client: GraphClient, tenant: Tenant) -> None:
    """Somebody who is signed in elsewhere would open a door that nobody knows of."""
    answer = await client.send(GraphRequest("GET", "/organization?$select=id,displayName"))
    if answer.fault is not None:
        _refused(answer.fault, tenant.tenant_id)
    [organization] = answer.body["value"]
    if str(organization["id"]).lower() != tenant.tenant_id.lower():
        wrong(
            f"you are signed in to {organization['displayName']} ({organization['id']}), and sync.yaml names"
            f" {tenant.tenant_id}; sign in there, or correct sync.yaml"
        )


async def _entry(
    client: GraphClient, tenant: Tenant, name: str, partner: str, side: Side, *, trust_mfa: bool, undo: bool
) -> Entry:
    answer = await client.send(GraphRequest("GET", f"{_PARTNERS}/{quote(partner)}"))
    if answer.fault is not None and answer.fault.size is not FaultSize.GONE:
        _refused(answer.fault, tenant.tenant_id)
    held = answer.body if answer.fault is None else None
    if blocks(held, side) and not undo:
        refuse(
            f"the settings of {tenant.tenant_id} for {name} ({partner}) block B2B collaboration for all users, and that"
            " is not this command's to change: allow it in Entra, External Identities, Cross-tenant access settings"
        )
    settings = needed(held, side, trust_mfa=trust_mfa, undo=undo)
    return Entry(tenant.tenant_id, name, partner, held is not None, settings, body(held, settings))


async def _change(client: GraphClient, entry: Entry) -> None:
    if entry.exists:
        request = GraphRequest("PATCH", f"{_PARTNERS}/{quote(entry.partner_id)}", entry.body)
    else:
        request = GraphRequest("POST", _PARTNERS, {"tenantId": entry.partner_id, **entry.body})
    answer = await client.send(request)
    if answer.fault is not None:
        _refused(answer.fault, entry.tenant_id)


def _refused(fault: Fault, tenant_id: str) -> NoReturn:
    if fault.code == "InsufficientRights":
        refuse(
            f"Entra does not let you see or change the cross-tenant access settings of {tenant_id}: sign in as Security"
            f" Administrator of that tenant, and consent to {' and '.join(_PERMISSIONS)} when you are asked"
        )
    refuse(f"Graph could not do it ({fault.code}); what was changed stays, and running this again does the rest")


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
