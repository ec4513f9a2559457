"""Groups, members direct and nested, partners' policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.tenants.contoso import CROSS_TENANT_USERS_GROUP_ID, EMEA_TENANT_ID, ENGINEERING_GROUP_ID

if TYPE_CHECKING:
    from tenants_driver import Driver

GROUP = CROSS_TENANT_USERS_GROUP_ID


def reference(key: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{key}"}


def nested(cloud: Driver) -> str:
    assert cloud.graph("source", "POST", f"/groups/{GROUP}/members/$ref", reference(ENGINEERING_GROUP_ID)).status == 204
    return cloud.by_mail("source", "JohannaL@contoso.com")["id"]


def test_members_are_added_once_and_removed_once(cloud: Driver) -> None:
    """204; adding twice 400, removing twice 404."""
    user = cloud.by_mail("source", "NestorW@contoso.com")["id"]
    add = f"/groups/{GROUP}/members/$ref"
    assert cloud.graph("source", "POST", add, reference(user)).status == 204
    assert cloud.graph("source", "POST", add, reference(user)).status == 400
    assert [item["id"] for item in cloud.items("source", f"/groups/{GROUP}/members")] == [user]
    remove = f"/groups/{GROUP}/members/{user}/$ref"
    assert cloud.graph("source", "DELETE", remove).status == 204
    assert cloud.graph("source", "DELETE", remove).status == 404
    assert cloud.graph("source", "POST", add, reference("00000000-0000-4000-8000-00000000dead")).status == 404


def test_nested_members_count_where_membership_is_transitive(cloud: Driver) -> None:
    """Not in members, in transitiveMembers, in checkMemberGroups and getMemberGroups."""
    johanna = nested(cloud)
    direct = cloud.items("source", f"/groups/{GROUP}/members?$select=id,displayName")
    assert [(item["@odata.type"], item["id"]) for item in direct] == [("#microsoft.graph.group", ENGINEERING_GROUP_ID)]
    assert cloud.items("source", f"/groups/{GROUP}/members/microsoft.graph.user") == []
    path = f"/groups/{GROUP}/transitiveMembers/microsoft.graph.user?$select=id&$count=true&$top=3"
    pages = cloud.all_pages("source", path, {"ConsistencyLevel": "eventual"})
    assert [len(page["value"]) for page in pages] == [3, 1]
    assert pages[0]["@odata.count"] == 4
    assert johanna in {item["id"] for page in pages for item in page["value"]}
    body = {"groupIds": [GROUP, "60000000-0000-4000-8000-000000000003"]}
    assert cloud.graph("source", "POST", f"/users/{johanna}/checkMemberGroups", body).body["value"] == [GROUP]
    body = {"securityEnabledOnly": False}
    held = cloud.graph("source", "POST", f"/users/{johanna}/getMemberGroups", body).body["value"]
    assert held == [GROUP, ENGINEERING_GROUP_ID]
    member_of = cloud.items("source", f"/users/{johanna}/memberOf?$select=id")
    assert [item["id"] for item in member_of] == [ENGINEERING_GROUP_ID]
    assert len(cloud.items("source", f"/users/{johanna}/transitiveMemberOf?$select=id")) == 2


def test_groups_in_a_circle_end(cloud: Driver) -> None:
    """Both directions."""
    johanna = nested(cloud)
    cloud.graph("source", "POST", f"/groups/{ENGINEERING_GROUP_ID}/members/$ref", reference(GROUP))
    assert len(cloud.items("source", f"/groups/{GROUP}/transitiveMembers/graph.user")) == 4
    body = {"groupIds": [GROUP]}
    assert cloud.graph("source", "POST", f"/users/{johanna}/checkMemberGroups", body).body["value"] == [GROUP]


@pytest.mark.parametrize("ids", [[], [f"{number}" for number in range(21)], "x", [1]])
def test_a_membership_check_takes_one_to_twenty_groups(cloud: Driver, ids: object) -> None:
    """Everything else is 400."""
    user = cloud.by_mail("source", "NestorW@contoso.com")["id"]
    assert cloud.graph("source", "POST", f"/users/{user}/checkMemberGroups", {"groupIds": ids}).status == 400


def test_a_group_is_made_changed_filled_deleted_and_restored(cloud: Driver) -> None:
    """Its members come back with it; purging it is not for applications."""
    user = cloud.by_mail("source", "NestorW@contoso.com")["id"]
    body = {"displayName": "Pilots", "mailEnabled": False, "mailNickname": "pilots", "securityEnabled": True}
    bind = {"members@odata.bind": [f"https://graph.microsoft.com/v1.0/directoryObjects/{user}"]}
    made = cloud.graph("source", "POST", "/groups", body | bind)
    path = f"/groups/{made.body['id']}"
    assert made.status == 201
    assert cloud.graph("source", "PATCH", path, {"description": "Those who fly"}).status == 204
    assert cloud.graph("source", "GET", f"{path}?$select=description").body["description"] == "Those who fly"
    assert cloud.graph("source", "PATCH", path, {"colour": "blue"}).status == 400
    assert cloud.graph("source", "DELETE", path).status == 204
    assert cloud.graph("source", "GET", path).status == 404
    binned = f"/directory/deletedItems/{made.body['id']}"
    assert cloud.graph("source", "DELETE", binned).status == 403
    assert cloud.graph("source", "POST", f"{binned}/restore").status == 200
    assert [item["id"] for item in cloud.items("source", f"{path}/members")] == [user]


def test_groups_are_listed_and_filtered(cloud: Driver) -> None:
    """By display name, case aside."""
    assert len(cloud.items("source", "/groups")) == 3
    [found] = cloud.items("source", "/groups?$filter=displayName eq 'cross-tenant USERS'&$select=id")
    assert found == {"id": GROUP}


def test_a_partner_is_made_switched_and_removed_in_order(cloud: Driver) -> None:
    """201, 204, 409 for a second, and identity synchronisation has to go first."""
    root = "/policies/crossTenantAccessPolicy/partners"
    other = "99999999-0000-4000-8000-000000000009"
    assert cloud.graph("emea", "GET", f"{root}/{other}").status == 404
    assert cloud.graph("emea", "PUT", f"{root}/{other}/identitySynchronization", {}).status == 404
    assert cloud.graph("emea", "POST", root, {"tenantId": other}).status == 201
    assert cloud.graph("emea", "POST", root, {"tenantId": other}).code == "Request_MultipleObjectsWithSameKeyValue"
    switch = {"automaticUserConsentSettings": {"inboundAllowed": True}}
    assert cloud.graph("emea", "PATCH", f"{root}/{other}", switch).status == 204
    shown = cloud.graph("emea", "GET", f"{root}/{other}").body
    assert shown["automaticUserConsentSettings"] == {"inboundAllowed": True, "outboundAllowed": None}
    assert cloud.graph("emea", "PATCH", f"{root}/{other}", {"colour": "blue"}).status == 400
    sync = {"displayName": "Other", "userSyncInbound": {"isSyncAllowed": True}}
    assert cloud.graph("emea", "PUT", f"{root}/{other}/identitySynchronization", sync).status == 204
    expanded = cloud.graph("emea", "GET", f"{root}/{other}?$expand=identitySynchronization").body
    assert expanded["identitySynchronization"]["userSyncInbound"] == {"isSyncAllowed": True}
    assert cloud.graph("emea", "DELETE", f"{root}/{other}").status == 400
    assert cloud.graph("emea", "DELETE", f"{root}/{other}/identitySynchronization").status == 204
    assert cloud.graph("emea", "DELETE", f"{root}/{other}").status == 204


def test_the_default_cloud_redeems_automatically_both_ways(cloud: Driver) -> None:
    """The source lets out, the target lets in."""
    root = "/policies/crossTenantAccessPolicy/partners"
    out = cloud.graph("source", "GET", f"{root}/{EMEA_TENANT_ID}").body["automaticUserConsentSettings"]
    [inward] = cloud.items("emea", root)
    assert out["outboundAllowed"] is True
    assert inward["automaticUserConsentSettings"]["inboundAllowed"] is True
