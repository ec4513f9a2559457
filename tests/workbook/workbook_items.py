"""The committed workbook, and its items by kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from workbook_tables import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = (ROOT / "infra/workbooks/crosstenant.workbook.json").read_text(encoding="utf-8")
WORKBOOK: dict[str, Any] = json.loads(TEXT)


def walk(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every item, groups before what is in them."""
    for item in items:
        yield item
        yield from walk(item["content"].get("items", []))


ITEMS = list(walk(WORKBOOK["items"]))
STEPS = {item["name"]: item for item in ITEMS if item["type"] == 3}
PARAMETERS = [one for item in ITEMS if item["type"] == 9 for one in item["content"]["parameters"]]
