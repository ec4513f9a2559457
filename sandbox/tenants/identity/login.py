"""The login service: tokens for apps, by federated assertion or secret, and the discovery documents.

Roles are fixed when a token is made, from the consents of that moment. Refusals carry the AADSTS codes
that Entra documents. No user ever signs in here.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from sandbox.tenants.clock import timestamp
from sandbox.tenants.faults import FaultBody
from sandbox.tenants.identity.keys import KeyRing, TokenInvalidError
from sandbox.tenants.wire import Request, Response
from sandbox.tenants.world import GRAPH_APP_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.tenants.config import FederatedCredential
    from sandbox.tenants.wire import JsonObject
    from sandbox.tenants.world import App, Tenant, World

TOKEN_OPERATION = "POST /{tenant}/oauth2/v2.0/token"
GRAPH_AUDIENCE = "https://graph.microsoft.com"
ISSUER = "https://login.microsoftonline.com"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PATH = re.compile(
    r"/(?P<tenant>[^/]+)/(?P<rest>oauth2/v2\.0/token|v2\.0/\.well-known/openid-configuration"
    r"|discovery/v2\.0/keys|discovery/instance)\Z"
)
_SKEW_SECONDS = 300


class _RefusedError(Exception):
    """A check failed: HTTP status, OAuth's error word, the AADSTS number and its text."""

    def __init__(self, status: int, error: str, code: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.code = code
        self.text = text


def is_login(path: str) -> bool:
    """Whether a path belongs to the login service."""
    return _PATH.match(path) is not None


def app_token(world: World, keys: KeyRing, tenant: Tenant, app_id: str, roles: Iterable[str]) -> str:
    """An access token for Graph: who, where, what for, until when."""
    now = world.now()
    principal = tenant.service_principal_id(app_id)
    return keys.sign(
        {
            "aud": GRAPH_AUDIENCE,
            "iss": f"https://sts.windows.net/{tenant.id}/",
            "iat": int(now),
            "nbf": int(now) - _SKEW_SECONDS,
            "exp": int(now + world.config.token_lifetime),
            "appid": app_id,
            "azp": app_id,
            "idtyp": "app",
            "oid": principal,
            "sub": principal,
            "roles": sorted(roles),
            "tid": tenant.id,
            "uti": world.chance.guid("tokens"),
            "ver": "1.0",
        }
    )


class LoginService:
    """The token endpoint and the discovery documents of every tenant."""

    def __init__(self, world: World, keys: KeyRing) -> None:
        self._world = world
        self._keys = keys

    def handle(self, request: Request) -> Response:
        """Answer a request whose path `is_login`."""
        found = _PATH.match(request.path)
        if found is None:
            return _json(404, {"error": "invalid_request"})
        address, rest = found["tenant"], found["rest"]
        try:
            match rest:
                case "oauth2/v2.0/token":
                    return self._token(request, address)
                case "discovery/v2.0/keys":
                    return _json(200, self._keys.document())
                case "discovery/instance":
                    return self._instance(request)
                case _:
                    return self._configuration(request, address)
        except _RefusedError as refusal:
            return self._refused(refusal)

    # --- tokens ----------------------------------------------------------------------------------

    def _token(self, request: Request, address: str) -> Response:
        known = self._world.tenant_at(address)
        self._world.counters.request(known.name if known else "(unknown)", TOKEN_OPERATION, 0, 0)
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        app_id = form.get("client_id", "").lower()
        effect = self._world.faults.strike(known.name if known else "(unknown)", app_id, TOKEN_OPERATION, request.path)
        if effect is not None and effect.status is not None:
            html = effect.body is FaultBody.HTML
            body = {"error": "temporarily_unavailable", "error_description": effect.message, "error_codes": [90033]}
            raw = b"<html><body>Service unavailable</body></html>" if html else json.dumps(body).encode()
            headers = {"Content-Type": "text/html" if html else "application/json", **effect.headers}
            return Response(effect.status, headers, raw, effect.interference)
        tenant = self._tenant(address)
        if request.method != "POST":
            raise _RefusedError(400, "invalid_request", 900561, "The endpoint only accepts POST requests.")
        if not app_id:
            raise _RefusedError(400, "invalid_request", 900144, "The request body must contain: 'client_id'.")
        if form.get("grant_type") != "client_credentials":
            raise _RefusedError(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        self._check_scope(form.get("scope", ""), request.base)
        app = self._app(tenant, app_id)
        self._check_credential(app, form)
        lifetime = int(self._world.config.token_lifetime)
        roles = tenant.roles(app_id, self._world.now(), self._world.config.consent_delay)
        token = app_token(self._world, self._keys, tenant, app_id, roles)
        response = _json(
            200,
            {
                "token_type": "Bearer",
                "expires_in": lifetime,
                "ext_expires_in": lifetime,
                "access_token": token,
            },
        )
        if effect is not None:
            return Response(response.status, response.headers, response.body, effect.interference)
        return response

    def _tenant(self, address: str) -> Tenant:
        tenant = self._world.tenant_at(address)
        if tenant is None:
            raise _RefusedError(400, "invalid_request", 90002, f"Tenant '{address}' not found.")
        return tenant

    def _app(self, tenant: Tenant, app_id: str) -> App:
        app = self._world.apps.get(app_id)
        if app is None:
            raise _RefusedError(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{app_id}' was not found in the directory '{tenant.name}'.",
            )
        if app_id not in tenant.consents:
            raise _RefusedError(
                401,
                "invalid_client",
                7000229,
                f"The client application '{app_id}' is missing service principal in the tenant '{tenant.id}'.",
            )
        if app.config.disabled or app_id in tenant.disabled_apps:
            raise _RefusedError(400, "unauthorized_client", 7000112, f"Application '{app_id}' is disabled.")
        return app

    @staticmethod
    def _check_scope(scope: str, base: str) -> None:
        resource = scope.strip().removesuffix("/.default").rstrip("/")
        if not scope.strip().endswith("/.default"):
            raise _RefusedError(
                400, "invalid_scope", 1002012, "The scope must be a resource identifier with /.default."
            )
        if resource not in {GRAPH_AUDIENCE, GRAPH_APP_ID, base}:
            raise _RefusedError(
                400, "invalid_resource", 500011, f"The resource principal named {resource} was not found."
            )

    def _check_credential(self, app: App, form: Mapping[str, str]) -> None:
        secret, assertion = form.get("client_secret"), form.get("client_assertion")
        if secret is not None:
            held = app.config.secret
            if held is None or not hmac.compare_digest(held, secret):
                raise _RefusedError(401, "invalid_client", 7000215, "Invalid client secret provided.")
            return
        if assertion is None or form.get("client_assertion_type") != _ASSERTION_TYPE:
            raise _RefusedError(
                401,
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            )
        self._check_assertion(tuple(app.federated.values()), assertion)

    def _check_assertion(self, credentials: tuple[FederatedCredential, ...], assertion: str) -> None:
        try:
            claims = self._keys.verify(assertion)
        except TokenInvalidError:
            raise _RefusedError(
                401, "invalid_client", 700027, "Client assertion failed signature validation."
            ) from None
        if claims.expires_at <= self._world.now():
            raise _RefusedError(401, "invalid_client", 700024, "Client assertion is not within its valid time range.")
        if not credentials:
            raise _RefusedError(
                401, "invalid_client", 70021, "No matching federated identity record found for presented assertion."
            )
        left = [item for item in credentials if item.issuer == claims.text("iss")]
        if not left:
            raise _federated(700211, "issuer", claims.text("iss"))
        left = [item for item in left if item.subject == claims.text("sub")]
        if not left:
            raise _federated(700213, "subject", claims.text("sub"))
        left = [item for item in left if item.audience == claims.text("aud")]
        if not left:
            raise _federated(700212, "audience", claims.text("aud"))

    def _refused(self, refusal: _RefusedError) -> Response:
        now = timestamp(self._world.now())
        trace, correlation = self._world.chance.guid("requests"), self._world.chance.guid("requests")
        return _json(
            refusal.status,
            {
                "error": refusal.error,
                "error_description": f"AADSTS{refusal.code}: {refusal.text} Trace ID: {trace} "
                f"Correlation ID: {correlation} Timestamp: {now}",
                "error_codes": [refusal.code],
                "timestamp": now,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": f"{ISSUER}/error?code={refusal.code}",
            },
        )

    # --- discovery -------------------------------------------------------------------------------

    def _configuration(self, request: Request, address: str) -> Response:
        common = address in {"common", "organizations", "consumers"}
        tenant = "{tenantid}" if common else self._tenant(address).id
        root = f"{request.base}/{address if common else tenant}"
        return _json(
            200,
            {
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"{ISSUER}/{tenant}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "tenant_region_scope": "NA",
                "cloud_instance_name": "microsoftonline.com",
                "msgraph_host": urlsplit(request.base).netloc,
            },
        )

    @staticmethod
    def _instance(request: Request) -> Response:
        host = urlsplit(request.base).netloc
        return _json(
            200,
            {
                "tenant_discovery_endpoint": f"{request.base}/common/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            },
        )


def _federated(code: int, what: str, presented: str) -> _RefusedError:
    return _RefusedError(
        401,
        "invalid_client",
        code,
        f"No matching federated identity record found for presented assertion {what} '{presented}'.",
    )


def _json(status: int, value: JsonObject) -> Response:
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store, no-cache"}
    return Response(status, headers, json.dumps(value).encode())
