"""Replicas: late, never lost, and equal in the end."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tenants_driver import CALM, Driver, calm_document

from sandbox.tenants.chance import Lag
from sandbox.tenants.directory.model import Kind, Presence, PutManager, PutMember, PutObject, Version
from sandbox.tenants.directory.replicas import Replicas, ReplicaSettings

SLOW = ReplicaSettings(count=3, lag=Lag(5, 60), index_lag=Lag(10, 100), stale_write_share=0.0)
IDS = [f"object-{number}" for number in range(4)]


def _mutation(draw: tuple[int, int, int, int]) -> PutObject | PutMember | PutManager:
    what, one, other, value = draw
    match what:
        case 0 | 1:
            version = Version(IDS[one], Kind.USER, one + 1, {"v": value}, (("v", str(value)),))
            return PutObject(version, [Presence.LIVE, Presence.LIVE, Presence.DELETED, Presence.GONE][value % 4])
        case 2:
            return PutMember(IDS[one], IDS[other], present=value % 2 == 0)
        case _:
            return PutManager(IDS[one], IDS[other] if value % 3 else None)


@settings(max_examples=60, deadline=None)
@given(
    writes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), max_size=40),
    seed=st.integers(0, 1000),
)
def test_every_replica_ends_at_the_truth(writes: list[tuple[int, int, int, int]], seed: int) -> None:
    """However delays swap the writes, the last write to each thing wins everywhere."""
    replicas = Replicas(SLOW, random.Random(seed))
    now = 0.0
    for write in writes:
        now += 0.5
        replicas.publish(now, [_mutation(write)])
    truth = replicas.truth
    for view in (*(replicas.read(number, now + 1e6) for number in range(3)), replicas.search(now + 1e6)):
        assert view.live == truth.live
        assert view.deleted == truth.deleted
        assert view.manager == truth.manager
        assert [version.id for version in view.after(Kind.USER, 0)] == [
            version.id for version in truth.after(Kind.USER, 0)
        ]
        for object_id in IDS:
            assert view.groups_of(object_id) == truth.groups_of(object_id)
            assert set(view.members(object_id)) == set(truth.members(object_id))
            assert view.reports_of(object_id) == truth.reports_of(object_id)
        for value in range(10):
            assert view.by_key("v", str(value)) == truth.by_key("v", str(value))
    assert replicas.behind(now + 1e6) == 0


def test_a_new_user_is_seen_on_one_replica_before_the_others() -> None:
    """Reads right after a write give 200 and 404 in turns, and only 200 once all have caught up."""
    cloud = Driver(calm_document(replicas={"medianSeconds": 3, "p99Seconds": 60, "count": 2}))
    user_id = cloud.invited("NestorW@contoso.com")
    early = {cloud.graph("emea", "GET", f"/users/{user_id}").status for _ in range(40)}
    assert early == {200, 404}
    assert cloud.control("GET", "quiet").body["replicasBehind"] > 0
    cloud.clock.advance(3600)
    assert {cloud.graph("emea", "GET", f"/users/{user_id}").status for _ in range(40)} == {200}
    assert cloud.control("GET", "quiet").body["replicasBehind"] == 0


def test_some_writes_to_a_young_object_meet_a_replica_that_does_not_know_it() -> None:
    """With every write checked against a random replica, a PATCH may answer 404, and changes nothing then."""
    lag = {"medianSeconds": 3, "p99Seconds": 60, "staleWriteShare": 1.0}
    cloud = Driver(calm_document(replicas=lag))
    young = [cloud.invited(f"someone{number}@elsewhere.example") for number in range(12)]
    answers = [cloud.graph("emea", "PATCH", f"/users/{user_id}", {"city": "Rome"}) for user_id in young]
    assert {answer.status for answer in answers} == {204, 404}
    assert {answer.code for answer in answers if answer.status == 404} == {"Request_ResourceNotFound"}
    truth = cloud.truth("emea")
    assert [truth[user_id].get("city") == "Rome" for user_id in young] == [a.status == 204 for a in answers]


def test_a_list_stays_on_the_replica_it_began_on() -> None:
    """Pages of one list never miss or repeat a user while replicas differ."""
    cloud = Driver({**calm_document(), "replicas": {"medianSeconds": 30, "p99Seconds": 300, "count": 2}})
    for number in range(6):
        cloud.invited(f"someone{number}@elsewhere.example")
    for _ in range(10):
        ids = [user["id"] for user in cloud.items("emea", "/users?$top=2&$select=id")]
        assert len(ids) == len(set(ids))


def test_the_search_index_lags_behind_the_replicas() -> None:
    """An advanced query misses what ordinary reads already show."""
    lag = {"medianSeconds": 0.001, "p99Seconds": 0.002, "indexMedianSeconds": 60, "indexP99Seconds": 90}
    cloud = Driver(calm_document(replicas=lag))
    cloud.invited("NestorW@contoso.com")
    cloud.clock.advance(1)
    query = "/users?$count=true&$filter=mail eq 'NestorW@contoso.com'"
    eventual = {"ConsistencyLevel": "eventual"}
    assert cloud.graph("emea", "GET", query).body["value"]
    assert cloud.graph("emea", "GET", query, headers=eventual).body["value"] == []
    cloud.clock.advance(3600)
    assert cloud.graph("emea", "GET", query, headers=eventual).body["@odata.count"] == 1


def test_the_same_seed_lags_the_same() -> None:
    """Two clouds of one seed answer the same requests alike, replica by replica."""
    document = {**calm_document(), "replicas": {"medianSeconds": 3}}
    assert CALM["replicas"] != document["replicas"]

    def play() -> list[int]:
        cloud = Driver(document, seed=5)
        user_id = cloud.invited("NestorW@contoso.com")
        return [cloud.graph("emea", "GET", f"/users/{user_id}").status for _ in range(20)]

    assert play() == play()


def test_a_new_app_is_news_to_most_replicas_for_a_while() -> None:
    """Whoever addresses it, or makes its principal, may be told that there is none; lists have it at once."""
    lag = {"replicas": {"count": 9, "medianSeconds": 60, "p99Seconds": 60}}
    cloud = Driver(calm_document(**lag))
    made = cloud.graph("source", "POST", "/applications", {"displayName": "new"}).body
    path = f"/applications/{made['id']}"
    assert {cloud.graph("source", "GET", path).status for _ in range(40)} == {200, 404}
    assert [app["id"] for app in cloud.items("source", "/applications?$filter=displayName eq 'new'")] == [made["id"]]
    answers = [cloud.graph("emea", "POST", "/servicePrincipals", {"appId": made["appId"]}) for _ in range(5)]
    refusals = [answer.body["error"]["message"] for answer in answers if answer.status == 400]
    assert any("does not reference a valid application object" in message for message in refusals)
    cloud.clock.advance(61)
    assert {cloud.graph("source", "GET", path).status for _ in range(40)} == {200}
    principal = cloud.graph("apac", "POST", "/servicePrincipals", {"appId": made["appId"]}).body
    assignments = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
    assert {cloud.graph("apac", "GET", assignments).status for _ in range(40)} == {200, 404}
