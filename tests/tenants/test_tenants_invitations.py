"""Invitations and the bin: what stands there afterwards, and every refusal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenants_driver import BASE, REDIRECT, Driver, calm_document

from sandbox.tenants.accounts import guest_principal_name
from sandbox.tenants.contoso import APAC_TENANT_ID, SOURCE_TENANT_ID

DAY = 24 * 3600


def test_an_invited_user_has_the_shape_that_entra_gives(cloud: Driver) -> None:
    """Every property of the table of invitation results."""
    answer = cloud.invite("NestorW@contoso.com", invitedUserDisplayName="Nestor", invitedUserType="Member")
    assert answer.status == 201
    body = answer.body
    assert body["status"] == "PendingAcceptance"
    assert body["inviteRedeemUrl"].startswith("https://login.microsoftonline.com/redeem?rd=")
    assert body["invitedUserMessageInfo"]["ccRecipients"] == [{"emailAddress": {"name": None, "address": None}}]
    user = cloud.truth("emea")[body["invitedUser"]["id"]]
    name = "NestorW_contoso.com#EXT#@contosoemea.onmicrosoft.com"
    assert user["userPrincipalName"] == name
    assert user["mailNickname"] == "NestorW_contoso.com#EXT#"
    assert user["displayName"] == "Nestor"
    assert (user["userType"], user["creationType"], user["externalUserState"]) == (
        "Member",
        "Invitation",
        "PendingAcceptance",
    )
    assert user["mail"] == "NestorW@contoso.com"
    assert user["otherMails"] == ["NestorW@contoso.com"]
    assert user["proxyAddresses"] == ["SMTP:NestorW@contoso.com"]
    assert user["identities"] == [
        {"signInType": "federated", "issuer": "contosoemea.onmicrosoft.com", "issuerAssignedId": None},
        {
            "signInType": "userPrincipalName",
            "issuer": "contosoemea.onmicrosoft.com",
            "issuerAssignedId": name,
        },
    ]
    assert user["home"] == {"tenantId": SOURCE_TENANT_ID, "id": cloud.by_mail("source", "NestorW@contoso.com")["id"]}


@given(
    local=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}[a-z0-9]", fullmatch=True), domain=st.sampled_from(["a.b", "c-d.e"])
)
def test_a_guests_principal_name_has_one_at_and_the_mark(local: str, domain: str) -> None:
    """local_domain#EXT#@initial, whatever the address."""
    name = guest_principal_name(f"{local}@{domain}", "t.onmicrosoft.com")
    assert name == f"{local}_{domain}#EXT#@t.onmicrosoft.com"
    assert name.count("@") == 1


def test_a_plain_invitation_makes_a_guest_named_after_the_address(cloud: Driver) -> None:
    """Also of somebody who has no home here."""
    user_id = cloud.invited("someone@elsewhere.example")
    user = cloud.truth("emea")[user_id]
    assert (user["userType"], user["displayName"], user["home"]) == ("Guest", "someone", None)


def test_inviting_again_gives_the_same_object(cloud: Driver) -> None:
    """201, the same id, no change; also for the guest whom somebody invited by hand long ago."""
    first = cloud.invited("NestorW@contoso.com")
    before = len(cloud.journal())
    assert cloud.invited("nestorw@CONTOSO.com") == first
    assert cloud.invited("AdeleV@contoso.com") == "e1000000-0000-4000-8000-000000000009"
    assert len(cloud.journal()) == before


def test_another_alias_of_the_same_account_leads_to_the_same_object(cloud: Driver) -> None:
    """Its mail, other mails and proxies take the alias over."""
    nestor = cloud.by_mail("source", "NestorW@contoso.com")["id"]
    first = cloud.invited("NestorW@contoso.com")
    cloud.graph("source", "PATCH", f"/users/{nestor}", {"mail": "nestor.wilke@contoso.com"})
    assert cloud.invited("nestor.wilke@contoso.com") == first
    user = cloud.truth("emea")[first]
    assert user["mail"] == "nestor.wilke@contoso.com"
    assert user["otherMails"] == ["NestorW@contoso.com", "nestor.wilke@contoso.com"]
    assert user["proxyAddresses"] == ["SMTP:nestor.wilke@contoso.com", "smtp:NestorW@contoso.com"]


