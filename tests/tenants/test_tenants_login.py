"""The login service and the identity endpoint: tokens for whom, and every refusal by its code."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from tenants_driver import Driver, calm_document

from sandbox.tenants import contoso
from sandbox.tenants.wire import Request

GRAPH = "https://graph.microsoft.com/.default"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange"


def identity_token(cloud: Driver, resource: str = EXCHANGE, **query: str) -> Any:
    asked = {
        "api-version": "2019-08-01",
        "resource": resource,
        "client_id": contoso.MANAGED_IDENTITY_CLIENT_ID,
        **query,
    }
    headers = {"x-identity-header": cloud.cloud.identity_header}
    return cloud.cloud.handle_identity(Request("GET", "/msi/token", urlencode(asked), headers))


def assertion(cloud: Driver, resource: str = EXCHANGE) -> str:
    return json.loads(identity_token(cloud, resource).body)["access_token"]


def ask(cloud: Driver, tenant: str = contoso.EMEA_TENANT_ID, **form: str | None) -> Any:
    fields = {
        "grant_type": "client_credentials",
        "client_id": contoso.WRITER_APP_ID,
        "scope": GRAPH,
        "client_assertion_type": ASSERTION,
        "client_assertion": assertion(cloud) if "client_assertion" not in form else None,
        **form,
    }
    body = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
    return cloud.send(
        "POST",
        f"/{tenant}/oauth2/v2.0/token",
        body,
        {"content-type": "application/x-www-form-urlencoded"},
    )


def test_the_managed_identitys_token_becomes_an_apps_token_in_a_target(cloud: Driver) -> None:
    """With the roles that were consented to there, for an hour, for Graph."""
    answer = ask(cloud)
    assert answer.status == 200
    assert (answer.body["token_type"], answer.body["expires_in"]) == ("Bearer", 3599)
    claims = jwt.decode(answer.body["access_token"], options={"verify_signature": False})
    assert claims["tid"] == contoso.EMEA_TENANT_ID
    assert claims["appid"] == claims["azp"] == contoso.WRITER_APP_ID
    assert claims["aud"] == "https://graph.microsoft.com"
    assert "User.Invite.All" in claims["roles"]
    assert claims["exp"] - claims["iat"] == 3599
    bearer = {"Authorization": f"Bearer {answer.body['access_token']}"}
    assert cloud.send("GET", "/v1.0/users", headers=bearer).status == 200


def test_a_tenant_can_be_named_by_its_domain(cloud: Driver) -> None:
    """Either of them."""
    assert ask(cloud, "emea.contoso.com").status == 200
    assert ask(cloud, "ContosoEMEA.onmicrosoft.com").status == 200


def test_a_secret_works_for_the_app_that_has_one(cloud: Driver) -> None:
    """And a wrong one is 7000215."""
    form = {"client_id": contoso.ADMIN_TEST_APP_ID, "client_assertion": None, "client_assertion_type": None}
    assert ask(cloud, client_secret=contoso.ADMIN_TEST_SECRET, **form).status == 200
    assert ask(cloud, client_secret="wrong", **form).body["error_codes"] == [7000215]


@pytest.mark.parametrize(
    ("tenant", "form", "status", "code"),
    [
        ("nowhere.example", {}, 400, 90002),
        (contoso.EMEA_TENANT_ID, {"client_id": "99999999-0000-4000-8000-000000000000"}, 400, 700016),
        (contoso.EMEA_TENANT_ID, {"client_id": contoso.READER_APP_ID}, 401, 7000229),
        (contoso.EMEA_TENANT_ID, {"client_id": None}, 400, 900144),
        (contoso.EMEA_TENANT_ID, {"grant_type": "password"}, 400, 70003),
        (contoso.EMEA_TENANT_ID, {"scope": "https://graph.microsoft.com/User.Read"}, 400, 1002012),
        (contoso.EMEA_TENANT_ID, {"scope": "https://vault.azure.net/.default"}, 400, 500011),
        (contoso.EMEA_TENANT_ID, {"client_assertion": "nonsense"}, 401, 700027),
        (contoso.EMEA_TENANT_ID, {"client_assertion": None}, 401, 7000218),
    ],
)
def test_a_refusal_has_its_code_in_the_shape_of_entra(
    cloud: Driver, tenant: str, form: dict[str, Any], status: int, code: int
) -> None:
    """In error_codes and in the description, with trace and time."""
    answer = ask(cloud, tenant, **form)
    assert (answer.status, answer.body["error_codes"]) == (status, [code])
    assert answer.body["error_description"].startswith(f"AADSTS{code}: ")
    assert {"error", "timestamp", "trace_id", "correlation_id"} <= set(answer.body)


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        (None, 70021),
        ({"issuer": "https://elsewhere"}, 700211),
        ({"subject": "somebody"}, 700213),
        ({"audience": "api://else"}, 700212),
    ],
)
def test_an_assertion_must_match_the_federated_credential(credential: dict[str, str] | None, code: int) -> None:
    """Issuer, subject and audience, each with its own code."""
    document = contoso.default_document()
    right = document["apps"][1]["federated"][0]
    document["apps"][1]["federated"] = [] if credential is None else [{**right, **credential}]
    assert ask(Driver(document)).body["error_codes"] == [code]


def test_an_expired_assertion_is_refused(cloud: Driver) -> None:
    """It holds for a day."""
    old = assertion(cloud)
    cloud.clock.advance(24 * 3600)
    assert ask(cloud, client_assertion=old).body["error_codes"] == [700024]


def test_roles_are_those_of_the_moment_of_issue(cloud: Driver) -> None:
    """A revoked consent keeps working until the token ends, and the next token is refused."""
    held = {"Authorization": f"Bearer {ask(cloud).body['access_token']}"}
    cloud.control("POST", "consents", {"tenant": "emea", "app": "writer", "roles": ["User.Read.All"]})
    body = {"invitedUserEmailAddress": "a@x.example", "inviteRedirectUrl": "https://x.example"}
    assert cloud.send("POST", "/v1.0/invitations", body, held).status == 201
    fresh = {"Authorization": f"Bearer {ask(cloud).body['access_token']}"}
    assert cloud.send("POST", "/v1.0/invitations", body, fresh).status == 401
    cloud.control("POST", "consents", {"tenant": "emea", "app": "writer", "disabled": True})
    assert ask(cloud).body["error_codes"] == [7000112]
    cloud.control("POST", "consents", {"tenant": "emea", "app": "writer", "revoke": True})
    assert ask(cloud).body["error_codes"] == [7000229]


@pytest.mark.parametrize("header", [None, "Basic x", "Bearer ", "Bearer nonsense"])
def test_graph_wants_a_token_of_ours(cloud: Driver, header: str | None) -> None:
    """401 InvalidAuthenticationToken."""
    answer = cloud.send("GET", "/v1.0/users", headers={} if header is None else {"Authorization": header})
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken")
    assert "WWW-Authenticate" in answer.headers


def test_a_token_ends_and_one_for_something_else_never_holds(cloud: Driver) -> None:
    """Expired, changed, for another audience: 401."""
    token = ask(cloud).body["access_token"]
    changed = token[:-8] + ("A" * 8)
    for other in (assertion(cloud), changed):
        assert cloud.send("GET", "/v1.0/users", headers={"Authorization": f"Bearer {other}"}).status == 401
    cloud.clock.advance(3600)
    answer = cloud.send("GET", "/v1.0/users", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken")
    assert "expired" in answer.body["error"]["message"]


def test_a_token_says_the_tenant(cloud: Driver) -> None:
    """One address, different people."""
    sizes = {tenant: len(cloud.items(tenant, "/users?$select=id")) for tenant in ("source", "emea", "apac")}
    assert sizes == {"source": 25, "emea": 4, "apac": 4}


@pytest.mark.parametrize(
    ("header", "query", "status"),
    [
        ("right", {}, 200),
        ("wrong", {}, 401),
        ("right", {"api-version": "2018-02-01"}, 400),
        ("right", {"resource": ""}, 400),
        ("right", {"client_id": "99999999-0000-4000-8000-000000000000"}, 400),
    ],
)
def test_the_identity_endpoint_checks_what_app_service_checks(
    cloud: Driver, header: str, query: dict[str, str], status: int
) -> None:
    """The header, the version, the resource, the client id."""
    if header == "wrong":
        cloud.cloud.identity_header = "something else"
    assert identity_token(cloud, **query).status == status


def test_discovery_leads_to_the_keys_that_sign(cloud: Driver) -> None:
    """OpenID configuration, keys, and the instance document."""
    document = cloud.send("GET", f"/{contoso.EMEA_TENANT_ID}/v2.0/.well-known/openid-configuration").body
    assert document["issuer"] == f"https://login.microsoftonline.com/{contoso.EMEA_TENANT_ID}/v2.0"
    keys = cloud.send("GET", document["jwks_uri"]).body["keys"]
    key = jwt.PyJWK(keys[0])
    token = ask(cloud).body["access_token"]
    assert jwt.get_unverified_header(token)["kid"] == keys[0]["kid"]
    jwt.decode(
        token,
        key.key,
        algorithms=["RS256"],
        options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    instance = cloud.send("GET", "/common/discovery/instance").body
    assert instance["metadata"][0]["aliases"] == ["localhost"]
    assert cloud.send("GET", "/nowhere.example/v2.0/.well-known/openid-configuration").status == 400


def test_a_consent_is_in_tokens_some_time_after_it_is_seen() -> None:
    """The assignment stands there at once; taking it back acts at once."""
    consents = [{"tenant": "emea", "app": "writer", "roles": ["User.ReadWrite.All"]}]
    cloud = Driver(calm_document(consents=consents, tokens={"consentDelaySeconds": 300}))

    def roles() -> list[str]:
        claims = jwt.decode(ask(cloud).body["access_token"], options={"verify_signature": False})
        return list(claims["roles"])

    [principal] = cloud.items("emea", f"/servicePrincipals?$filter=appId eq '{contoso.WRITER_APP_ID}'")
    [graph] = cloud.items("emea", "/servicePrincipals?$filter=displayName eq 'Microsoft Graph'")
    invite = "09850681-111b-4a89-9bed-3f2cae46d706"
    grant = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": invite}
    path = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
    assert cloud.graph("emea", "POST", path, grant).status == 201
    assert invite in {item["appRoleId"] for item in cloud.items("emea", path)}
    assert roles() == ["User.ReadWrite.All"]
    cloud.clock.advance(300)
    assert roles() == ["User.Invite.All", "User.ReadWrite.All"]
    cloud.control("POST", "consents", {"tenant": "emea", "app": "writer", "roles": ["User.Invite.All"]})
    assert roles() == ["User.Invite.All"]
