"""The story's hands: an administrator's Graph calls, and the sandbox's own control API for the truth."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any, Final, Self

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Json = Mapping[str, Any]


NOTIFICATIONS: Final = {"medianSeconds": 0.5, "tailSeconds": 3.0, "lossShare": 0.0}
"""How late notifications are: their long tail, of minutes, is the tests' affair."""


_BATCH: Final = 20  # of Graph's $batch
_RENEW_BEFORE: Final = 300.0  # seconds


class CallFailedError(Exception):
    """A call of the story was refused; the text holds the answer."""


class Cloud:
    """The simulated tenants, as an administrator who can act in all of them sees them."""

    def __init__(self, ready: Json) -> None:
        """`ready` is the line that the tenants printed when they were ready."""
        self._graph = ready["graph"]
        self._control = ready["control"]
        self._tls = ssl.create_default_context(cafile=ready["ca"])
        self._tokens: dict[str, tuple[str, float]] = {}  # and until when, by the monotonic clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connections."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._tls))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def control(self, method: str, path: str, body: object = None) -> Any:
        """Call the control API."""
        return await self._call(method, f"{self._control}/{path}", body, {})

    async def graph(self, tenant: str, method: str, path: str, body: object = None) -> Any:
        """Call Graph in one tenant as an administrator."""
        token, until = self._tokens.get(tenant, ("", 0.0))
        if time.monotonic() >= until:
            issued = await self.control("POST", "tokens", {"tenant": tenant, "roles": _ADMINISTRATOR})
            token, until = issued["access_token"], time.monotonic() + issued["expires_in"] - _RENEW_BEFORE
            self._tokens[tenant] = token, until
        headers = {"Authorization": f"Bearer {token}"}
        return await self._call(method, f"{self._graph}{path}", body, headers)

    async def each(self, tenant: str, ids: Sequence[str], method: str, path: str, body: object = None) -> None:
        """Call Graph once for each of these ids, twenty at a time; `{}` in the path is the id."""
        content = {} if body is None else {"headers": {"Content-Type": "application/json"}, "body": body}
        for start in range(0, len(ids), _BATCH):
            some = ids[start : start + _BATCH]
            requests = [{"id": each, "method": method, "url": path.format(each), **content} for each in some]
            answer = await self.graph(tenant, "POST", "/$batch", {"requests": requests})
            if refused := [item for item in answer["responses"] if item["status"] >= 300]:
                raise CallFailedError(f"{method} {path}: {refused[0]}")

    async def users(self, tenant: str) -> list[Json]:
        """The live users of a tenant, in truth."""
        return [user for user in (await self._truth(tenant, "users")) if not user.get("deletedDateTime")]

    async def groups(self, tenant: str) -> list[Json]:
        """The groups of a tenant with their members, in truth."""
        return await self._truth(tenant, "groups")

    async def _truth(self, tenant: str, kind: str) -> list[Json]:
        answer = await self.control("GET", f"tenants/{tenant}/{kind}")
        items: list[Json] = answer["value"]
        return items

    async def _call(self, method: str, url: str, body: object, headers: Mapping[str, str]) -> Any:
        if self._session is None:
            raise RuntimeError("enter the context first")
        async with self._session.request(method, url, json=body, headers=headers) as response:
            text = await response.text()
            if response.status >= 400:
                raise CallFailedError(f"{method} {url}: {response.status} {text[:500]}")
            return await response.json() if text else None


_ADMINISTRATOR = [
    "User.ReadWrite.All",
    "User.Invite.All",
    "Group.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "Directory.ReadWrite.All",
    "User.EnableDisableAccount.All",
    "Policy.ReadWrite.CrossTenantAccess",
    "Policy.ReadWrite.Authorization",
]
