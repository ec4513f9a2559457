"""Subscriptions and what their subscribers hear, under a clock that tests move."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tenants_driver import CALM, START, Driver, calm_document

from sandbox.tenants.clock import timestamp
from sandbox.tenants.contoso import CROSS_TENANT_USERS_GROUP_ID as GROUP
from sandbox.tenants.contoso import SOURCE_TENANT_ID
from sandbox.tenants.wire import Validation, ValidationAnswer

MINUTE, HOUR = 60, 3600
URL = "https://app.example/api/notifications?code=k"


def subscribe(cloud: Driver, resource: str = "/users", *, app: str = "reader", **more: Any) -> Any:
    body = {
        "changeType": "updated,deleted",
        "notificationUrl": URL,
        "resource": resource,
        "expirationDateTime": timestamp(cloud.clock.now() + 20 * 24 * HOUR),
        "clientState": "s3cret",
        **more,
    }
    return cloud.graph("source", "POST", "/subscriptions", body, app=app, roles=["User.Read.All", "Group.Read.All"])


def person(cloud: Driver, name: str = "MeganB") -> str:
    return cloud.by_mail("source", f"{name}@contoso.com")["id"]


def move(cloud: Driver, user: str, city: str = "Rome") -> None:
    assert cloud.graph("source", "PATCH", f"/users/{user}", {"city": city}).status == 204


def test_the_handshake_calls_both_urls_with_an_encoded_token(cloud: Driver) -> None:
    """The query is kept, the token decodes to what must be answered."""
    calls: list[Validation] = []

    def webhook(call: Validation) -> ValidationAnswer:
        calls.append(call)
        [token] = parse_qs(urlsplit(call.url).query)["validationToken"]
        return ValidationAnswer(200, "text/plain; charset=utf-8", token.encode())

    cloud.webhook = webhook
    answer = subscribe(cloud, lifecycleNotificationUrl="https://app.example/api/lifecycle")
    assert answer.status == 201
    assert calls[0].url.startswith(f"{URL}&validationToken=")
    assert calls[1].url.startswith("https://app.example/api/lifecycle?validationToken=")
    assert " " not in calls[0].url
    body = answer.body
    assert (body["resource"], body["changeType"], body["clientState"]) == ("/users", "updated,deleted", "s3cret")
    assert (body["latestSupportedTlsVersion"], body["encryptionCertificate"]) == ("v1_2", None)


@pytest.mark.parametrize(
    "answer",
    [
        ValidationAnswer(None),
        ValidationAnswer(500, "text/plain", b"x"),
        ValidationAnswer(202, "text/plain", b"x"),
        ValidationAnswer(200, "text/plain", b"something else"),
        "json",
        "undecoded",
    ],
)
def test_a_wrong_answer_to_the_handshake_stores_nothing(cloud: Driver, answer: ValidationAnswer | str) -> None:
    """400 InvalidRequest with the reason."""

    def webhook(call: Validation) -> ValidationAnswer:
        if answer == "json":
            return ValidationAnswer(200, "application/json", call.token.encode())
        if answer == "undecoded":
            return ValidationAnswer(200, "text/plain", call.url.rpartition("validationToken=")[2].encode())
        assert isinstance(answer, ValidationAnswer)
        return answer

    cloud.webhook = webhook
    refused = subscribe(cloud)
    assert (refused.status, refused.code) == (400, "InvalidRequest")
    assert refused.body["error"]["message"].startswith("Subscription validation request failed.")
    assert cloud.control("GET", "subscriptions").body["value"] == []


def test_a_change_is_told_as_graph_tells_it(cloud: Driver) -> None:
    """The item to the letter, with the client state, and nothing of the change itself."""
    subscription = subscribe(cloud).body["id"]
    megan = person(cloud)
    move(cloud, megan)
    [item] = cloud.deliveries()
    assert item.pop("subscriptionExpirationDateTime").endswith("+00:00")
    assert item["resourceData"].pop("sequenceNumber") > 0
    assert item["resourceData"].pop("eventTime").endswith("Z")
    assert item == {
        "changeType": "updated",
        "clientState": "s3cret",
        "resource": f"Users/{megan}",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.User",
            "@odata.id": f"Users/{megan}",
            "id": megan,
            "organizationId": SOURCE_TENANT_ID,
        },
        "subscriptionId": subscription,
        "tenantId": SOURCE_TENANT_ID,
    }


def test_creation_and_soft_deletion_are_updates_and_only_a_purge_is_a_deletion(cloud: Driver) -> None:
    """Indistinguishable until one reads."""
    subscribe(cloud)
    megan = person(cloud)
    kinds = []
    for method, path in (
        ("DELETE", f"/users/{megan}"),
        ("POST", f"/directory/deletedItems/{megan}/restore"),
        ("DELETE", f"/users/{megan}"),
        ("DELETE", f"/directory/deletedItems/{megan}"),
    ):
        cloud.graph("source", method, path)
        kinds.append([item["changeType"] for item in cloud.deliveries() if item["resourceData"]["id"] == megan])
    cloud.control("POST", "users/generate", {"tenant": "source", "count": 1})
    kinds.append([item["changeType"] for item in cloud.deliveries()])
    assert kinds == [["updated"], ["updated"], ["updated"], ["deleted"], ["updated"]]


def test_membership_is_told_on_the_group_with_a_removal_as_text(cloud: Driver) -> None:
    """No event time; a deleted user's links are not told at all."""
    subscribe(cloud, "/groups")
    megan = person(cloud)
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{megan}"}
    cloud.graph("source", "POST", f"/groups/{GROUP}/members/$ref", reference)
    [added] = cloud.deliveries()
    cloud.graph("source", "DELETE", f"/groups/{GROUP}/members/{megan}/$ref")
    [removed] = cloud.deliveries()
    assert added["resource"] == f"Groups/{GROUP}"
    assert added["resourceData"]["members@delta"] == [{"id": megan}]
    assert removed["resourceData"]["members@delta"] == [{"id": megan, "@removed": "deleted"}]
    assert "eventTime" not in added["resourceData"]
    cloud.graph("source", "POST", f"/groups/{GROUP}/members/$ref", reference)
    cloud.deliveries()
    cloud.graph("source", "DELETE", f"/users/{megan}")
    assert cloud.deliveries() == []


