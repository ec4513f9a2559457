"""Microsoft's own KQL language service, run by Node, once for all queries."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from shutil import which

from workbook_tables import KQL_TYPES, ROOT, TABLES

_NODE = which("node") or "node"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What it says of one query."""

    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    columns: dict[str, str]  # name to type


def analyse(queries: dict[str, str], *, without: str = "") -> dict[str, Analysis]:
    """Analyse queries against the declared tables, but for one."""
    tables = {
        name: ", ".join(f"{column}: {KQL_TYPES.get(kind, kind)}" for column, kind in columns.items())
        for name, columns in TABLES.items()
        if name != without
    }
    done = subprocess.run(
        [_NODE, str(ROOT / "tests/node/analyse_kql.mjs")],
        input=json.dumps({"tables": tables, "queries": queries}),
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        name: Analysis(
            tuple(_told(fault) for fault in found["faults"] if fault["severity"] == "Error"),
            tuple(_told(fault) for fault in found["faults"] if fault["severity"] != "Error"),
            dict(found["columns"]),
        )
        for name, found in json.loads(done.stdout).items()
    }


def _told(fault: dict[str, str]) -> str:
    return f"{fault['code']}: {fault['message']} at {fault['at']!r}"
