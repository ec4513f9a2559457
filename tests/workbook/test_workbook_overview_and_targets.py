"""The tabs Overview, Targets, Cycles and Readiness, by value."""

from __future__ import annotations

from typing import Any

import pytest
from workbook_parameters import filled
from workbook_tables import NOW, Workspace


def two_targets() -> Workspace:
    """EMEA works and has two failures; APAC is new and in quarantine for creates."""
    workspace = Workspace()
    for number in range(1, 11):
        workspace.decided(60 - number, person=f"p{number}", action="create", LatencyMs=number * 1000)
    workspace.decided(30, person="p1", EventId="twice", LatencyMs=20_000, Trigger="notification")
    workspace.decided(29, person="p1", EventId="twice", LatencyMs=20_000, Trigger="notification")
    for ago in (20, 10):
        workspace.decided(ago, person="p2", status="failure", ReasonCode="EntryConflict")
    workspace.decided(15, "apac", person="p3", action="hold", status="held", ReasonCode="severalMatches")
    workspace.decided(5, person="p4", DryRun=True)
    workspace.happened(8, "status", "emea", Counts={"active": 90, "disabled": 8, "held": 0, "new": 2, "escrow": 1})
    workspace.happened(
        3,
        "status",
        "emea",
        EventId="status-twice",
        Counts={"active": 91, "disabled": 8, "held": 0, "new": 2, "escrow": 1, "throttledSeconds": 12, "waiting": 5},
    )
    workspace.happened(
        2,
        "status",
        "emea",
        EventId="status-twice",
        Counts={"active": 91, "disabled": 8, "held": 0, "new": 2, "escrow": 1, "throttledSeconds": 12, "waiting": 5},
    )
    workspace.happened(3, "status", "apac", Counts={"active": 0, "held": 1, "new": 40, "inScope": 50})
    workspace.happened(3, "status", "", Counts={"subscriptionMinutesLeft": 4000, "cursorAgeMinutes": 7})
    workspace.happened(40, "quarantineEntered", "apac", ReasonCode="InvitationsBlocked", Actions=["create"])
    return workspace


def by(rows: list[dict[str, Any]], column: str) -> dict[Any, dict[str, Any]]:
    """Rows by one column."""
    return {row[column]: row for row in rows}


class TestOverview:
    def test_the_tiles_tell_the_figures(self):
        """Sums over targets, rows counted once, percentiles of what was timed."""
        tiles = by(two_targets().ask(filled("overview-tiles")), "Tile")
        assert {name: row["Value"] for name, row in tiles.items()} == {
            "People in scope": 101 + 50,
            "Provisioned": 99,
            "Changes written": 11,
            "Failures": 2,
            "Held": 1,
            "In escrow": 1,
            "Latency p50 (s)": 6.0,
            "Latency p95 (s)": 20.0,
        }
        assert tiles["Provisioned"]["Note"] == "65 % of those in scope"
        assert tiles["Failures"]["Note"] == "of 1 person; see Attention"

    def test_the_tiles_are_of_the_chosen_targets(self):
        """Choosing one target leaves the other out."""
        tiles = by(two_targets().ask(filled("overview-tiles", Target=["apac"])), "Tile")
        assert (tiles["People in scope"]["Value"], tiles["Failures"]["Value"], tiles["Held"]["Value"]) == (50, 0, 1)

    def test_without_a_row_each_tile_says_why(self):
        """No tile divides by nothing or shows an error."""
        tiles = by(Workspace().ask(filled("overview-tiles")), "Tile")
        assert len(tiles) == 8
        assert tiles["People in scope"]["Note"] == "no status was received in this time range"
        assert tiles["Provisioned"]["Note"] == "nobody is in scope"
        assert tiles["Latency p95 (s)"] == {
            "Order": 8,
            "Tile": "Latency p95 (s)",
            "Value": None,
            "Note": "nothing was timed in this time range",
        }

    def test_each_target_has_a_tile(self):
        """Who is there now, and the worst that is to be said of it."""
        assert two_targets().ask(filled("overview-targets")) == [
            {"Target": "apac", "Present": 0, "Note": "quarantine stops create"},
            {"Target": "emea", "Present": 99, "Note": "of 101 in scope; 1 in escrow"},
        ]

    def test_the_trend_counts_decisions_by_action(self):
        """Each row once, in steps of the time range's grain."""
        rows = two_targets().ask(filled("overview-trend", **{"TimeRange:grain": "1d"}))
        totals: dict[str, int] = {}
        for row in rows:  # the day may change while the test runs
            totals[row["Action"]] = totals.get(row["Action"], 0) + row["Decisions"]
        assert totals == {"create": 10, "update": 3, "hold": 1}

    def test_the_trend_obeys_status_and_action(self):
        """The filters that say so filter."""
        rows = two_targets().ask(filled("overview-trend", Status=["failure"], **{"TimeRange:grain": "1d"}))
        assert {row["Action"] for row in rows} == {"update"}
        assert two_targets().ask(filled("overview-trend", Status=["held"], Action=["create"])) == []

    def test_latency_is_told_in_seconds(self):
        """One row a step, of what was timed."""
        workspace = Workspace()
        workspace.decided(5, LatencyMs=1500)
        workspace.decided(5, LatencyMs=None)
        (row,) = workspace.ask(filled("overview-latency"))
        assert (row["p50"], row["p95"]) == (1.5, 1.5)

    def test_actions_are_counted_with_how_they_ended(self):
        """By target, people once."""
        rows = two_targets().ask(filled("overview-actions"))
        assert [(r["Target"], r["Action"], r["People"], r["Success"], r["Failure"], r["Held"]) for r in rows] == [
            ("apac", "hold", 1, 0, 0, 1),
            ("emea", "create", 10, 10, 0, 0),
            ("emea", "update", 2, 1, 2, 0),
        ]