@pytest.mark.parametrize(
    ("resource", "heard"),
    [("/users", 1), ("users/{megan}", 1), ("/users/{alex}", 0), ("/groups", 1), ("/groups/{group}/members", 1)],
)
def test_a_subscription_hears_of_its_resource_only(cloud: Driver, resource: str, heard: int) -> None:
    """Of one user's update and one new membership."""
    megan, alex = person(cloud), person(cloud, "AlexW")
    assert subscribe(cloud, resource.format(megan=megan, alex=alex, group=GROUP)).status == 201
    move(cloud, megan)
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{megan}"}
    cloud.graph("source", "POST", f"/groups/{GROUP}/members/$ref", reference)
    assert len(cloud.deliveries()) == heard


def test_what_fails_comes_again_with_longer_pauses_for_four_hours(cloud: Driver) -> None:
    """3 s for the first attempt, 10 s for the others, the same body."""
    subscribe(cloud)
    move(cloud, person(cloud))
    attempts = []
    while True:
        due = cloud.cloud.due_deliveries()
        for delivery in due:
            attempts.append((cloud.clock.now() - START, delivery.timeout_seconds, delivery.body))
            cloud.cloud.report_delivery(delivery, 503 if len(attempts) % 2 else None)
        deadline = cloud.cloud.next_deadline()
        if deadline is None:
            break
        cloud.clock.advance(deadline - cloud.clock.now())
    pauses = [later[0] - earlier[0] for earlier, later in itertools.pairwise(attempts)]
    assert attempts[0][1] == 3.0
    assert {attempt[1] for attempt in attempts[1:]} == {10.0}
    assert pauses == sorted(pauses)
    assert pauses[:3] == pytest.approx([10, 20, 40])
    assert 3 * HOUR < attempts[-1][0] <= 4 * HOUR
    assert len({attempt[2] for attempt in attempts}) == 1
    assert cloud.control("GET", "quiet").body["pendingDeliveries"] == 0


