"""Throttling: a sliding window of writes, and of resource units, for each app in each tenant."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tenants_driver import Driver, calm_document

from sandbox.tenants.config import Quota, ThrottlingSettings
from sandbox.tenants.contoso import ADMIN_TEST_APP_ID, EMEA_TENANT_ID
from sandbox.tenants.throttling import Limit, Throttling

USER = "/users/e1000000-0000-4000-8000-000000000001"
APP = "admin-test"


def throttled(**section: Any) -> Driver:
    return Driver(calm_document(throttling=section))


def write(cloud: Driver, tenant: str = "emea", app: str | None = APP) -> Any:
    user = USER if tenant == "emea" else "/users/a1000000-0000-4000-8000-000000000001"
    return cloud.graph(tenant, "PATCH", user, {"city": "Rome"}, app=app)


def test_a_write_over_the_quota_is_refused_until_the_first_has_left_the_window() -> None:
    """429 with when to come back, whose limit it is and which; reads go on."""
    cloud = throttled(writes=5, windowSeconds=10)
    for _ in range(5):
        assert write(cloud).status == 204
        cloud.clock.advance(1)
    refused = write(cloud)
    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "TooManyRequests", "5")
    assert refused.headers["x-ms-throttle-information"] == "WriteLimitExceeded"
    scope = f"Tenant_Application/Write/{ADMIN_TEST_APP_ID}/{EMEA_TENANT_ID}"
    assert refused.headers["x-ms-throttle-scope"] == scope
    assert refused.headers["x-ms-throttle-limit-percentage"] == "1.20"
    assert cloud.graph("emea", "GET", USER, app=APP).status == 200
    cloud.clock.advance(4.9)
    assert write(cloud).status == 429
    cloud.clock.advance(0.1)
    assert [write(cloud).status for _ in range(2)] == [204, 429]


def test_how_much_is_used_is_told_from_80_percent() -> None:
    """Below, there is no such header."""
    cloud = throttled(writes=5)
    told = [write(cloud).headers.get("x-ms-throttle-limit-percentage") for _ in range(5)]
    assert told == [None, None, None, "0.80", "1.00"]


def test_every_app_has_a_quota_of_its_own_in_every_tenant() -> None:
    """And the administrator of the control interface none at all."""
    cloud = throttled(writes=1)
    assert [write(cloud).status for _ in range(2)] == [204, 429]
    assert write(cloud, app="writer").status == 204
    assert write(cloud, "apac").status == 204
    assert [write(cloud, app=None).status for _ in range(3)] == [204, 204, 204]


def test_a_batch_is_throttled_item_by_item() -> None:
    """200 outside; what is refused says so inside, and is counted."""
    cloud = throttled(writes=3)
    patch = {"method": "PATCH", "url": USER, "headers": {"Content-Type": "application/json"}, "body": {"city": "Rome"}}
    items = [patch | {"id": str(number)} for number in range(5)] + [{"id": "get", "method": "GET", "url": USER}]
    answer = cloud.graph("emea", "POST", "/$batch", {"requests": items}, app=APP)
    assert answer.status == 200
    statuses = sorted(item["status"] for item in answer.body["responses"])
    assert statuses == [200, 204, 204, 204, 429, 429]
    [refused, _] = [item for item in answer.body["responses"] if item["status"] == 429]
    assert refused["headers"]["Retry-After"] == "150"
    assert refused["body"]["error"]["code"] == "TooManyRequests"
    assert cloud.control("GET", "counters").body["statuses"]["emea"]["429"] == 2


def test_a_refusal_need_not_say_when_to_come_back() -> None:
    """As Graph's do not always."""
    cloud = throttled(writes=1, retryAfter=False)
    write(cloud)
    refused = write(cloud)
    assert refused.status == 429
    assert "Retry-After" not in refused.headers


def test_reads_cost_resource_units() -> None:
    """A list of users two, one with `$select`; a write one, beside its own limit."""
    cloud = throttled(resourceUnits=5)
    answers = [
        cloud.graph("emea", "GET", "/users", app=APP),
        cloud.graph("emea", "GET", "/users?$select=id", app=APP),
        write(cloud),
        cloud.graph("emea", "GET", "/users", app=APP),
        cloud.graph("emea", "GET", "/users?$select=id", app=APP),
    ]
    assert [answer.status for answer in answers] == [200, 200, 204, 429, 200]
    assert answers[3].headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert answers[3].headers["Retry-After"] == "10"


def test_without_the_section_nobody_is_throttled_and_a_profile_sets_limits_later(cloud: Driver) -> None:
    """An empty section is Graph's own quota."""
    for _ in range(3100):
        assert write(cloud).status == 204
    cloud.control("POST", "profile", {"throttling": {}})
    assert [write(cloud).status for _ in range(3001)] == [204] * 3000 + [429]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 16)), max_size=100))
def test_no_window_holds_more_than_the_quota_and_retry_after_is_always_long_enough(requests: Any) -> None:
    """Wherever the window starts."""
    throttling = Throttling(ThrottlingSettings(writes=Quota(12, 10.0)))
    now, admitted = 0.0, []
    for writes, pause in requests:
        now += pause / 4
        verdict = throttling.admit("app", "tenant", {Limit.WRITES: writes}, now)
        if verdict.retry_after is not None:
            now += verdict.retry_after
            verdict = throttling.admit("app", "tenant", {Limit.WRITES: writes}, now)
        assert verdict.exceeded is None
        admitted.append((now, writes))
    for start, _ in admitted:
        assert sum(writes for at, writes in admitted if start <= at < start + 10) <= 12
