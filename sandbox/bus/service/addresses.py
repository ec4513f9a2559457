"""Link addresses. Clients send them whole (``amqps://host:port/topic``, TLS or not) or relative; both mean the same."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

_MANAGEMENT = "/$management"


@dataclass(frozen=True, slots=True)
class CbsAddress:
    """The node that takes tokens."""


@dataclass(frozen=True, slots=True)
class ManagementAddress:
    """The management node of the entity at ``path``."""

    path: str


@dataclass(frozen=True, slots=True)
class EntityAddress:
    """An entity; whether it exists is the broker's to say."""

    path: str


Address = CbsAddress | ManagementAddress | EntityAddress


def parse_address(address: str) -> Address:
    """What an address means."""
    _, scheme, rest = address.partition("://")
    path = rest.partition("/")[2] if scheme else address
    path = unquote(path).strip("/")
    if path.lower() == "$cbs":
        return CbsAddress()
    if path.lower().endswith(_MANAGEMENT):
        return ManagementAddress(path[: -len(_MANAGEMENT)])
    return EntityAddress(path)
