"""Scripted faults: what they strike, how often, and what is left of the request."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from tenants_driver import Driver


def fault(cloud: Driver, **document: Any) -> str:
    answer = cloud.control("POST", "faults", document)
    assert answer.status == 200, answer.body
    return answer.body["id"]


def test_a_fault_strikes_the_next_calls_and_then_is_used_up(cloud: Driver) -> None:
    """Only in its tenant and on its operation; with its status, code and headers."""
    fault(
        cloud,
        tenant="emea",
        operation="GET /users/{id}",
        count=2,
        status=429,
        code="TooManyRequests",
        headers={"Retry-After": "7"},
    )
    path = "/users/e1000000-0000-4000-8000-000000000001"
    assert cloud.graph("emea", "GET", "/users").status == 200
    assert cloud.graph("source", "GET", "/users/MeganB@contoso.com").status == 200
    first = cloud.graph("emea", "GET", path)
    assert (first.status, first.code, first.headers["Retry-After"]) == (429, "TooManyRequests", "7")
    assert [cloud.graph("emea", "GET", path).status for _ in range(3)] == [429, 200, 200]
    assert cloud.control("GET", "faults").body["value"] == []


def test_a_write_can_be_applied_and_its_answer_lost(cloud: Driver) -> None:
    """By a reset or behind a gateway's error; without `apply` nothing happens."""
    user = "e1000000-0000-4000-8000-000000000001"
    for city, document in (
        ("Rome", {"apply": True, "reset": True}),
        ("Paris", {"apply": True, "status": 504}),
    ):
        fault(cloud, operation="PATCH .*", count=1, **document)
        answer = cloud.graph("emea", "PATCH", f"/users/{user}", {"city": city})
        assert answer.response.interference.reset == ("reset" in document)
        assert cloud.truth("emea")[user]["city"] == city
    fault(cloud, operation="PATCH .*", count=1, reset=True)
    assert cloud.graph("emea", "PATCH", f"/users/{user}", {"city": "Oslo"}).response.interference.reset
    assert cloud.truth("emea")[user]["city"] == "Paris"


def test_one_app_alone_can_be_struck(cloud: Driver) -> None:
    """And the administrator beside it goes on."""
    fault(cloud, app="22222222-aaaa-4000-8000-000000000002", operation="GET /users", count=1, status=503)
    assert cloud.graph("emea", "GET", "/users").status == 200
    assert cloud.graph("emea", "GET", "/users", app="writer").status == 503
    assert cloud.graph("emea", "GET", "/users", app="writer").status == 200


def test_bodies_can_be_html_empty_or_cut(cloud: Driver) -> None:
    """As gateways do it."""
    fault(cloud, path="/users", count=1, status=502, body="html")
    assert cloud.graph("emea", "GET", "/users").body.startswith("<!DOCTYPE html>")
    fault(cloud, path="/users", count=1, status=503, body="empty")
    assert cloud.graph("emea", "GET", "/users").response.body == b""
    fault(cloud, path="/users", count=1, cutBodyAt=10, delaySeconds=2)
    touched = cloud.graph("emea", "GET", "/users").response.interference
    assert (touched.cut_body_at, touched.delay_seconds) == (10, 2)


def test_an_item_of_a_batch_is_struck_alone(cloud: Driver) -> None:
    """And a reset takes the whole answer."""
    fault(cloud, operation="GET /users", count=1, status=429, headers={"Retry-After": "3"})
    items = [{"id": str(number), "method": "GET", "url": "/users?$top=1"} for number in range(3)]
    responses = cloud.graph("emea", "POST", "/$batch", {"requests": items}).body["responses"]
    assert sorted(item["status"] for item in responses) == [200, 200, 429]
    assert [item["headers"]["Retry-After"] for item in responses if item["status"] == 429] == ["3"]
    fault(cloud, operation="GET /users", count=1, apply=True, reset=True)
    assert cloud.graph("emea", "POST", "/$batch", {"requests": items}).response.interference.reset
    fault(cloud, operation="POST /$batch", count=1, status=503)
    assert cloud.graph("emea", "POST", "/$batch", {"requests": items}).status == 503


def test_the_login_service_can_be_struck_too(cloud: Driver) -> None:
    """In its own shape."""
    fault(cloud, operation="POST /{tenant}/oauth2/v2.0/token", count=1, status=503, headers={"Retry-After": "1"})
    answer = cloud.send("POST", "/emea.contoso.com/oauth2/v2.0/token", urlencode({"client_id": "x"}).encode())
    assert (answer.status, answer.body["error"]) == (503, "temporarily_unavailable")


def test_probability_follows_the_seed(cloud: Driver) -> None:
    """Some and not others, the same with the same seed."""

    def statuses(driver: Driver) -> list[int]:
        fault(driver, operation="GET /users", probability=0.5, status=503)
        return [driver.graph("emea", "GET", "/users").status for _ in range(20)]

    found = statuses(cloud)
    assert set(found) == {200, 503}
    assert statuses(Driver()) == found