class TestTargets:
    def test_health_is_told_with_its_reason(self):
        """Quarantine goes before everything else."""
        rows = by(two_targets().ask(filled("targets-health")), "Target")
        assert (rows["apac"]["Health"], rows["emea"]["Health"]) == ("quarantined", "attention")
        assert rows["apac"]["Why"].startswith("InvitationsBlocked: no create since ")
        assert rows["emea"]["Why"] == "1 in escrow: see Attention"
        assert (rows["emea"]["Backlog"], rows["apac"]["Backlog"]) == (5 + 1, 40)
        assert (rows["emea"]["ThrottledSeconds"], rows["emea"]["Written"], rows["emea"]["Failures"]) == (12, 11, 2)

    @pytest.mark.parametrize(
        ("counts", "ago", "health"),
        [
            ({"active": 5}, 3, "healthy"),
            ({"active": 5, "held": 1}, 3, "attention"),
            ({"active": 5, "unlogged": 3}, 3, "attention"),
            ({"active": 5}, 90, "silent"),
        ],
    )
    def test_each_state_of_health(self, counts, ago, health):
        """From the last status alone."""
        workspace = Workspace()
        workspace.happened(ago, "status", "emea", Counts=counts)
        (row,) = workspace.ask(filled("targets-health"))
        assert row["Health"] == health

    def test_a_target_where_every_attempt_fails_is_failing(self):
        """Unlike one where somebody fails among others."""
        workspace = Workspace()
        workspace.happened(3, "status", "emea", Counts={"active": 5})
        workspace.decided(5, status="failure", ReasonCode="InsufficientRights")
        (row,) = workspace.ask(filled("targets-health"))
        assert row["Health"] == "failing"

    def test_a_target_that_never_sent_a_status_is_shown_and_silent(self):
        """Rows of the provisioning log alone make a target known."""
        workspace = Workspace()
        workspace.decided(5)
        (row,) = workspace.ask(filled("targets-health"))
        assert (row["Target"], row["Health"]) == ("emea", "silent")

    def test_quarantine_is_left_action_by_action(self):
        """Letting creates go leaves removals stopped; an old quarantine is found outside the time range."""
        workspace = Workspace()
        workspace.happened(60 * 24 * 20, "quarantineEntered", "emea", ReasonCode="A", Actions=["create", "remove"])
        workspace.happened(60, "quarantineLeft", "emea", ReasonCode="A", Actions=["create"])
        (row,) = workspace.ask(filled("targets-health"))
        assert row["Why"].startswith("A: no remove since ")
        workspace.happened(30, "quarantineLeft", "emea", ReasonCode="A", Actions=["remove"])
        workspace.happened(3, "status", "emea", Counts={"active": 1})
        (row,) = workspace.ask(filled("targets-health"))
        assert row["Health"] == "healthy"

    def test_the_history_of_quarantines_is_told(self):
        """Entered and left, the newest first, with what was stopped."""
        workspace = two_targets()
        workspace.happened(10, "quarantineLeft", "apac", ReasonCode="InvitationsBlocked", Actions=["create"])
        rows = workspace.ask(filled("targets-quarantines"))
        assert [(row["What"], row["Actions"], row["Code"]) for row in rows] == [
            ("left", "create", "InvitationsBlocked"),
            ("entered", "create", "InvitationsBlocked"),
        ]

    def test_backlog_and_throttling_are_told_over_time(self):
        """The greatest backlog of a step, and all its throttled seconds."""
        workspace = Workspace()
        workspace.happened(4, "status", "emea", Counts={"new": 7, "escrow": 2, "throttledSeconds": 10})
        workspace.happened(3, "status", "emea", Counts={"new": 3, "escrow": 3, "waiting": 1, "throttledSeconds": 5})
        grain = {"TimeRange:grain": "1d"}
        assert max(row["Backlog"] for row in workspace.ask(filled("targets-backlog", **grain))) == 5
        assert sum(row["ThrottledSeconds"] for row in workspace.ask(filled("targets-throttling", **grain))) == 15

    def test_drift_is_told_by_attribute(self):
        """What was found, what was repaired, of how many people."""
        workspace = Workspace()
        workspace.decided(9, person="a", Drift=True, ChangedAttributes=["department", "jobTitle"])
        workspace.decided(8, person="b", Drift=True, ChangedAttributes=["department"], status="failure")
        workspace.decided(7, person="c", Drift=False, ChangedAttributes=["department"])
        workspace.decided(
            6, person="d", Drift=True, action="nothing", ChangedAttributes=["city"]
        )  # the mapping leaves it
        rows = workspace.ask(filled("targets-drift"))
        assert [(row["Attribute"], row["Found"], row["Repaired"], row["People"]) for row in rows] == [
            ("department", 2, 1, 2),
            ("city", 1, 0, 1),
            ("jobTitle", 1, 1, 1),
        ]

    def test_the_last_full_cycle_is_told(self):
        """The one that ended last, with its counts, and a failed one as failed."""
        workspace = Workspace()
        workspace.happened(600, "cycleFinished", "emea", CycleId="c1", DurationMs=60_000, Counts={"inScope": 5})
        workspace.happened(
            60,
            "cycleFinished",
            "emea",
            CycleId="c2",
            DurationMs=90_000,
            Counts={"inScope": 9, "present": 8, "drifted": 1},
        )
        workspace.happened(50, "cycleFailed", "apac", CycleId="c3", ReasonCode="InternalServerError")
        apac, emea = workspace.ask(filled("targets-last-cycle"))
        assert (emea["Outcome"], emea["Minutes"], emea["InScope"], emea["Present"], emea["Drifted"]) == (
            "finished",
            1.5,
            9,
            8,
            1,
        )
        assert (apac["Outcome"], apac["Reason"], apac["InScope"]) == ("failed", "InternalServerError", None)


