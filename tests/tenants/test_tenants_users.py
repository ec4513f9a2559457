"""Reading users: lists, pages, filters, expansion, and the envelope around all of it."""

from __future__ import annotations

import pytest
from tenants_driver import BASE, Driver

from sandbox.tenants.contoso import MARKER, READER_APP_ID, SOURCE_TENANT_ID

EVENTUAL = {"ConsistencyLevel": "eventual"}


def test_a_list_has_graphs_default_properties_and_context(cloud: Driver) -> None:
    """The small default set, 25 people, absolute context."""
    body = cloud.graph("source", "GET", "/users").body
    assert body["@odata.context"] == f"{BASE}/v1.0/$metadata#users"
    assert len(body["value"]) == 25
    assert set(body["value"][0]) == {
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    }


def test_pages_hold_everyone_once_and_end_without_a_link(cloud: Driver) -> None:
    """Links are absolute, on the caller's own base, and repeat the options."""
    pages = cloud.all_pages("source", "/users?$top=10&$select=id,mail")
    assert [len(page["value"]) for page in pages] == [10, 10, 5]
    assert pages[0]["@odata.nextLink"].startswith(f"{BASE}/v1.0/users?$top=10&$select=id,mail&$skiptoken=")
    assert len({user["id"] for page in pages for user in page["value"]}) == 25
    assert set(pages[2]["value"][0]) == {"id", "mail"}


def test_someone_who_leaves_between_pages_shifts_nobody(cloud: Driver) -> None:
    """The continuation names a place, not a count."""
    first = cloud.graph("source", "GET", "/users?$top=5&$select=id").body
    cloud.graph("source", "DELETE", f"/users/{first['value'][0]['id']}")
    second = cloud.graph("source", "GET", first["@odata.nextLink"]).body
    everyone = [user["id"] for user in cloud.items("source", "/users?$select=id")]
    assert [user["id"] for user in second["value"]] == everyone[4:9]


def test_a_user_is_found_by_id_and_by_principal_name_in_any_case(cloud: Driver) -> None:
    """The "#" of a guest's name comes encoded."""
    megan = cloud.by_mail("source", "MeganB@contoso.com")
    assert cloud.graph("source", "GET", f"/users/{megan['id'].upper()}").body["id"] == megan["id"]
    assert cloud.graph("source", "GET", "/users/meganb@CONTOSO.com").body["id"] == megan["id"]
    guest = cloud.graph("emea", "GET", "/users/AdeleV_contoso.com%23EXT%23@contosoemea.onmicrosoft.com")
    assert guest.body["mail"] == "AdeleV@contoso.com"
    assert cloud.graph("source", "GET", f"/users('{megan['id']}')").body["id"] == megan["id"]


def test_a_user_who_is_not_there_is_graphs_404(cloud: Driver) -> None:
    """With the id in the message, request ids in the envelope, and the caller's id echoed."""
    key = "00000000-0000-4000-8000-00000000dead"
    answer = cloud.graph("source", "GET", f"/users/{key}", headers={"client-request-id": "mine"})
    assert (answer.status, answer.code) == (404, "Request_ResourceNotFound")
    assert key in answer.body["error"]["message"]
    inner = answer.body["error"]["innerError"]
    assert inner["client-request-id"] == answer.headers["client-request-id"] == "mine"
    assert inner["request-id"] == answer.headers["request-id"]
    assert answer.headers["Date"].endswith("GMT")


def test_the_manager_can_be_expanded_to_an_id(cloud: Driver) -> None:
    """In one user and in lists; whoever has none has no entry."""
    patti, brian = (cloud.by_mail("source", f"{name}@contoso.com")["id"] for name in ("PattiF", "BrianJ"))
    query = "?$select=id,department&$expand=manager($select=id)"
    one = cloud.graph("source", "GET", f"/users/{brian}{query}").body
    assert one["manager"] == {"@odata.type": "#microsoft.graph.user", "id": patti}
    by_id = {user["id"]: user for user in cloud.items("source", f"/users{query}")}
    assert by_id[brian]["manager"]["id"] == patti
    assert "manager" not in by_id[patti]


