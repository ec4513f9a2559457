"""Shared by the host's tests: the sample apps and hosts started from them."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host import FunctionsHost, FunctionsHostOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

APPS = Path(__file__).parent / "apps"


@pytest.fixture
def apps() -> Path:
    """Return the folder of the sample apps."""
    return APPS


@pytest.fixture
async def start_host() -> AsyncIterator[Callable[..., Awaitable[FunctionsHost]]]:
    """Start hosts of the sample apps by name; all are stopped at the end of the test."""
    async with AsyncExitStack() as stack:

        async def start(app: str, settings: dict[str, str] | None = None, **given: Any) -> FunctionsHost:
            parts = {name: given.pop(name) for name in ("clock", "keys") if name in given}
            options = FunctionsHostOptions(app=APPS / app, **{"grace": 2.0, **given})
            host = FunctionsHost(options, environment=dict(settings or {}), **parts)
            return await stack.enter_async_context(host)

        yield start


@pytest.fixture
def app_module() -> Callable[[], Any]:
    """Return the module of the app that is hosted now, as the host imported it."""
    return lambda: sys.modules["function_app"]
