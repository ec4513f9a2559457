"""A Logs Ingestion endpoint over TLS, and the sink on the real client."""

from __future__ import annotations

import time

import pytest
from azure.core.credentials import AccessToken
from ingestion_server import ApplicationInsights, Ingestion

from shared.telemetry.logs_ingestion import open_logs_ingestion


class Credential:
    """Gives a token for whatever is asked; remembers for what."""

    def __init__(self):
        self.scopes = []

    async def get_token(self, *scopes, **_options):
        self.scopes.append(scopes)
        return AccessToken("token", int(time.time()) + 3600)

    async def close(self):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_details):
        pass


@pytest.fixture
async def ingestion(tls_dir):
    """A running endpoint."""
    server = Ingestion()
    await server.start(tls_dir)
    yield server
    await server.stop()


@pytest.fixture
def credential():
    """The app's identity."""
    return Credential()


@pytest.fixture
async def sink(ingestion, credential):
    """The sink as the app opens it, but for its patience."""
    opened = open_logs_ingestion(ingestion.url, "dcr-1", credential, "https://monitor.azure.com")
    yield opened
    await opened.close()


@pytest.fixture
async def application_insights(tls_dir):
    """A running Application Insights."""
    server = ApplicationInsights()
    await server.start(tls_dir)
    yield server
    await server.stop()
