"""Writing users: the matrix of PATCH, creation, the manager, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from tenants_driver import Driver, calm_document

from sandbox.tenants.contoso import MARKER

BROAD = ["User.ReadWrite.All"]
NARROW = ["User.ReadUpdate.All"]


@pytest.fixture
def guest(cloud: Driver) -> str:
    return cloud.invited("NestorW@contoso.com")


@pytest.mark.parametrize(
    "body",
    [
        {"displayName": "x" * 256},
        {"displayName": "Nestor", "@odata.type": "#microsoft.graph.user"},
        {"department": None, "jobTitle": "Director"},
        {"usageLocation": "de"},
        {"businessPhones": ["+1 425 555 0100"]},
        {"businessPhones": []},
        {"otherMails": ["a@b.example", "c@d.example"]},
        {"accountEnabled": False},
        {"userType": "Guest"},
        {"showInAddressList": True},
        {"employeeOrgData": {"division": "North"}},
        {"onPremisesExtensionAttributes": {"extensionAttribute3": "x"}},
        {MARKER: "tenant/user"},
        {MARKER: None},
        {},
    ],
)
def test_what_graph_accepts_is_written_without_a_body(cloud: Driver, guest: str, body: dict[str, Any]) -> None:
    """204, and the truth holds it."""
    answer = cloud.graph("emea", "PATCH", f"/users/{guest}", body, roles=BROAD)
    assert (answer.status, answer.response.body) == (204, b"")
    held = cloud.truth("emea")[guest]
    for name, value in body.items():
        if isinstance(value, (str, bool, list)) and not name.startswith("@"):
            assert held.get(name) == value


@pytest.mark.parametrize(
    "body",
    [
        {"favouriteColour": "blue"},
        {"displayName": None},
        {"displayName": ""},
        {"displayName": "x" * 257},
        {"displayName": 5},
        {"givenName": "x" * 65},
        {"employeeId": "12345678901234567"},
        {"accountEnabled": "true"},
        {"accountEnabled": None},
        {"businessPhones": "+1 425 555 0100"},
        {"businessPhones": ["1", "2"]},
        {"businessPhones": None},
        {"otherMails": ["x" * 251]},
        {"usageLocation": "Germany"},
        {"usageLocation": None},
        {"mail": "no address"},
        {"mail": None},
        {"userType": "Visitor"},
        {"employeeOrgData": {"team": "x"}},
        {"onPremisesExtensionAttributes": {"extensionAttribute16": "x"}},
        {"onPremisesExtensionAttributes": {"extensionAttribute1": "x" * 1025}},
        {"proxyAddresses": ["SMTP:a@b.example"]},
        {"externalUserState": "Accepted"},
        {"creationType": None},
        {"createdDateTime": "2026-01-01T00:00:00Z"},
        {"id": "x"},
        {MARKER: 5},
        {MARKER: "x" * 257},
        {"extension_00000000000000000000000000000000_x": "y"},
        {"userPrincipalName": "nestor@unverified.example"},
    ],
)
def test_what_graph_refuses_changes_nothing(cloud: Driver, guest: str, body: dict[str, Any]) -> None:
    """400 Request_BadRequest, and a good property beside the bad one is not written either."""
    before = cloud.truth("emea")[guest]
    answer = cloud.graph("emea", "PATCH", f"/users/{guest}", {"city": "Rome", **body})
    assert (answer.status, answer.code) == (400, "Request_BadRequest")
    assert cloud.truth("emea")[guest] == before


def test_a_refused_value_is_not_repeated_in_the_message(cloud: Driver, guest: str) -> None:
    """Errors name the property."""
    answer = cloud.graph("emea", "PATCH", f"/users/{guest}", {"givenName": "Persephone" * 10})
    assert answer.body["error"]["details"][0]["target"] == "givenName"
    assert "Persephone" not in answer.body["error"]["message"]


@pytest.mark.parametrize(
    ("name", "value", "roles", "status"),
    [
        ("department", "x", NARROW, 204),
        ("department", "x", ["Directory.ReadWrite.All"], 204),
        ("department", "x", ["User.Read.All"], 403),
        ("department", "x", ["User.EnableDisableAccount.All", "User.Read.All"], 403),
        ("accountEnabled", False, NARROW, 403),
        ("accountEnabled", False, ["User.EnableDisableAccount.All", "User.Read.All"], 204),
        ("accountEnabled", False, ["User.EnableDisableAccount.All"], 403),
        ("mobilePhone", "1", NARROW, 403),
        ("mobilePhone", "1", ["User-Phone.ReadWrite.All", "User.Read.All"], 204),
        ("otherMails", ["a@b.example"], ["User-Mail.ReadWrite.All", "User.Read.All"], 204),
        ("employeeHireDate", "2026-01-01T00:00:00Z", BROAD, 403),
        ("aboutMe", {}, BROAD, 403),
        ("employeeLeaveDateTime", "2026-01-01T00:00:00Z", BROAD, 403),
        ("employeeLeaveDateTime", "2026-01-01T00:00:00Z", ["User-LifeCycleInfo.ReadWrite.All"], 204),
        ("identities", [], BROAD, 403),
        ("identities", [], [*BROAD, "User.ManageIdentities.All"], 204),
        ("userPrincipalName", "n@emea.contoso.com", NARROW, 403),
        ("userPrincipalName", "n@emea.contoso.com", BROAD, 204),
    ],
)
def test_each_property_asks_for_its_own_permission(
    cloud: Driver, guest: str, name: str, value: Any, roles: list[str], status: int
) -> None:
    """A token without it gets 403 Authorization_RequestDenied."""
    answer = cloud.graph("emea", "PATCH", f"/users/{guest}", {name: value}, roles=roles)
    assert answer.status == status
    if status == 403:
        assert answer.code == "Authorization_RequestDenied"


def test_a_privileged_user_is_out_of_reach_for_sensitive_properties() -> None:
    """The ordinary ones can still be written."""
    document = calm_document()
    document["tenants"][1]["users"][0] |= {"privileged": True}
    cloud = Driver(document)
    path = f"/users/{document['tenants'][1]['users'][0]['id']}"
    assert cloud.graph("emea", "PATCH", path, {"accountEnabled": False}, roles=BROAD).status == 403
    assert cloud.graph("emea", "DELETE", path, roles=BROAD).status == 403
    assert cloud.graph("emea", "PATCH", path, {"department": "x"}, roles=BROAD).status == 204


def test_synced_and_exchange_mastered_users_refuse_in_their_own_words() -> None:
    """Both are 400 Request_BadRequest, told apart by the message only."""
    document = calm_document()
    document["tenants"][1]["users"][0] |= {"onPremisesSyncEnabled": True}
    document["tenants"][1]["users"][1] |= {"exchangeMastered": True}
    cloud = Driver(document)
    synced, mastered = (f"/users/{document['tenants'][1]['users'][number]['id']}" for number in (0, 1))
    answer = cloud.graph("emea", "PATCH", synced, {"department": "x"})
    assert answer.status == 400
    assert "on-premises mastered Directory Sync" in answer.body["error"]["message"]
    assert cloud.graph("emea", "PATCH", synced, {"usageLocation": "DE"}).status == 204
    answer = cloud.graph("emea", "PATCH", mastered, {"mail": "a@b.example"})
    assert "originated within an external service" in answer.body["error"]["message"]
    assert cloud.graph("emea", "PATCH", mastered, {"department": "x"}).status == 204


def test_side_effects_of_a_write_are_those_of_the_directory(cloud: Driver, guest: str) -> None:
    """Mail leads the proxy addresses; a part of employeeOrgData clears the other; attributes merge."""
    path = f"/users/{guest}"
    cloud.graph("emea", "PATCH", path, {"mail": "new@contoso.com"})
    assert cloud.truth("emea")[guest]["proxyAddresses"] == ["SMTP:new@contoso.com"]
    cloud.graph("emea", "PATCH", path, {"employeeOrgData": {"division": "North", "costCenter": "7"}})
    cloud.graph("emea", "PATCH", path, {"employeeOrgData": {"costCenter": "8"}})
    cloud.graph("emea", "PATCH", path, {"onPremisesExtensionAttributes": {"extensionAttribute1": "a"}})
    cloud.graph("emea", "PATCH", path, {"onPremisesExtensionAttributes": {"extensionAttribute2": "b"}})
    shown = cloud.graph("emea", "GET", f"{path}?$select=employeeOrgData,onPremisesExtensionAttributes").body
    assert shown["employeeOrgData"] == {"division": None, "costCenter": "8"}
    attributes = shown["onPremisesExtensionAttributes"]
    assert (attributes["extensionAttribute1"], attributes["extensionAttribute2"]) == ("a", "b")
    assert len(attributes) == 15


def test_an_address_or_name_of_another_is_a_conflict(cloud: Driver, guest: str) -> None:
    """400 with ObjectConflict in the details."""
    for body in ({"mail": "AdeleV@contoso.com"}, {"userPrincipalName": "IrvinS@emea.contoso.com"}):
        answer = cloud.graph("emea", "PATCH", f"/users/{guest}", body)
        assert (answer.status, answer.body["error"]["details"][0]["code"]) == (400, "ObjectConflict")


def test_the_journal_holds_every_true_change_and_no_other(cloud: Driver, guest: str) -> None:
    """Who, what, before and after; writing the same again leaves no trace."""
    start = len(cloud.journal())
    writer = "22222222-aaaa-4000-8000-000000000002"
    for _ in range(2):
        cloud.graph("emea", "PATCH", f"/users/{guest}", {"city": "Rome", "displayName": "N"}, app="writer")
    [change] = cloud.journal(start)
    assert (change["tenant"], change["kind"], change["objectId"], change["actor"]) == ("emea", "update", guest, writer)
    assert change["changed"] == {
        "city": {"before": None, "after": "Rome"},
        "displayName": {"before": "NestorW", "after": "N"},
    }


def test_a_manager_is_set_replaced_and_removed(cloud: Driver, guest: str) -> None:
    """204 each; none to remove is 404; an unknown manager is 404; oneself is 400."""
    path = f"/users/{guest}/manager/$ref"
    first, second = "e1000000-0000-4000-8000-000000000001", "e1000000-0000-4000-8000-000000000002"

    def reference(key: str) -> dict[str, str]:
        return {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{key}"}

    assert cloud.graph("emea", "DELETE", path).status == 404
    assert cloud.graph("emea", "PUT", path, reference(first)).status == 204
    assert cloud.graph("emea", "PUT", path, reference(second)).status == 204
    assert cloud.truth("emea")[guest]["manager"] == second
    assert cloud.graph("emea", "PUT", path, reference("00000000-0000-4000-8000-00000000dead")).status == 404
    assert cloud.graph("emea", "PUT", path, reference(guest)).status == 400
    assert cloud.graph("emea", "PUT", path, {"@odata.id": "nonsense"}).status == 400
    assert cloud.graph("emea", "PUT", path, reference(first), roles=NARROW).status == 403
    assert cloud.graph("emea", "DELETE", path).status == 204
    assert cloud.truth("emea")[guest]["manager"] is None


def test_a_user_of_the_tenants_own_can_be_created(cloud: Driver) -> None:
    """With a verified domain and what Graph requires; 201 with a Location."""
    body = {
        "accountEnabled": True,
        "displayName": "New Person",
        "mailNickname": "new",
        "userPrincipalName": "new@emea.contoso.com",
        "passwordProfile": {"password": "x"},
    }
    made = cloud.graph("emea", "POST", "/users", body)
    assert made.status == 201
    assert made.headers["Location"].endswith(made.body["id"])
    assert "passwordProfile" not in cloud.truth("emea")[made.body["id"]]
    again = cloud.graph("emea", "POST", "/users", body)
    assert again.body["error"]["details"][0]["code"] == "ObjectConflict"
    missing = cloud.graph("emea", "POST", "/users", {key: body[key] for key in body if key != "mailNickname"})
    assert missing.body["error"]["details"][0]["target"] == "mailNickname"


@pytest.mark.parametrize(
    ("method", "path", "body", "roles"),
    [
        ("GET", "/users", None, ["Group.Read.All"]),
        ("GET", "/groups", None, ["User.Read.All"]),
        ("GET", "/users/delta", None, ["Group.Read.All"]),
        ("POST", "/users/AdeleV@contoso.com/checkMemberGroups", {"groupIds": ["x"]}, ["User.Read.All"]),
        ("POST", "/users", {}, ["User.Read.All"]),
        ("DELETE", "/users/AdeleV@contoso.com", None, ["User.Read.All"]),
        ("POST", "/groups", {}, ["Group.Read.All"]),
        ("GET", "/policies/crossTenantAccessPolicy/partners", None, ["User.Read.All"]),
        ("PATCH", "/policies/crossTenantAccessPolicy/partners/x", {}, ["Policy.Read.All"]),
        ("GET", "/policies/authorizationPolicy", None, ["Policy.ReadWrite.CrossTenantAccess"]),
        ("PATCH", "/policies/authorizationPolicy", {}, ["Policy.Read.All"]),
        ("GET", "/directory/deletedItems/microsoft.graph.user", None, ["Group.Read.All"]),
        ("GET", "/applications", None, ["User.Read.All"]),
    ],
)
def test_an_operation_without_its_permission_is_denied(
    cloud: Driver, method: str, path: str, body: Any, roles: list[str]
) -> None:
    """403 Authorization_RequestDenied, before anything is looked at."""
    answer = cloud.graph("source", method, path, body, roles=roles)
    assert (answer.status, answer.code) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [(b"", "application/json"), (b"{", "application/json"), (b"[]", "application/json"), (b"{}", "text/plain")],
)
def test_a_body_that_is_no_json_object_is_refused(cloud: Driver, guest: str, raw: bytes, content_type: str) -> None:
    """400 BadRequest."""
    answer = cloud.graph("emea", "PATCH", f"/users/{guest}", raw, headers={"Content-Type": content_type})
    assert (answer.status, answer.code) == (400, "BadRequest")


def test_a_known_path_with_another_method_is_405(cloud: Driver) -> None:
    """And not 404."""
    assert cloud.graph("source", "PUT", "/users").status == 405
