"""The Logs Ingestion API's answers, and what becomes of rows."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from contoso_rows import NOW
from monitor_driver import message_of

TABLE = "CrosstenantProvisioning_CL"


def row(**columns):
    return {"TimeGenerated": NOW.isoformat(), "EventId": "e1", **columns}


def test_rows_are_taken_and_found_with_kql(driver, store):
    """204, and a query sees them at once."""
    assert driver.send([row(Target="emea", Attempt=2, Drift=True), row(EventId="e2")]).status == 204
    found = store.query(f"{TABLE} | project EventId, Target, Attempt, Drift | order by EventId asc", now=NOW)
    assert found.rows == (("e1", "emea", 2, True), ("e2", "", None, None))


def test_unknown_columns_are_dropped_and_values_converted(driver):
    """As a data collection rule does: a number of text becomes one, a column that is not declared is lost."""
    assert (
        driver.send([row(Attempt="3", LatencyMs=12.0, Drift="true", DryRun=False, Nonsense=1, Target=7)]).status == 204
    )
    [found] = driver.rows(TABLE)
    assert (found["Attempt"], found["LatencyMs"], found["Drift"], found["DryRun"]) == (3, 12, True, False)
    assert found["Target"] == "7"
    assert "Nonsense" not in found
    assert found["Type"] == TABLE


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Attempt", "three"),
        ("Attempt", 1.5),
        ("Attempt", 2**40),
        ("LatencyMs", True),
        ("Drift", "perhaps"),
        ("TimeGenerated", "yesterday"),
        ("ChangedAttributes", ["department"]),
    ],
)
def test_a_value_that_cannot_be_converted_refuses_the_call(driver, column, value):
    """The answer names the record and the column; nothing of the call is kept."""
    refused = driver.send([row(), row(**{column: value})])
    assert refused.status == 400
    assert message_of(refused).startswith(f"record 1: {column}: ")
    assert driver.rows(TABLE) == []


@pytest.mark.parametrize("age", [timedelta(days=2, seconds=1), timedelta(days=-1, seconds=-1)])
def test_a_time_too_far_away_becomes_the_time_of_receipt(driver, age):
    """More than two days old, or a day ahead."""
    driver.send([row(TimeGenerated=(NOW - age).isoformat())])
    assert driver.rows(TABLE)[0]["TimeGenerated"] == "2026-11-25T12:00:00.000000Z"


def test_a_time_within_two_days_is_kept(driver):
    """To the microsecond, in UTC."""
    driver.send([row(TimeGenerated="2026-11-24T09:30:00.123456+01:00")])
    assert driver.rows(TABLE)[0]["TimeGenerated"] == "2026-11-24T08:30:00.123456Z"


def test_a_missing_time_becomes_the_time_of_receipt(driver):
    driver.send([{"EventId": "e1"}])
    assert driver.rows(TABLE)[0]["TimeGenerated"] == "2026-11-25T12:00:00.000000Z"


def test_a_long_field_is_cut_at_64_kib(driver):
    driver.send([row(Objects="x" * 70_000)])
    assert len(driver.rows(TABLE)[0]["Objects"]) == 64 * 1024


@pytest.mark.parametrize(
    ("body", "packed"),
    [(b"{", True), (b'{"EventId": "e"}', True), (b"[1]", True), (b"\xff\xfe", True), (b"[]", None)],
)
def test_a_body_that_is_no_array_of_objects_is_refused(driver, body, packed):
    if packed is None:  # says that it is packed, and is not
        driver_answer = driver.monitor.handle(
            _unpacked_request(driver, body),
            driver.now,
        )
    else:
        driver_answer = driver.send(body, packed=packed)
    assert driver_answer.status == 400


def _unpacked_request(driver, body):
    from monitor_driver import RULE_ID, STREAM

    from sandbox.monitor.wire import Request

    headers = {"authorization": f"Bearer {driver.token()}", "content-encoding": "gzip"}
    path = f"/dataCollectionRules/{RULE_ID}/streams/{STREAM}"
    return Request("POST", path, {"api-version": "2023-01-01"}, headers, body)


def test_a_call_over_one_mebibyte_is_refused_also_where_it_is_packed(driver):
    """The limit holds for the unpacked body, which is not unpacked beyond it."""
    assert driver.send([row(Objects="x" * 60_000) for _ in range(18)]).status == 413
    assert driver.send(json.dumps([row()]).encode().ljust(1024 * 1024 + 1), packed=False).status == 413
    assert driver.rows(TABLE) == []


def test_wrong_rules_streams_and_versions_are_told_apart(driver):
    assert driver.send([row()], rule="dcr-another").status == 404
    assert driver.send([row()], stream="Custom-Nonsense_CL").status == 400
    assert driver.send([row()], version="2020-01-01").status == 400


def test_the_operations_stream_fills_its_own_table(driver):
    assert driver.send([row(Kind="status")], stream="Custom-CrosstenantOperations_CL").status == 204
    assert driver.rows("CrosstenantOperations_CL")[0]["Kind"] == "status"


def test_only_a_token_for_azure_monitor_that_holds_is_good(driver):
    """401 without one, with one for another service, and with an expired one; a slash at the end is no difference."""
    for token in ("", "nonsense", driver.token("https://graph.microsoft.com"), driver.token(lifetime=-600)):
        refused = driver.send([row()], token=token)
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert driver.send([row()], token=driver.token("https://monitor.azure.com/")).status == 204


def test_an_identity_without_the_role_is_forbidden(driver):
    """403, as before somebody has granted Monitoring Metrics Publisher."""
    driver.control("POST", "publishers", {"objectIds": ["another"]})
    assert driver.send([row()]).status == 403
    driver.control("POST", "publishers", {"objectIds": ["app"]})
    assert driver.send([row()]).status == 204


def test_a_scripted_fault_comes_as_often_as_asked_and_with_its_retry_time(driver):
    driver.control("POST", "faults", {"endpoint": "logs", "status": 429, "retryAfter": 3, "count": 2})
    answers = [driver.send([row()]) for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 204]
    assert answers[0].headers["Retry-After"] == "3"
    assert len(driver.rows(TABLE)) == 1


def test_a_fault_that_keeps_the_rows_makes_a_client_send_them_twice(driver):
    """The answer was lost, not the rows: duplicates by EventId are the log's contract."""
    driver.control("POST", "faults", {"endpoint": "logs", "status": 503, "keeps": True})
    assert [driver.send([row()]).status for _ in range(2)] == [503, 204]
    assert [found["EventId"] for found in driver.rows(TABLE)] == ["e1", "e1"]


def test_a_fault_of_one_stream_leaves_the_other(driver):
    driver.control("POST", "faults", {"endpoint": "logs", "status": 503, "stream": "Custom-CrosstenantOperations_CL"})
    assert driver.send([row()]).status == 204
    assert driver.send([row()], stream="Custom-CrosstenantOperations_CL").status == 503


def test_answers_are_counted(driver):
    driver.send([row()])
    driver.send([row()], token="")
    assert driver.control("GET", "counters") == (200, {"logs": {"204": 1, "401": 1}, "track": {}})
