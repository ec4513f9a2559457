"""Codes, kinds and words are the same in the code, in the queries, in the advice and in the docs."""

from __future__ import annotations

import re
from typing import Any

import yaml
from workbook_tables import CONTRACT, ROOT

from admin.hold_text import _REMEDIES
from infra.workbooks.build import QUERIES, query
from shared.core.decide import Action
from shared.core.hold_notes import DELETION_BUDGET, SCOPE_GROUP_LOST
from shared.core.operation_event import COUNTS, OperationKind, Severity
from shared.core.provisioning_event import Status
from shared.core.reason_words import REASON_WORDS, words_for
from shared.graph.faults import _TABLE

ALL_QUERIES = {path.stem: path.read_text(encoding="utf-8") for path in QUERIES.rglob("*.kql")}
LAYOUT: dict[str, Any] = yaml.safe_load((ROOT / "infra/workbooks/layout.yaml").read_text(encoding="utf-8"))
SOURCES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "shared").rglob("*.py")}


def documented_kinds() -> dict[str, set[str]]:
    """Kinds of CrosstenantOperations_CL to the names of their counts."""
    kinds: dict[str, set[str]] = {}
    for names, counts in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.*)\|$", CONTRACT.split("| kind |")[1], re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            kinds[name] = set(re.findall(r"`(\w+)`", counts)) - {"Target"}
    return kinds


def strings(text: str, column: str) -> set[str]:
    """What a query compares a column with."""
    found = set(re.findall(rf"\b{column} (?:==|!=|=~) '(\w+)'", text))
    for listed in re.findall(rf"\b{column} in \(([^)]*)\)", text):
        found |= set(re.findall(r"'(\w+)'", listed))
    return found


def test_queries_ask_for_documented_kinds():
    """Each kind in a query is one of docs/provisioning-log.md."""
    asked = {kind for text in ALL_QUERIES.values() for kind in strings(text, "Kind")}
    assert asked
    assert asked <= set(documented_kinds())


def test_queries_ask_for_documented_counts():
    """Each name taken from Counts is one of docs/provisioning-log.md."""
    counts = {count for names in documented_kinds().values() for count in names}
    asked = set()
    for text in ALL_QUERIES.values():
        asked |= set(re.findall(r"\b(?:Sent|Counted)\.(\w+)", text)) | set(
            re.findall(r"parse_json\(Counts\)\.(\w+)", text)
        )
    assert asked
    assert asked <= counts


def test_the_app_sends_the_kinds_and_counts_that_are_documented():
    """Or a query would wait for what never comes."""
    assert {kind.value: set(COUNTS[kind]) for kind in OperationKind} == documented_kinds()
    assert {severity.value for severity in Severity} >= strings(ALL_QUERIES["attention-events"], "Severity")


def test_queries_know_the_app_s_words():
    """Decisions and statuses in queries and in the parameters are those of the app and of the docs."""
    actions, statuses = {action.value for action in Action}, {status.value for status in Status}
    for text in ALL_QUERIES.values():
        assert strings(text, "Decision") | strings(text, "PresenceDecision") <= actions
    parameters = {parameter["name"]: set(parameter.get("values", [])) for parameter in LAYOUT["parameters"]}
    assert parameters["Action"] == actions
    assert parameters["Status"] == statuses
    for word in actions | statuses:
        assert f"`{word}`" in CONTRACT, word


def test_every_hold_has_advice():
    """Each reason for which somebody is held, and that the terminal knows."""
    reasons = {DELETION_BUDGET, SCOPE_GROUP_LOST, *_REMEDIES}
    for text in SOURCES.values():
        reasons |= set(re.findall(r'Action\.HOLD,\s*"(\w+)"', text))
    assert len(reasons) > 5
    assert [reason for reason in sorted(reasons) if not words_for(reason).advice] == []


def test_every_fault_of_graph_has_words():
    """Each name of the one table of Graph's wording."""
    assert {name for *_, name in _TABLE} <= set(REASON_WORDS)


def test_words_fit_into_a_page_and_a_query():
    """No bar that would break the table of a page, and no second line."""
    for words in REASON_WORDS.values():
        assert not {"|", "\n"} & set(words.reason + words.advice)


def test_icons_are_given_to_words_that_a_query_can_say():
    """A word of the layout that no query says is a mistake in one of the two."""
    said = "".join(ALL_QUERIES.values()) + " success failure held skipped warning error information "
    for words in LAYOUT["icons"].values():
        for word in set(words) - {"Default"}:
            assert word in said, word


def test_a_query_s_parts_are_used():
    """No part that no query includes."""
    included = {
        name for text in ALL_QUERIES.values() for name in re.findall(r"^//include: ([a-z-]+)$", text, re.MULTILINE)
    }
    assert included == {path.stem for path in (QUERIES / "parts").glob("*.kql")}
    assert "//include" not in "".join(query(path.stem) for path in QUERIES.glob("*.kql"))
