"""Makes the workbook of its layout and its queries, and what is said about each code of its advice.

Three files are made, and a test sees that they are the ones committed:

    crosstenant.workbook.json    from layout.yaml and queries/*.kql
    queries/parts/advice-*.kql   from advice.json
    docs/codes.md                from advice.json

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

FOLDER: Final = Path(__file__).resolve().parent
QUERIES: Final = FOLDER / "queries"
WORKBOOK: Final = FOLDER / "crosstenant.workbook.json"
CODES: Final = FOLDER.parents[1] / "docs" / "codes.md"

WORKSPACE: Final = "LOG_ANALYTICS_WORKSPACE_ID"
"""Stands for the workspace's resource id until the deployment puts it in."""

KINDS: Final = {
    "fault": ("Faults", "In `ReasonCode` of failures; `ResultSignature` has Entra's name, where that is another."),
    "hold": ("Holds", "In `ReasonCode` of rows whose `Status` is `held`: a person has to decide."),
    "reason": ("Reasons", "In `ReasonCode` of what was done, or left as it was."),
}
ADVISED: Final = ("fault", "hold")
"""The kinds that queries know: nobody needs advice where nothing is wrong."""

_SCHEMA: Final = "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json"
_INCLUDE: Final = re.compile(r"^//include: ([a-z-]+)$", re.MULTILINE)


def query(name: str) -> str:
    """The text of one query, with its parts in their places and without the parts' comments."""

    def part(found: re.Match[str]) -> str:
        text = parts[found.group(1)]
        return "\n".join(line for line in text.splitlines() if not line.startswith("//"))

    parts = {path.stem: path.read_text(encoding="utf-8") for path in (QUERIES / "parts").glob("*.kql")}
    parts |= {path.stem: text for path, text in advice_parts().items()}
    return _INCLUDE.sub(part, (QUERIES / f"{name}.kql").read_text(encoding="utf-8")).strip()


def advice() -> list[dict[str, str]]:
    """What each code means and what to do about it."""
    codes: list[dict[str, str]] = json.loads((FOLDER / "advice.json").read_text(encoding="utf-8"))["codes"]
    return codes


def advice_parts() -> dict[Path, str]:
    """The same as tables of KQL, one for each kind of code: a query has to stay small."""
    return {
        QUERIES / "parts" / f"advice-{kind}s.kql": _advice_table([code for code in advice() if code["kind"] == kind])
        for kind in ADVISED
    }


def _advice_table(codes: list[dict[str, str]]) -> str:
    """Texts are JSON strings, which KQL reads as they are meant."""
    rows = ",\n".join(
        "    " + ", ".join(json.dumps(code[key], ensure_ascii=False) for key in ("code", "means", "advice"))
        for code in codes
    )
    return (
        "// What each code means and what to do: made from advice.json by build.py.\n"
        f"let Advice = datatable(Code: string, Means: string, Advice: string)[\n{rows}\n];\n"
    )


def codes_page(codes: list[dict[str, str]]) -> str:
    """The same as a page."""
    lines = [
        "# Codes",
        "",
        "What the codes of both logs mean, and what to do about them. Names are Entra's where Entra has one. This page",
        "and the advice in the workbook are made from one file,",
        "[infra/workbooks/advice.json](../infra/workbooks/advice.json), by `python -m infra.workbooks.build`.",
    ]
    for kind, (heading, where) in KINDS.items():
        lines += ["", f"## {heading}", "", where, "", "| code | means | what to do |", "|---|---|---|"]
        lines += [
            f"| `{code['code']}` | {code['means']} | {code['advice']} |" for code in codes if code["kind"] == kind
        ]
    return "\n".join(lines) + "\n"


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
        **advice_parts(),
        CODES: codes_page(advice()),
        WORKBOOK: json.dumps(workbook(), indent=1, ensure_ascii=False) + "\n",
    }


if __name__ == "__main__":
    for path, text in outputs().items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path.relative_to(FOLDER.parents[1]))
