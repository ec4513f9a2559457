"""The rows, in DuckDB, shaped like a Log Analytics workspace: what is added is queried with KQL a moment later.

Writes are one at a time; each query has a cursor of its own, so that queries run beside each other and beside writes.
A query cannot write, and it sees no file but the database.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import duckdb
import duckdb_kql
from duckdb_kql.engine import schema

from sandbox.monitor.tables import application_insights, custom
from sandbox.monitor.tables.columns import ColumnType, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MOST_ROWS: Final = 10_000
"""Of one result, as in a workbook (Azure Monitor service limits, workbooks)."""

_LONGEST_QUERY: Final = 60.0  # seconds

_DUCKDB_TYPES: Final = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.DATETIME: "TIMESTAMP",
    ColumnType.LONG: "BIGINT",
    ColumnType.INT: "INTEGER",
    ColumnType.REAL: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DYNAMIC: "JSON",
    ColumnType.GUID: "UUID",
}

DECLARED: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (custom.PROVISIONING, custom.OPERATIONS, custom.AAD_PROVISIONING, *application_insights.ALL)
}
OPTIONAL: Final = frozenset({custom.AAD_PROVISIONING.name})
"""Tables that a workspace does not have before somebody switches its diagnostics on."""


class QueryFailedError(Exception):
    """A query was not understood, or failed; the text says why, for the author of the query."""


class UnknownTableError(LookupError):
    """There is no such table; the text is its name."""


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result."""

    name: str
    type: ColumnType | None  # None: a timespan, for which no table has a column


@dataclass(frozen=True, slots=True)
class Result:
    """What a query came to. Times are aware, in UTC; dynamic values are plain JSON values."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class TimeBound:
    """The span of TimeGenerated that a query may see, as the time range bound to a workbook's step."""

    start: datetime
    end: datetime


