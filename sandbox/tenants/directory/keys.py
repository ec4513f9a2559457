"""Which properties a view can be asked by, and an object's entries for them.

Looking an address up in a tenant of a hundred thousand people must not read them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.tenants.directory.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_INDEXED = {
    Kind.USER: ("userPrincipalName", "mail", "otherMails", "proxyAddresses", "employeeId"),
    Kind.GROUP: ("mail", "proxyAddresses", "mailNickname", "displayName"),
}
INDEXED_NAMES = frozenset(name for names in _INDEXED.values() for name in names)


def index_keys(kind: Kind, properties: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The (property, lower-case value) pairs under which the object is found."""
    keys: list[tuple[str, str]] = []
    for name in _INDEXED[kind]:
        value = properties.get(name)
        if isinstance(value, str):
            keys.append((name, value.lower()))
        elif value:
            keys.extend((name, item.lower()) for item in value)
    for name, value in properties.items():
        if name.startswith("extension_") and isinstance(value, str):
            keys.append((name, value.lower()))
    return tuple(keys)
