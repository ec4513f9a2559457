"""The logs, the workbook and the alerts as they would be deployed, against what their pages promise."""

from __future__ import annotations

import json
import re

import pytest
from bicep_deployment import ROOT, Deployment, deploy

from infra.workbooks.build import WORKSPACE

DEPLOYMENT = deploy(alertEmail="night@contoso.example")
TABLE = "Microsoft.OperationalInsights/workspaces/tables"
RULE = DEPLOYMENT.one("Microsoft.Insights/dataCollectionRules")
CONTRACT = (ROOT / "docs/provisioning-log.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
NAMES = ["CrosstenantProvisioning_CL", "CrosstenantOperations_CL"]
ALERT_QUERIES = ROOT / "infra/workbooks/queries/alerts"
STANDARD_COLUMNS = {"Id", "TenantId", "Type", "SourceSystem", "_ResourceId", "BilledSize", "IsBillable", "Title"}
"""Names that Log Analytics keeps for itself, and takes in no custom table."""


def documented(table: str) -> dict[str, str]:
    """Columns of docs/provisioning-log.md with their types."""
    section = CONTRACT.split(f"## {table}")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE))


def log_alerts(deployment: Deployment = DEPLOYMENT) -> dict[str, dict]:
    """Rules on logs, by name."""
    rules = deployment.of("Microsoft.Insights/scheduledQueryRules")
    return {rule.name.removeprefix("crosstenant-"): rule.properties for rule in rules}