def test_duplicates_variants_and_losses_follow_the_seed() -> None:
    """Every change is told twice here, in odd forms, and none when all are lost."""
    settings = {**CALM["notifications"], "duplicateShare": 1, "variantShare": 1}
    cloud = Driver({**calm_document(), "notifications": settings})
    subscribe(cloud)
    megan = person(cloud)
    move(cloud, megan)
    items = cloud.deliveries()
    assert [item["resource"] for item in items] == [f"users/{megan}"] * 2
    assert items[0]["resourceData"]["@odata.type"] == "#microsoft.graph.User"
    assert items[0]["resourceData"]["eventTime"].endswith("+00:00")
    cloud.control("POST", "profile", {"notifications": {**CALM["notifications"], "lossShare": 1}})
    move(cloud, megan, "Paris")
    assert cloud.deliveries() == []


def test_notifications_are_late_by_their_own_lag_and_share_posts() -> None:
    """Two subscriptions with one url get their items in one body."""
    settings = {**CALM["notifications"], "medianSeconds": 5, "tailSeconds": 60}
    cloud = Driver({**calm_document(), "notifications": settings})
    subscribe(cloud)
    subscribe(cloud, f"/users/{person(cloud)}")
    move(cloud, person(cloud))
    assert cloud.deliveries() == []
    assert cloud.control("GET", "quiet").body["pendingDeliveries"] == 2
    cloud.clock.advance(HOUR)
    [delivery] = cloud.cloud.due_deliveries()
    assert len({item["subscriptionId"] for item in json.loads(delivery.body)["value"]}) == 2


def test_a_second_subscription_for_the_same_is_409(cloud: Driver) -> None:
    """It names the first; another change type is another subscription."""
    first = subscribe(cloud).body["id"]
    again = subscribe(cloud)
    assert again.status == 409
    assert again.body["error"]["message"] == f"Subscription Id {first} already exists for the requested combination"
    assert subscribe(cloud, changeType="deleted").status == 201


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"changeType": "renamed"}, 400),
        ({"changeType": None}, 400),
        ({"resource": "/devices"}, 400),
        ({"resource": "/groups/x"}, 400),
        ({"notificationUrl": "http://app.example/"}, 400),
        ({"notificationUrl": "EventHub:https://x"}, 400),
        ({"expirationDateTime": "soon"}, 400),
        ({"expirationDateTime": timestamp(START - 1)}, 400),
        ({"expirationDateTime": timestamp(START + 41_761 * MINUTE)}, 400),
        ({"clientState": "x" * 129}, 400),
        ({"latestSupportedTlsVersion": "v9"}, 400),
        ({"includeResourceData": True}, 400),
        ({"colour": "blue"}, 400),
        ({"expirationDateTime": timestamp(START + 41_760 * MINUTE)}, 201),
    ],
)
def test_a_subscription_is_checked_before_the_webhook_is_called(
    cloud: Driver, changes: dict[str, Any], status: int
) -> None:
    """Graph's 400s."""
    assert subscribe(cloud, **changes).status == status


def test_short_lives_are_raised_to_45_minutes_and_end_silently(cloud: Driver) -> None:
    """After that it is 404, and nobody is told."""
    made = subscribe(cloud, expirationDateTime=timestamp(START + 60)).body
    assert made["expirationDateTime"].startswith(timestamp(START + 45 * MINUTE)[:-1])
    path = f"/subscriptions/{made['id']}"
    cloud.clock.advance(45 * MINUTE - 1)
    assert cloud.graph("source", "GET", path, app="reader").status == 200
    cloud.clock.advance(1)
    assert cloud.graph("source", "GET", path, app="reader").status == 404
    move(cloud, person(cloud))
    assert cloud.deliveries() == []


def test_a_subscription_is_renewed_listed_and_ended_by_its_own_app(cloud: Driver) -> None:
    """Another app sees nothing of it."""
    made = subscribe(cloud).body["id"]
    later = timestamp(START + 25 * 24 * HOUR)
    renewed = cloud.graph("source", "PATCH", f"/subscriptions/{made}", {"expirationDateTime": later}, app="reader")
    assert (renewed.status, renewed.body["expirationDateTime"][:19]) == (200, later[:19])
    late = {"lifecycleNotificationUrl": "https://app.example/l"}
    assert cloud.graph("source", "PATCH", f"/subscriptions/{made}", late, app="reader").status == 400
    assert cloud.graph("source", "POST", f"/subscriptions/{made}/reauthorize", app="reader").status == 204
    assert cloud.graph("source", "GET", f"/subscriptions/{made}").status == 404
    assert cloud.graph("source", "GET", "/subscriptions").body["value"] == []
    assert len(cloud.graph("source", "GET", "/subscriptions", app="reader").body["value"]) == 1
    assert cloud.graph("source", "DELETE", f"/subscriptions/{made}", app="reader").status == 204
    assert cloud.graph("source", "DELETE", f"/subscriptions/{made}", app="reader").status == 404