class Store:
    """One workspace. `present` names optional tables that are there from the beginning."""

    def __init__(self, database: Path | None = None, *, present: Iterable[str] = ()) -> None:
        """Rows live in memory, or in the file `database`."""
        self._connection = duckdb_kql.connect(
            ":memory:" if database is None else str(database), config={"enable_external_access": "false"}
        )
        self._lock = threading.Lock()
        self._catalog = self._connection.execute("SELECT current_database()").fetchall()[0][0]
        self.revision = 0  # grows with every change
        wanted = set(DECLARED) - OPTIONAL | set(present)
        for name in DECLARED:
            if name in wanted:
                self.create(name)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @property
    def tables(self) -> Sequence[Table]:
        """The tables that are there."""
        found = self._read("SELECT table_name FROM duckdb_tables() WHERE NOT temporary")
        names = {row[0] for row in found}
        return [table for name, table in DECLARED.items() if name in names]

    def create(self, name: str) -> None:
        """Have a declared table; nothing happens if it is there."""
        columns = ", ".join(f'"{c.name}" {_DUCKDB_TYPES[c.type]}' for c in self._declared(name).columns)
        with self._lock:
            self._connection.execute(f'CREATE TABLE IF NOT EXISTS "{name}" ({columns})')
            self.revision += 1

    def drop(self, name: str) -> None:
        """Have the table no more, as in a workspace where it was never filled."""
        with self._lock:
            self._connection.execute(f'DROP TABLE IF EXISTS "{self._declared(name).name}"')
            self.revision += 1

    def add(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows as `Table.row` makes them.

        Raises:
            UnknownTableError: the table is not there.
        """
        table = self._present(name)
        shape = json.dumps([{column.name: _DUCKDB_TYPES[column.type] for column in table.columns}])
        with self._lock:
            # One JSON text for all rows is some thirty times as fast as one statement a row.
            self._connection.execute(
                f'INSERT INTO "{table.name}" BY NAME SELECT unnest(from_json(?, ?), recursive := true)',
                [json.dumps(list(rows), ensure_ascii=False), shape],
            )
            self.revision += 1

    def count(self) -> dict[str, int]:
        """Rows of every table."""
        return {table.name: self._read(f'SELECT count(*) FROM "{table.name}"')[0][0] for table in self.tables}  # noqa: S608 - a declared name

    def newest(self) -> datetime | None:
        """The latest TimeGenerated of all rows."""
        times = [
            self._read(f'SELECT max("TimeGenerated") FROM "{table.name}"')[0][0]  # noqa: S608 - a declared name
            for table in self.tables
        ]
        found = [moment for moment in times if moment is not None]
        return max(found).replace(tzinfo=UTC) if found else None

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Every row of a table as JSON values, the times as ISO 8601."""
        table = self._present(name)
        cursor = self._connection.cursor()
        cursor.execute(f'SELECT * FROM "{table.name}"')  # noqa: S608 - a declared name
        names = [column.name for column in table.columns]
        kinds = [column.type for column in table.columns]
        return [
            {key: _plain(_value(value, kind)) for key, kind, value in zip(names, kinds, row, strict=True)}
            for row in cursor.fetchall()
        ]

    def query(self, kql: str, *, now: datetime, bound: TimeBound | None = None) -> Result:
        """Run KQL. `now` is what now() and ago() go by.

        Raises:
            QueryFailedError: it is no KQL, uses what is not supported, or failed.
        """
        cursor = self._connection.cursor()
        timer = threading.Timer(_LONGEST_QUERY, cursor.interrupt)
        try:
            if bound is not None:
                self._narrow(cursor, bound)
            sql = duckdb_kql.to_sql(kql, schema=schema(cursor), allow_write=False, query_now=now.replace(tzinfo=None))
            timer.start()
            cursor.execute(str(sql), sql.parameters or None)
            columns = tuple(ResultColumn(d[0], _column_type(str(d[1]))) for d in cursor.description or ())
            found = cursor.fetchmany(MOST_ROWS + 1)
        except (duckdb_kql.KqlError, duckdb.Error) as error:
            # What follows an empty line is the SQL that was made of the query, which its author did not write.
            raise QueryFailedError(str(error).split("\n\n", 1)[0]) from error
        finally:
            timer.cancel()
            cursor.close()
        rows = tuple(
            tuple(_value(value, column.type) for value, column in zip(row, columns, strict=True))
            for row in found[:MOST_ROWS]
        )
        return Result(columns, rows, truncated=len(found) > MOST_ROWS)

    def _narrow(self, cursor: duckdb.DuckDBPyConnection, bound: TimeBound) -> None:
        """Put views of the same names before the tables, for this cursor alone."""
        start, end = (moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ") for moment in (bound.start, bound.end))
        for table in self.tables:
            cursor.execute(
                f'CREATE TEMP VIEW "{table.name}" AS SELECT * FROM "{self._catalog}".main."{table.name}" '  # noqa: S608 - declared names and times
                f"WHERE \"TimeGenerated\" BETWEEN TIMESTAMP '{start}' AND TIMESTAMP '{end}'"
            )

    def _read(self, sql: str) -> list[Any]:
        cursor = self._connection.cursor()
        try:
            return cursor.execute(sql).fetchall()
        finally:
            cursor.close()

    @staticmethod
    def _declared(name: str) -> Table:
        if name not in DECLARED:
            raise UnknownTableError(name)
        return DECLARED[name]

    def _present(self, name: str) -> Table:
        table = self._declared(name)
        if table not in self.tables:
            raise UnknownTableError(name)
        return table


def _column_type(duckdb_type: str) -> ColumnType | None:
    match duckdb_type:
        case "BOOLEAN":
            return ColumnType.BOOLEAN
        case "TINYINT" | "SMALLINT" | "INTEGER" | "UTINYINT" | "USMALLINT":
            return ColumnType.INT
        case "BIGINT" | "UINTEGER" | "UBIGINT" | "HUGEINT" | "UHUGEINT":
            return ColumnType.LONG
        case "TIMESTAMP" | "DATE" | "TIMESTAMP WITH TIME ZONE" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS":
            return ColumnType.DATETIME
        case "UUID":
            return ColumnType.GUID
        case "INTERVAL" | "TIME":
            return None
        case "FLOAT" | "DOUBLE":
            return ColumnType.REAL
        case "VARCHAR":
            return ColumnType.STRING
        case _ if duckdb_type.startswith("DECIMAL"):
            return ColumnType.REAL
        case _:  # JSON, lists and structures
            return ColumnType.DYNAMIC


def _value(value: Any, kind: ColumnType | None) -> Any:
    """A value of DuckDB as a value of a result."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    match kind:
        case ColumnType.DYNAMIC if isinstance(value, str):
            return json.loads(value)
        case ColumnType.DYNAMIC:
            return _inner(value)
        case ColumnType.GUID:
            return str(value)
        case ColumnType.REAL | ColumnType.DATETIME:
            return float(value) if kind is ColumnType.REAL else str(value)
        case _:
            return value


def _inner(value: Any) -> Any:
    """A list or structure: what is in it may be JSON text, which KQL shows as values."""
    match value:
        case list() | tuple():
            return [_inner(item) for item in value]
        case dict():
            return {key: _inner(item) for key, item in value.items()}
        case _:
            return _plain(value)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case timedelta():
            return str(value)
        case None | bool() | int() | float() | str() | list() | dict():
            return value
        case _:
            return str(value)
