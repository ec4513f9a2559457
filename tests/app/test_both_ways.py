"""Two installations that synchronize in opposite directions: nobody comes back as an echo."""

from __future__ import annotations

import pytest
import pytest_asyncio
from running_app import NO_LAG, SOURCE_TENANT, App, GivenClock

from sandbox.story.cloud import Cloud
from sandbox.tenants.config_file import parse
from sandbox.tenants.contoso import EMEA_TENANT_ID, default_document
from sandbox.tenants.server import TenantsServer
from shared.app.compose import build
from shared.app.parts import Clock
from shared.config.settings import read_settings
from shared.core.messages import Kind

pytestmark = pytest.mark.asyncio(loop_scope="module")

BACK_READER = "77777777-aaaa-4000-8000-000000000001"
BACK_WRITER = "77777777-aaaa-4000-8000-000000000002"
BACK_GROUP = "70000000-0000-4000-8000-000000000001"


def both_ways():
    """The default tenants, with a second installation's apps at home in EMEA and consented in Contoso."""
    document = default_document() | {"replicas": NO_LAG}
    apps = {app["name"]: app for app in document["apps"]}
    roles = {consent["app"]: consent["roles"] for consent in document["consents"]}
    document["apps"] += [
        {**apps["reader"], "appId": BACK_READER, "name": "back-reader", "homeTenant": "emea"},
        {**apps["writer"], "appId": BACK_WRITER, "name": "back-writer", "homeTenant": "emea"},
    ]
    document["consents"] += [
        {"tenant": "emea", "app": "back-reader", "roles": roles["reader"]},
        {"tenant": "source", "app": "back-writer", "roles": roles["writer"]},
    ]
    [emea] = [tenant for tenant in document["tenants"] if tenant["name"] == "emea"]
    emea["groups"] = [{"id": BACK_GROUP, "displayName": "Everybody here", "members": "*"}]
    return document


@pytest_asyncio.fixture(loop_scope="module")
async def both(servers, tls_dir, tmp_path, monkeypatch):
    """Two installations: Contoso to EMEA, and EMEA to Contoso. Everybody of each tenant is in scope."""
    _, bus, _ = servers
    tenants = TenantsServer(parse(both_ways()), seed=1, tls_dir=tls_dir)
    await tenants.start()
    ready = tenants.describe()
    monkeypatch.setenv("IDENTITY_ENDPOINT", ready["identityEndpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", ready["identityHeader"])
    apps = {
        "there": (ready["apps"]["reader"]["appId"], ready["apps"]["writer"]["appId"], SOURCE_TENANT, EMEA_TENANT_ID),
        "back": (BACK_READER, BACK_WRITER, EMEA_TENANT_ID, SOURCE_TENANT),
    }
    clock = GivenClock()
    installations = {}
    async with Cloud(ready) as cloud:
        for name, (reader, writer, source, target) in apps.items():
            sync = tmp_path / f"{name}.yaml"
            sync.write_text(
                f"source: {{tenantId: {source}}}\n"
                f"targets:\n- {{name: far, tenantId: {target}, scope: {{allUsers: true}},\n"
                "   matching: [mail, userPrincipalName]}\n",
                encoding="utf-8",
            )
            settings = read_settings(
                {
                    "SYNC_FILE": str(sync),
                    "MANAGED_IDENTITY_CLIENT_ID": ready["managedIdentity"]["clientId"],
                    "READER_CLIENT_ID": reader,
                    "WRITER_CLIENT_ID": writer,
                    "ServiceBusConnection": bus.connection_string,
                    "USER_CHANGES_TOPIC": "user-changes",
                    "STORE_URL": f"sqlite:///{tmp_path}/{name}.sqlite3",
                    "NOTIFICATION_URL": "https://localhost:1/api/notifications",
                    "GRAPH_ENDPOINT": ready["login"],
                    "AZURE_AUTHORITY_HOST": ready["login"],
                }
            )
            installations[name] = App(build(settings, Clock(clock.now, clock.sleep)), clock, cloud, bus, tenants)
        yield installations, cloud
        for app in installations.values():
            await app.parts.close()
    await tenants.stop()


async def test_two_installations_that_go_both_ways_never_echo(both):
    """Everybody of each tenant is served in rounds; after the first nothing more is written, and nobody is doubled."""
    installations, cloud = both
    homes = {"there": "source", "back": "emea"}
    own = {name: {u["id"] for u in await cloud.users(tenant)} for name, tenant in homes.items()}
    sizes = []
    for _ in range(3):
        for name, app in installations.items():
            everybody = [user["id"] for user in await cloud.users(homes[name])]
            await app.serve(*everybody, target="far", kind=Kind.CHECK)
            app.clock.advance(minutes=20)
        sizes.append({tenant: len(await cloud.users(tenant)) for tenant in homes.values()})
    employees = {
        name: sum("#EXT#" not in u["userPrincipalName"] for u in await cloud.users(tenant))
        for name, tenant in homes.items()
    }
    assert sizes[0] == sizes[1] == sizes[2]
    assert sizes[0] == {"source": sum(employees.values()), "emea": sum(employees.values())}
    for name, app in installations.items():
        guests = [u["id"] for u in await cloud.users(homes[name]) if "#EXT#" in u["userPrincipalName"]]
        assert guests
        assert await app.parts.store.get_links("far", guests) == {}, "the other's people are not even considered"
    await cloud.control("POST", "counters/reset")
    for name, app in installations.items():
        await app.serve(*sorted(own[name]), target="far", kind=Kind.CHECK)
    assert await installations["there"].writes("emea") == 0
    assert await installations["back"].writes("source") == 0
