"""A row that was sent twice counts once, in every query and every alert."""

from __future__ import annotations

from typing import Any

import pytest
from workbook_parameters import filled
from workbook_tables import ROOT, Workspace, identity

from infra.workbooks.build import QUERIES

NAMES = sorted(path.stem for path in QUERIES.glob("*.kql"))
ALERTS = {path.stem: path for path in (ROOT / "infra/workbooks/queries/alerts").glob("*.kql")}
CHOICES = {"Person": "nestor", "ErrorCode": "EntryConflict", "Cycle": "c1"}


def busy_day() -> Workspace:
    """Something for every query to answer, and enough for every alert to fire."""
    workspace = Workspace(entra=True)
    for target in ("emea", "apac"):
        for number in range(25):
            ago = number + 1
            person = {"person": f"nestor{number}", "there": f"there{number}"}
            workspace.decided(ago + 30, target, **person, action="create", LatencyMs=500_000, CycleId="c1")
            workspace.decided(ago, target, **person, Drift=True, ChangedAttributes=["mail"], LatencyMs=number)
            if number < 6:
                failing = identity(f"failing{number}")
                workspace.decided(ago, target, person=failing, status="failure", ReasonCode="EntryConflict", Attempt=3)
                held = identity(f"nestor.held{number}")
                workspace.decided(
                    ago,
                    target,
                    person=held,
                    action="hold",
                    status="held",
                    ReasonCode="severalMatches",
                    Objects=["a", "b"],
                )
        for ago in (3, 8, 13):
            counts = {"active": 9, "new": 5, "held": 2, "escrow": 1, "unlogged": 1, "throttledSeconds": 7, "waiting": 2}
            workspace.happened(ago, "status", target, Counts={**counts, "pendingRedemption": 3})
            workspace.happened(ago, "status", "", Counts={"subscriptionMinutesLeft": 9, "cursorAgeMinutes": 999})
        workspace.happened(50, "cycleStarted", target, CycleId="c1")
        workspace.happened(40, "cycleFinished", target, CycleId="c1", DurationMs=600_000, Counts={"inScope": 9})
        workspace.happened(30, "quarantineEntered", target, Actions=["create"], ReasonCode="x", Severity="error")
    workspace.happened(20, "catchUpFinished", CycleId="k1", DurationMs=900, Counts={"users": 2})
    for application in ("ServiceNow", "Zscaler"):
        workspace.reached(9, application, person=identity("nestor1"))
    return workspace


def answers(workspace: Workspace, kql: str) -> list[dict[str, Any]]:
    """Rows in an order of their own."""
    return sorted(workspace.ask(kql), key=repr)


@pytest.mark.parametrize("name", NAMES)
def test_a_query_answers_the_same_when_every_row_is_there_twice(name):
    """And has something to answer, or this would prove nothing."""
    workspace = busy_day()
    once = answers(workspace, filled(name, **CHOICES))
    workspace.send_twice()
    assert once
    assert answers(workspace, filled(name, **CHOICES)) == once


@pytest.mark.parametrize("name", sorted(set(ALERTS) - {"silent"}))
def test_an_alert_measures_the_same_when_every_row_is_there_twice(name):
    """But for the one that asks for any row at all."""
    workspace = busy_day() if name != "no-success" else failing_day()
    kql = ALERTS[name].read_text(encoding="utf-8")
    once = answers(workspace, kql)
    workspace.send_twice()
    assert once
    assert answers(workspace, kql) == once


def failing_day() -> Workspace:
    """Nothing but failures."""
    workspace = Workspace()
    for number in range(6):
        workspace.decided(number, person=f"p{number}", status="failure", ReasonCode="Timeout")
    return workspace
