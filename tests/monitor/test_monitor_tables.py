"""The tables are those that the documentation declares, and DuckDB answers KQL on them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from contoso_rows import NOW, applications, provisioning

from sandbox.monitor import records
from sandbox.monitor.tables import custom
from sandbox.monitor.tables.columns import ColumnType
from sandbox.monitor.tables.store import DECLARED, QueryFailedError, Store, TimeBound

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = (ROOT / "docs/provisioning-log.md").read_text(encoding="utf-8")


def documented(table: str) -> list[tuple[str, str]]:
    """Columns and types of a table, from the page."""
    section = CONTRACT.split(f"## {table}", 1)[1].split("\n## ", 1)[0]
    kinds = "|".join(kind.value for kind in ColumnType)
    return re.findall(rf"^\| `(\w+)` \| ({kinds}) \|", section, re.MULTILINE)


@pytest.mark.parametrize("table", [custom.PROVISIONING, custom.OPERATIONS])
def test_the_custom_tables_have_the_columns_of_the_documentation(table):
    """In the same order, and then the standard ones."""
    declared = [(column.name, column.type.value) for column in table.columns]
    assert documented(table.name) == declared[: -len(custom.STANDARD)]


def test_an_optional_table_can_be_absent_and_come(store, driver):
    """A workspace has no AADProvisioningLogs before somebody switches its diagnostics on."""
    assert driver.control("DELETE", "tables/AADProvisioningLogs")[0] == 200
    with pytest.raises(QueryFailedError, match="AADProvisioningLogs"):
        store.query("AADProvisioningLogs | count", now=NOW)
    fuzzy = "union isfuzzy=true CrosstenantProvisioning_CL, AADProvisioningLogs | count"
    assert store.query(fuzzy, now=NOW).rows == ((0,),)
    driver.control("PUT", "tables/AADProvisioningLogs")
    assert store.query("AADProvisioningLogs | count", now=NOW).rows == ((0,),)
    assert driver.control("DELETE", "tables/AppTraces")[0] == 400


def test_ago_goes_by_the_given_time(store):
    store.add(custom.PROVISIONING.name, [custom.PROVISIONING.row(row) for row in provisioning()])
    asked = "CrosstenantProvisioning_CL | where TimeGenerated > ago(1h) | count"
    assert store.query(asked, now=NOW).rows == ((5,),)
    assert store.query(asked, now=NOW + timedelta(days=3)).rows == ((0,),)


def test_a_bound_time_range_hides_rows_from_every_table_of_the_query(store):
    """As the time range of a workbook's step does, also inside a join."""
    store.add(custom.PROVISIONING.name, [custom.PROVISIONING.row(row) for row in provisioning()])
    bound = TimeBound(NOW - timedelta(hours=1), NOW)
    assert store.query("CrosstenantProvisioning_CL | count", now=NOW, bound=bound).rows == ((5,),)
    joined = (
        "CrosstenantProvisioning_CL | join kind=inner (CrosstenantProvisioning_CL | project EventId) on EventId | count"
    )
    assert store.query(joined, now=NOW, bound=bound).rows == ((5,),)


def test_dynamic_values_come_back_as_values(store):
    store.add(custom.PROVISIONING.name, [custom.PROVISIONING.row(provisioning()[0])])
    asked = "CrosstenantProvisioning_CL | project parse_json(SourceIdentity).Name, pack_array(1, 'a'), bag_pack('k', 2)"
    assert store.query(asked, now=NOW).rows == (("Nestor Wilke", [1, "a"], {"k": 2}),)


@pytest.mark.parametrize(
    "kql",
    [
        "CrosstenantProvisioning_CL | frobnicate",
        "NoSuchTable | count",
        ".drop table CrosstenantProvisioning_CL",
        ".set Other <| CrosstenantProvisioning_CL",
        "externaldata(line: string)['/etc/hosts']",
    ],
)
def test_what_cannot_be_answered_is_said_and_changes_nothing(store, kql):
    with pytest.raises(QueryFailedError) as failed:
        store.query(kql, now=NOW)
    assert "SELECT" not in str(failed.value)
    assert set(store.count()) == set(DECLARED)


def test_rows_survive_in_a_file(tmp_path):
    """With --database."""
    for count in (1, 2):
        store = Store(tmp_path / "rows.duckdb", present=["AADProvisioningLogs"])
        store.add(custom.AAD_PROVISIONING.name, [custom.AAD_PROVISIONING.row(applications()[0])])
        assert store.count()["AADProvisioningLogs"] == count
        store.close()


def test_recorded_rows_are_the_same_rows(store, driver, tmp_path):
    """What a control call writes out, another monitor reads: the optional table too, where it has a file."""
    store.add(custom.PROVISIONING.name, [custom.PROVISIONING.row(row) for row in provisioning()])
    store.add(custom.AAD_PROVISIONING.name, [custom.AAD_PROVISIONING.row(row) for row in applications()])
    status, counts = driver.control("POST", "export", {"folder": str(tmp_path / "recorded")})
    assert (status, counts["CrosstenantProvisioning_CL"], counts["AADProvisioningLogs"]) == (200, 96, 8)
    other = Store()
    records.read(other, tmp_path / "recorded")
    for table in ("CrosstenantProvisioning_CL", "AADProvisioningLogs"):
        assert other.rows(table) == store.rows(table)
    assert other.newest() == NOW - timedelta(seconds=7)


@pytest.mark.parametrize(
    ("name", "line"), [("Nonsense.jsonl", "{}"), ("AppTraces.jsonl", "{"), ("AppTraces.jsonl", "1")]
)
def test_a_wrong_recording_is_refused_with_its_place(store, tmp_path, name, line):
    (tmp_path / name).write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(records.RecordingInvalidError, match=name):
        records.read(store, tmp_path)


def test_the_control_interface_adds_counts_and_asks(driver):
    """What the story, tests and people use."""
    assert driver.control("POST", "tables/AADProvisioningLogs/rows", applications()) == (200, {"added": 8})
    assert driver.control("GET", "tables")[1]["AADProvisioningLogs"] == 8
    assert len(driver.control("GET", "tables/AADProvisioningLogs/rows")[1]["value"]) == 8
    answer = driver.control("POST", "query", {"query": "AADProvisioningLogs | summarize n = count() by ResultType"})
    assert answer == (200, {"value": [{"ResultType": "Success", "n": 8}]})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "tables/Nonsense/rows", [{}], 404),
        ("POST", "tables/AppTraces/rows", {}, 400),
        ("POST", "tables/AppTraces/rows", [1], 400),
        ("POST", "query", {"query": "|"}, 400),
        ("POST", "faults", {"endpoint": "logs", "status": 200}, 400),
        ("POST", "faults", {"endpoint": "nowhere", "status": 500}, 400),
        ("POST", "faults", {"endpoint": "logs", "colour": "red"}, 400),
        ("POST", "publishers", {"objectIds": "all"}, 400),
        ("GET", "nonsense", None, 404),
    ],
)
def test_a_wrong_control_is_refused_with_a_reason(driver, method, path, body, status):
    answer = driver.control(method, path, body)
    assert answer[0] == status
    assert answer[1]["error"]