def test_a_renewal_with_another_url_proves_it_first(cloud: Driver) -> None:
    """And keeps the old one when that fails."""
    made = subscribe(cloud).body["id"]
    cloud.webhook = lambda call: ValidationAnswer(404)
    body = {"notificationUrl": "https://other.example/"}
    assert cloud.graph("source", "PATCH", f"/subscriptions/{made}", body, app="reader").status == 400
    [kept] = cloud.control("GET", "subscriptions").body["value"]
    assert kept["notificationUrl"] == URL


def test_write_permissions_make_no_subscription(cloud: Driver) -> None:
    """403 without the read permission of the resource."""
    body = {
        "changeType": "updated",
        "notificationUrl": URL,
        "resource": "/users",
        "expirationDateTime": timestamp(START + HOUR),
    }
    assert cloud.graph("source", "POST", "/subscriptions", body, roles=["User.ReadWrite.All"]).status == 403
    body["resource"] = "/groups"
    assert cloud.graph("source", "POST", "/subscriptions", body, roles=["GroupMember.Read.All"]).status == 403


def test_a_revoked_consent_ends_delivery_without_a_word(cloud: Driver) -> None:
    """The subscription stays, and comes back with the consent."""
    subscribe(cloud)
    cloud.control("POST", "consents", {"tenant": "source", "app": "reader", "revoke": True})
    move(cloud, person(cloud))
    assert cloud.deliveries() == []
    cloud.control("POST", "consents", {"tenant": "source", "app": "reader", "roles": ["User.Read.All"]})
    move(cloud, person(cloud), "Paris")
    assert len(cloud.deliveries()) == 1


def test_reauthorisation_is_asked_before_the_end_until_renewed(cloud: Driver) -> None:
    """At halving distances, on the lifecycle url; a renewal starts the count again."""
    lifecycle = "https://app.example/api/lifecycle"
    made = subscribe(cloud, lifecycleNotificationUrl=lifecycle, expirationDateTime=timestamp(START + 4 * HOUR)).body[
        "id"
    ]
    assert cloud.deliveries() == []
    cloud.clock.advance(HOUR)
    [delivery] = cloud.cloud.due_deliveries()
    assert delivery.url == lifecycle
    [item] = json.loads(delivery.body)["value"]
    assert (item["lifecycleEvent"], item["subscriptionId"]) == ("reauthorizationRequired", made)
    assert (item["clientState"], item["tenantId"]) == ("s3cret", SOURCE_TENANT_ID)
    later = {"expirationDateTime": timestamp(START + 10 * HOUR)}
    cloud.graph("source", "PATCH", f"/subscriptions/{made}", later, app="reader")
    cloud.clock.advance(2 * HOUR)
    assert cloud.deliveries() == []
    cloud.clock.advance(4 * HOUR)
    assert len(cloud.deliveries()) == 1


def test_a_short_life_is_asked_about_at_once_and_answers_cause_no_storm(cloud: Driver) -> None:
    """One reminder when it is made; the answer waits for the next point in time."""
    lifecycle = "https://app.example/api/lifecycle"
    short = timestamp(START + 2 * HOUR)
    made = subscribe(cloud, lifecycleNotificationUrl=lifecycle, expirationDateTime=short).body["id"]
    assert len(cloud.deliveries()) == 1
    assert cloud.graph("source", "POST", f"/subscriptions/{made}/reauthorize", app="reader").status == 204
    assert cloud.deliveries() == []
    cloud.clock.advance(30 * MINUTE)
    assert len(cloud.deliveries()) == 1


def test_an_app_has_a_hundred_subscriptions_in_a_tenant(cloud: Driver) -> None:
    """The next one is 403."""
    people = [user["id"] for user in cloud.items("source", "/users?$select=id")]
    statuses = [
        subscribe(cloud, f"/users/{user}", changeType=kinds).status
        for kinds in ("updated", "deleted", "updated,deleted", "created", "created,updated")
        for user in people
    ]
    assert statuses == [201] * 100 + [403] * 25
