"""Microsoft's own typed client understands what we say. Few calls: its models take seconds to load."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.invitation import Invitation
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.user import User
from tenants_driver import REDIRECT, calm_document

from sandbox.tenants import TenantsServer, parse

if TYPE_CHECKING:
    from pathlib import Path


class _Fixed(AccessTokenProvider):
    """Hands out one token for localhost."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_authorization_token(self, uri: str, additional_authentication_context: object = None) -> str:
        return self._token

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return AllowedHostsValidator(["localhost"])


async def test_the_typed_client_reads_invites_patches_and_follows_delta(tmp_path: Path) -> None:
    """Get, list, invitation, patch, delta with its link, and an error with its code."""
    server = TenantsServer(parse(calm_document()), seed=1, tls_dir=tmp_path)
    await server.start()
    trust = ssl.create_default_context(cafile=str(server.addresses.ca))
    async with httpx.AsyncClient(verify=trust) as http:
        answer = await http.post(f"{server.addresses.control}/tokens", json={"tenant": "emea"})
        provider = BaseBearerTokenAuthenticationProvider(_Fixed(answer.json()["access_token"]))
        adapter = GraphRequestAdapter(provider, client=http)
        adapter.base_url = server.addresses.graph
        client = GraphServiceClient(request_adapter=adapter)

        listed = await client.users.get()
        assert {user.user_principal_name for user in listed.value} >= {"enricoc@emea.contoso.com"}
        delta = await client.users.delta.get()
        assert len(delta.value) == 4

        invited = await client.invitations.post(
            Invitation(
                invited_user_email_address="NestorW@contoso.com",
                invite_redirect_url=REDIRECT,
                invited_user_type="Member",
            )
        )
        user_id = invited.invited_user.id
        assert await client.users.by_user_id(user_id).patch(User(department="Operations")) is None
        user = await client.users.by_user_id(user_id).get()
        assert (user.mail, user.business_phones) == ("NestorW@contoso.com", [])

        changed = await client.users.delta.with_url(delta.odata_delta_link).get()
        assert [item.id for item in changed.value] == [user_id]

        with pytest.raises(ODataError) as caught:
            await client.users.by_user_id("nobody@emea.contoso.com").get()
        assert (caught.value.response_status_code, caught.value.error.code) == (404, "Request_ResourceNotFound")
        assert caught.value.error.inner_error.request_id
    await server.stop()
