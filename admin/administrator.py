"""Commands of a tenant's administrator, who is signed in as a person and needs sync.yaml and no other setting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from admin.running import json_option, refuse, settings_option, take_settings, wrong
from admin.sign_in import WAYS, person_from, sign_in
from shared.app.administrator import Administrator, RefusedError, Rights, WrongTenantError
from shared.config.faults import ConfigurationError
from shared.config.settings import Addresses, read_addresses
from shared.config.sync_file import SyncConfiguration, Tenant, read_sync_file
from shared.graph.client import GraphClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_Result = TypeVar("_Result")

EXIT_CODES = "Exit codes: 0 done, or nothing to do; 1 refused, by Entra or by you; 2 a wrong argument, file or tenant."


def administrator_options(command: Callable[..., None]) -> Callable[..., None]:
    """How to sign in, whether to ask, and what to print."""
    return click.option("--yes", is_flag=True, help="Change without asking.")(sign_in_options(command))


def sign_in_options(command: Callable[..., None]) -> Callable[..., None]:
    """How to sign in, and what to print, where nothing is changed."""
    for option in (
        click.option(
            "--sign-in", "way", type=click.Choice(WAYS), default="browser", show_default=True, help="How to sign in."
        ),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="A Graph token instead of signing in, for automation.",
        ),
        json_option,
        settings_option,
    ):
        command = option(command)
    return command


def read_configuration(settings_file: Path | None) -> tuple[Addresses, SyncConfiguration]:
    """Where everything is, and the rules; a fault in them ends the command."""
    take_settings(settings_file)
    addresses = read_addresses()
    try:
        return addresses, read_sync_file(addresses.sync_file)
    except ConfigurationError as error:
        wrong(str(error))


def as_administrator(
    addresses: Addresses,
    tenant: Tenant,
    rights: Rights,
    *,
    way: str,
    token_file: Path | None,
    job: Callable[[Administrator], Awaitable[None]],
) -> None:
    """Sign in to a tenant, do the job, and end the command with a line of text where it could not be done."""
    try:
        look_as_administrator(addresses, tenant, rights, way=way, token_file=token_file, job=job)
    except WrongTenantError as error:
        wrong(str(error))
    except RefusedError as error:
        refuse(str(error))


def look_as_administrator(
    addresses: Addresses,
    tenant: Tenant,
    rights: Rights,
    *,
    way: str,
    token_file: Path | None,
    job: Callable[[Administrator], Awaitable[_Result]],
) -> _Result:
    """Sign in to a tenant and do the job; what could not be done is the caller's to tell."""
    from shared.graph.transport import GraphTransport  # noqa: PLC0415 - an HTTP client, as in `running`

    graph, authority = addresses.graph_endpoint or tenant.cloud.graph, addresses.authority or tenant.cloud.authority
    if token_file is not None:
        person = person_from(token_file)
    else:
        person = sign_in(way, tenant.tenant_id, authority, graph, rights.permissions)

    async def work() -> _Result:
        client = GraphClient(graph, lambda: GraphTransport(graph, person), lambda: datetime.now(UTC))
        try:
            return await job(Administrator(client, tenant, rights))
        finally:
            await client.close()

    return asyncio.run(work())


def confirm(*, yes: bool) -> None:
    """Ask, unless it was answered beforehand; no answer is no."""
    if not yes and not click.confirm("Change this?", err=True):
        refuse("nothing was changed")