def test_both_policies_redeem_automatically_and_the_state_still_waits(cloud: Driver) -> None:
    """The switches are read on both tenants; the first sign-in is the control interface's to play."""
    user_id = cloud.invited("NestorW@contoso.com")
    assert cloud.truth("emea")[user_id]["redeemedAutomatically"] is True
    partner = f"/policies/crossTenantAccessPolicy/partners/{APAC_TENANT_ID}"
    settings = {"automaticUserConsentSettings": {"outboundAllowed": False}}
    assert cloud.graph("source", "PATCH", partner, settings).status == 204
    user_id = cloud.invited("NestorW@contoso.com", "apac")
    assert cloud.truth("apac")[user_id]["redeemedAutomatically"] is False
    assert cloud.truth("apac")[user_id]["externalUserState"] == "PendingAcceptance"
    assert cloud.control("POST", f"users/{user_id}/redeem").status == 200
    user = cloud.truth("apac")[user_id]
    assert user["externalUserState"] == "Accepted"
    assert user["identities"][0]["issuer"] == "ExternalAzureAD"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"invitedUserEmailAddress": "plus+sign@x.example"}, 400),
        ({"invitedUserEmailAddress": ".dot@x.example"}, 400),
        ({"invitedUserEmailAddress": "dot.@x.example"}, 400),
        ({"invitedUserEmailAddress": "no address"}, 400),
        ({"invitedUserEmailAddress": None}, 400),
        ({"invitedUserEmailAddress": "someone@emea.contoso.com"}, 400),
        ({"inviteRedirectUrl": None}, 400),
        ({"inviteRedirectUrl": "nowhere"}, 400),
        ({"invitedUserType": "Owner"}, 400),
        ({"sendInvitationMessage": "yes"}, 400),
        ({"favouriteColour": "blue"}, 400),
        ({"invitedUserEmailAddress": "under_score@x.example"}, 201),
    ],
)
def test_an_invitation_is_checked_before_anyone_is_made(cloud: Driver, changes: dict[str, Any], status: int) -> None:
    """Nothing is left behind by a refusal."""
    before = len(cloud.truth("emea"))
    body = {"invitedUserEmailAddress": "a@x.example", "inviteRedirectUrl": REDIRECT, **changes}
    assert cloud.graph("emea", "POST", "/invitations", body).status == status
    assert len(cloud.truth("emea")) == before + (status == 201)


def test_a_missing_permission_is_the_invitation_services_401(cloud: Driver) -> None:
    """Unauthorized with the controller's name, not a token problem and not Graph's 403."""
    body = {"invitedUserEmailAddress": "a@x.example", "inviteRedirectUrl": REDIRECT}
    answer = cloud.graph("emea", "POST", "/invitations", body, roles=["User.Read.All"])
    assert (answer.status, answer.code) == (401, "Unauthorized")
    assert "ControllerName=MSGraphInviteAPI, ActionName=CreateInvite" in answer.body["error"]["message"]
    assert "www-authenticate" not in {name.lower() for name in answer.headers}


def test_an_internal_user_with_the_address_is_named_and_refused(cloud: Driver) -> None:
    """400 with the object id in the text."""
    internal = "e1000000-0000-4000-8000-000000000001"
    cloud.graph("emea", "PATCH", f"/users/{internal}", {"otherMails": ["private@elsewhere.example"]})
    answer = cloud.invite("private@elsewhere.example")
    assert answer.status == 400
    assert f"object ID: {internal}" in answer.body["error"]["message"]


@pytest.mark.parametrize(
    ("tenant", "partner", "setting"),
    [("emea", SOURCE_TENANT_ID, "b2bCollaborationInbound"), ("source", "emea", "b2bCollaborationOutbound")],
)
def test_blocked_collaboration_on_either_side_forbids(cloud: Driver, tenant: str, partner: str, setting: str) -> None:
    """403 from cross-tenant access settings."""
    tenant_id = "e0000000-0000-4000-8000-000000000002" if partner == "emea" else partner
    policy = {setting: {"usersAndGroups": {"accessType": "blocked", "targets": []}}}
    path = f"/policies/crossTenantAccessPolicy/partners/{tenant_id}"
    assert cloud.graph(tenant, "PATCH", path, policy).status == 204
    answer = cloud.invite("NestorW@contoso.com")
    assert (answer.status, answer.code) == (403, "Forbidden")
    assert "cross-tenant access" in answer.body["error"]["message"]


