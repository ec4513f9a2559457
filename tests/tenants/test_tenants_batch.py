"""`$batch`: items on their own, dependencies, order, and what makes the whole batch fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tenants_driver import START, Driver, echo

from sandbox.tenants.clock import timestamp

if TYPE_CHECKING:
    from sandbox.tenants.wire import Validation, ValidationAnswer

JSON = {"Content-Type": "application/json"}


def batch(cloud: Driver, *requests: dict[str, Any], **more: Any) -> Any:
    return cloud.graph("emea", "POST", "/$batch", {"requests": list(requests)}, **more)


def by_id(answer: Any) -> dict[str, Any]:
    return {item["id"]: item for item in answer.body["responses"]}


def get(number: int, path: str = "/users?$top=1", **more: Any) -> dict[str, Any]:
    return {"id": str(number), "method": "GET", "url": path, **more}


def test_items_succeed_and_fail_on_their_own(cloud: Driver) -> None:
    """200 outside; status, headers and body inside; counted as operations of their own, in one round trip."""
    user_id = cloud.invited("NestorW@contoso.com")
    cloud.control("POST", "counters/reset")
    answer = batch(
        cloud,
        get(1, f"/users/{user_id}?$select=id"),
        get(2, "/users/00000000-0000-4000-8000-00000000dead"),
        {"id": "3", "method": "PATCH", "url": f"users/{user_id}", "headers": JSON, "body": {"city": "Rome"}},
        {"id": "4", "method": "PATCH", "url": f"/users/{user_id}", "body": {"city": "Paris"}},
        get(5, "/nonsense"),
    )
    assert answer.status == 200
    items = by_id(answer)
    assert {key: item["status"] for key, item in items.items()} == {"1": 200, "2": 404, "3": 204, "4": 400, "5": 400}
    assert items["1"]["body"]["id"] == user_id
    assert items["2"]["body"]["error"]["code"] == "Request_ResourceNotFound"
    assert "body" not in items["3"]
    assert cloud.truth("emea")[user_id]["city"] == "Rome"
    counters = cloud.control("GET", "counters").body
    counted = counters["requests"]["emea"]
    assert (counted["POST /$batch"], counters["roundTrips"]) == (1, {"emea": 1})
    assert (counted["GET /users/{id}"], counted["PATCH /users/{id}"]) == (2, 1)


def test_answers_come_in_another_order(cloud: Driver) -> None:
    """With twenty items, as good as always."""
    answer = batch(cloud, *(get(number) for number in range(20)))
    order = [item["id"] for item in answer.body["responses"]]
    assert order != sorted(order, key=int)
    assert len(order) == 20


def test_what_depends_on_a_failure_fails_with_424(cloud: Driver) -> None:
    """Down the chain."""
    answer = batch(
        cloud,
        get(1, "/users/nobody@x.example"),
        get(2, dependsOn=["1"]),
        get(3, dependsOn=["2"]),
        get(4),
        get(5, dependsOn=["4"]),
    )
    assert {key: item["status"] for key, item in by_id(answer).items()} == {
        "1": 404,
        "2": 424,
        "3": 424,
        "4": 200,
        "5": 200,
    }


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"requests": []},
        {"requests": [get(number) for number in range(21)]},
        {"requests": [get(1), get(1)]},
        {"requests": [{**get(1), "id": "a"}, {**get(1), "id": "A"}]},
        {"requests": [get(1, dependsOn=["9"])]},
        {"requests": [{"id": "1", "method": "GET"}]},
        {"requests": [{**get(1), "method": "TRACE"}]},
        {"requests": ["x"]},
        {"requests": [{"id": "1", "method": "POST", "url": "/$batch", "headers": JSON, "body": {}}]},
    ],
)
def test_a_malformed_batch_does_nothing(cloud: Driver, document: dict[str, Any]) -> None:
    """400 outside."""
    answer = cloud.graph("emea", "POST", "/$batch", document)
    assert (answer.status, answer.code) == (400, "BadRequest")


def test_permissions_hold_for_each_item(cloud: Driver) -> None:
    """The batch itself needs none."""
    answer = batch(cloud, get(1), get(2, "/groups"), roles=["User.Read.All"])
    assert {key: item["status"] for key, item in by_id(answer).items()} == {"1": 200, "2": 403}


def test_an_item_that_needs_a_handshake_gets_it(cloud: Driver) -> None:
    """And the items after it go on."""
    called: list[Validation] = []

    def webhook(call: Validation) -> ValidationAnswer:
        called.append(call)
        return echo(call)

    cloud.webhook = webhook
    body = {
        "changeType": "updated",
        "notificationUrl": "https://app.example/n",
        "expirationDateTime": timestamp(START + 3600),
    }
    items = [
        {"id": name, "method": "POST", "url": "/subscriptions", "headers": JSON, "body": {**body, "resource": name}}
        for name in ("users", "groups")
    ]
    answer = batch(cloud, items[0], get(1), items[1], get(2))
    assert {item["status"] for item in answer.body["responses"] if item["id"] in {"users", "groups"}} == {201}
    assert len(called) == 2
    assert len(answer.body["responses"]) == 4