@pytest.mark.parametrize("name", NAMES)
def test_a_table_has_the_documented_columns_and_no_other(name):
    """In the table and in the stream that feeds it, each in its own spelling of types."""
    (table,) = (one for one in DEPLOYMENT.of(TABLE) if one.name == name)
    schema = table.properties["schema"]
    assert schema["name"] == name
    columns = {column["name"]: column["type"] for column in schema["columns"]}
    assert columns == {column: kind.replace("datetime", "dateTime") for column, kind in documented(name).items()}
    stream = RULE.properties["streamDeclarations"][f"Custom-{name}"]
    assert {column["name"]: column["type"] for column in stream["columns"]} == documented(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_can_be_made(name):
    """Log Analytics wants TimeGenerated, a suffix, and none of its own names."""
    columns = documented(name)
    assert columns["TimeGenerated"] == "datetime"
    assert name.endswith("_CL")
    assert not STANDARD_COLUMNS & set(columns)
    assert all(re.fullmatch(r"[A-Za-z]\w{0,44}", column) for column in columns)
    assert set(columns.values()) <= {"string", "int", "long", "real", "boolean", "datetime", "dynamic"}


def test_tables_are_kept_as_long_as_the_workspace_keeps_logs():
    """One figure for both."""
    deployment = deploy(logRetentionDays=400)
    assert {table.properties["retentionInDays"] for table in deployment.of(TABLE)} == {400}
    assert deployment.one("Microsoft.OperationalInsights/workspaces").properties["retentionInDays"] == 400


def test_the_rule_leads_each_stream_to_its_table():
    """Unchanged, in the one workspace, over an endpoint of its own."""
    assert RULE.body["kind"] == "Direct"
    (destination,) = RULE.properties["destinations"]["logAnalytics"]
    workspace = DEPLOYMENT.one("Microsoft.OperationalInsights/workspaces")
    assert destination["workspaceResourceId"] == workspace.id
    assert {table.parent for table in DEPLOYMENT.of(TABLE)} == {workspace.id}
    flows = [(flow["streams"], flow["destinations"], flow["outputStream"]) for flow in RULE.properties["dataFlows"]]
    assert flows == [([f"Custom-{name}"], [destination["name"]], f"Custom-{name}") for name in NAMES]
    assert {flow["transformKql"] for flow in RULE.properties["dataFlows"]} == {"source"}
    assert set(RULE.properties["streamDeclarations"]) == {f"Custom-{name}" for name in NAMES}


def test_the_workbook_is_deployed_with_the_workspace_in_it():
    """The committed file, but for the one place that waits for the id."""
    workspace = DEPLOYMENT.one("Microsoft.OperationalInsights/workspaces").id
    workbook = DEPLOYMENT.one("Microsoft.Insights/workbooks")
    assert (workbook.body["kind"], workbook.properties["category"]) == ("shared", "workbook")
    assert workbook.properties["sourceId"] == workspace
    content = json.loads(workbook.properties["serializedData"])
    assert content.pop("fallbackResourceIds") == [workspace]
    committed = json.loads((ROOT / "infra/workbooks/crosstenant.workbook.json").read_text(encoding="utf-8"))
    assert committed.pop("fallbackResourceIds") == [WORKSPACE]
    assert content == committed


def test_every_alert_s_query_is_deployed_and_every_alert_has_a_page():
    """Files, rules and headings of docs/alerts.md are the same names; each description leads to its heading."""
    files = {path.stem for path in ALERT_QUERIES.glob("*.kql")}
    assert set(log_alerts()) == files
    for name, rule in log_alerts().items():
        assert rule["criteria"]["allOf"][0]["query"] == (ALERT_QUERIES / f"{name}.kql").read_text(encoding="utf-8")
        assert rule["description"].endswith(f"See docs/alerts.md, {name}.")
    dead_letters = DEPLOYMENT.one("Microsoft.Insights/metricAlerts")
    assert dead_letters.properties["description"].endswith("See docs/alerts.md, dead-letters.")
    assert set(re.findall(r"^## ([a-z-]+)$", RUNBOOK, re.MULTILINE)) == files | {"dead-letters"}


@pytest.mark.parametrize("name", sorted(log_alerts()))
def test_a_page_says_what_to_do(name):
    """What it means, what to look at, what to do; and the threshold that the rule has."""
    page = RUNBOOK.split(f"\n## {name}\n")[1].split("\n## ")[0]
    for heading in ("**It means**", "**Look at**", "**Do**"):
        assert heading in page
    assert f"Severity {log_alerts()[name]['severity']}" in page


def test_rules_are_valid_to_azure():
    """Times that the service takes, one condition each, an action group, and no check before the tables are known."""
    group = DEPLOYMENT.one("Microsoft.Insights/actionGroups")
    assert len(group.properties["groupShortName"]) <= 12
    for rule in log_alerts().values():
        assert rule["severity"] in range(5)
        assert (rule["evaluationFrequency"], rule["skipQueryValidation"], rule["autoMitigate"]) == ("PT10M", True, True)
        assert rule["windowSize"] in {"PT30M", "PT1H"}
        assert rule["overrideQueryTimeRange"] in {None, "P2D"}
        assert rule["scopes"] == [DEPLOYMENT.one("Microsoft.OperationalInsights/workspaces").id]
        assert rule["actions"] == {"actionGroups": [group.id]}
        (condition,) = rule["criteria"]["allOf"]
        assert condition["operator"] in {"GreaterThan", "LessThan"}
        assert isinstance(condition["threshold"], int)
        assert condition["failingPeriods"] == {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}


def test_dead_letters_are_counted_by_service_bus():
    """Of the topic, which has all subscriptions' in it."""
    rule = DEPLOYMENT.one("Microsoft.Insights/metricAlerts").properties
    (criterion,) = rule["criteria"]["allOf"]
    assert (criterion["metricName"], criterion["operator"], criterion["threshold"]) == (
        "DeadletteredMessages",
        "GreaterThan",
        0,
    )
    assert criterion["dimensions"][0]["values"] == [DEPLOYMENT.one("Microsoft.ServiceBus/namespaces/topics").name]
    assert rule["scopes"] == [DEPLOYMENT.one("Microsoft.ServiceBus/namespaces").id]


def test_without_an_address_alerts_are_in_the_portal_alone():
    """The group is there, and tells nobody."""
    groups = [deploy(**given).one("Microsoft.Insights/actionGroups") for given in ({}, {"alertEmail": "a@b.example"})]
    assert [len(group.properties["emailReceivers"]) for group in groups] == [0, 1]
    assert groups[1].properties["emailReceivers"][0]["emailAddress"] == "a@b.example"


def test_the_latency_objective_is_a_parameter():
    """And nothing else about it."""
    rule = log_alerts(deploy(latencyObjectiveSeconds=45))["latency-missed"]
    assert rule["criteria"]["allOf"][0]["threshold"] == 45
    assert log_alerts()["latency-missed"]["criteria"]["allOf"][0]["threshold"] == 120


def test_the_workbook_and_the_alerts_agree_on_what_is_too_late():
    """A tile does not call well what an alert calls ill."""
    tiles = (ROOT / "infra/workbooks/queries/readiness-source.kql").read_text(encoding="utf-8")
    thresholds = {name: rule["criteria"]["allOf"][0]["threshold"] for name, rule in log_alerts().items()}
    assert f"SubscriptionMinutesLeft < {thresholds['subscription-lapsing']}" in tiles
    assert f"CursorAgeMinutes > {thresholds['cursor-old']}" in tiles