@pytest.mark.parametrize(
    ("tenant", "setting"), [("emea", "b2bCollaborationInbound"), ("source", "b2bCollaborationOutbound")]
)
def test_a_default_that_blocks_counts_until_an_entry_allows(cloud: Driver, tenant: str, setting: str) -> None:
    """What an entry leaves open, the default says; automatic redemption is an entry's alone."""
    root = "/policies/crossTenantAccessPolicy"
    assert cloud.graph(tenant, "GET", f"{root}/default").body["isServiceDefault"] is True
    blocked = {setting: {"usersAndGroups": {"accessType": "blocked", "targets": []}}}
    assert cloud.graph(tenant, "PATCH", f"{root}/default", blocked).status == 204
    assert cloud.graph(tenant, "GET", f"{root}/default").body["isServiceDefault"] is False
    assert cloud.invite("NestorW@contoso.com").status == 403
    other = SOURCE_TENANT_ID if tenant == "emea" else "e0000000-0000-4000-8000-000000000002"
    allowed = {setting: {"usersAndGroups": {"accessType": "allowed", "targets": []}}}
    assert cloud.graph(tenant, "PATCH", f"{root}/partners/{other}", allowed).status == 204
    assert cloud.invite("NestorW@contoso.com").status == 201
    switch = {"automaticUserConsentSettings": {"inboundAllowed": True}}
    assert cloud.graph(tenant, "PATCH", f"{root}/default", switch).status == 400


def test_too_many_invitations_latch_until_opened_by_hand() -> None:
    """Time alone does not help; reads and updates go on."""
    cloud = Driver(calm_document(invitations={"suspiciousAfterPerMinute": 3}))
    statuses = [cloud.invite(f"a{number}@x.example").status for number in range(5)]
    assert statuses == [201, 201, 201, 403, 403]
    cloud.clock.advance(DAY)
    answer = cloud.invite("b@x.example")
    assert answer.status == 403
    assert "suspicious activity" in answer.body["error"]["message"]
    assert cloud.graph("emea", "GET", "/users").status == 200
    cloud.control("POST", "invitations/open", {"tenant": "emea"})
    assert cloud.invite("b@x.example").status == 201


def test_a_tenant_can_forbid_invitations() -> None:
    """403 for everyone."""
    cloud = Driver(calm_document(invitations={"allowed": False}))
    answer = cloud.invite("a@x.example")
    assert answer.status == 403
    assert "Guest invitations not allowed" in answer.body["error"]["message"]


def test_an_invitation_can_be_answered_and_never_appear() -> None:
    """201 with an id that leads nowhere."""
    cloud = Driver(calm_document(invitations={"neverAppearsShare": 1.0}))
    user_id = cloud.invited("a@x.example")
    assert cloud.graph("emea", "GET", f"/users/{user_id}").status == 404


def test_a_redemption_is_reset_for_an_address_the_user_holds(cloud: Driver) -> None:
    """The object and its name stay; the state waits again; another address is refused."""
    user_id = cloud.invited("NestorW@contoso.com")
    cloud.control("POST", f"users/{user_id}/redeem")
    name = cloud.truth("emea")[user_id]["userPrincipalName"]
    reset = {"resetRedemption": True, "invitedUser": {"id": user_id}}
    assert cloud.invite("other@contoso.com", **reset).status == 400
    assert cloud.invite("NestorW@contoso.com", **reset).status == 201
    user = cloud.truth("emea")[user_id]
    assert (user["externalUserState"], user["userPrincipalName"]) == ("PendingAcceptance", name)


# --- the bin ---------------------------------------------------------------------------------------


def test_a_deleted_user_lies_in_the_bin_under_a_mangled_name(cloud: Driver) -> None:
    """404 among users, found by id and by filter in the bin, the object id before the name."""
    user_id = cloud.invited("NestorW@contoso.com")
    assert cloud.graph("emea", "DELETE", f"/users/{user_id}").status == 204
    assert cloud.graph("emea", "GET", f"/users/{user_id}").status == 404
    binned = cloud.graph("emea", "GET", f"/directory/deletedItems/{user_id}").body
    assert binned["userPrincipalName"].startswith(user_id.replace("-", "") + "NestorW_contoso.com#EXT#@")
    assert binned["deletedDateTime"] is not None
    path = "/directory/deletedItems/microsoft.graph.user?$filter=mail eq 'nestorw@contoso.com'&$select=id,mail"
    assert cloud.graph("emea", "GET", path).body["value"] == [{"id": user_id, "mail": "NestorW@contoso.com"}]
    assert cloud.graph("emea", "GET", "/directory/deletedItems").status == 400


