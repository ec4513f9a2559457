"""Where a stage stands: tenants whose time is moved, and the app's settings for them."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager

from given_topic import TARGETS
from running_app import NO_LAG, ROOT
from stage import Stage

from sandbox.story.cloud import Cloud
from sandbox.tenants.config_file import parse
from sandbox.tenants.server import TenantsServer
from shared.config.settings import read_settings

_TEN_DAYS = {"lifetimeSeconds": 864_000}
"""Tokens outlive every disaster: the SDK keeps them by the machine's time, and the tenants by the stage's."""


@asynccontextmanager
async def still_tenants(document, tls_dir):
    """Tenants without lag whose time stands still until it is moved."""
    server = TenantsServer(parse(document | {"replicas": NO_LAG, "tokens": _TEN_DAYS}), seed=1, tls_dir=tls_dir)
    server.cloud.clock.freeze()
    await server.start()
    ready = server.describe()
    kept = dict(os.environ)
    os.environ |= {"IDENTITY_ENDPOINT": ready["identityEndpoint"], "IDENTITY_HEADER": ready["identityHeader"]}
    yield server
    os.environ.clear()
    os.environ.update(kept)
    await server.stop()


@asynccontextmanager
async def fresh_stage(tenants, folder, *, targets=TARGETS, sync=None):
    """A stage on fresh tenants with a fresh store; `sync` is another sync.yaml than the repository's."""
    ready = tenants.describe()
    settings = read_settings(
        {
            "SYNC_FILE": str(ROOT / "sync.yaml"),
            "MANAGED_IDENTITY_CLIENT_ID": ready["managedIdentity"]["clientId"],
            "READER_CLIENT_ID": ready["apps"]["reader"]["appId"],
            "WRITER_CLIENT_ID": ready["apps"]["writer"]["appId"],
            "ServiceBusConnection": "Endpoint=sb://localhost;SharedAccessKeyName=a;SharedAccessKey=b",
            "USER_CHANGES_TOPIC": "user-changes",
            "STORE_URL": f"sqlite:///{folder}/links.sqlite3",
            "NOTIFICATION_URL": "https://localhost:1/api/notifications",
            "GRAPH_ENDPOINT": ready["login"],
            "AZURE_AUTHORITY_HOST": ready["login"],
        }
    )
    tenants.cloud.reset(1)
    async with Cloud(ready) as cloud:
        stage = Stage(settings, cloud, tenants, folder, targets)
        await stage.restart(sync)
        await stage.begin()
        yield stage
        await stage.parts.close()
