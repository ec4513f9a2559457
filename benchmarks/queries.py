"""How long each query of the workbook takes on a million rows, in DuckDB.

Makes a week of the provisioning log in memory (50,000 people, four targets, one row in a hundred sent twice), a week of
status rows, and a tenth as many rows of Entra's own log; then asks each query as the workbook would for the whole week.
Prints a line of JSON for each: name, rows answered, and the median of some runs in seconds. What Log Analytics takes is
another matter; this tells which query is dear, and what the sandbox's page waits for.

    python -m benchmarks.queries [--rows 1000000] [--runs 3] [--threads 2] [--only overview-tiles]
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from typing import TYPE_CHECKING, Any

import duckdb_kql

from infra.workbooks.build import QUERIES, query

if TYPE_CHECKING:
    import duckdb

PEOPLE = 50_000
STATUSES = 7 * 24 * 12  # one every five minutes

VALUES: dict[str, str] = {
    "TimeRange": "> ago(7d)",
    "TimeRange:grain": "1h",
    "Target": "'*'",
    "Status": "'*'",
    "Action": "'*'",
    "Person:escapejson": "Person 4711",
    "Chosen:escapejson": "everybody",
    "ErrorCode:escapejson": "EntryConflict",
    "Cycle:escapejson": "cycle-3",
}


def identity(prefix: str, number: str) -> str:
    """A JSON text of somebody, as SQL."""
    return (
        f"""'{{"Id":"{prefix}-' || {number} || '","Name":"Person ' || {number} || '","identityType":"User","""
        f""""details":{{"UserPrincipalName":"{prefix}' || {number} || '@contoso.example"}}}}'"""
    )


def make_rows(connection: duckdb.DuckDBPyConnection, rows: int) -> None:
    """All three tables."""
    person = f"(i * 7919 % {PEOPLE})"
    connection.execute(f"""
        CREATE TABLE CrosstenantProvisioning_CL AS SELECT
            now()::TIMESTAMP - (i % 604800) * INTERVAL 1 SECOND AS "TimeGenerated",
            md5(CAST(floor(i * 0.99) AS BIGINT)::VARCHAR) AS "EventId",
            'cycle-' || (i % 7) AS "CycleId",
            {identity("source", person)} AS "SourceIdentity",
            {identity("target", person)} AS "TargetIdentity",
            '{{"Id":"tenant","Name":"target"}}' AS "TargetSystem",
            CASE WHEN i % 50 = 0 THEN 'EntryConflict' ELSE '' END AS "ResultSignature",
            'in words' AS "ResultDescription",
            ['emea', 'apac', 'latam', 'india'][{person} % 4 + 1] AS "Target",
            ['create', 'update', 'update', 'update', 'disable', 'softDelete', 'restore'][i % 7 + 1] AS "Decision",
            CASE WHEN i % 50 = 0 THEN 'failure' WHEN i % 211 = 0 THEN 'held' ELSE 'success' END AS "Status",
            CASE WHEN i % 50 = 0 THEN 'EntryConflict' WHEN i % 211 = 0 THEN 'severalMatches' ELSE 'changed' END
                AS "ReasonCode",
            '["department","jobTitle"]' AS "ChangedAttributes",
            '[]' AS "RefusedAttributes",
            CAST(i % 5 AS INTEGER) AS "Attempt",
            i * 7919 % 60000 AS "LatencyMs",
            'notification' AS "Trigger",
            i % 20 = 0 AS "Drift",
            '["object-1","object-2"]' AS "Objects",
            FALSE AS "DryRun"
        FROM range({rows}) t(i)""")  # noqa: S608 - numbers of ours
    connection.execute(f"""
        CREATE TABLE CrosstenantOperations_CL AS SELECT
            now()::TIMESTAMP - (i // 5) * INTERVAL 5 MINUTE AS "TimeGenerated",
            md5(i::VARCHAR) AS "EventId",
            CASE WHEN i % 997 = 0 THEN 'cycleFinished' WHEN i % 1499 = 0 THEN 'quarantineEntered' ELSE 'status' END
                AS "Kind",
            ['', 'emea', 'apac', 'latam', 'india'][i % 5 + 1] AS "Target",
            CASE WHEN i % 1499 = 0 THEN 'error' ELSE 'information' END AS "Severity",
            '' AS "ReasonCode",
            '' AS "Description",
            '["create"]' AS "Actions",
            'cycle-' || (i % 7) AS "CycleId",
            60000 AS "DurationMs",
            '{{"active":12000,"disabled":300,"held":4,"new":9,"escrow":2,"throttledSeconds":3,"inScope":12400,'
            || '"subscriptionMinutesLeft":30000,"cursorAgeMinutes":4,"pendingRedemption":40}}' AS "Counts"
        FROM range({5 * STATUSES}) t(i)""")  # noqa: S608 - numbers of ours
    connection.execute(f"""
        CREATE TABLE AADProvisioningLogs AS SELECT
            now()::TIMESTAMP - (i % 604800) * INTERVAL 1 SECOND AS "TimeGenerated",
            md5(i::VARCHAR) AS "Id",
            'update' AS "ProvisioningAction",
            'Success' AS "ResultType",
            '' AS "ResultSignature",
            '' AS "ResultDescription",
            {identity("source", person)} AS "SourceIdentity",
            {identity("account", person)} AS "TargetIdentity",
            '{{"Id":"s","Name":"system"}}' AS "TargetSystem",
            '{{"Id":"a","Name":"' || ['ServiceNow', 'Zscaler'][i % 2 + 1] || '"}}' AS "ServicePrincipal"
        FROM range({rows // 10}) t(i)""")  # noqa: S608 - numbers of ours


def measure(connection: duckdb.DuckDBPyConnection, name: str, runs: int) -> dict[str, Any]:
    """Ask one query some times."""
    text = re.sub(r"\{(\w+(?::\w+)?)\}", lambda found: VALUES[found.group(1)], query(name))
    seconds = []
    rows: list[Any] = []
    for _ in range(runs):
        start = time.perf_counter()
        rows = duckdb_kql.query(connection, text).fetchall()
        seconds.append(time.perf_counter() - start)
    return {"query": name, "answered": len(rows), "seconds": round(statistics.median(seconds), 3)}


def main() -> None:
    """Measure all, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only")
    options = parser.parse_args()
    connection = duckdb_kql.connect()
    connection.execute(f"SET threads = {options.threads}")
    make_rows(connection, options.rows)
    names = [options.only] if options.only else sorted(path.stem for path in QUERIES.glob("*.kql"))
    for name in names:
        print(json.dumps({**measure(connection, name, options.runs), "rows": options.rows}), flush=True)


if __name__ == "__main__":
    main()
