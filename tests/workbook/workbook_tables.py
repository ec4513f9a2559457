"""The tables that the queries read, in DuckDB, with rows written by hand.

Columns are those of docs/provisioning-log.md, so that a query cannot name one that is promised nowhere. Rows leave
out what a test does not care for; times are minutes ago, since the queries ask the clock.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb_kql

if TYPE_CHECKING:
    import duckdb

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = (ROOT / "docs/provisioning-log.md").read_text(encoding="utf-8")
PROVISIONING, OPERATIONS, ENTRA = "CrosstenantProvisioning_CL", "CrosstenantOperations_CL", "AADProvisioningLogs"
NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)

KQL_TYPES = {"boolean": "bool"}  # the name of a type in a table's schema, where KQL has another
_DUCKDB_TYPES = {
    "datetime": "TIMESTAMP",
    "string": "VARCHAR",
    "long": "BIGINT",
    "int": "INTEGER",
    "boolean": "BOOLEAN",
}


def _columns(table: str) -> dict[str, str]:
    section = CONTRACT.split(f"## {table}")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE))


TABLES: dict[str, dict[str, str]] = {
    PROVISIONING: _columns(PROVISIONING),
    OPERATIONS: _columns(OPERATIONS),
    # As Microsoft documents it; the same names as ours, but for Id.
    ENTRA: {
        "TimeGenerated": "datetime",
        **dict.fromkeys(
            (
                "Id",
                "ChangeId",
                "CycleId",
                "JobId",
                "CorrelationId",
                "AADTenantId",
                "ProvisioningAction",
                "ProvisioningStatusInfo",
                "ProvisioningSteps",
                "ModifiedProperties",
                "SourceIdentity",
                "TargetIdentity",
                "TargetSystem",
                "ServicePrincipal",
                "InitiatedBy",
                "SourceSystem",
                "ResultType",
                "ResultSignature",
                "ResultDescription",
                "OperationName",
                "OperationVersion",
                "Category",
                "TenantId",
                "Type",
            ),
            "string",
        ),
        "DurationMs": "long",
    },
}


class Workspace:
    """A Log Analytics workspace with our two tables, and Entra's where it is asked for."""

    def __init__(self, *, entra: bool = False) -> None:
        self._connection: duckdb.DuckDBPyConnection = duckdb_kql.connect()
        self._ids = 0
        for table in (PROVISIONING, OPERATIONS, *([ENTRA] if entra else [])):
            columns = ", ".join(f'"{name}" {_DUCKDB_TYPES[kind]}' for name, kind in TABLES[table].items())
            self._connection.execute(f'CREATE TABLE "{table}" ({columns})')

    def add(self, table: str, ago: float, **columns: Any) -> None:
        """One row of so many minutes ago; objects and lists become JSON as the log writes it."""
        self._ids += 1
        key = "Id" if table == ENTRA else "EventId"
        row = {key: f"row-{self._ids}", **columns, "TimeGenerated": NOW - timedelta(minutes=ago)}
        unknown = set(row) - set(TABLES[table])
        assert not unknown, f"{table} has no {unknown}"
        values = [
            json.dumps(value, separators=(",", ":")) if isinstance(value, dict | list) else value
            for value in row.values()
        ]
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        self._connection.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', values)  # noqa: S608 - our names

    def decided(
        self,
        ago: float,
        target: str = "emea",
        *,
        person: str | dict[str, Any] = "nestor",
        there: str | dict[str, Any] | None = None,
        action: str = "update",
        status: str = "success",
        **columns: Any,
    ) -> None:
        """One row of the provisioning log. A person who is a word has that word for everything."""
        held_by = {"success": "Success", "failure": "Failure", "held": "Skipped"}
        row = {
            "Target": target,
            "Decision": action,
            "Status": status,
            "ResultType": held_by[status],
            "SourceIdentity": person if isinstance(person, dict) else identity(person),
            "TargetSystem": {"Id": f"tenant-{target}", "Name": target},
            "ReasonCode": "changed",
            "ResultSignature": columns.get("ReasonCode", "") if status != "success" else "",
            **columns,
        }
        if there is not None:
            row["TargetIdentity"] = there if isinstance(there, dict) else identity(there)
        self.add(PROVISIONING, ago, **row)

    def happened(self, ago: float, kind: str, target: str = "", **columns: Any) -> None:
        """One row of CrosstenantOperations_CL."""
        self.add(OPERATIONS, ago, Kind=kind, Target=target, **columns)

    def reached(self, ago: float, application: str, *, person: dict[str, Any], **columns: Any) -> None:
        """One row of Entra's own provisioning log."""
        row = {"ProvisioningAction": "create", "ResultType": "Success", "ServicePrincipal": {"Name": application}}
        self.add(ENTRA, ago, SourceIdentity=person, **{**row, **columns})

    def send_twice(self) -> None:
        """Every row once more, as after a crash between sending and clearing."""
        for (table,) in self._connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            self._connection.execute(f'INSERT INTO "{table}" SELECT * FROM "{table}"')  # noqa: S608 - our names

    def columns(self, kql: str) -> list[str]:
        """The columns of a query's answer."""
        return list(duckdb_kql.query(self._connection, kql).columns)

    def ask(self, kql: str) -> list[dict[str, Any]]:
        """The rows that a query answers with."""
        relation = duckdb_kql.query(self._connection, kql)
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def identity(word: str, name: str | None = None) -> dict[str, Any]:
    """Somebody as the log names them."""
    sign_in = f"{word}@contoso.example"
    return {
        "Id": f"id-{word}",
        "Name": name or word.title(),
        "identityType": "User",
        "details": {"UserPrincipalName": sign_in},
    }
