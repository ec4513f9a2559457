"""The rows of the operations log, against the page that describes them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from log_tables import columns, kinds

from shared.core.operation_event import COUNTS, OperationEvent, OperationKind, OperationReason, Severity
from shared.core.reason_words import REASON_WORDS

SHARED = Path(__file__).resolve().parents[2] / "shared"
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_kinds_and_counts_are_those_of_the_page():
    """Queries and alerts read these names."""
    assert {kind.value: set(names) for kind, names in COUNTS.items()} == kinds()
    assert set(COUNTS) == set(OperationKind)


def test_a_row_has_the_columns_of_the_page_in_their_order():
    """All of them, whatever is known of the event."""
    bare = OperationEvent(OperationKind.STATUS, AT).row()
    assert list(bare) == list(columns("CrosstenantOperations_CL"))
    assert (bare["Target"], bare["DurationMs"], bare["Counts"], bare["Actions"]) == ("", None, "{}", "[]")


def test_a_full_row():
    """JSON texts without a blank after a colon; whole milliseconds."""
    event = OperationEvent(
        OperationKind.DELETION_BUDGET_EXCEEDED,
        AT,
        target="emea",
        severity=Severity.WARNING,
        reason_code="deletionBudget",
        description="Seven removals wait. Look at them, then: python -m admin holds release --all",
        actions=("remove",),
        cycle_id="c1",
        duration=timedelta(seconds=1.5),
        counts={"held": 7, "allowance": 0},
    )
    row = json.loads(event.to_json())
    assert row["TimeGenerated"] == "2026-11-25T12:00:00+00:00"
    assert (row["Severity"], row["DurationMs"]) == ("warning", 1500)
    assert (row["Actions"], row["Counts"]) == ('["remove"]', '{"held":7,"allowance":0}')


def test_an_event_that_is_told_twice_has_one_id_and_another_event_another():
    """By what happened, not by the words for it."""
    event = OperationEvent(OperationKind.QUARANTINE_ENTERED, AT, target="emea", actions=("create",))
    same = OperationEvent(OperationKind.QUARANTINE_ENTERED, AT, target="emea", actions=("create",), description="x")
    others = [
        OperationEvent(OperationKind.QUARANTINE_LEFT, AT, target="emea", actions=("create",)),
        OperationEvent(OperationKind.QUARANTINE_ENTERED, AT, target="apac", actions=("create",)),
        OperationEvent(OperationKind.QUARANTINE_ENTERED, AT, target="emea", actions=("update",)),
        OperationEvent(OperationKind.QUARANTINE_ENTERED, AT + timedelta(seconds=1), target="emea", actions=("create",)),
    ]
    assert event.event_id == same.event_id
    assert len({event.event_id, *[other.event_id for other in others]}) == 5


def test_every_reason_has_words():
    """So that the workbook advises, and docs/codes.md tells it; a reason that is written out escapes this list."""
    assert {reason.value for reason in OperationReason} <= REASON_WORDS.keys()
    for path in SHARED.rglob("*.py"):
        assert not re.findall(r'reason_code="\w+"', path.read_text(encoding="utf-8")), path


def test_a_count_that_no_query_knows_is_refused():
    """A name that was mistyped would never be seen."""
    with pytest.raises(ValueError, match="drifting"):
        OperationEvent(OperationKind.CYCLE_FINISHED, AT, counts={"drifting": 1})
