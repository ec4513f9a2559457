"""Checks one property's value against its row: type, length, form, null.

A value that breaks its rule raises `InvalidValueError`, which names the property and never the value.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.tenants.clock import parse_timestamp
from sandbox.tenants.directory.properties import Property, Shape

ADDRESS = re.compile(r"[^\s@]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z")


class InvalidValueError(ValueError):
    """A value a property cannot hold. `name` is the property; the text never repeats the value."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"Invalid value specified for property '{name}' of resource: {why}")
        self.name = name


def checked(row: Property, value: Any) -> Any:
    """The value as the directory keeps it; InvalidValueError if it breaks the row's rule."""
    if value is None:
        if not row.nullable:
            raise InvalidValueError(row.name, "it cannot be null.")
        return None
    match row.shape:
        case Shape.STRING:
            return _string(row, value)
        case Shape.ADDRESS:
            if ADDRESS.match(_string(row, value)) is None:
                raise InvalidValueError(row.name, "it is not an e-mail address.")
        case Shape.COUNTRY_CODE:
            if re.fullmatch(r"[A-Za-z]{2}", _string(row, value)) is None:
                raise InvalidValueError(row.name, "it is not a two-letter country code.")
        case Shape.USER_TYPE:
            if _string(row, value) not in {"Member", "Guest"}:
                raise InvalidValueError(row.name, "it is neither Member nor Guest.")
        case Shape.BOOLEAN:
            _typed(row, value, bool)
        case Shape.INTEGER | Shape.LARGE_INTEGER:
            bits = 31 if row.shape is Shape.INTEGER else 63
            if isinstance(value, bool) or not isinstance(value, int) or not -(2**bits) <= value < 2**bits:
                raise InvalidValueError(row.name, f"it is not an {row.shape.value}.")
        case Shape.STRINGS:
            _strings(row, value)
        case Shape.DATETIME:
            _datetime(row, value)
        case Shape.BINARY:
            _typed(row, value, str)
        case Shape.ORG_DATA:
            _members(row, value, ("division", "costCenter"), 256)
            # Graph's partial update of this object sets what is missing to null.
            return {"division": value.get("division"), "costCenter": value.get("costCenter")}
        case Shape.EXTENSION_ATTRIBUTES:
            _members(row, value, tuple(f"extensionAttribute{n}" for n in range(1, 16)), row.most or 0)
        case Shape.OTHER:
            _typed(row, value, (dict, list))
    return value


def _typed(row: Property, value: Any, expected: type | tuple[type, ...]) -> None:
    if not isinstance(value, expected):
        raise InvalidValueError(row.name, f"its type is not {row.shape.value}.")


def _string(row: Property, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValueError(row.name, "its type is not String.")
    if not value:
        raise InvalidValueError(row.name, "it is an empty string.")
    if row.most is not None and len(value) > row.most:
        raise InvalidValueError(row.name, f"it is longer than {row.most} characters.")
    return value


def _strings(row: Property, value: Any) -> None:
    if not isinstance(value, list):
        raise InvalidValueError(row.name, f"its type is not {row.shape.value}.")
    if row.most_items is not None and len(value) > row.most_items:
        raise InvalidValueError(row.name, f"it has more than {row.most_items} items.")
    for item in value:
        _string(row, item)


def _datetime(row: Property, value: Any) -> None:
    _typed(row, value, str)
    try:
        parse_timestamp(value)
    except ValueError:
        raise InvalidValueError(row.name, "it is not a date-time with a zone.") from None


def _members(row: Property, value: Any, names: tuple[str, ...], most: int) -> None:
    _typed(row, value, dict)
    for name, member in value.items():
        if name.startswith("@odata."):
            continue
        if name not in names:
            raise InvalidValueError(row.name, "it has a member that does not exist on the type.")
        if member is not None:
            _string(Property(f"{row.name}/{name}", most=most), member)
