"""Puts values into a query's parameters, as Azure's workbooks do: as text.

Only the forms that our queries use are known; another one raises, so that a test never runs a query that Azure
would read otherwise.
"""

from __future__ import annotations

import json
import re
from typing import Any

from infra.workbooks.build import query

_DEFAULTS: dict[str, Any] = {
    "TimeRange": "> ago(1d)",
    "TimeRange:grain": "30m",
    "Target": [],
    "Status": [],
    "Action": [],
    "Person": "",
    "Chosen": "everybody",
    "ErrorCode": "none",
    "Cycle": "none",
}


def filled(name: str, **values: Any) -> str:
    """A query of the workbook with these values; lists are choices, an empty one is "All"."""
    return fill(query(name), **values)


def fill(text: str, **values: Any) -> str:
    """A text with its parameters filled in; each once, whatever a value contains."""
    known = {**_DEFAULTS, **values}

    def put(found: re.Match[str]) -> str:
        name, _, form = found.group(1).partition(":")
        if form == "escapejson":
            return json.dumps(known[name], ensure_ascii=False)[1:-1]
        value = known[found.group(1)]
        if isinstance(value, list):
            return ",".join(f"'{one}'" for one in value) or "'*'"
        if not name.startswith("TimeRange"):
            raise AssertionError(f"{found.group(0)} would put text of a person into a query as it is")
        return str(value)

    return re.sub(r"\{(\w+(?::\w+)?)\}", put, text)
