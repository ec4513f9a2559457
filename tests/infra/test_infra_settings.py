"""The app settings of the deployment are those that the app, its triggers and the host run on."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from bicep_deployment import ROOT, default_of, deploy, deploy_targets

from shared.config.settings import read_settings
from shared.core.messages import Timing
from shared.store import open_store
from shared.store.tables import TablesStore

SITE = deploy().one("Microsoft.Web/sites")
SETTINGS = {setting["name"]: setting["value"] for setting in SITE.properties["siteConfig"]["appSettings"]}

HOST_SETTINGS = {
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "ServiceBusConnection__credential",
    "ServiceBusConnection__clientId",
}
"""Read by the Functions host, and not by us."""

NOT_IN_AZURE = {
    "ServiceBusConnection",  # would go before the namespace and its identity
    "GRAPH_ENDPOINT",  # each tenant's cloud has its own
    "AZURE_AUTHORITY_HOST",  # as above
}


INDEX = """
import json, function_app
functions = function_app.app.get_functions()
print(json.dumps([{"name": f.get_function_name(), **json.loads(f.get_function_json())} for f in functions]))
"""


def index(**environment: str) -> list[dict]:
    """The functions as the host indexes them, in a process of its own, as every worker is."""
    done = subprocess.run(
        [sys.executable, "-c", INDEX], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def documented() -> set[str]:
    """The settings of docs/settings.md."""
    return set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/settings.md").read_text(encoding="utf-8"), re.MULTILINE))


def bindings() -> list[dict]:
    """The triggers of function_app.py."""
    return [binding for function in index() for binding in function["bindings"]]


def test_the_documented_settings_and_the_host_s_are_deployed_and_no_other():
    """docs/settings.md, less what has no place in Azure, plus what the host reads."""
    assert set(SETTINGS) == (documented() - NOT_IN_AZURE) | HOST_SETTINGS


def test_every_setting_that_a_trigger_names_is_deployed():
    """%SETTING% in function_app.py and host.json."""
    sources = json.dumps(bindings()) + (ROOT / "host.json").read_text(encoding="utf-8")
    named = set(re.findall(r"%(\w+)%", sources))
    assert named
    assert named <= set(SETTINGS)


def test_every_connection_of_a_trigger_is_an_identity():
    """The prefix that a trigger names has a namespace, a credential and a client id, and no connection string."""
    prefixes = {binding["connection"] for binding in bindings() if "connection" in binding}
    assert prefixes
    for prefix in prefixes:
        assert SETTINGS[f"{prefix}__fullyQualifiedNamespace"].endswith(".servicebus.windows.net")
        assert SETTINGS[f"{prefix}__credential"] == "managedidentity"
        assert SETTINGS[f"{prefix}__clientId"] == "client-id-of-the-identity"
        assert prefix not in SETTINGS


def test_the_app_accepts_the_deployed_settings():
    """read_settings finds no fault in them, given the host name that Azure adds."""
    settings = read_settings({**SETTINGS, "WEBSITE_HOSTNAME": "app.azurewebsites.net"})
    assert settings.notification_url == "https://app.azurewebsites.net/api/notifications"
    assert settings.service_bus_connection_string is None
    assert settings.topic == deploy().one("Microsoft.ServiceBus/namespaces/topics").name


def test_the_deployed_configuration_is_the_one_that_the_template_read():
    """Subscriptions are made from the file that the app loads."""
    assert read_settings({**SETTINGS, "WEBSITE_HOSTNAME": "app"}).sync_file == ROOT / "sync.yaml"


def test_the_logs_go_to_the_rule():
    """The endpoint and immutable id of the one data collection rule."""
    name = deploy().one("Microsoft.Insights/dataCollectionRules").name
    assert SETTINGS["LOGS_INGESTION_ENDPOINT"] == f"https://{name}.ingest.monitor.azure.com"
    assert SETTINGS["LOGS_RULE_ID"] == f"immutable-id-of-{name}"


async def test_links_are_kept_in_the_account_s_tables():
    """STORE_URL opens a table store; nothing is sent for it."""

    class NoCredential:
        async def get_token(self, *scopes, **options):
            raise AssertionError(scopes)

        async def close(self):
            pass

    store = open_store(SETTINGS["STORE_URL"], NoCredential())
    assert isinstance(store, TablesStore)
    await store.close()


def test_the_template_and_the_app_have_the_same_defaults():
    """Times that nobody set are the same with and without the template."""
    settings = read_settings({**SETTINGS, "WEBSITE_HOSTNAME": "app"})
    assert settings.timing == Timing()


def test_the_sample_has_the_schedule_of_the_template():
    """Timers run as often on one machine as in Azure."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    for setting, parameter in (
        ("KEEP_SUBSCRIPTIONS_SCHEDULE", "keepSubscriptionsSchedule"),
        ("CATCH_UP_SCHEDULE", "catchUpSchedule"),
        ("FULL_CYCLE_SCHEDULE", "fullCycleSchedule"),
    ):
        assert sample[setting] == default_of(parameter)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [("http", 1)]),
        ({"alwaysReadyHttp": 0}, []),
        (
            {"alwaysReadyPerTarget": 2},
            [("http", 1), ("function:provision_emea", 2), ("function:provision_apac", 2)],
        ),
    ],
)
def test_always_ready_names_scale_groups(given, expected):
    """The group http for the webhook, function:NAME for each target."""
    scale = deploy(**given).one("Microsoft.Web/sites").properties["functionAppConfig"]["scaleAndConcurrency"]
    assert [(group["name"], group["instanceCount"]) for group in scale["alwaysReady"]] == expected


def test_always_ready_names_are_functions(tmp_path):
    """A target's scale group is called as function_app.py calls its function, also with hyphens."""
    deployment = deploy_targets(tmp_path, "latin-america-2", alwaysReadyPerTarget=1)
    groups = deployment.one("Microsoft.Web/sites").properties["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]
    functions = index(SYNC_FILE=str(tmp_path / "sync.yaml"))
    assert groups[-1]["name"] == "function:provision_latin_america_2"
    assert "provision_latin_america_2" in {function["name"] for function in functions}
