"""HTTP functions: routing, keys, requests and responses as the real host and worker make them."""

from __future__ import annotations

import json
import logging
import stat

import aiohttp
import pytest

from sandbox.host import HostKeys


@pytest.fixture
async def http():
    """Give a client session."""
    async with aiohttp.ClientSession() as session:
        yield session


async def test_request_parts(start_host, http):
    """A handler sees method, route values, query, headers and body as the worker shows them."""
    host = await start_host("web")
    url = f"{host.url}/api/echo/a%20word/7?x=1&x=2"
    async with http.post(url, data=b"payload", headers={"x-word": "hello"}) as response:
        assert response.status == 201
        assert response.headers["X-Seen"] == "yes"
        assert response.content_type == "application/json"
        assert await response.json() == {
            "method": "POST",
            "params": {"x": "1,2"},
            "route": {"word": "a word", "number": "7"},
            "header": "hello",
            "body": "payload",
            "path": "7",
        }


async def test_optional_route_value(start_host, http):
    """An optional route value that is absent is absent from route_params too."""
    host = await start_host("web")
    async with http.get(f"{host.url}/api/echo/word") as response:
        assert (await response.json())["route"] == {"word": "word"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/unknown", 404),
        ("GET", "/echo/word", 404),
        ("GET", "/api/echo/word/not-a-number", 404),
        ("DELETE", "/api/echo/word", 404),
        ("GET", "/API/Echo/word", 201),
        ("GET", "/api/nothing", 204),
        ("GET", "/api/failing", 500),
        ("GET", "/api/wrong_type", 500),
    ],
)
async def test_answers(start_host, http, method, path, status):
    """Paths, methods and return values are answered as the real host answers them."""
    host = await start_host("web")
    async with http.request(method, host.url + path) as response:
        assert response.status == status


async def test_literal_first(start_host, http):
    """A literal route is preferred to one with a parameter in its place."""
    host = await start_host("web")
    async with http.get(f"{host.url}/api/echo/fixed") as response:
        assert (response.status, await response.text()) == (200, "the literal wins")


async def test_catch_all(start_host, http):
    """A catch-all takes the rest of the path, slashes included."""
    host = await start_host("web")
    async with http.get(f"{host.url}/api/files/a/b.txt") as response:
        assert await response.text() == "a/b.txt"


async def test_cookies(start_host, http):
    """Every cookie of a response is sent, each with its attributes."""
    host = await start_host("web")
    async with http.get(f"{host.url}/api/cookies") as response:
        assert response.headers.getall("Set-Cookie") == ["a=1", "b=2; Path=/"]


async def test_trace(start_host, http):
    """The context carries a new span of the caller's trace."""
    host = await start_host("web")
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    async with http.get(f"{host.url}/api/contextual", headers=headers) as response:
        seen = await response.json(content_type=None)
    assert seen["name"] == "contextual"
    assert seen["retries"] == 0
    assert seen["trace"].split("-")[1] == trace
    assert seen["trace"].split("-")[2] != "b7ad6b7169203331"


KEYS = HostKeys("the-master", "the-host", {"guarded": "the-function", "inner": "of-inner"})


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/api/echo/x", None, 201),
        ("/api/guarded", None, 401),
        ("/api/guarded", "wrong", 401),
        ("/api/guarded", "of-inner", 401),
        ("/api/guarded", "the-function", 200),
        ("/api/guarded", "the-host", 200),
        ("/api/guarded", "the-master", 200),
        ("/api/inner", "of-inner", 401),
        ("/api/inner", "the-host", 401),
        ("/api/inner", "the-master", 200),
        ("/admin/host/status", None, 401),
        ("/admin/host/status", "the-host", 401),
        ("/admin/host/status", "the-master", 200),
    ],
)
@pytest.mark.parametrize("way", ["header", "query"])
async def test_keys(start_host, http, path, key, status, way):
    """A key, in the header or the query, opens what its level allows and nothing else."""
    host = await start_host("web", keys=KEYS)
    headers = {"x-functions-key": key} if key and way == "header" else {}
    query = {"code": key} if key and way == "query" else {}
    async with http.get(host.url + path, headers=headers, params=query) as response:
        assert response.status == status


async def test_keys_file(start_host, tmp_path):
    """Keys survive a restart in a file that only its owner can read."""
    file = tmp_path / "sub" / "keys.json"
    first = await start_host("web", keys_file=file)
    await first.stop()
    second = await start_host("web", keys_file=file)
    assert second.keys == first.keys
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["functionKeys"]["guarded"] == first.keys.functions["guarded"]


async def test_keys_are_not_logged(start_host, http, caplog):
    """No key is logged or shown in a repr."""
    with caplog.at_level(logging.DEBUG):
        host = await start_host("web", keys=KEYS)
        async with http.get(f"{host.url}/api/guarded", params={"code": "the-function"}) as response:
            assert response.status == 200
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("asyncio"))
    assert "the-function" not in ours
    assert "the-master" not in ours
    assert "the-function" not in repr(host.keys)


async def test_failing_handler(start_host, http, caplog):
    """A failing handler is logged with its traceback, answers nothing but 500, and the host goes on."""
    host = await start_host("web")
    with caplog.at_level(logging.INFO):
        async with http.get(f"{host.url}/api/failing") as response:
            assert await response.read() == b""
        async with http.get(f"{host.url}/api/echo/fixed") as response:
            assert response.status == 200
    assert "Executing 'Functions.failing'" in caplog.text
    assert "Executed 'Functions.failing' (Failed" in caplog.text
    assert "a fault of the handler" in caplog.text
    assert "Executed 'Functions.echo_fixed' (Succeeded" in caplog.text
