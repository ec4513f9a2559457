"""The way to one tenant's Microsoft Graph, on the SDK's core: authentication and sending.

This is the heavy part of the adapter, a quarter of a second of imports. So nothing imports this module but a client's
first request: an instance that serves notifications alone never does. The SDK's models are not used, so its core is
all that the package holds (docs/decisions/0011-graph-sdk-core.md).
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import httpx
from azure.core.exceptions import AzureError
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import RedirectHandlerOption, ResponseHandlerOption, RetryHandlerOption
from msgraph_core import BaseGraphRequestAdapter, GraphClientFactory

from shared.graph.client import RawResponse, SignInError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.credentials_async import AsyncTokenCredential

_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)


class GraphTransport:
    """Sends requests with one credential to one Graph host, and takes answers as bytes."""

    def __init__(self, endpoint: str, credential: AsyncTokenCredential) -> None:
        """`endpoint` is the cloud's Graph address without a version; `credential` is closed with this object."""
        self._credential = credential
        self._scope = f"{endpoint}/.default"
        self._http = GraphClientFactory.create_with_default_middleware(
            client=httpx.AsyncClient(timeout=_TIMEOUT, http2=True),
            # Waiting for a Retry-After inside a call would outlast the message's lock: faults are rescheduled. A
            # redirect would take what we send to another host, and its answer for Graph's, so it is a fault.
            options={
                RetryHandlerOption.get_key(): RetryHandlerOption(should_retry=False),
                RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
            },
        )
        provider = AzureIdentityAuthenticationProvider(
            credential,
            scopes=[self._scope],
            is_cae_enabled=False,
            allowed_hosts=[httpx.URL(endpoint).host],
        )
        self._adapter = BaseGraphRequestAdapter(provider, http_client=self._http)
        self._adapter.base_url = endpoint

    async def send(
        self, method: str, url: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> RawResponse:
        """Send one request.

        Raises:
            UnreachableError: there was no answer.
            SignInError: there was no token, with what the sign-in service said.
        """
        information = RequestInformation(Method(method))
        information.url = url
        information.headers.try_add("Accept", "application/json")
        for name, value in headers.items():
            information.headers.try_add(name, value)
        if body is not None:
            information.set_stream_content(json.dumps(body).encode(), "application/json")
        information.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
        try:
            response: Any = await self._adapter.send_primitive_async(information, "bytes", {})
        except httpx.HTTPError as error:
            raise UnreachableError from error
        except AzureError as error:
            raise SignInError(str(error)) from error
        return RawResponse(response.status_code, response.content, response.headers)

    async def roles(self) -> frozenset[str]:
        """The application permissions in the token, as it claims them; only Graph can tell whether it is genuine.

        Raises:
            SignInError: there was no token.
        """
        try:
            token = await self._credential.get_token(self._scope)
        except AzureError as error:
            raise SignInError(str(error)) from error
        payload = token.token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return frozenset(claims.get("roles") or ())

    async def close(self) -> None:
        """Close the connections, and the credential's."""
        await self._http.aclose()
        await self._credential.close()
