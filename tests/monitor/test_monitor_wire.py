"""The real clients of Azure Monitor, over TLS, against the monitor as it runs beside the app."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from azure.identity.aio import ManagedIdentityCredential
from azure.monitor.ingestion.aio import LogsIngestionClient

from sandbox.monitor.server import IngestionServer, LoginService
from sandbox.monitor.service import INSTRUMENTATION_KEY, RULE_ID, Monitor
from sandbox.tenants.contoso import MANAGED_IDENTITY_CLIENT_ID, default_config
from sandbox.tenants.server import TenantsServer

HERE = Path(__file__).resolve().parent
STREAM = "Custom-CrosstenantProvisioning_CL"


@dataclass
class Credential:
    """Hands out one token, as an identity that was signed in elsewhere would."""

    token: str

    async def get_token(self, *scopes: str, **_: object) -> AccessToken:
        assert scopes == ("https://monitor.azure.com/.default",)
        return AccessToken(self.token, int(time.time()) + 3600)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""


def rows(count: int, size: int = 10) -> list[dict[str, object]]:
    return [{"EventId": f"e{index}", "Objects": "x" * size, "Attempt": index} for index in range(count)]


async def control(address: str, method: str, path: str, body: object = None):
    tls = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
        session.request(method, f"{address}/_control/{path}", json=body) as response,
    ):
        return await response.json()


async def test_a_large_upload_comes_in_chunks_and_every_row_arrives(address, token, store):
    """The client splits, packs and sends; nothing is lost or doubled.

    It does not count the commas between rows: with many small rows its chunks are a little over the documented
    megabyte and are refused here, so a sender makes smaller ones.
    """
    async with LogsIngestionClient(address, Credential(token())) as client:
        await client.upload(RULE_ID, STREAM, rows(100, size=30_000))
        assert store.count()["CrosstenantProvisioning_CL"] == 100
        counters = await control(address, "GET", "counters")
        assert counters["logs"] == {"204": 3}
        with pytest.raises(HttpResponseError, match="ContentLengthLimitExceeded"):
            await client.upload(RULE_ID, STREAM, rows(4000, size=500))


async def test_the_client_waits_as_it_is_told_and_tries_again(address, token, store):
    """429 with Retry-After and 503: the same rows are there once, after at least the time that was asked for."""
    await control(address, "POST", "faults", {"endpoint": "logs", "status": 429, "retryAfter": 1})
    await control(address, "POST", "faults", {"endpoint": "logs", "status": 503})
    began = time.monotonic()
    async with LogsIngestionClient(address, Credential(token())) as client:
        await client.upload(RULE_ID, STREAM, rows(3))
    assert time.monotonic() - began >= 1
    assert store.count()["CrosstenantProvisioning_CL"] == 3
    assert (await control(address, "GET", "counters"))["logs"] == {"204": 1, "429": 1, "503": 1}


async def test_a_connection_that_breaks_after_the_rows_were_stored_makes_doubles(address, token, store):
    """The client does not repeat a POST whose answer was lost; the sender does, and EventId tells the doubles."""
    fault = {"endpoint": "logs", "status": 503, "keeps": True, "drops": True}
    await control(address, "POST", "faults", fault)
    async with LogsIngestionClient(address, Credential(token())) as client:
        with pytest.raises(ServiceRequestError):
            await client.upload(RULE_ID, STREAM, rows(1))
        await client.upload(RULE_ID, STREAM, rows(1))
    assert [row["EventId"] for row in store.rows("CrosstenantProvisioning_CL")] == ["e0", "e0"]


async def test_refusals_reach_the_client_as_its_own_errors(address, token):
    """A wrong token, a wrong rule, and a wrong row."""
    async with LogsIngestionClient(address, Credential(token("https://graph.microsoft.com"))) as client:
        with pytest.raises(ClientAuthenticationError, match="audience"):
            await client.upload(RULE_ID, STREAM, rows(1))
    async with LogsIngestionClient(address, Credential(token())) as client:
        with pytest.raises(HttpResponseError, match="not found"):
            await client.upload("dcr-another", STREAM, rows(1))
        with pytest.raises(HttpResponseError, match="record 0: Attempt"):
            await client.upload(RULE_ID, STREAM, [{"Attempt": "many"}])


async def test_tokens_of_the_managed_identity_are_verified_by_the_published_keys(store, tls_dir, monkeypatch, token):
    """The way that the app goes: identity endpoint, token for Azure Monitor, signature checked by the monitor."""
    tenants = TenantsServer(default_config(), tls_dir=tls_dir)
    addresses = await tenants.start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", addresses.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", addresses.identity_header)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_dir / "server.pem", tls_dir / "server.key")
    server = IngestionServer(Monitor(store), context, LoginService(addresses.login, addresses.ca))
    address = await server.start()
    try:
        async with (
            ManagedIdentityCredential(client_id=MANAGED_IDENTITY_CLIENT_ID) as identity,
            LogsIngestionClient(address, identity) as client,
        ):
            await client.upload(RULE_ID, STREAM, rows(2))
        assert store.count()["CrosstenantProvisioning_CL"] == 2
        async with LogsIngestionClient(address, Credential(token())) as forger:
            with pytest.raises(ClientAuthenticationError):
                await forger.upload(RULE_ID, STREAM, rows(1))
    finally:
        await server.stop()
        await tenants.stop()


async def send_telemetry(address: str, storage: Path) -> None:
    """Run the exporters in a process of their own."""
    connection = f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint={address}/"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "telemetry_client.py"), connection, str(storage),
        env={**os.environ, "REQUESTS_CA_BUNDLE": os.environ["SSL_CERT_FILE"]},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def test_the_exporters_telemetry_arrives_in_the_tables(address, store, tmp_path):
    """Requests, dependencies, traces, events, exceptions and metrics of azure-monitor-opentelemetry-exporter."""
    await send_telemetry(address, tmp_path)
    [request] = store.rows("AppRequests")
    [dependency] = store.rows("AppDependencies")
    assert (request["Name"], request["OperationId"]) == ("provision_emea", dependency["OperationId"])
    assert dependency["ParentId"] == request["Id"]
    [trace] = store.rows("AppTraces")
    assert (trace["Message"], trace["SeverityLevel"], trace["Properties"]["target"]) == ("hello", 2, "emea")
    [event] = store.rows("AppEvents")
    assert (event["Name"], event["Properties"]["target"]) == ("Started", "apac")
    assert [row["OuterMessage"] for row in store.rows("AppExceptions")] == ["boom"]
    [metric] = [row for row in store.rows("AppMetrics") if row["Name"] == "crosstenant.decisions"]
    assert (metric["Sum"], metric["Properties"]["target"]) == (3.0, "emea")


def test_the_part_says_where_it_is_and_stops_when_told(tmp_path):
    """As a process: one line of JSON, and its own authority where none is given."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "monitor", "--json", "--database", str(tmp_path / "rows.duckdb")],
        cwd=HERE.parents[1],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        ready = json.loads(process.stdout.readline())
        assert ready.keys() == {"url", "control", "logsEndpoint", "ruleId", "connectionString", "page", "ca"}
        assert Path(ready["ca"]).exists()
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        process.stdout.close()


def test_a_file_that_is_no_workbook_ends_with_code_2(tmp_path):
    (tmp_path / "no.json").write_text("{}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "workbook", "--open", str(tmp_path / "no.json")],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "Notebook/1.0" in done.stderr
