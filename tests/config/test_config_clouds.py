"""One table of clouds: the endpoints that Microsoft publishes, and nothing that would send a token elsewhere."""

from __future__ import annotations

import pytest

from shared.config.clouds import CLOUDS, CloudName


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
