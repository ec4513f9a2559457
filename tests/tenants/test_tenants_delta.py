"""Delta: first rounds, later rounds, what is tracked, and tokens that age."""

from __future__ import annotations

from typing import Any

import pytest
from tenants_driver import CALM, Driver, calm_document

from sandbox.tenants.contoso import CROSS_TENANT_USERS_GROUP_ID as GROUP

DAY = 24 * 3600


def walk(cloud: Driver, tenant: str, link: str, headers: dict[str, str] | None = None) -> tuple[list[Any], str]:
    """All items of a round and its deltaLink."""
    pages = cloud.all_pages(tenant, link, headers)
    for page in pages:
        assert ("@odata.nextLink" in page) != ("@odata.deltaLink" in page)
    return [item for page in pages for item in page["value"]], pages[-1]["@odata.deltaLink"]


def latest(cloud: Driver, tenant: str, path: str) -> str:
    joint = "&" if "?" in path else "?"
    items, link = walk(cloud, tenant, f"{path}{joint}$deltatoken=latest")
    assert items == []
    return link


def join(cloud: Driver, user: str, method: str = "POST") -> None:
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{user}"}
    path = f"/groups/{GROUP}/members/$ref" if method == "POST" else f"/groups/{GROUP}/members/{user}/$ref"
    assert cloud.graph("source", method, path, reference if method == "POST" else None).status == 204


def test_a_first_round_holds_everyone_and_then_nothing_happens() -> None:
    """Pages of at most the page size, with and without brackets in the path."""
    cloud = Driver({**calm_document(), "delta": {**CALM["delta"], "pageSize": 10}})
    pages = cloud.all_pages("source", "/users/delta()?$select=displayName,manager")
    assert [len(page["value"]) for page in pages] == [10, 10, 5]
    people = [item for page in pages for item in page["value"]]
    assert set(people[1]) == {"id", "displayName", "manager@delta"}
    items, link = walk(cloud, "source", pages[-1]["@odata.deltaLink"])
    assert items == []
    assert "/users/delta?$deltatoken=" in link


def test_changes_after_now_are_told_and_earlier_ones_are_not(cloud: Driver) -> None:
    """`$deltatoken=latest` is the cheap start."""
    megan = cloud.by_mail("source", "MeganB@contoso.com")["id"]
    cloud.graph("source", "PATCH", f"/users/{megan}", {"city": "Rome"})
    link = latest(cloud, "source", "/users/delta?$select=city,department")
    cloud.graph("source", "PATCH", f"/users/{megan}", {"department": None})
    items, link = walk(cloud, "source", link)
    assert items == [{"city": "Rome", "id": megan, "department": None}]
    assert walk(cloud, "source", link)[0] == []


def test_only_selected_properties_are_tracked(cloud: Driver) -> None:
    """A change elsewhere makes no entry; a manager counts when it was asked for."""
    megan, alex = (cloud.by_mail("source", f"{name}@contoso.com")["id"] for name in ("MeganB", "AlexW"))
    plain = latest(cloud, "source", "/users/delta?$select=displayName")
    with_manager = latest(cloud, "source", "/users/delta?$select=displayName,manager")
    cloud.graph("source", "PATCH", f"/users/{alex}", {"city": "Rome"})
    cloud.graph("source", "DELETE", f"/users/{alex}/manager/$ref")
    assert walk(cloud, "source", plain)[0] == []
    [item] = walk(cloud, "source", with_manager)[0]
    assert item["manager@delta"] == [
        {"@odata.type": "#microsoft.graph.user", "id": megan, "@removed": {"reason": "deleted"}}
    ]


def test_return_minimal_gives_only_what_changed(cloud: Driver) -> None:
    """Nulls included; the header is acknowledged."""
    megan = cloud.by_mail("source", "MeganB@contoso.com")["id"]
    link = latest(cloud, "source", "/users/delta?$select=city,department,displayName")
    cloud.graph("source", "PATCH", f"/users/{megan}", {"department": None})
    answer = cloud.graph("source", "GET", link, headers={"Prefer": "return=minimal"})
    assert answer.body["value"] == [{"id": megan, "department": None}]
    assert answer.headers["Preference-Applied"] == "return=minimal"


def test_a_life_is_told_as_new_changed_deleted_and_new_again(cloud: Driver) -> None:
    """Soft deletion is reason "changed", a purge "deleted", a restore an ordinary entry."""
    link = latest(cloud, "emea", "/users/delta?$select=mail")
    user_id = cloud.invited("NestorW@contoso.com")
    told = []
    for action in (
        lambda: None,
        lambda: cloud.graph("emea", "DELETE", f"/users/{user_id}"),
        lambda: cloud.graph("emea", "POST", f"/directory/deletedItems/{user_id}/restore"),
        lambda: cloud.graph("emea", "DELETE", f"/users/{user_id}"),
        lambda: cloud.graph("emea", "DELETE", f"/directory/deletedItems/{user_id}"),
    ):
        action()
        items, link = walk(cloud, "emea", link)
        told.append(items)
    here = [{"mail": "NestorW@contoso.com", "id": user_id}]
    binned = [{"id": user_id, "@removed": {"reason": "changed"}}]
    assert told == [here, binned, here, binned, [{"id": user_id, "@removed": {"reason": "deleted"}}]]


def test_a_first_round_shows_who_is_in_the_bin(cloud: Driver) -> None:
    """As an entry with @removed."""
    user_id = cloud.invited("NestorW@contoso.com")
    cloud.graph("emea", "DELETE", f"/users/{user_id}")
    assert {"id": user_id, "@removed": {"reason": "changed"}} in walk(cloud, "emea", "/users/delta")[0]