def test_manager_and_reports_are_read_as_directory_objects(cloud: Driver) -> None:
    """And a missing manager is a 404."""
    patti, brian = (cloud.by_mail("source", f"{name}@contoso.com")["id"] for name in ("PattiF", "BrianJ"))
    assert cloud.graph("source", "GET", f"/users/{brian}/manager?$select=id").body["id"] == patti
    assert cloud.graph("source", "GET", f"/users/{patti}/manager").status == 404
    reports = cloud.items("source", f"/users/{patti}/directReports?$select=id")
    assert brian in {report["id"] for report in reports}


@pytest.mark.parametrize(
    ("clause", "count"),
    [
        ("department eq 'Engineering'", 4),
        ("startsWith(displayName,'M')", 2),
        ("accountEnabled eq false", 0),
        ("userType eq 'Member' and city eq 'Redmond'", 6),
        ("mail in ('MeganB@contoso.com','alexw@contoso.com')", 2),
        ("proxyAddresses/any(p:p eq 'SMTP:meganb@contoso.com')", 1),
        ("externalUserState eq null and employeeId eq '1004'", 1),
    ],
)
def test_a_filter_finds_who_it_should(cloud: Driver, clause: str, count: int) -> None:
    """Plain filters need nothing else."""
    answer = cloud.graph("source", "GET", f"/users?$filter={clause.replace(' ', '%20')}")
    assert answer.status == 200, answer.body
    assert len(answer.body["value"]) == count


def test_a_marker_is_found_through_its_extension_attribute(cloud: Driver) -> None:
    """The extension is known where its app has a principal, and refused elsewhere."""
    user_id = cloud.invited("NestorW@contoso.com")
    cloud.graph("emea", "PATCH", f"/users/{user_id}", {MARKER: "a/b"})
    found = cloud.graph("emea", "GET", f"/users?$filter={MARKER} eq 'A/B'&$select=id,{MARKER}").body["value"]
    assert found == [{"id": user_id, MARKER: "a/b"}]
    other = MARKER.replace("22222222", "99999999")
    assert cloud.graph("emea", "GET", f"/users?$select={other}").status == 400
    assert cloud.graph("emea", "PATCH", f"/users/{user_id}", {other: "x"}).code == "Request_BadRequest"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/users?$skip=5", "Request_UnsupportedQuery"),
        ("/users?$filter=mail ne 'a'", "Request_UnsupportedQuery"),
        ("/users?$filter=contains(mail,'a')", "Request_UnsupportedQuery"),
        ("/users?$filter=otherMails eq 'a'", "Request_UnsupportedQuery"),
        ('/users?$search="displayName:a"', "Request_UnsupportedQuery"),
        ("/users?$orderby=city", "Request_UnsupportedQuery"),
        ("/users?$expand=memberOf", "Request_UnsupportedQuery"),
        ("/users?$fliter=x", "Request_UnsupportedQuery"),
        ("/users?$filter=nonsense eq 'a'", "BadRequest"),
        ("/users?$filter=mail eq", "BadRequest"),
        ("/users?$select=nonsense", "BadRequest"),
        ("/users?$top=1000", "Request_BadRequest"),
        ("/users?$top=x", "Request_BadRequest"),
        ("/users?$skiptoken=made-up", "Directory_ExpiredPageToken"),
        ("/nonsense", "BadRequest"),
        ("/users/x/nonsense", "BadRequest"),
    ],
)
def test_what_graph_refuses_is_refused_with_its_code(cloud: Driver, path: str, code: str) -> None:
    """Always 400 in Graph's envelope."""
    answer = cloud.graph("source", "GET", path)
    assert (answer.status, answer.code) == (400, code)


def test_advanced_queries_need_both_the_header_and_the_count(cloud: Driver) -> None:
    """Either alone is refused."""
    query = "/users?$filter=department ne 'Engineering'"
    assert cloud.graph("source", "GET", query, headers=EVENTUAL).status == 400
    assert cloud.graph("source", "GET", query + "&$count=true").status == 400
    body = cloud.graph("source", "GET", query + "&$count=true&$top=5", headers=EVENTUAL).body
    assert body["@odata.count"] == 21
    assert len(body["value"]) == 5
    assert cloud.graph("source", "GET", "/users/$count", headers=EVENTUAL).body == "25"


def test_a_sorted_list_is_sorted_over_its_pages(cloud: Driver) -> None:
    """By display name, downwards."""
    names = [user["displayName"] for user in cloud.items("source", "/users?$orderby=displayName desc&$top=7")]
    assert names == sorted(names, key=str.lower, reverse=True)


