"""A settled population: people in a source, all of them present in one target, and links that say so.

What a first full cycle would bring about after hours of writing is made here at once, so that the second one can be
measured: the tenants' configuration, the app's sync.yaml, and the store. The target users are what the app's own
rules make of the people, so a cycle that finds something to do has found a mistake.

    python -m benchmarks.settled FOLDER USERS     # sync.yaml, tenants.json, links.sqlite3
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from sandbox.tenants import people
from sandbox.tenants.accounts import guest_principal_name
from sandbox.tenants.contoso import (
    CROSS_TENANT_USERS_GROUP_ID,
    EMEA_TENANT_ID,
    MARKER,
    SOURCE_TENANT_ID,
    default_document,
)
from shared.app.cursors import USERS, Cursor, CycleRecord, save_cursor, save_cycle
from shared.app.desire import draft
from shared.config.sync_file import parse_sync
from shared.core.desired import InScope
from shared.core.model import Link, LinkState
from shared.graph.source import Found
from shared.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.config.sync_file import Target
    from shared.store.protocol import Store

_ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = "emea"
SEED: Final = 1
NO_LAG: Final = {"count": 2, "medianSeconds": 0, "p99Seconds": 0, "indexMedianSeconds": 0, "indexP99Seconds": 0}
_LONG_AGO: Final = datetime.now(UTC) - timedelta(days=30)
_ROWS: Final = 1000  # of one write to the store


@dataclass(frozen=True, slots=True)
class Pair:
    """One person in the source, and the user in the target that was made for them."""

    source_id: str
    target_id: str
    address: str
    desired: InScope
    manager: Pair | None


def one_target(sync_file: Path) -> str:
    """The repository's sync.yaml with its first target alone, as text."""
    document = yaml.safe_load(sync_file.read_text(encoding="utf-8"))
    return yaml.safe_dump({**document, "targets": document["targets"][:1]})


def pairs(target: Target, users: int) -> Iterator[Pair]:
    """Everybody, managers before those who report to them."""
    leaders: dict[str, Pair] = {}
    now = datetime.now(UTC)
    for person in people.strangers(users, SEED):
        source_id = people.person_id(SOURCE_TENANT_ID, person.alias)
        user = {**person.user("contoso.com", source_id), "userType": "Member"}
        desired = draft(target, Found(user, frozenset({CROSS_TENANT_USERS_GROUP_ID})), None, now).desired
        if not isinstance(desired, InScope):
            raise TypeError(f"{person.alias} is not in scope: {desired}")
        leader = leaders[person.manager] if person.manager is not None else None
        target_id = people.person_id(EMEA_TENANT_ID, person.alias)
        pair = leaders[person.alias] = Pair(source_id, target_id, user["mail"], desired, leader)
        yield pair


def tenants(sync_text: str, users: int) -> dict[str, Any]:
    """The configuration of the sandbox's tenants: source and target, nobody else, replicas that do not lag."""
    [target] = parse_sync(sync_text).targets
    document = default_document()
    source, emea, _ = document["tenants"]
    [group] = [group for group in source["groups"] if group["id"] == CROSS_TENANT_USERS_GROUP_ID]
    source |= {"people": users, "groups": [{**group, "members": "*"}]}
    domain = emea["initialDomain"]
    emea["users"] = [_target_user(pair, domain) for pair in pairs(target, users)]
    return {
        **document,
        "tenants": [source, emea],
        "consents": [consent for consent in document["consents"] if consent["tenant"] != "apac"],
        "automaticRedemption": document["automaticRedemption"][:1],
        "replicas": NO_LAG,
    }


async def seed(store: Store, sync_text: str, users: int) -> None:
    """Links, a cursor that has followed everything since, and the record of a cycle, as production has them."""
    [target] = parse_sync(sync_text).targets
    waiting: list[Link] = []
    for pair in pairs(target, users):
        waiting.append(_link(pair))
        if len(waiting) == _ROWS:
            await store.write_links(waiting)
            waiting = []
    await store.write_links(waiting)
    await save_cursor(store, Cursor(USERS, "", "", _LONG_AGO, _LONG_AGO))
    await save_cycle(
        store,
        CycleRecord(
            target.name,
            "seeded",
            _LONG_AGO,
            target.rules,
            users,
            users,
            _LONG_AGO + timedelta(hours=1),
            {"sent": users},
        ),
    )


async def _settle(folder: Path, users: int) -> None:
    sync = one_target(_ROOT / "sync.yaml")
    (folder / "sync.yaml").write_text(sync, encoding="utf-8")
    (folder / "tenants.json").write_text(json.dumps(tenants(sync, users)), encoding="utf-8")
    store = open_store(f"sqlite:///{folder}/links.sqlite3", None)
    await seed(store, sync, users)
    await store.close()


def _link(pair: Pair) -> Link:
    return Link(
        TARGET,
        pair.source_id,
        LinkState.ACTIVE,
        pair.target_id,
        pair.desired.fingerprint,
        manager_target_id=pair.manager.target_id if pair.manager is not None else None,
        changed_at=_LONG_AGO,
    )


def _target_user(pair: Pair, domain: str) -> Mapping[str, Any]:
    held = {name: value for name, value in pair.desired.attributes.items() if value not in (None, [])}
    managed = {} if pair.manager is None else {"manager": guest_principal_name(pair.manager.address, domain)}
    return {
        "id": pair.target_id,
        "homeTenant": "source",
        "userPrincipalName": guest_principal_name(pair.address, domain),
        "mail": pair.address,
        "displayName": "",
        **pair.desired.on_create,
        **held,
        **managed,
        MARKER: f"{SOURCE_TENANT_ID}/{pair.source_id}",
    }


if __name__ == "__main__":
    asyncio.run(_settle(Path(sys.argv[1]), int(sys.argv[2])))
