"""What the story tells the app of the monitor, and what it writes into Entra's own log."""

from __future__ import annotations

from contoso_rows import NOW

from sandbox.monitor.server import IngestionServer
from sandbox.monitor.tables.custom import AAD_PROVISIONING
from sandbox.story import monitoring

NESTOR = {"id": "p1", "displayName": "Nestor Wilke", "userPrincipalName": "NestorW@contoso.com"}


def test_every_person_has_both_applications_in_entras_log(store):
    """ServiceNow and Zscaler, in the columns and JSON texts that Entra's own queries read."""
    rows = [monitoring.row(application, NESTOR, NOW) for application in monitoring.APPLICATIONS]
    assert all(set(row) <= {column.name for column in AAD_PROVISIONING.columns} for row in rows)
    store.add(AAD_PROVISIONING.name, [AAD_PROVISIONING.row(row) for row in rows])
    found = store.query(
        "AADProvisioningLogs | where tostring(parse_json(SourceIdentity).Name) == 'Nestor Wilke' "
        'and SourceIdentity contains \'"identityType":"User"\' and TimeGenerated > ago(1d) '
        "| project Name = tostring(parse_json(ServicePrincipal).Name), "
        "Step = tostring(parse_json(ProvisioningSteps)[-1].name) | order by Name asc",
        now=NOW,
    )
    assert found.rows == (("ServiceNow", "EntryExportAdd"), ("Zscaler", "EntryExportAdd"))


def test_the_app_is_told_where_the_monitor_is():
    """The settings of the app, from the monitor's line; Microsoft's exporter calls nobody else."""
    told = monitoring.settings(IngestionServer.describe("https://localhost:1"))
    assert told["LOGS_INGESTION_ENDPOINT"] == "https://localhost:1"
    assert told["LOGS_RULE_ID"].startswith("dcr-")
    assert told["APPLICATIONINSIGHTS_CONNECTION_STRING"].endswith(";IngestionEndpoint=https://localhost:1/")
    assert told["APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL"] == "true"
