"""The administrator's terminal on the sandbox's tenants, over the wire."""

from __future__ import annotations

import json

import pytest_asyncio
from admin_terminal import ADELE, NESTOR, NO_LAG, Terminal

from sandbox.story.cloud import Cloud
from sandbox.tenants.config_file import parse
from sandbox.tenants.contoso import CROSS_TENANT_USERS_GROUP_ID, default_document
from sandbox.tenants.server import TenantsServer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def terminal(tls_dir, tmp_path_factory):
    """Tenants without lag; Nestor and Adele are in the scoping group, Megan is not."""
    folder = tmp_path_factory.mktemp("terminal")
    tenants = TenantsServer(parse(default_document() | {"replicas": NO_LAG}), seed=1, tls_dir=tls_dir)
    await tenants.start()
    ready = tenants.describe()
    values = {
        "IDENTITY_ENDPOINT": ready["identityEndpoint"],
        "IDENTITY_HEADER": ready["identityHeader"],
        "MANAGED_IDENTITY_CLIENT_ID": ready["managedIdentity"]["clientId"],
        "READER_CLIENT_ID": ready["apps"]["reader"]["appId"],
        "WRITER_CLIENT_ID": ready["apps"]["writer"]["appId"],
        "ServiceBusConnection__fullyQualifiedNamespace": "nobody.servicebus.windows.net",
        "USER_CHANGES_TOPIC": "user-changes",
        "STORE_URL": f"sqlite:///{folder}/links.sqlite3",
        "NOTIFICATION_URL": "https://localhost:1/api/notifications",
        "GRAPH_ENDPOINT": ready["login"],
        "AZURE_AUTHORITY_HOST": ready["login"],
    }
    settings = folder / "local.settings.json"
    settings.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    async with Cloud(ready) as cloud:
        for user in await cloud.users("source"):
            if user["userPrincipalName"] in (NESTOR, ADELE):
                reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{user['id']}"}
                await cloud.graph("source", "POST", f"/groups/{CROSS_TENANT_USERS_GROUP_ID}/members/$ref", reference)
        yield Terminal(cloud, settings)
    await tenants.stop()
