"""A process as the deployed app is one: the environment of App Service, azure-identity, and Graph.

Started by a test with the environment set, because TLS trust is read when aiohttp is imported. Arguments:
authority, Graph address, client id of the identity, tenant, app with consent there, app without. Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys

import aiohttp
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential
from azure.identity.aio import ClientAssertionCredential

EXCHANGE = "api://AzureADTokenExchange/.default"


async def main(authority: str, graph: str, identity_id: str, tenant: str, *apps: str) -> dict[str, object]:
    identity = ManagedIdentityCredential(client_id=identity_id)

    def assertion() -> str:
        return identity.get_token(EXCHANGE).token

    found: dict[str, object] = {}
    async with ClientAssertionCredential(tenant, apps[0], assertion, authority=authority) as credential:
        token = await credential.get_token("https://graph.microsoft.com/.default")
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token.token}"}) as session,
        session.get(f"{graph}/users") as response,
    ):
        found["users"] = len((await response.json())["value"])
    async with ClientAssertionCredential(tenant, apps[1], assertion, authority=authority) as credential:
        try:
            await credential.get_token("https://graph.microsoft.com/.default")
        except ClientAuthenticationError as error:
            found["without consent"] = str(error)
    try:
        ManagedIdentityCredential(client_id=tenant).get_token(EXCHANGE)
    except CredentialUnavailableError as error:
        found["unknown identity"] = str(error)
    return found


sys.stdout.write(json.dumps(asyncio.run(main(*sys.argv[1:]))))
