"""Tenants for a module of disasters; fresh ones, a fresh store and a fresh process for each of them."""

from __future__ import annotations

import pytest_asyncio
from setting import fresh_stage, still_tenants

from sandbox.tenants.contoso import default_document


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tenants(tls_dir):
    """Contoso and the two companies it bought."""
    async with still_tenants(default_document(), tls_dir) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def stage(tenants, tmp_path):
    """A stage on fresh tenants."""
    async with fresh_stage(tenants, tmp_path) as stage:
        yield stage