def test_many_objects_are_read_by_id_and_missing_ones_left_out(cloud: Driver) -> None:
    """Users and groups together, each with its type."""
    user = cloud.by_mail("source", "MeganB@contoso.com")["id"]
    group = "60000000-0000-4000-8000-000000000001"
    body = {"ids": [user, group, "00000000-0000-4000-8000-00000000dead"]}
    value = cloud.graph("source", "POST", "/directoryObjects/getByIds?$select=id,displayName", body).body["value"]
    assert [(item["@odata.type"], item["id"]) for item in value] == [
        ("#microsoft.graph.user", user),
        ("#microsoft.graph.group", group),
    ]
    body = {"ids": [user, group], "types": ["user"]}
    assert len(cloud.graph("source", "POST", "/directoryObjects/getByIds", body).body["value"]) == 1


def test_requests_are_counted_and_cost_resource_units(cloud: Driver) -> None:
    """By tenant and operation; $select and a narrow page cost less, $expand more."""
    cloud.control("POST", "counters/reset")
    assert cloud.graph("source", "GET", "/users").headers["x-ms-resource-unit"] == "2"
    assert cloud.graph("source", "GET", "/users?$select=id&$top=5").headers["x-ms-resource-unit"] == "1"
    assert cloud.graph("source", "GET", "/users?$expand=manager($select=id)").headers["x-ms-resource-unit"] == "3"
    user_id = cloud.invited("NestorW@contoso.com")
    cloud.graph("emea", "PATCH", f"/users/{user_id}", {"city": "Rome"})
    counted = cloud.control("GET", "counters").body
    assert counted["requests"]["source"] == {"GET /users": 3}
    assert counted["requests"]["emea"] == {"POST /invitations": 1, "PATCH /users/{id}": 1}
    assert counted["writes"] == {"source": 0, "emea": 2}
    assert counted["resourceUnits"]["source"] == 6


def test_the_tenant_tells_about_itself(cloud: Driver) -> None:
    """Organization, domains, principals and what was consented to."""
    assert cloud.graph("source", "GET", "/organization").body["value"][0]["id"] == SOURCE_TENANT_ID
    domains = {item["id"] for item in cloud.items("source", "/domains")}
    assert domains == {"contoso.com", "contoso.onmicrosoft.com"}
    [reader] = cloud.items("source", f"/servicePrincipals?$filter=appId eq '{READER_APP_ID}'")
    by_app = cloud.graph("source", "GET", f"/servicePrincipals(appId='{READER_APP_ID}')").body
    assert by_app["id"] == reader["id"]
    assigned = cloud.items("source", f"/servicePrincipals/{reader['id']}/appRoleAssignments")
    assert "df021288-bdef-4463-88db-98f22de89214" in {item["appRoleId"] for item in assigned}


def test_a_new_extension_attribute_can_be_used_where_its_app_has_consent(cloud: Driver) -> None:
    """It is registered on the app at home, and works in the targets at once."""
    [app] = cloud.items("source", "/applications?$filter=displayName eq 'writer'")
    body = {"name": "badge", "dataType": "Integer", "targetObjects": ["User"]}
    made = cloud.graph("source", "POST", f"/applications/{app['id']}/extensionProperties", body)
    assert made.status == 201
    name = made.body["name"]
    user_id = cloud.invited("NestorW@contoso.com")
    assert cloud.graph("emea", "PATCH", f"/users/{user_id}", {name: 12}).status == 204
    assert cloud.graph("emea", "GET", f"/users/{user_id}?$select={name}").body[name] == 12
    assert cloud.graph("emea", "PATCH", f"/users/{user_id}", {name: "12"}).status == 400
    assert cloud.graph("source", "POST", f"/applications/{app['id']}/extensionProperties", body).status == 400


def test_there_are_no_photos_of_people_without_mailboxes(cloud: Driver) -> None:
    """Reading and writing fail alike."""
    user = cloud.by_mail("source", "MeganB@contoso.com")["id"]
    assert cloud.graph("source", "GET", f"/users/{user}/photo/$value").code == "ImageNotFound"
    assert cloud.graph("source", "PUT", f"/users/{user}/photo/$value", b"png").status == 404
