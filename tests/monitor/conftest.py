from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

import jwt
import pytest
from contoso_rows import NOW
from monitor_driver import MonitorDriver

from sandbox.monitor.server import IngestionServer
from sandbox.monitor.service import Monitor
from sandbox.monitor.tables.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty workspace, with every optional table."""
    found = Store(present=["AADProvisioningLogs"])
    yield found
    found.close()


@pytest.fixture
def driver(store: Store) -> MonitorDriver:
    """A monitor without sockets, at a fixed time."""
    return MonitorDriver(Monitor(store), NOW)


@pytest.fixture
async def address(store: Store, tls_dir: Path) -> AsyncIterator[str]:
    """A monitor with its TLS listener, in real time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_dir / "server.pem", tls_dir / "server.key")
    server = IngestionServer(Monitor(store), context)
    yield await server.start()
    await server.stop()


@pytest.fixture
def token() -> Callable[..., str]:
    """Makes tokens as a login service would; their signature is nobody's."""

    def make(audience: str = "https://monitor.azure.com", *, expires_in: float = 3600, oid: str = "publisher") -> str:
        now = time.time()
        claims = {"aud": audience, "nbf": now - 60, "exp": now + expires_in, "oid": oid}
        return jwt.encode(claims, "nobody's key, and long enough for HS256", algorithm="HS256")

    return make
