"""Signing in as a person, to change what only an administrator of a tenant may change.

The token is for the Microsoft Graph command line tools, Microsoft's own public client, which asks an administrator for
the permissions of a command the first time it is used.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Self

from azure.core.credentials import AccessToken

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from azure.core.credentials import TokenCredential

WAYS: Final = ("browser", "device", "cli")
_PUBLIC_CLIENT: Final = "14d82eec-204b-4c2f-b7e8-296a70dab67e"  # Microsoft Graph Command Line Tools
_FOREVER: Final = 3600  # seconds that a token from a file is taken to be good for


class Person:
    """A person's credential as the Graph client wants it: asynchronous, and for the permissions of one command."""

    def __init__(self, inner: TokenCredential, scopes: tuple[str, ...] = ()) -> None:
        """`inner` may block while the person signs in."""
        self._inner = inner
        self._scopes = scopes

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """A token, from the cache of this process once there is one."""
        return await asyncio.to_thread(self._inner.get_token, *self._scopes)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        """Nothing has to be opened."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Nothing has to be closed."""


class _FromFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._path.read_text(encoding="utf-8").strip(), int(time.time()) + _FOREVER)


def person_from(token_file: Path) -> Person:
    """Whoever the token in a file stands for."""
    return Person(_FromFile(token_file))


def sign_in(way: str, tenant_id: str, authority: str, graph: str, permissions: Iterable[str]) -> Person:
    """Whoever signs in to a tenant, in one of the `WAYS`; nothing is asked before the first request.

    `authority` and `graph` are the addresses of sign-in and Graph, with their scheme.
    """
    from azure.identity import (  # noqa: PLC0415 - half a second, and not for every command
        AzureCliCredential,
        DeviceCodeCredential,
        InteractiveBrowserCredential,
    )

    scopes = tuple(f"{graph}/{permission}" for permission in permissions)
    match way:
        case "cli":  # which takes no permissions: it has those that it has
            return Person(AzureCliCredential(tenant_id=tenant_id), (f"{graph}/.default",))
        case "device":
            device = DeviceCodeCredential(client_id=_PUBLIC_CLIENT, tenant_id=tenant_id, authority=authority)
            return Person(device, scopes)
        case _:
            browser = InteractiveBrowserCredential(client_id=_PUBLIC_CLIENT, tenant_id=tenant_id, authority=authority)
            return Person(browser, scopes)