def test_faults_are_listed_and_removed(cloud: Driver) -> None:
    """One by its id, or all."""
    first, second = fault(cloud, status=500), fault(cloud, status=501)
    assert [item["id"] for item in cloud.control("GET", "faults").body["value"]] == [first, second]
    assert cloud.control("DELETE", f"faults/{first}").status == 200
    assert cloud.control("DELETE", f"faults/{first}").status == 404
    assert cloud.graph("emea", "GET", "/users").status == 501
    cloud.control("DELETE", "faults")
    assert cloud.graph("emea", "GET", "/users").status == 200


@pytest.mark.parametrize(
    "document",
    [{"statuss": 500}, {"operation": "("}, {"body": "xml"}, {"status": "x"}, {"headers": "x"}],
)
def test_a_fault_that_cannot_be_read_is_refused(cloud: Driver, document: dict[str, Any]) -> None:
    """400 with the reason."""
    answer = cloud.control("POST", "faults", document)
    assert answer.status == 400
    assert answer.body["error"]


# --- the rest of the control interface -------------------------------------------------------------


def test_the_clock_is_frozen_moved_and_let_run(cloud: Driver) -> None:
    """And never moved back."""
    before = cloud.control("GET", "clock").body
    assert before["frozen"] is True
    assert cloud.control("POST", "clock", {"advance": 90}).body["seconds"] == before["seconds"] + 90
    assert cloud.control("POST", "clock", {"advance": -1}).status == 400
    assert cloud.control("POST", "clock", {"freeze": False}).body["frozen"] is False


def test_a_reset_begins_anew_with_the_same_or_another_seed(cloud: Driver) -> None:
    """The same seed gives the same ids; tokens stay valid."""
    token = {"Authorization": f"Bearer {cloud.token('emea')}"}
    header = cloud.cloud.identity_header
    first = cloud.invited("a@x.example")
    cloud.control("POST", "reset", {"seed": 7})
    assert len(cloud.truth("emea")) == 4
    assert cloud.send("GET", "/v1.0/users", headers=token).status == 200
    assert cloud.invited("a@x.example") == first
    cloud.control("POST", "reset", {"seed": 8})
    assert cloud.invited("a@x.example") != first
    assert cloud.cloud.identity_header == header


def test_people_can_be_generated_as_true_changes_or_as_a_baseline(cloud: Driver) -> None:
    """With managers; into groups; the baseline leaves no trace in the journal."""
    group = "60000000-0000-4000-8000-000000000001"
    body = {"tenant": "source", "count": 20, "seed": 3, "groups": [group]}
    ids = cloud.control("POST", "users/generate", body).body["ids"]
    truth = cloud.truth("source")
    assert len(ids) == len(set(ids)) == 20
    assert truth[ids[9]]["manager"] in ids
    assert all(truth[key]["memberOf"] == [group] for key in ids)
    assert {change["kind"] for change in cloud.journal()} == {"create", "manager", "memberAdded"}
    before = len(cloud.journal())
    body = {"tenant": "source", "count": 30, "seed": 4, "baseline": True}
    assert len(cloud.control("POST", "users/generate", body).body["ids"]) == 30
    assert len(cloud.journal()) == before
    assert len(cloud.items("source", "/users?$select=id")) == 75


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nonsense", None, 404),
        ("PUT", "clock", None, 405),
        ("POST", "tokens", {"tenant": "nowhere"}, 404),
        ("POST", "tokens", {"tenant": "emea", "roles": ["Everything"]}, 400),
        ("POST", "tokens", {"tenant": "emea", "role": "x"}, 400),
        ("POST", "consents", {"tenant": "emea", "app": "nobody"}, 404),
        ("POST", "users/00000000-0000-4000-8000-00000000dead/redeem", None, 404),
        ("POST", "users/e1000000-0000-4000-8000-000000000001/redeem", None, 400),
        ("POST", "profile", {"replicas": {"median": 1}}, 400),
        ("POST", "users/generate", {"tenant": "emea", "count": -1}, 400),
        ("POST", "clock", [], 400),
        ("GET", "journal?after=x", None, 400),
    ],
)
def test_a_wrong_control_request_says_what_is_wrong(
    cloud: Driver, method: str, path: str, body: Any, status: int
) -> None:
    """As JSON with an error."""
    answer = cloud.control(method, path, body)
    assert answer.status == status
    assert isinstance(answer.body["error"], str)


def test_an_answer_can_be_another_one(cloud: Driver) -> None:
    """A page without its users, say; it counts as a success where no status is given."""
    fault(cloud, operation="GET /users", count=1, answer={"value": []})
    struck = cloud.graph("emea", "GET", "/users")
    assert (struck.status, struck.body) == (200, {"value": []})
    assert cloud.graph("emea", "GET", "/users").body["value"]
