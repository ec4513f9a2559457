"""The real thing over TLS: azure-identity, aiohttp, a webhook, and connections that break."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from tenants_driver import calm_document

from sandbox.tenants import TenantsServer, contoso, parse, tls
from sandbox.tenants.clock import timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TenantsServer]:
    server = TenantsServer(parse(calm_document()), seed=1, tls_dir=tmp_path / "tls")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http(server: TenantsServer) -> AsyncIterator[aiohttp.ClientSession]:
    trust = ssl.create_default_context(cafile=str(server.addresses.ca))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
        yield session


async def admin(server: TenantsServer, http: aiohttp.ClientSession, tenant: str) -> dict[str, str]:
    async with http.post(f"{server.addresses.control}/tokens", json={"tenant": tenant}) as response:
        return {"Authorization": f"Bearer {(await response.json())['access_token']}"}


async def until(server: TenantsServer, http: aiohttp.ClientSession, condition: Callable[[], bool]) -> None:
    """Ask the server something until a condition holds."""
    async with asyncio.timeout(20):
        while not condition():
            async with http.get(f"{server.addresses.control}/clock") as response:
                assert response.status == 200


async def quiet(server: TenantsServer, http: aiohttp.ClientSession) -> None:
    """Wait until every notification was delivered."""
    await until(server, http, lambda: server.cloud.world.hub.pending() == 0)


async def test_azure_identity_gets_from_the_managed_identity_to_a_target(server: TenantsServer) -> None:
    """ManagedIdentityCredential, ClientAssertionCredential, Graph; and refusals arrive as they do in Azure."""
    addresses = server.addresses
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("azure_identity_client.py")),
        *(addresses.login, addresses.graph, contoso.MANAGED_IDENTITY_CLIENT_ID),
        *(contoso.EMEA_TENANT_ID, contoso.WRITER_APP_ID, contoso.READER_APP_ID),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "IDENTITY_ENDPOINT": addresses.identity_endpoint,
            "IDENTITY_HEADER": addresses.identity_header,
            "SSL_CERT_FILE": str(addresses.ca),
        },
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found = json.loads(output)
    assert found["users"] == 4
    assert "AADSTS7000229" in found["without consent"]
    assert "No User Assigned" in found["unknown identity"]


@contextlib.asynccontextmanager
async def webhook(server: TenantsServer, answers: list[int]) -> AsyncIterator[tuple[str, list[Any]]]:
    """A subscriber over TLS that takes the handshake and answers notifications with these statuses, then 202."""
    received: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        token = request.query.get("validationToken")
        if token is not None:
            return web.Response(text=token)
        received.append(json.loads(await request.read()))
        return web.Response(status=answers.pop(0) if answers else 202)

    application = web.Application()
    application.router.add_post("/hook", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.addresses.certificate, server.addresses.key)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://localhost:{runner.addresses[0][1]}/hook", received
    finally:
        await runner.cleanup()


async def subscribe(server: TenantsServer, http: aiohttp.ClientSession, url: str) -> int:
    body = {
        "changeType": "updated",
        "notificationUrl": url,
        "resource": "/users",
        "expirationDateTime": timestamp(server.cloud.clock.now() + 3600),
        "clientState": "s3cret",
    }
    headers = await admin(server, http, "source")
    async with http.post(f"{server.addresses.graph}/subscriptions", json=body, headers=headers) as response:
        return response.status


async def move(server: TenantsServer, http: aiohttp.ClientSession, city: str) -> None:
    headers = await admin(server, http, "source")
    url = f"{server.addresses.graph}/users/MeganB@contoso.com"
    async with http.patch(url, json={"city": city}, headers=headers) as response:
        assert response.status == 204


async def test_a_webhook_is_proved_and_then_told(server: TenantsServer, http: aiohttp.ClientSession) -> None:
    """The handshake happens while the POST is open; nobody there means 400."""
    async with webhook(server, []) as (url, received):
        assert await subscribe(server, http, url) == 201
        await move(server, http, "Rome")
        await quiet(server, http)
        [body] = received
        assert [item["clientState"] for item in body["value"]] == ["s3cret"]
        assert await subscribe(server, http, url.replace("/hook", "/other")) == 409
    async with http.post(f"{server.addresses.control}/reset", json={}) as response:
        assert response.status == 200
    assert await subscribe(server, http, url) == 400


async def test_a_refused_delivery_comes_again_when_its_time_has_come(
    server: TenantsServer, http: aiohttp.ClientSession
) -> None:
    """Moving the clock is enough."""
    async with webhook(server, [503]) as (url, received):
        assert await subscribe(server, http, url) == 201
        await move(server, http, "Rome")
        await until(server, http, lambda: bool(received) and server.cloud.next_deadline() is not None)
        async with http.post(f"{server.addresses.control}/clock", json={"advance": 11}) as response:
            assert response.status == 200
        await quiet(server, http)
        assert received == [received[0]] * 2


async def test_a_connection_can_be_reset_and_a_body_cut(server: TenantsServer, http: aiohttp.ClientSession) -> None:
    """As the client sees it: a broken connection, a short payload; the write stands."""
    faults = f"{server.addresses.control}/faults"
    headers = await admin(server, http, "source")
    async with http.post(faults, json={"operation": "PATCH .*", "apply": True, "reset": True, "count": 2}):
        pass
    url = f"{server.addresses.graph}/users/MeganB@contoso.com"
    with pytest.raises(aiohttp.ClientError):
        async with http.patch(url, json={"city": "Rome"}, headers=headers):
            pass
    async with http.get(f"{url}?$select=city", headers=headers) as response:
        assert (await response.json())["city"] == "Rome"
    async with http.post(faults, json={"operation": "GET .*", "cutBodyAt": 20, "count": 1}):
        pass
    with pytest.raises(aiohttp.ClientPayloadError):
        async with http.get(url, headers=headers) as response:
            await response.read()


async def test_files_of_the_authority_are_used_again_while_they_hold(tmp_path: Path) -> None:
    """And made anew when one is missing or belongs to another authority."""
    files = tls.prepare(tmp_path)
    first = files.certificate.read_bytes()
    assert tls.prepare(tmp_path).certificate.read_bytes() == first
    assert files.key.stat().st_mode & 0o077 == 0
    files.ca.write_bytes(tls.prepare(tmp_path / "other").ca.read_bytes())
    assert tls.prepare(tmp_path).certificate.read_bytes() != first
    files.key.unlink()
    assert tls.prepare(tmp_path).key.exists()


async def _start(*arguments: str, errors: int | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.tenants",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        limit=2**20,
    )


async def test_the_command_says_one_line_of_json_and_ends_on_a_signal(tmp_path: Path) -> None:
    """Exit code 0, nothing else on standard output."""
    process = await _start("--json", "--seed", "3", "--tls-dir", str(tmp_path))
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    assert ready["tenants"]["source"]["id"] == contoso.SOURCE_TENANT_ID
    assert ready["apps"]["writer"]["appId"] == contoso.WRITER_APP_ID
    assert ready["graph"] == f"{ready['login']}/v1.0"
    trust = ssl.create_default_context(cafile=ready["ca"])
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session,
        session.get(f"{ready['control']}/clock") as response,
    ):
        assert response.status == 200
    process.send_signal(signal.SIGTERM)
    assert await process.stdout.read() == b""
    assert await process.wait() == 0


async def test_the_command_ends_with_its_parent() -> None:
    """Whatever became of the parent."""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    process = await _start("--json", "--parent-pid", str(parent.pid))
    assert process.stdout is not None
    await process.stdout.readline()
    parent.kill()
    await parent.wait()
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_a_taken_port_is_said_and_ends_the_command(server: TenantsServer) -> None:
    """Exit code 1."""
    taken = server.addresses.login.rpartition(":")[2]
    process = await _start("--port", taken, errors=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().startswith(f"cannot serve on port {taken}: ")


async def test_people_are_told_how_to_get_a_token(tmp_path: Path) -> None:
    """The curl line works as it is printed."""
    process = await _start("--tls-dir", str(tmp_path))
    assert process.stdout is not None
    lines = []
    while not lines or not lines[-1].startswith("Ctrl-C"):
        lines.append((await process.stdout.readline()).decode().strip())
    [line] = [line for line in lines if line.startswith("curl ")]
    curl = await asyncio.create_subprocess_shell(
        line.replace("curl ", "curl -s ", 1), stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    output, _ = await curl.communicate()
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    issued = json.loads(output)
    assert (issued["token_type"], issued["expires_in"]) == ("Bearer", 3599)