class TestCycles:
    def test_full_cycles_are_told_with_counts_and_duration(self):
        """Running, finished, failed and interrupted; one whose start was not seen begins when its duration says."""
        workspace = Workspace()
        workspace.happened(300, "cycleStarted", "emea", CycleId="old")
        workspace.happened(
            290, "cycleFinished", "emea", CycleId="old", DurationMs=600_000, Counts={"inScope": 4, "leavers": 1}
        )
        workspace.happened(5, "cycleStarted", "emea", CycleId="new")
        workspace.happened(600, "cycleStarted", "emea", CycleId="crashed")
        workspace.happened(100, "cycleFailed", "apac", CycleId="lost", DurationMs=60_000, ReasonCode="Timeout")
        rows = workspace.ask(filled("cycles-full"))
        assert [(row["CycleId"], row["Outcome"], row["Minutes"]) for row in rows] == [
            ("new", "running", None),
            ("lost", "failed", 1.0),
            ("old", "finished", 10.0),
            ("crashed", "interrupted", None),
        ]
        assert (rows[2]["InScope"], rows[2]["Leavers"], rows[2]["Drifted"]) == (4, 1, None)
        assert (NOW - rows[1]["Started"]).total_seconds() == 101 * 60

    def test_catch_ups_are_told(self):
        """With what they found."""
        workspace = Workspace()
        workspace.happened(
            5, "catchUpFinished", CycleId="k", DurationMs=1500, Counts={"users": 3, "groups": 1, "sent": 3}
        )
        (row,) = workspace.ask(filled("cycles-catch-ups"))
        assert (row["Outcome"], row["Seconds"], row["Users"], row["Sent"]) == ("finished", 1.5, 3, 3)

    def test_a_click_shows_what_a_cycle_led_to(self):
        """Its decisions alone; a value with quotes finds nothing and breaks nothing."""
        workspace = Workspace()
        workspace.decided(5, CycleId="c1", Drift=True)
        workspace.decided(4, CycleId="c1", status="failure")
        workspace.decided(3, CycleId="c2")
        rows = workspace.ask(filled("cycles-decisions", Cycle="c1"))
        assert [(r["Drift"], r["Decisions"], r["Success"], r["Failure"]) for r in rows] in (
            [("yes", 1, 1, 0), ("no", 1, 0, 1)],
            [("no", 1, 0, 1), ("yes", 1, 1, 0)],
        )
        assert workspace.ask(filled("cycles-decisions", Cycle='c1" or "" == "')) == []


