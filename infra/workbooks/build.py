"""Makes the workbook of its layout and its queries, and what is said about each code of the app's own words for it.

Three files are made, and a test sees that they are the ones committed:

    crosstenant.workbook.json    from layout.yaml and queries/*.kql
    queries/parts/advice.kql     from shared/core/reason_words.py
    docs/codes.md                from shared/core/reason_words.py

A query's line `//include: NAME` stands for queries/parts/NAME.kql. No query is written here, and nothing is looked up:
the same files always make the same text.

    python -m infra.workbooks.build
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

from infra.workbooks.steps import items_of
from shared.core.reason_words import REASON_WORDS, ReasonWords

FOLDER: Final = Path(__file__).resolve().parent
QUERIES: Final = FOLDER / "queries"
WORKBOOK: Final = FOLDER / "crosstenant.workbook.json"
ADVICE: Final = QUERIES / "parts" / "advice.kql"
CODES: Final = FOLDER.parents[1] / "docs" / "codes.md"

WORKSPACE: Final = "LOG_ANALYTICS_WORKSPACE_ID"
"""Stands for the workspace's resource id until the deployment puts it in."""

_SCHEMA: Final = "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json"
_INCLUDE: Final = re.compile(r"^//include: ([a-z-]+)$", re.MULTILINE)


def query(name: str) -> str:
    """The text of one query, with its parts in their places and without the parts' comments."""

    def part(found: re.Match[str]) -> str:
        text = parts[found.group(1)]
        return "\n".join(line for line in text.splitlines() if not line.startswith("//"))

    parts = {path.stem: path.read_text(encoding="utf-8") for path in (QUERIES / "parts").glob("*.kql")}
    parts["advice"] = advice_table()
    return _INCLUDE.sub(part, (QUERIES / f"{name}.kql").read_text(encoding="utf-8")).strip()


def advice_table() -> str:
    """What each code means and what to do, as a table of KQL: for codes where something is to be done or awaited.

    Texts are JSON strings, which KQL reads as they are meant.
    """
    rows = ",\n".join(
        "    " + ", ".join(json.dumps(text, ensure_ascii=False) for text in (code, words.reason, words.advice))
        for code, words in _by_code()
        if words.advice
    )
    return (
        "// What each code means and what to do: made from shared/core/reason_words.py by build.py.\n"
        f"let Advice = datatable(Code: string, Means: string, Advice: string)[\n{rows}\n];\n"
    )


def codes_page() -> str:
    """The same as a page, for every code."""
    lines = [
        "# Codes",
        "",
        "What a `ReasonCode` of [the logs](provisioning-log.md) means, and what to do about it. Where Entra has",
        "another name, `ResultSignature` holds that. This page and the advice in [the workbook](workbook.md) are made",
        "from [shared/core/reason_words.py](../shared/core/reason_words.py), by `python -m infra.workbooks.build`.",
        "",
        "| code | means | what to do | Entra's name |",
        "|---|---|---|---|",
    ]
    for code, words in _by_code():
        entra = f"`{words.entra_code}`" if words.entra_code else ""
        lines.append(f"| `{code}` | {words.reason} | {words.advice} | {entra} |")
    return "\n".join(lines) + "\n"


def _by_code() -> list[tuple[str, ReasonWords]]:
    return sorted(REASON_WORDS.items(), key=lambda item: item[0].lower())


def workbook() -> dict[str, Any]:
    """The whole workbook."""
    layout = yaml.safe_load((FOLDER / "layout.yaml").read_text(encoding="utf-8"))
    return {
        "version": "Notebook/1.0",
        "items": items_of(layout, query),
        "fallbackResourceIds": [WORKSPACE],
        "$schema": _SCHEMA,
    }


def outputs() -> dict[Path, str]:
    """Each file that is made, with its text."""
    return {
        ADVICE: advice_table(),
        CODES: codes_page(),
        WORKBOOK: json.dumps(workbook(), indent=1, ensure_ascii=False) + "\n",
    }


if __name__ == "__main__":
    for path, text in outputs().items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path.relative_to(FOLDER.parents[1]))
