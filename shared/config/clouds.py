"""The Microsoft clouds: where each one's sign-in, Graph and Service Bus live. One table, used for every tenant."""

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
    service_bus: str  # what the names of its namespaces end with


CLOUDS = {
    CloudName.PUBLIC: Cloud(
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
        "api://AzureADTokenExchange",
        "https://monitor.azure.com",
        "servicebus.windows.net",
    ),
    CloudName.US_GOV: Cloud(
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
        "api://AzureADTokenExchangeUSGov",
        "https://monitor.azure.us",
        "servicebus.usgovcloudapi.net",
    ),
    CloudName.US_GOV_DOD: Cloud(
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
        "api://AzureADTokenExchangeUSGov",
        "https://monitor.azure.us",
        "servicebus.usgovcloudapi.net",
    ),
    CloudName.CHINA: Cloud(
        "https://login.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "api://AzureADTokenExchangeChina",
        "https://monitor.azure.cn",
        "servicebus.chinacloudapi.cn",
    ),
}


def namespace_complaint(namespace: str, cloud: Cloud) -> str | None:
    """Why a Service Bus namespace cannot be right for an app whose source is in `cloud`; None where it may be."""
    known = {each.service_bus for each in CLOUDS.values()} - {cloud.service_bus}
    if not namespace.lower().rstrip(".").endswith(tuple(f".{suffix}" for suffix in known)):
        return None
    return (
        f"{namespace} is in another cloud than the source, whose namespaces end with {cloud.service_bus}:"
        " an identity does not cross clouds; deploy the app in the source's cloud"
    )
