"""Disasters of one target among ten: whatever befalls it, the nine others do not notice."""

from __future__ import annotations

import copy
import json

import pytest
import pytest_asyncio
from setting import fresh_stage, still_tenants
from stage import TEN

from sandbox.tenants.contoso import default_document
from shared.app.guard_rows import load_health
from shared.core.model import LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = tuple(f"branch{number}" for number in range(10))
*NINE, TENTH = NAMES
APP_DISABLED = "AADSTS7000112: Application is disabled."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tenants(tls_dir):
    """A source and ten targets, each with people of its own."""
    async with still_tenants(ten_targets(), tls_dir) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def stage(tenants, tmp_path):
    """A stage with ten targets."""
    async with fresh_stage(tenants, tmp_path, targets=NAMES, sync=configuration(tenants)) as stage:
        yield stage


def ten_targets():
    """The sample company's document with EMEA ten times, under other names and ids."""
    document = default_document()
    source, emea, _ = document["tenants"]
    return {
        **document,
        "tenants": [source, *(branch(emea, number, name) for number, name in enumerate(NAMES))],
        "consents": [
            consent | {"tenant": name}
            for consent in document["consents"]
            for name in (NAMES if consent["tenant"] == "emea" else (consent["tenant"],))
            if consent["tenant"] != "apac"
        ],
        "automaticRedemption": [{"source": "source", "target": name} for name in NAMES],
    }


def branch(emea, number, name):
    """One more tenant like EMEA."""
    text = json.dumps(copy.deepcopy(emea)).replace("emea", name).replace("e1000000-", f"e1{number:06}-")
    return json.loads(text) | {"name": name, "tenantId": f"e0000000-0000-4000-8000-1000000000{number:02}"}


def configuration(tenants):
    """sync.yaml with ten targets."""
    ids = {name: tenant["id"] for name, tenant in tenants.describe()["tenants"].items()}
    group = "60000000-0000-4000-8000-000000000001"
    return {
        "source": {"tenantId": ids["source"]},
        "targets": [
            {
                "name": name,
                "tenantId": ids[name],
                "scope": {"groups": [group]},
                "matching": ["mail", "userPrincipalName"],
                "mappings": {"companyName": '"Contoso US"'},
            }
            for name in NAMES
        ],
    }


@pytest.mark.parametrize(
    ("fault", "alerts"),
    [
        ({"path": "/v1.0/", "status": 503, "message": "The service is unavailable."}, 0),
        ({"operation": "POST /{tenant}/oauth2/v2.0/token", "status": 401, "message": APP_DISABLED}, 1),
    ],
    ids=["unavailable", "refuses-us"],
)
async def test_one_target_of_ten_is_down_for_an_hour(stage, fault, alerts):
    """One target of ten is down for an hour, and the others wait for it, or its people are forgotten."""
    people = await stage.company(*TEN)
    before, written = await stage.target_users(people, TENTH), await stage.writes(TENTH)
    await stage.fault(tenant=TENTH, **fault)
    await stage.restart()
    leaver, newcomer = people[0], await stage.id_of("JohannaL")
    for number, changed in enumerate(people[1:7]):
        await stage.change(changed, department=f"Department {number}")
        await stage.tell(changed)
        if number == 1:
            await stage.joins(newcomer)
        if number == 3:
            await stage.leaves(leaver)
        await stage.work(seconds=90)
        await stage.right(targets=NINE)
        await stage.work(seconds=510)
    assert await stage.target_users(people, TENTH) == before, "nobody was touched meanwhile, and nobody removed"
    assert await stage.writes(TENTH) == written
    assert await told(stage, "quarantineEntered") == [TENTH] * alerts
    assert all([not (await load_health(stage.parts, name)).quarantines for name in NINE])
    await stage.over()
    await stage.restart()
    await stage.work(minutes=65)
    await stage.right()
    assert await told(stage, "quarantineEntered") == [TENTH] * alerts
    assert set(await told(stage, "quarantineLeft")) == set([TENTH] * alerts), "kinds of action open one by one"
    assert await stage.in_target(newcomer, TENTH) is not None
    assert await stage.states([leaver], TENTH) == [LinkState.SOFT_DELETED]


async def told(stage, kind):
    """The targets of which an operator was told this, each time."""
    rows = [json.loads(line.partition(" ")[2]) for line in stage.told.getvalue().splitlines()]
    return [row["Target"] for row in rows if row.get("Kind") == kind]
