"""What a table of Log Analytics is made of, and how a JSON value becomes a value of a column.

A data collection rule converts what it can and drops columns that it does not know. Here a value that cannot be
converted is refused with its place: in Azure it would be lost with an entry in DCRLogErrors, which nobody reads.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, assert_never

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_FIELD: Final = 64 * 1024
"""Bytes of a field; Azure cuts what is longer (Azure Monitor service limits, Logs Ingestion API)."""


class ColumnType(StrEnum):
    """The column types of Log Analytics that the declared tables use."""

    STRING = "string"
    DATETIME = "datetime"
    LONG = "long"
    INT = "int"
    REAL = "real"
    BOOLEAN = "boolean"
    DYNAMIC = "dynamic"
    GUID = "guid"


class ValueRefusedError(ValueError):
    """A value is not of its column's type; the text says which type was wanted."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `stream` is the name under which a data collection rule takes its rows, if one does."""

    name: str
    columns: tuple[Column, ...]
    stream: str | None = None

    def row(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A row with every column, from what was given; unknown names are dropped.

        Raises:
            ValueRefusedError: a value is of another type; the text names the column.
        """
        row: dict[str, Any] = {}
        for column in self.columns:
            try:
                row[column.name] = convert(given.get(column.name), column.type)
            except ValueRefusedError as refused:
                raise ValueRefusedError(f"{column.name}: {refused}") from refused
        row["Type"] = self.name
        return row


def declare(text: str) -> tuple[Column, ...]:
    """Columns from lines of `Name type`."""
    pairs = (line.split() for line in text.strip().splitlines())
    return tuple(Column(name, ColumnType(kind)) for name, kind in pairs)


def convert(value: object, kind: ColumnType) -> Any:
    """The value as the table holds it: None for what is missing, but an empty text in a column of text.

    Times become text that DuckDB reads, without a zone and in UTC; dynamic values stay JSON values.

    Raises:
        ValueRefusedError: the value cannot be made one of this type.
    """
    if value is None:
        return "" if kind is ColumnType.STRING else None
    match kind:
        case ColumnType.STRING:
            return _text(value)
        case ColumnType.DATETIME:
            return store_time(read_time(value))
        case ColumnType.LONG:
            return _whole(value, 64)
        case ColumnType.INT:
            return _whole(value, 32)
        case ColumnType.REAL:
            return _real(value)
        case ColumnType.BOOLEAN:
            return _boolean(value)
        case ColumnType.DYNAMIC:
            return value if len(json.dumps(value)) <= LONGEST_FIELD else _cut(json.dumps(value, ensure_ascii=False))
        case ColumnType.GUID:
            return _guid(value)
        case _:
            assert_never(kind)


def read_time(value: object) -> datetime:
    """A time in UTC from ISO 8601; without a zone it is UTC.

    Raises:
        ValueRefusedError: it is no time.
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            pass
        else:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    raise ValueRefusedError(f"{_shown(value)} is not a datetime")


def store_time(moment: datetime) -> str:
    """The time as DuckDB's timestamps are written, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _text(value: object) -> str:
    match value:
        case str():
            return _cut(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return json.dumps(value)
        case _:
            raise ValueRefusedError(f"{_shown(value)} is not a string; send JSON as text")


def _whole(value: object, bits: int) -> int:
    number: int | None = None
    match value:
        case bool():
            pass
        case int():
            number = value
        case float() if value.is_integer():
            number = int(value)
        case str():
            try:
                number = int(value)
            except ValueError:
                number = None
        case _:
            pass
    if number is None or not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueRefusedError(f"{_shown(value)} is not {'a long' if bits == 64 else 'an int'}")
    return number


def _real(value: object) -> float:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ValueRefusedError(f"{_shown(value)} is not a real")


def _boolean(value: object) -> bool:
    match value:
        case bool():
            return value
        case str() if value.lower() in {"true", "false"}:
            return value.lower() == "true"
        case _:
            raise ValueRefusedError(f"{_shown(value)} is not a boolean")


def _guid(value: object) -> str:
    try:
        return str(uuid.UUID(str(value)))
    except ValueError as error:
        raise ValueRefusedError(f"{_shown(value)} is not a guid") from error


def _cut(text: str) -> str:
    if len(text) * 4 <= LONGEST_FIELD:
        return text
    return text.encode()[:LONGEST_FIELD].decode(errors="ignore")


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
