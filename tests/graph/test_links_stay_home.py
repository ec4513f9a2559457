"""A tenant's token, and what we write with it, goes to that tenant's own Graph host and nowhere else."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from hypothesis import given
from hypothesis import strategies as st

from shared.core.fault_sizes import FaultSize
from shared.graph.client import ForeignLinkError, GraphClient, GraphRequest, RawResponse
from shared.graph.pages import ListFailedError, delta_pages, list_pages
from shared.graph.transport import GraphTransport

HOME = "https://graph.microsoft.com"
HOSTILE = [
    "https://evil.example/v1.0/users?$skiptoken=1",
    "http://graph.microsoft.com/v1.0/users",
    "https://graph.microsoft.com.evil.example/v1.0/users",
    "https://graph.microsoft.com@evil.example/v1.0/users",
    "https://graph.microsoft.com:8443/v1.0/users",
    "https://graph.microsoft.us/v1.0/users",
    "//evil.example/v1.0/users",
    "/v1.0/users",
    "HTTPS://GRAPH.MICROSOFT.COM/v1.0/users",  # the same host; Graph does not write it so, and nothing is lost
]


class Recorded:
    """A transport that notes where requests go, and answers with a page that leads on."""

    def __init__(self, link):
        self.urls = []
        self._link = link

    async def send(self, _method, url, _body, _headers):
        self.urls.append(url)
        return RawResponse(200, b'{"value": [], "@odata.nextLink": "%s"}' % self._link.encode(), {})


def client(transport, endpoint=HOME):
    return GraphClient(endpoint, lambda: transport, lambda: datetime.now(UTC))


@pytest.mark.parametrize("link", HOSTILE)
def test_a_link_that_leads_elsewhere_ends_the_list(link):
    """Nothing is asked there, and a list that ended so is no list."""

    async def read(pages):
        return [page async for page in pages]

    transport = Recorded(link)
    graph = client(transport)
    with pytest.raises(ListFailedError, match="foreignLink"):
        asyncio.run(read(list_pages(graph, GraphRequest("GET", "/users"), "users")))
    with pytest.raises(ListFailedError, match="foreignLink"):
        asyncio.run(read(delta_pages(graph, f"{HOME}/v1.0/users/delta", "users/delta")))
    assert transport.urls == [f"{HOME}/v1.0/users", f"{HOME}/v1.0/users/delta"]


@given(st.text() | st.sampled_from(HOSTILE).flatmap(lambda link: st.text().map(lambda end: link + end)))
def test_no_text_leads_elsewhere(link):
    """Whatever the link: either it is refused, or it begins with our own root."""
    transport = Recorded("")
    try:
        asyncio.run(client(transport).follow(link))
    except ForeignLinkError:
        assert transport.urls == []
    else:
        assert transport.urls[0].startswith(f"{HOME}/v1.0/")


class Given:
    """A credential that always has a token."""

    async def get_token(self, *_scopes, **_options):
        return AccessToken("a-token", int(time.time()) + 3600)

    async def close(self):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_fault_and_not_followed(status):
    """Neither the token nor the body goes there, nor is an answer from there taken for Graph's."""
    elsewhere = []

    async def stranger(request):
        elsewhere.append((request.method, dict(request.headers), await request.read()))
        return web.json_response({"value": []})

    type_of_redirect = type("Redirect", (web.HTTPException,), {"status_code": status})

    async def redirect(_request):
        raise type_of_redirect(headers={"Location": f"http://localhost:{ports[1]}/"})

    runners, ports = [], []
    for handler in (redirect, stranger):
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        ports.append(runner.addresses[0][1])
    endpoint = f"http://127.0.0.1:{ports[0]}"
    reached = client(GraphTransport(endpoint, Given()), endpoint)
    for request in (GraphRequest("GET", "/users"), GraphRequest("PATCH", "/users/x", {"displayName": "Nestor"})):
        answer = await reached.send(request)
        assert answer.status == status
        assert answer.fault is not None
        assert answer.fault.size is FaultSize.TRANSIENT
    assert elsewhere == []
    await reached.close()
    for runner in runners:
        await runner.cleanup()
