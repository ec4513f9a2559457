"""`init`: a first sync.yaml from a few questions, with the defaults for all that was not asked."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from admin.running import json_option, refuse, settings_option, take_settings, wrong
from shared.config.clouds import CLOUDS, CloudName
from shared.config.faults import ConfigurationError
from shared.config.settings import read_addresses
from shared.config.sync_file import parse_sync
from shared.config.sync_writer import write_sync
from shared.core.messages import MalformedMessageError, object_id

_ISSUER: Final = re.compile(r"/([0-9a-fA-F-]{36})/")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_TIMEOUT: Final = 10.0  # seconds


@click.command(
    epilog="Exit codes: 0 written, 1 refused, 2 a wrong argument or answer."
    " Example: python -m admin init --file new.yaml"
)
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), default=Path("sync.yaml"), show_default=True)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@json_option
@settings_option
def init(*, file: Path, force: bool, as_json: bool, settings_file: Path | None) -> None:
    """Ask which tenants and which groups, and write a sync.yaml.

    Tenants may be named by a domain; its tenant id is looked up where everybody may. In scope are the members of a
    group, and of groups in it. Everything else has its default; docs/mapping.md tells what can be added.
    """
    if file.exists() and not force:
        refuse(f"{file} is there already; --force writes over it, --file names another")
    take_settings(settings_file)
    ask = partial(click.prompt, err=as_json)  # questions are no part of the JSON
    source = ask("Source tenant, by id or domain", value_proc=_tenant_id)
    targets: list[dict[str, Any]] = []
    while True:
        name = ask(
            "Name of a target, such as emea" if not targets else "Another target, or Enter",
            default="" if targets else None,
        )
        if not name:
            break
        tenant = ask(f"Tenant of {name}, by id or domain", value_proc=_tenant_id)
        before = targets[-1]["scope"]["groups"][0] if targets else None
        group = ask(f"Scoping group of {name} (object id in the source)", value_proc=_object_id, default=before)
        targets.append({"name": name, "tenantId": tenant, "scope": {"groups": [group]}})
    text = write_sync(source, targets)
    try:
        parse_sync(text, file.name)
    except ConfigurationError as error:
        wrong(f"nothing was written: {error}")
    file.write_text(text, encoding="utf-8")
    if as_json:
        print(json.dumps({"file": str(file), "source": source, "targets": targets}))
    else:
        print(f"{file} is written. Next: python -m admin validate {file}")


def _object_id(text: str) -> str:
    try:
        return object_id(text.strip())
    except MalformedMessageError as error:
        raise click.BadParameter("an object id is a GUID") from error


def _tenant_id(text: str) -> str:
    text = text.strip()
    if not _DOMAIN.fullmatch(text):
        return _object_id(text)
    import httpx  # noqa: PLC0415 - an HTTP client, as in `running`

    authority = read_addresses().authority or CLOUDS[CloudName.PUBLIC].authority
    try:
        answer = httpx.get(f"{authority}/{text}/v2.0/.well-known/openid-configuration", timeout=_TIMEOUT)
    except httpx.HTTPError as error:
        raise click.BadParameter(f"{authority} cannot be reached to look {text} up; give the tenant's id") from error
    found = _ISSUER.search(str(answer.json().get("issuer", ""))) if answer.is_success else None
    if found is None:
        raise click.BadParameter(f"no tenant has the domain {text}")
    return found[1].lower()
