"""Telemetry becomes rows with Log Analytics' names."""

from __future__ import annotations

import json

import pytest
from monitor_driver import envelope


def outcome(response):
    return response.status, json.loads(response.body)


def test_a_trace_is_a_row_of_AppTraces(driver):  # noqa: N802 - the table's name
    message = envelope(
        "MessageData", {"message": "hello", "severityLevel": "Warning", "properties": {"target": "emea"}}
    )
    assert outcome(driver.track([message])) == (200, {"itemsReceived": 1, "itemsAccepted": 1, "errors": []})
    [row] = driver.rows("AppTraces")
    assert (row["Message"], row["SeverityLevel"], row["Properties"]) == ("hello", 2, {"target": "emea"})
    assert (row["AppRoleName"], row["OperationId"]) == ("crosstenant", "0af7651916cd43dd8448eb211c80319c")
    assert row["TimeGenerated"] == "2026-11-25T11:59:58.250000Z"
    assert driver.control("POST", "query", {"query": "AppTraces | project tostring(Properties.target)"})[1] == {
        "value": [{"Properties_target": "emea"}]
    }


def test_requests_and_dependencies_have_their_duration_and_result(driver):
    base = {"id": "1", "name": "provision_emea", "duration": "0.00:00:01.500000", "success": False}
    driver.track(
        [
            envelope("RequestData", {**base, "responseCode": "500"}),
            envelope("RemoteDependencyData", {**base, "resultCode": "429", "type": "HTTP", "target": "graph"}),
        ]
    )
    [request], [dependency] = driver.rows("AppRequests"), driver.rows("AppDependencies")
    assert (request["DurationMs"], request["Success"], request["ResultCode"]) == (1500.0, False, "500")
    assert request["PerformanceBucket"] == "1sec-3sec"
    assert (dependency["DependencyType"], dependency["Target"], dependency["ResultCode"]) == ("HTTP", "graph", "429")


def test_a_metric_has_sum_least_and_most(driver):
    point = {"name": "crosstenant.decisions", "value": 12.0, "count": 4, "min": 1.0, "max": 7.0}
    driver.track([envelope("MetricData", {"metrics": [point]})])
    [row] = driver.rows("AppMetrics")
    assert (row["Name"], row["Sum"], row["Min"], row["Max"], row["ItemCount"]) == (
        "crosstenant.decisions", 12.0, 1.0, 7.0, 4,
    )  # fmt: skip


def test_events_and_exceptions_have_tables_of_their_own(driver):
    details = [{"typeName": "ValueError", "message": "no"}, {"typeName": "KeyError", "message": "inner"}]
    driver.track(
        [
            envelope("EventData", {"name": "started"}),
            envelope("ExceptionData", {"exceptions": details, "severityLevel": "Error"}),
        ]
    )
    assert driver.rows("AppEvents")[0]["Name"] == "started"
    [row] = driver.rows("AppExceptions")
    assert (row["OuterType"], row["InnermostMessage"], row["SeverityLevel"]) == ("ValueError", "inner", 3)


def test_a_sampled_item_counts_for_those_it_stands_for(driver):
    driver.track([envelope("EventData", {"name": "e"}, sampleRate=25.0)])
    assert driver.rows("AppEvents")[0]["ItemCount"] == 4


def test_bad_envelopes_are_told_by_their_place_and_the_others_taken(driver):
    """206, as Application Insights answers; 400 where none is good."""
    good, other = envelope("EventData", {"name": "e"}), envelope("EventData", {"name": "e"}, iKey="another")
    status, body = outcome(driver.track([good, other, envelope("PageViewData", {}), {"data": 1}]))
    assert (status, body["itemsReceived"], body["itemsAccepted"]) == (206, 4, 1)
    assert [error["index"] for error in body["errors"]] == [1, 2, 3]
    assert driver.track([other]).status == 400


@pytest.mark.parametrize("path", ["/v2/track", "/v2.1/track"])
def test_one_envelope_a_line_is_taken_too(driver, path):
    lines = "\n".join(json.dumps(envelope("EventData", {"name": str(index)})) for index in range(3))
    assert driver.track(lines.encode(), path).status == 200
    assert len(driver.rows("AppEvents")) == 3


def test_what_is_no_json_is_refused(driver):
    assert driver.track(b"{").status == 400


def test_a_scripted_fault_holds_for_telemetry_too(driver):
    driver.control("POST", "faults", {"endpoint": "track", "status": 503, "retryAfter": 1})
    assert [driver.track([envelope("EventData", {"name": "e"})]).status for _ in range(2)] == [503, 200]


def test_live_metrics_find_nothing(driver):
    """The client of live metrics stops asking."""
    assert driver.track([], "/QuickPulseService.svc/ping").status == 404