def test_members_are_told_with_their_groups(cloud: Driver) -> None:
    """By default, as links with a type; one that left has @removed as an object."""
    megan, alex = (cloud.by_mail("source", f"{name}@contoso.com")["id"] for name in ("MeganB", "AlexW"))
    join(cloud, megan)
    items, link = walk(cloud, "source", "/groups/delta?$select=displayName,members")
    [group] = [item for item in items if item["id"] == GROUP]
    assert group["members@delta"] == [{"@odata.type": "#microsoft.graph.user", "id": megan}]
    join(cloud, alex)
    join(cloud, megan, "DELETE")
    [group] = walk(cloud, "source", link)[0]
    assert sorted(group["members@delta"], key=lambda item: "@removed" in item) == [
        {"@odata.type": "#microsoft.graph.user", "id": alex},
        {"@odata.type": "#microsoft.graph.user", "id": megan, "@removed": {"reason": "deleted"}},
    ]


def test_a_large_group_is_spread_over_pages_and_adds_up() -> None:
    """The same group stands on several pages, each with a part of its members."""
    cloud = Driver({**calm_document(), "delta": {**CALM["delta"], "pageSize": 7}})
    everyone = [user["id"] for user in cloud.items("source", "/users?$select=id")]
    for user in everyone:
        join(cloud, user)
    pages = cloud.all_pages("source", f"/groups/delta?$filter=id eq '{GROUP}'")
    parts = [item for page in pages for item in page["value"]]
    assert len(parts) > 3
    assert {part["id"] for part in parts} == {GROUP}
    assert sorted(member["id"] for part in parts for member in part["members@delta"]) == sorted(everyone)


def test_whatever_pages_are_drawn_nothing_is_lost() -> None:
    """Empty, short and ordinary pages, first round and later ones."""
    for seed in range(5):
        moody = {"pageSize": 4, "emptyPageShare": 0.3, "shortPageShare": 0.3}
        cloud = Driver(calm_document(delta=moody), seed=seed)
        items, link = walk(cloud, "source", "/users/delta?$select=city")
        assert len({item["id"] for item in items}) == 25
        for item in items:
            cloud.graph("source", "PATCH", f"/users/{item['id']}", {"city": "Rome"})
        changed, _ = walk(cloud, "source", link)
        assert {item["id"] for item in changed if item["city"] == "Rome"} == {item["id"] for item in items}


def test_delta_can_be_late_and_then_tells_everything() -> None:
    """Nothing is visible before its time, nor lost after it."""
    cloud = Driver(calm_document(replicas={"medianSeconds": 0, "deltaMedianSeconds": 60, "deltaP99Seconds": 61}))
    link = latest(cloud, "emea", "/users/delta")
    user_id = cloud.invited("NestorW@contoso.com")
    items, link = walk(cloud, "emea", link)
    assert items == []
    cloud.clock.advance(120)
    assert [item["id"] for item in walk(cloud, "emea", link)[0]] == [user_id]


@pytest.mark.parametrize(
    "option", ["$top=5", "$orderby=displayName", "$expand=manager", "$search=x", "$filter=city eq 'x'"]
)
def test_options_that_delta_does_not_know_are_refused(cloud: Driver, option: str) -> None:
    """400 Request_UnsupportedQuery."""
    assert cloud.graph("source", "GET", f"/users/delta?{option}").code == "Request_UnsupportedQuery"


def test_fifty_ids_can_be_followed_and_no_more(cloud: Driver) -> None:
    """By a filter on id."""
    ids = [user["id"] for user in cloud.items("source", "/users?$select=id")][:2]
    clause = " or ".join(f"id eq '{key}'" for key in ids)
    items, link = walk(cloud, "source", f"/users/delta?$filter={clause}&$select=city")
    assert sorted(item["id"] for item in items) == sorted(ids)
    other = cloud.by_mail("source", "RaulR@contoso.com")["id"]
    cloud.graph("source", "PATCH", f"/users/{other}", {"city": "Rome"})
    assert walk(cloud, "source", link)[0] == []
    many = " or ".join(f"id eq '{ids[0]}'" for _ in range(51))
    assert cloud.graph("source", "GET", f"/users/delta?$filter={many}").status == 400


def test_a_delta_link_is_gone_after_seven_days_and_refused_after_thirty(cloud: Driver) -> None:
    """410 with a Location to start again, later 400."""
    link = latest(cloud, "source", "/users/delta")
    cloud.clock.advance(7 * DAY + 1)
    gone = cloud.graph("source", "GET", link)
    assert (gone.status, gone.code) == (410, "syncStateNotFound")
    assert gone.headers["Location"].endswith("/users/delta?$deltatoken=")
    cloud.clock.advance(24 * DAY)
    assert cloud.graph("source", "GET", link).code == "Request_UnsupportedQuery"


def test_a_token_holds_for_its_tenant_app_and_collection_only(cloud: Driver) -> None:
    """Elsewhere it is 400, like one that was made up."""
    link = latest(cloud, "source", "/users/delta")
    assert cloud.graph("emea", "GET", link).status == 400
    assert cloud.graph("source", "GET", link, app="reader").status == 400
    assert cloud.graph("source", "GET", link.replace("/users/", "/groups/")).status == 400
    assert cloud.graph("source", "GET", link[:-4]).status == 400
    assert cloud.graph("source", "GET", "/users/delta?$deltatoken=abc").status == 400
