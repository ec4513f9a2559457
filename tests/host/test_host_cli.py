"""The host as a process: its ready line, its exit codes, its end."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import trustme

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def running(app: Path, *arguments: str):
    """Start the host's command line on an app and kill it at the end, if it still runs then."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.host", "--app", str(app), "--port", "0", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_ready_and_stop(apps, tmp_path):
    """Ready is one JSON line on standard output, and SIGTERM ends with exit code 0."""
    settings = tmp_path / "settings.json"
    settings.write_text('{"IsEncrypted": false, "Values": {"GREETING": "hello from the file"}}')
    keys = tmp_path / "keys.json"
    arguments = ("--settings", str(settings), "--keys-file", str(keys), "--json")
    async with running(apps / "eager", *arguments) as process, aiohttp.ClientSession() as http:
        ready = json.loads(await process.stdout.readline())
        assert ready["functions"] == [{"name": "greet", "type": "httpTrigger", "state": "running"}]
        assert ready["keysFile"] == str(keys)
        async with http.get(f"{ready['url']}/api/greet") as response:
            assert await response.text() == "hello from the file"
        master = json.loads(keys.read_text())["masterKey"]
        async with http.get(f"{ready['url']}/admin/host/status", headers={"x-functions-key": master}) as response:
            assert (await response.json())["state"] == "Running"
        process.send_signal(signal.SIGTERM)
        rest, errors = await process.communicate()
        assert (process.returncode, rest) == (0, b"")
        assert b"Executing 'Functions.greet'" in errors
        assert master.encode() not in errors


async def test_https(apps, tmp_path):
    """HTTPS is served with the given certificate."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(files[0])
    certificate.private_key_pem.write_to_path(files[1])
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    async with (
        running(apps / "web", "--tls-cert", str(files[0]), "--tls-key", str(files[1]), "--json") as process,
        aiohttp.ClientSession() as http,
    ):
        ready = json.loads(await process.stdout.readline())
        assert ready["url"].startswith("https://localhost:")
        async with http.get(f"{ready['url']}/api/echo/fixed", ssl=trust) as response:
            assert response.status == 200


async def test_refused(apps):
    """A refused app ends with exit code 2 and every fault on standard error."""
    async with running(apps / "many_faults") as process:
        out, errors = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    for told in (b"host.json: version:", b"9lives: name:", b"9lives: schedule:", b"batch: connection:"):
        assert told in errors


async def test_taken_port(apps):
    """A port that is taken ends with exit code 1 and says so."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with running(apps / "web", "--port", str(port)) as process:
            _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"cannot start" in errors


async def test_parent_gone(apps):
    """The host ends by itself when its parent process is gone."""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    async with running(apps / "web", "--json", "--parent-pid", str(parent.pid)) as process:
        await process.stdout.readline()
        await parent.communicate(b"\n")
        assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_stuck_handler(apps):
    """A sync handler that never returns cannot hold up the end."""
    async with (
        running(apps / "stuck", "--json", "--grace", "0.2") as process,
        aiohttp.ClientSession() as http,
    ):
        ready = json.loads(await process.stdout.readline())
        request = asyncio.create_task(http.get(f"{ready['url']}/api/stuck"))
        assert await process.stdout.readline() == b"stuck\n"
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 15) == 0
        await asyncio.gather(request, return_exceptions=True)
