"""`onboard`: what two tenants have to allow each other, shown and then set in their cross-tenant access settings.

Each side is changed by an administrator of that side, who needs sync.yaml and no other setting of the app. Nothing is
changed before it was shown and agreed to, and what is right already is left.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from admin.administrator import EXIT_CODES, administrator_options, as_administrator, confirm, read_configuration
from admin.running import check_target, typed_id, wrong
from shared.app.consent import consent
from shared.app.onboard import RIGHTS, RIGHTS_WITH_CONSENT, Entry, change, look
from shared.core.access_policy import Side
from shared.core.registrations import WRITER

if TYPE_CHECKING:
    from pathlib import Path

    from shared.app.administrator import Administrator
    from shared.config.settings import Addresses
    from shared.config.sync_file import Tenant

_DELAY: Final = "It can take from 15 minutes to an hour until Entra acts on it."

_undo_option = click.option("--undo", is_flag=True, help="Set it back to off.")


@click.group()
def onboard() -> None:
    """Let people pass from the source to a target: first in the target, then in the source."""


@onboard.command(epilog=f"{EXIT_CODES} Example: python -m admin onboard target emea --trust-mfa")
@click.argument("name")
@click.option("--trust-mfa", is_flag=True, help="Let the multifactor authentication of the source count in the target.")
@click.option(
    "--writer",
    metavar="CLIENT_ID",
    help="Consent to the writer app as well, as a Privileged Role Administrator can.",
)
@_undo_option
@administrator_options
def target(name: str, *, trust_mfa: bool, writer: str | None, settings_file: Path | None, **how: Any) -> None:
    """Enable the source in target NAME of sync.yaml. For an administrator of the target (Security Administrator)."""
    if writer is not None and how["undo"]:
        wrong("--undo takes no consent back: delete Crosstenant writer under Enterprise applications of the target")
    addresses, sync = read_configuration(settings_file)
    check_target(name, [each.name for each in sync.targets])
    partners = {"the source": sync.source.tenant_id}
    client_id = typed_id(writer) if writer is not None else None
    _onboard(addresses, sync.target(name).tenant, partners, Side.TARGET, trust_mfa=trust_mfa, writer=client_id, **how)


@onboard.command(epilog=f"{EXIT_CODES} Example: python -m admin onboard source")
@_undo_option
@administrator_options
def source(*, settings_file: Path | None, **how: Any) -> None:
    """Enable all targets of sync.yaml in the source. For an administrator of the source (Security Administrator)."""
    addresses, sync = read_configuration(settings_file)
    partners = {each.name: each.tenant.tenant_id for each in sync.targets}
    _onboard(addresses, sync.source, partners, Side.SOURCE, trust_mfa=False, writer=None, **how)


def _onboard(
    addresses: Addresses,
    tenant: Tenant,
    partners: dict[str, str],
    side: Side,
    *,
    trust_mfa: bool,
    writer: str | None,
    way: str,
    token_file: Path | None,
    undo: bool,
    yes: bool,
    as_json: bool,
) -> None:
    async def job(administrator: Administrator) -> None:
        entries = await look(administrator, partners, side, trust_mfa=trust_mfa, undo=undo)
        changes = [entry for entry in entries if entry.settings]
        consents = await consent(administrator, WRITER, writer, act=False) if writer is not None else []
        if not as_json:
            _show(entries)
            _show_consents(consents, tenant)
        if changes or consents:
            confirm(yes=yes)
        if consents:
            await consent(administrator, WRITER, writer, act=True)
        for entry in changes:
            await change(administrator, entry)
        if as_json:
            print(json.dumps([_json(entry, consents) for entry in entries], indent=2))
        elif changes or consents:
            print(f"Done. {_DELAY}")

    rights = RIGHTS if writer is None else RIGHTS_WITH_CONSENT
    as_administrator(addresses, tenant, rights, way=way, token_file=token_file, job=job)


def _show(entries: list[Entry]) -> None:
    for entry in entries:
        made = "" if entry.exists else ", which is new"
        print(f"Cross-tenant access settings of {entry.tenant_id}, for {entry.partner} ({entry.partner_id}){made}:")
        for setting in entry.settings:
            print(f"  {setting.title}: {_word(setting.before)} → {_word(setting.after)}")
        if not entry.settings:
            print("  as it should be")


def _show_consents(consents: list[str], tenant: Tenant) -> None:
    if consents:
        print(f"Permissions in {tenant.tenant_id}:")
        for each in consents:
            print(f"  {each}")


def _word(value: bool | None) -> str:
    return "not set" if value is None else "on" if value else "off"


def _json(entry: Entry, consents: list[str]) -> dict[str, Any]:
    return {
        "tenantId": entry.tenant_id,
        "partnerTenantId": entry.partner_id,
        "changed": [asdict(setting) for setting in entry.settings],
        "consented": consents,
    }
