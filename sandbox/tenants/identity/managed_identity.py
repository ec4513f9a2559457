"""The managed identity endpoint, as App Service offers it to the code that runs there.

It hands out tokens of one user-assigned identity to whoever knows the header's value; on the machine
that is everyone who was given the environment. It checks what App Service checks and nothing more.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sandbox.tenants.identity.login import ISSUER
from sandbox.tenants.wire import Request, Response

if TYPE_CHECKING:
    from sandbox.tenants.identity.keys import KeyRing
    from sandbox.tenants.wire import JsonObject
    from sandbox.tenants.world import World

PATH = "/msi/token"
OPERATION = "GET /msi/token"
API_VERSION = "2019-08-01"
_LIFETIME_SECONDS = 24 * 3600


class ManagedIdentityEndpoint:
    """The endpoint over one world; `header` is the secret of X-IDENTITY-HEADER."""

    def __init__(self, world: World, keys: KeyRing, header: str) -> None:
        self._world = world
        self._keys = keys
        self._header = header

    def handle(self, request: Request) -> Response:
        """Answer GET /msi/token?api-version=&resource=&client_id=."""
        self._world.counters.request("(managed identity)", OPERATION, 0, 0)
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        identity = self._world.config.managed_identity
        if request.method != "GET":
            return _refused(405, "Only GET is allowed.")
        if not hmac.compare_digest(request.headers.get("x-identity-header", ""), self._header):
            return _refused(401, "The header X-IDENTITY-HEADER is missing or wrong.")
        if query.get("api-version") != API_VERSION:
            return _refused(400, f"The api-version must be {API_VERSION}.")
        resource = query.get("resource", "")
        if not resource:
            return _refused(400, "The parameter resource is required.")
        # There is no system-assigned identity here, so the client id must be named and known.
        if identity is None or query.get("client_id", "").lower() != identity.client_id:
            return _refused(400, "No User Assigned or Delegated Managed Identity found for specified ClientId.")
        now = self._world.now()
        tenant = self._world.tenants[identity.tenant]
        expires_on = int(now) + _LIFETIME_SECONDS
        token = self._keys.sign(
            {
                "aud": resource,
                "iss": f"{ISSUER}/{tenant.id}/v2.0",
                "iat": int(now),
                "nbf": int(now) - 300,
                "exp": expires_on,
                "azp": identity.client_id,
                "oid": identity.principal_id,
                "sub": identity.principal_id,
                "tid": tenant.id,
                "ver": "2.0",
            }
        )
        return _json(
            200,
            {
                "access_token": token,
                "client_id": identity.client_id,
                "expires_on": str(expires_on),
                "not_before": str(int(now) - 300),
                "resource": resource,
                "token_type": "Bearer",
            },
        )


def _refused(status: int, message: str) -> Response:
    return _json(status, {"statusCode": status, "message": message})


def _json(status: int, value: JsonObject) -> Response:
    return Response(status, {"Content-Type": "application/json"}, json.dumps(value).encode())
