"""The tables of docs/provisioning-log.md, read as the tests need them."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs/provisioning-log.md").read_text(encoding="utf-8")


def section(table: str) -> str:
    """The part of the page that describes one table."""
    _, _, after = PAGE.partition(f"## {table}")
    return after.partition("\n## ")[0]


def columns(table: str) -> dict[str, str]:
    """Columns of one table, in their order, with their types."""
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", section(table), re.MULTILINE))


def kinds() -> dict[str, set[str]]:
    """Kinds of operations events, with the names of their counts."""
    after = PAGE.partition("| kind | counts |")[2].partition("\n## ")[0]
    found = {}
    for kinds_cell, counts_cell in re.findall(r"^\| (`.*?) \| ?(.*?) ?\|$", after, re.MULTILINE):
        for kind in re.findall(r"`(\w+)`", kinds_cell):
            found[kind] = set(re.findall(r"`(\w+)`", counts_cell)) - {"Target"}
    return found


def metrics() -> set[str]:
    """Names of the metrics."""
    return set(re.findall(r"^\| `(crosstenant\.[\w.]+)` \|", section("Spans and metrics"), re.MULTILINE))
