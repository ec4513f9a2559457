"""The Microsoft clouds: where each one's sign-in and Graph live. One table, used for every tenant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CloudName(StrEnum):
    """A Microsoft cloud, as sync.yaml names it."""

    PUBLIC = "public"
    US_GOV = "usgov"
    US_GOV_DOD = "usgov-dod"
    CHINA = "china"


@dataclass(frozen=True, slots=True)
class Cloud:
    """Endpoints of one cloud, without a trailing slash, and the audiences of tokens."""

    authority: str
    graph: str
    federation_audience: str
    monitor: str  # audience of Azure Monitor's ingestion


CLOUDS = {
    CloudName.PUBLIC: Cloud(
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
        "api://AzureADTokenExchange",
        "https://monitor.azure.com",
    ),
    CloudName.US_GOV: Cloud(
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
        "api://AzureADTokenExchangeUSGov",
        "https://monitor.azure.us",
    ),
    CloudName.US_GOV_DOD: Cloud(
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
        "api://AzureADTokenExchangeUSGov",
        "https://monitor.azure.us",
    ),
    CloudName.CHINA: Cloud(
        "https://login.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "api://AzureADTokenExchangeChina",
        "https://monitor.azure.cn",
    ),
}