def test_links_end_with_a_user_and_come_back_with_a_restore(cloud: Driver) -> None:
    """Memberships, the manager and the reports; the restored object is the same."""
    megan = cloud.by_mail("source", "MeganB@contoso.com")
    alex = cloud.by_mail("source", "AlexW@contoso.com")["id"]
    cloud.graph("source", "DELETE", f"/users/{megan['id']}")
    assert cloud.truth("source")[alex]["manager"] is None
    members = "/groups/60000000-0000-4000-8000-000000000003/members?$select=id"
    assert megan["id"] not in {item["id"] for item in cloud.items("source", members)}
    restored = cloud.graph("source", "POST", f"/directory/deletedItems/{megan['id']}/restore")
    assert (restored.status, restored.body["userPrincipalName"]) == (200, "MeganB@contoso.com")
    assert cloud.truth("source")[megan["id"]] == megan
    assert cloud.truth("source")[alex]["manager"] == megan["id"]
    assert megan["id"] in {item["id"] for item in cloud.items("source", members)}


def test_the_bin_is_emptied_after_thirty_days(cloud: Driver) -> None:
    """Not a moment before."""
    user_id = cloud.invited("NestorW@contoso.com")
    cloud.graph("emea", "DELETE", f"/users/{user_id}")
    cloud.clock.advance(30 * DAY - 1)
    assert cloud.graph("emea", "GET", f"/directory/deletedItems/{user_id}").status == 200
    cloud.clock.advance(1)
    assert cloud.graph("emea", "GET", f"/directory/deletedItems/{user_id}").status == 404
    assert cloud.journal()[-1]["kind"] == "purge"


def test_a_restored_user_is_not_purged_by_the_first_deletions_date(cloud: Driver) -> None:
    """Each deletion has thirty days of its own."""
    user_id = cloud.invited("NestorW@contoso.com")
    cloud.graph("emea", "DELETE", f"/users/{user_id}")
    cloud.clock.advance(20 * DAY)
    cloud.graph("emea", "POST", f"/directory/deletedItems/{user_id}/restore")
    cloud.graph("emea", "DELETE", f"/users/{user_id}")
    cloud.clock.advance(20 * DAY)
    assert cloud.graph("emea", "GET", f"/directory/deletedItems/{user_id}").status == 200
    cloud.clock.advance(10 * DAY)
    assert cloud.graph("emea", "GET", f"/directory/deletedItems/{user_id}").status == 404


def test_inviting_someone_in_the_bin_makes_a_new_object_which_blocks_the_restore(cloud: Driver) -> None:
    """The reported variant that is the default."""
    first = cloud.invited("NestorW@contoso.com")
    cloud.graph("emea", "DELETE", f"/users/{first}")
    second = cloud.invited("NestorW@contoso.com")
    assert second != first
    answer = cloud.graph("emea", "POST", f"/directory/deletedItems/{first}/restore")
    assert (answer.status, answer.body["error"]["details"][0]["code"]) == (400, "ObjectConflict")
    assert cloud.graph("emea", "DELETE", f"/directory/deletedItems/{first}").status == 204


def test_inviting_someone_in_the_bin_can_also_be_refused() -> None:
    """The other reported variant."""
    cloud = Driver(calm_document(invitations={"softDeletedTwin": "refuse"}))
    first = cloud.invited("NestorW@contoso.com")
    cloud.graph("emea", "DELETE", f"/users/{first}")
    answer = cloud.invite("NestorW@contoso.com")
    assert answer.status == 400
    assert "already exists in the directory" in answer.body["error"]["message"]
    assert cloud.graph("emea", "POST", f"/directory/deletedItems/{first}/restore").status == 200
    assert cloud.invited("NestorW@contoso.com") == first


