"""A cold instance answers its first webhook without Graph, the credentials for it, or the exporters."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest
import pytest_asyncio
from running_app import ROOT, SOURCE_TENANT

from shared.core.messages import Reason
from shared.core.model import SubscriptionRecord

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER = "0a1b2c3d-0000-4000-8000-000000000001"
NOTIFICATION = {
    "value": [
        {
            "changeType": "updated",
            "clientState": "the-state",
            "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": USER},
            "subscriptionId": "sub-users",
            "tenantId": SOURCE_TENANT,
        }
    ]
}

GRAPH = ("msgraph", "msgraph_core", "kiota_http", "kiota_abstractions", "httpx", "shared.graph.transport")
CREDENTIALS = ("shared.graph.credentials",)
EXPORTERS = ("azure.monitor", "opentelemetry.sdk")
CLOUD = (
    "azure.servicebus",
    "azure.identity",
    "azure.data",
    "pydantic",
    "shared.bus.topic",
    "shared.store.sqlite",
)


@pytest_asyncio.fixture(loop_scope="module")
async def answers(app, app_settings):
    """What a process of its own says of its first two webhooks; telemetry and the logs are switched on."""
    await app.parts.store.put_subscription(
        SubscriptionRecord("/users", "the-state", "https://localhost:1/api/notifications", "sub-users")
    )
    switched_on = {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": (
            "InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=https://localhost:1/"
        ),
        "LOGS_INGESTION_ENDPOINT": "https://localhost:1",
        "LOGS_RULE_ID": "dcr-1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.first_webhook",
        cwd=ROOT,
        env=dict(os.environ) | app_settings | switched_on,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate(json.dumps(NOTIFICATION).encode())
    return json.loads(printed)


def loaded(modules, packages):
    """Of these packages, what is loaded."""
    return [name for name in modules if any(name == each or name.startswith(f"{each}.") for each in packages)]


async def test_the_first_webhooks_load_neither_graph_nor_credentials_for_it_nor_exporters(app, answers):
    """The address is validated and a notification is on the topic before any of it is there."""
    validation, notification = answers["validation"], answers["notification"]
    assert (validation["status"], validation["body"]) == (200, "a token")
    assert notification["status"] == 202
    [change] = [each for each in await app.messages("emea") if each.reason is Reason.NOTIFICATION]
    assert change.user_id == USER
    assert loaded(notification["modules"], (*GRAPH, *CREDENTIALS, *EXPORTERS)) == []
    assert loaded(validation["modules"], CLOUD) == []
