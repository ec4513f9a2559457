"""Tokens for other tenants without a secret: managed identity, then federated assertion, then token.

The managed identity of the app vouches for an app registration (reader or writer) in each tenant. Nothing
here decides what a token may do; that is consent, in the tenant.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Self

from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ClientAssertionCredential

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

_RENEW_BEFORE = 300  # seconds of life below which the assertion is fetched anew


class ManagedIdentityAssertion:
    """The managed identity's token, used as the assertion of the app registrations.

    The SDK takes the assertion from a plain function on the event loop, and the managed identity is asked by
    a blocking call. So the assertion is fetched beforehand, in a thread, and only handed out there.
    """

    def __init__(self, client_id: str, audience: str) -> None:
        """`audience` is the cloud's token exchange audience, `api://AzureADTokenExchange` in the public cloud."""
        self._credential = ManagedIdentityCredential(client_id=client_id)
        self._scope = f"{audience}/.default"
        self._token: AccessToken | None = None
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Make sure that `current` has some minutes to live. Raises azure.core's ClientAuthenticationError."""
        async with self._lock:
            if self._token is None or self._token.expires_on - _RENEW_BEFORE < time.time():
                self._token = await asyncio.to_thread(self._credential.get_token, self._scope)

    def current(self) -> str:
        """The assertion that `refresh` fetched."""
        if self._token is None:
            raise RuntimeError("refresh() comes first")
        return self._token.token


class FederatedCredential:
    """A credential for one app registration in one tenant, as azure-core's async protocol wants it."""

    def __init__(self, *, tenant_id: str, client_id: str, authority: str, assertion: ManagedIdentityAssertion) -> None:
        """`authority` is the sign-in address of the cloud, with its scheme."""
        self._assertion = assertion
        self._inner = ClientAssertionCredential(tenant_id, client_id, assertion.current, authority=authority)

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token for `scopes`, from the cache of this process while it lives."""
        await self._assertion.refresh()
        return await self._inner.get_token(*scopes, **options)

    async def close(self) -> None:
        """Close the HTTP session."""
        await self._inner.close()

    async def __aenter__(self) -> Self:
        """Enter."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()