@pytest.mark.parametrize(
    ("who", "status"),
    [("none", 403), ("adminsAndGuestInviters", 403), ("adminsGuestInvitersAndAllMembers", 201), ("everyone", 201)],
)
def test_an_app_may_invite_where_members_may(cloud: Driver, who: str, status: int) -> None:
    """It is no administrator; the other tenants are left alone."""
    policy = "/policies/authorizationPolicy"
    assert cloud.graph("emea", "GET", policy).body["allowInvitesFrom"] == "everyone"
    assert cloud.graph("emea", "PATCH", policy, {"allowInvitesFrom": who}).status == 204
    assert cloud.graph("emea", "GET", policy).body["allowInvitesFrom"] == who
    assert cloud.invite("NestorW@contoso.com").status == status
    assert cloud.invite("NestorW@contoso.com", "apac").status == 201


@pytest.mark.parametrize(
    "body",
    [
        {"allowInvitesFrom": "friends"},
        {"guestUserRoleId": "x"},
        {"id": "y"},
        {"colour": 1},
        {"allowedToUseSSPR": "yes"},
    ],
)
def test_an_authorization_policy_that_cannot_be(cloud: Driver, body: dict[str, Any]) -> None:
    """400, and nothing of it is taken."""
    before = cloud.graph("emea", "GET", "/policies/authorizationPolicy").body
    assert cloud.graph("emea", "PATCH", "/policies/authorizationPolicy", body).status == 400
    assert cloud.graph("emea", "GET", "/policies/authorizationPolicy").body == before


def test_a_changed_policy_is_seen_at_once_and_obeyed_later() -> None:
    """One change after the other, each in its time."""
    cloud = Driver(calm_document(invitations={"policyDelaySeconds": 900}))
    path = f"/policies/crossTenantAccessPolicy/partners/{SOURCE_TENANT_ID}"
    off = {"automaticUserConsentSettings": {"inboundAllowed": False}}
    blocked = {"b2bCollaborationInbound": {"usersAndGroups": {"accessType": "blocked", "targets": []}}}
    assert cloud.graph("emea", "PATCH", path, off).status == 204
    cloud.clock.advance(600)
    assert cloud.graph("emea", "PATCH", path, blocked).status == 204
    assert cloud.graph("emea", "GET", path).body["automaticUserConsentSettings"]["inboundAllowed"] is False
    assert redeemed(cloud, "NestorW@contoso.com") is True
    cloud.clock.advance(301)  # the first change is 901 seconds old, the second 301
    assert redeemed(cloud, "IsaiahL@contoso.com") is False
    cloud.clock.advance(600)
    assert cloud.invite("MeganB@contoso.com").status == 403


def redeemed(cloud: Driver, address: str) -> bool:
    """Whether somebody who is invited now is redeemed automatically."""
    user_id = cloud.invited(address)
    return bool(cloud.truth("emea")[user_id]["redeemedAutomatically"])


def test_a_full_tenant_takes_nobody_more() -> None:
    """The bin counts; what is purged makes room."""
    document = calm_document()
    emea = next(tenant for tenant in document["tenants"] if tenant["name"] == "emea")
    emea["objectQuota"] = len(Driver().truth("emea")) + len(Driver().items("emea", "/groups")) + 1
    cloud = Driver(document)
    path = "/organization?$select=id,directorySizeQuota"
    user_id = cloud.invited("NestorW@contoso.com")
    [organization] = cloud.graph("emea", "GET", f"{BASE}/beta{path}").body["value"]
    assert organization["directorySizeQuota"] == {"used": emea["objectQuota"], "total": emea["objectQuota"]}
    answer = cloud.invite("IsaiahL@contoso.com")
    assert (answer.status, answer.code) == (403, "Directory_QuotaExceeded")
    group = {"displayName": "g", "mailEnabled": False, "mailNickname": "g", "securityEnabled": True}
    assert cloud.graph("emea", "POST", "/groups", group).code == "Directory_QuotaExceeded"
    assert cloud.graph("emea", "DELETE", f"/users/{user_id}").status == 204
    assert cloud.invite("IsaiahL@contoso.com").status == 403
    assert cloud.graph("emea", "DELETE", f"/directory/deletedItems/{user_id}").status == 204
    assert cloud.invite("IsaiahL@contoso.com").status == 201


def test_how_full_a_tenant_is_stands_in_beta_alone(cloud: Driver) -> None:
    """v1.0 does not know the property, and beta nothing else here."""
    assert cloud.graph("emea", "GET", "/organization?$select=directorySizeQuota").status == 400
    assert cloud.graph("emea", "GET", f"{BASE}/beta/users").status == 400
