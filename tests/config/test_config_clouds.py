"""One table of clouds: the endpoints that Microsoft publishes, and nothing that would send a token elsewhere."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
import yaml

from shared.app.compose import build
from shared.config.clouds import CLOUDS, CloudName, namespace_complaint
from shared.config.faults import ConfigurationError
from shared.config.settings import read_settings
from shared.config.sync_file import parse_sync

ROOT = Path(__file__).resolve().parents[2]
GROUP = "60000000-0000-4000-8000-000000000001"
TOGETHER = {("usgov", "usgov-dod"), ("usgov-dod", "usgov")} | {(name, name) for name in CloudName}
"""L4 and L5 of US Government are two Graphs of one cloud: one sign-in, and one audience of federated credentials."""
NAMESPACES = {
    "public": "bus.servicebus.windows.net",
    "usgov": "bus.servicebus.usgovcloudapi.net",
    "usgov-dod": "bus.servicebus.usgovcloudapi.net",
    "china": "bus.servicebus.chinacloudapi.cn",
}


def sync_text(source, target):
    """The least sync.yaml with a source and a target in these clouds."""
    return yaml.safe_dump(
        {
            "source": {"tenantId": "50000000-0000-4000-8000-000000000001", "cloud": source},
            "targets": [
                {
                    "name": "emea",
                    "tenantId": "e0000000-0000-4000-8000-000000000002",
                    "cloud": target,
                    "scope": {"groups": [GROUP]},
                }
            ],
        }
    )


@pytest.mark.parametrize(
    ("name", "authority", "graph", "exchange"),
    [
        ("public", "https://login.microsoftonline.com", "https://graph.microsoft.com", "api://AzureADTokenExchange"),
        ("usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us", "api://AzureADTokenExchangeUSGov"),
        (
            "usgov-dod",
            "https://login.microsoftonline.us",
            "https://dod-graph.microsoft.us",
            "api://AzureADTokenExchangeUSGov",
        ),
        (
            "china",
            "https://login.chinacloudapi.cn",
            "https://microsoftgraph.chinacloudapi.cn",
            "api://AzureADTokenExchangeChina",
        ),
    ],
)
def test_endpoints_and_the_audience_of_the_token_exchange(name, authority, graph, exchange):
    """Sign-in, Graph, and what a managed identity's token has to be for."""
    cloud = CLOUDS[CloudName(name)]
    assert (cloud.authority, cloud.graph, cloud.federation_audience) == (authority, graph, exchange)


def test_every_cloud_stands_in_the_table_with_addresses_that_a_path_can_follow():
    """No slash at the end: paths begin with one."""
    assert set(CLOUDS) == set(CloudName)
    for cloud in CLOUDS.values():
        for address in (cloud.authority, cloud.graph, cloud.monitor):
            assert address.startswith("https://")
            assert not address.endswith("/")


@pytest.mark.parametrize(("source", "target"), [(a.value, b.value) for a, b in product(CloudName, CloudName)])
def test_of_all_pairs_of_clouds_those_that_share_no_credentials_are_refused_with_the_reason(source, target):
    """At load: whoever deployed would otherwise learn it from a failed sign-in."""
    if (source, target) in TOGETHER:
        sync = parse_sync(sync_text(source, target))
        assert (sync.source.cloud, sync.targets[0].tenant.cloud) == (
            CLOUDS[CloudName(source)],
            CLOUDS[CloudName(target)],
        )
        return
    with pytest.raises(ConfigurationError) as refused:
        parse_sync(sync_text(source, target))
    [fault] = refused.value.faults
    assert fault.path == "targets[0].cloud"
    assert "federated credentials do not cross clouds; deploy once per cloud" in fault.message


@pytest.mark.parametrize(("cloud", "other"), product(NAMESPACES, NAMESPACES))
def test_a_namespace_of_another_cloud_is_refused_when_the_app_starts(tmp_path, cloud, other):
    """The setting is named, and what its value should end with."""
    file = tmp_path / "sync.yaml"
    file.write_text(sync_text(cloud, cloud), encoding="utf-8")
    settings = read_settings(
        {
            "SYNC_FILE": str(file),
            "MANAGED_IDENTITY_CLIENT_ID": "m",
            "READER_CLIENT_ID": "r",
            "WRITER_CLIENT_ID": "22222222-aaaa-4000-8000-000000000002",
            "ServiceBusConnection__fullyQualifiedNamespace": NAMESPACES[other],
            "USER_CHANGES_TOPIC": "user-changes",
            "STORE_URL": f"sqlite:///{tmp_path}/links.sqlite3",
            "NOTIFICATION_URL": "https://localhost/api/notifications",
        }
    )
    if NAMESPACES[cloud] == NAMESPACES[other]:
        assert build(settings).settings is settings
        return
    with pytest.raises(ConfigurationError) as refused:
        build(settings)
    [fault] = refused.value.faults
    assert fault.path == "ServiceBusConnection__fullyQualifiedNamespace"
    assert f"end with {CLOUDS[CloudName(cloud)].service_bus}" in fault.message


@pytest.mark.parametrize("namespace", ["", "BUS.ServiceBus.Windows.Net.", "bus.contoso.com", "localhost"])
def test_other_names_of_a_namespace_pass(namespace):
    """Also one that nobody knows."""
    assert namespace_complaint(namespace, CLOUDS[CloudName.PUBLIC]) is None


def test_the_bicep_knows_the_same_namespaces():
    """The zones of private endpoints."""
    text = (ROOT / "infra/modules/private-endpoints.bicep").read_text(encoding="utf-8")
    named = dict(re.findall(r"(Azure\w+): '(servicebus\.[\w.]+)'", text))
    clouds = {"AzureCloud": "public", "AzureUSGovernment": "usgov", "AzureChinaCloud": "china"}
    assert named == {name: CLOUDS[CloudName(cloud)].service_bus for name, cloud in clouds.items()}