class TestReadiness:
    def test_coverage_sets_scope_against_presence(self):
        """What is sent goes before what can be reckoned."""
        rows = by(two_targets().ask(filled("readiness-coverage")), "Target")
        assert (rows["apac"]["InScope"], rows["apac"]["Missing"], rows["apac"]["Coverage"]) == (50, 50, 0.0)
        assert (rows["emea"]["InScope"], rows["emea"]["Missing"], rows["emea"]["Coverage"]) == (101, 2, 98.0)

    def test_a_target_without_anybody_in_scope_has_no_coverage(self):
        """Rather than all or nothing."""
        workspace = Workspace()
        workspace.happened(3, "status", "emea", Counts={"active": 0})
        (row,) = workspace.ask(filled("readiness-coverage"))
        assert row["Coverage"] is None

    def test_pending_redemptions_are_the_newest_count(self):
        """Of a status or of a cycle, whichever knows; one that does not know says nothing."""
        workspace = Workspace()
        workspace.happened(60, "cycleFinished", "emea", Counts={"present": 200, "pendingRedemption": 30})
        workspace.happened(3, "status", "emea", Counts={"active": 210})
        workspace.happened(3, "status", "apac", Counts={"active": 8, "disabled": 2, "pendingRedemption": 0})
        emea, apac = workspace.ask(filled("readiness-redemption"))
        assert (emea["Target"], emea["Pending"], emea["Share"]) == ("emea", 30, 15.0)
        assert "Automatically redeem invitations" in emea["Advice"]
        assert (apac["Pending"], apac["Share"], apac["Advice"]) == (0, 0.0, "")

    def test_the_source_is_told_to_be_heard(self):
        """Life of the subscription, age of the cursor, sign of life, rows that wait."""
        tiles = by(two_targets().ask(filled("readiness-source")), "Tile")
        assert tiles["Subscription lapses in (hours)"]["Value"] == 66.7
        assert tiles["Catch-up was (minutes ago)"]["Value"] == 7
        assert tiles["Last sign of life (minutes ago)"]["Note"] == "as it should be"
        assert tiles["Rows waiting to be logged"]["Value"] == 0

    def test_what_is_not_known_is_said_to_be_so(self):
        """A status without a cursor is no fault, and no status is no tile."""
        workspace = Workspace()
        assert workspace.ask(filled("readiness-source")) == []
        workspace.happened(90, "status", "", Counts={"subscriptionMinutesLeft": 20})
        tiles = by(workspace.ask(filled("readiness-source")), "Tile")
        assert tiles["Subscription lapses in (hours)"]["Note"] == "about to lapse"
        assert tiles["Catch-up was (minutes ago)"]["Note"] == "there was none yet"
        assert tiles["Last sign of life (minutes ago)"]["Note"] == "the app does not run, or cannot log"


def test_the_choices_of_the_target_are_what_sync_yaml_allows():
    """Names of both tables, each once; a name that could not be one is no choice, since it would become KQL."""
    workspace = Workspace()
    workspace.decided(5, "emea")
    workspace.decided(5, "apac")
    workspace.decided(5, "x') or true //")
    workspace.happened(5, "status", "latin-america-2", Counts={})
    workspace.happened(5, "status", "", Counts={})
    assert [row["Target"] for row in workspace.ask(filled("target-parameter"))] == ["apac", "emea", "latin-america-2"]
