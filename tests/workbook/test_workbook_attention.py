"""The tab Attention: what a person has to do something about, with what to do."""

from __future__ import annotations

import shlex
from datetime import timedelta

import pytest
from click.testing import CliRunner
from workbook_parameters import filled
from workbook_tables import NOW, Workspace, identity

from admin.holds import holds
from shared.core.reason_words import words_for

SOMEBODY = "6f1c7a52-5b0c-4b8e-9f41-0d6f3a1f7c11"


def test_errors_are_told_by_code_with_advice():
    """People once, targets by name, the most frequent first; an unknown code says where to look."""
    workspace = Workspace()
    for ago, target, person in ((9, "emea", "a"), (8, "emea", "a"), (7, "apac", "a"), (6, "emea", "b")):
        workspace.decided(ago, target, person=person, status="failure", ReasonCode="EntryConflict")
    workspace.decided(5, person="c", EventId="twice", status="failure", ReasonCode="Unheard")
    workspace.decided(4, person="c", EventId="twice", status="failure", ReasonCode="Unheard")
    workspace.decided(3, person="d", status="failure", ReasonCode="mappingFailed:department")
    workspace.decided(2, person="e", status="held", ReasonCode="severalMatches")
    rows = workspace.ask(filled("attention-errors"))
    assert [(row["Code"], row["Failures"], row["People"], row["Targets"]) for row in rows] == [
        ("EntryConflict", 4, 3, "apac, emea"),
        ("Unheard", 1, 1, "emea"),
        ("mappingFailed", 1, 1, "emea"),
    ]
    assert rows[0]["Advice"] == words_for("EntryConflict").advice
    assert rows[1]["Advice"] == "Click the row to see who is affected, and read what the target answered."
    assert rows[2]["Means"] == words_for("mappingFailed").reason


def test_a_click_on_an_error_shows_who_met_it():
    """Each person once a target, with what was said last."""
    workspace = Workspace()
    workspace.decided(9, person="a", status="failure", ReasonCode="EntryConflict", ResultDescription="first")
    workspace.decided(
        8,
        person="a",
        status="failure",
        ReasonCode="EntryConflict",
        ResultDescription="mail is taken",
        RefusedAttributes=["mail", "jobTitle"],
        Attempt=2,
    )
    workspace.decided(7, person="b", status="failure", ReasonCode="Timeout")
    (row,) = workspace.ask(filled("attention-error-people", ErrorCode="EntryConflict"))
    assert (row["Person"], row["Failures"], row["Attempt"], row["Description"], row["Refused"]) == (
        "A",
        2,
        2,
        "mail is taken",
        "mail, jobTitle",
    )
    assert workspace.ask(filled("attention-error-people", ErrorCode='x" or "" == "')) == []


def test_escrow_is_whoever_failed_last():
    """Not who failed and then succeeded, and each target by itself."""
    workspace = Workspace()
    workspace.decided(9, person="a", status="failure", ReasonCode="Timeout", Attempt=1)
    workspace.decided(8, person="a", status="success")
    workspace.decided(9, "apac", person="a", status="failure", ReasonCode="Timeout", Attempt=5)
    workspace.decided(7, person="b", status="failure", ReasonCode="EntryConflict", Attempt=6)
    rows = workspace.ask(filled("attention-escrow"))
    assert [(row["Person"], row["Target"], row["Code"], row["FailedAttempts"]) for row in rows] == [
        ("B", "emea", "EntryConflict", 6),
        ("A", "apac", "Timeout", 5),
    ]
    assert [row["Target"] for row in workspace.ask(filled("attention-escrow", Target=["apac"]))] == ["apac"]


def test_leaving_escrow_without_a_write_is_leaving_it():
    """The app sends a row that says nothing was to do."""
    workspace = Workspace()
    workspace.decided(9, status="failure", ReasonCode="Timeout")
    workspace.decided(8, action="nothing", status="success")
    assert workspace.ask(filled("attention-escrow")) == []


class TestHolds:
    def hold(self, workspace: Workspace, ago: float, target: str = "emea", **columns) -> None:
        """One row of a hold."""
        person = columns.pop("person", {"Id": SOMEBODY, "Name": "Nestor Wilke"})
        workspace.decided(ago, target, person=person, action="hold", status="held", **columns)

    def test_a_hold_is_told_with_reason_advice_and_command(self):
        """Since it began, however often it was looked at again, and longer ago than the time range."""
        workspace = Workspace()
        for ago in (60 * 24 * 9, 60, 5):
            self.hold(workspace, ago, ReasonCode="severalMatches", Objects=["o-1", "o-2"])
        (row,) = workspace.ask(filled("attention-holds"))
        assert (row["Person"], row["Reason"], row["Objects"]) == ("Nestor Wilke", "severalMatches", "o-1, o-2")
        assert row["Advice"] == words_for("severalMatches").advice
        assert row["Command"] == f"python -m admin holds release {SOMEBODY} --target emea"
        assert row["Since"] == NOW - timedelta(days=9)

    def test_the_command_is_one_that_the_terminal_takes(self):
        """Its words are arguments of `holds`, up to the place where a store would be asked."""
        workspace = Workspace()
        self.hold(workspace, 5, ReasonCode="deletionBudget")
        (row,) = workspace.ask(filled("attention-holds"))
        words = shlex.split(row["Command"])
        assert words[:4] == ["python", "-m", "admin", "holds"]
        parsed = holds.commands["release"].make_context("release", words[5:])
        assert (parsed.params["users"], parsed.params["target"]) == ((SOMEBODY,), "emea")
        assert CliRunner().invoke(holds, [words[4], "--help"]).exit_code == 0

    def test_a_hold_that_ended_is_not_shown(self):
        """By a write, or by a look that found nothing to do."""
        workspace = Workspace()
        self.hold(workspace, 9, ReasonCode="deletionBudget")
        workspace.decided(5, person={"Id": SOMEBODY}, action="softDelete")
        assert workspace.ask(filled("attention-holds")) == []

    def test_a_hold_that_came_back_began_anew(self):
        """Since the last time that it was none."""
        workspace = Workspace()
        self.hold(workspace, 90, ReasonCode="deletionBudget")
        workspace.decided(60, person={"Id": SOMEBODY}, action="nothing")
        self.hold(workspace, 30, ReasonCode="deletionBudget")
        self.hold(workspace, 20, ReasonCode="deletionBudget")
        (row,) = workspace.ask(filled("attention-holds"))
        workspace.decided(30, person="other", action="hold", status="held", ReasonCode="deletionBudget")
        other = next(row for row in workspace.ask(filled("attention-holds")) if row["Person"] == "Other")
        assert row["Since"] == other["Since"]

    def test_an_unknown_reason_still_says_what_to_do(self):
        """A code that a later version brings."""
        workspace = Workspace()
        self.hold(workspace, 5, ReasonCode="somethingNew")
        (row,) = workspace.ask(filled("attention-holds"))
        assert (row["Reason"], row["Advice"]) == ("somethingNew", "Mend the cause, then release.")

    def test_ambiguous_matches_name_the_objects(self):
        """One row an object, in the target or, for two source users, in the source."""
        workspace = Workspace()
        self.hold(workspace, 9, ReasonCode="severalMatches", Objects=["o-1", "o-2"])
        self.hold(workspace, 8, "apac", ReasonCode="twoSourceUsers", Objects=["s-9"], person=identity("b"))
        self.hold(workspace, 7, "apac", ReasonCode="deletionBudget", Objects=["x"], person=identity("c"))
        rows = workspace.ask(filled("attention-matches"))
        assert [(row["Person"], row["Reason"], row["Object"], row["FoundIn"]) for row in rows] == [
            ("B", "twoSourceUsers", "s-9", "source or apac"),
            ("Nestor Wilke", "severalMatches", "o-1", "emea"),
            ("Nestor Wilke", "severalMatches", "o-2", "emea"),
        ]


@pytest.mark.parametrize(
    ("kind", "counts", "figures", "command"),
    [
        (
            "deletionBudgetExceeded",
            {"held": 40, "allowance": 10},
            "40 removals held at once; the budget allows 10",
            "python -m admin holds list --target emea",
        ),
        (
            "deletionBudgetExceeded",
            {"held": 40},
            "40 removals held at once",
            "python -m admin holds list --target emea",
        ),
        ("scopeSuspended", {"users": 7}, "7 people stay as they are", ""),
        ("scopeSuspended", {}, "", ""),
        ("cycleFailed", {}, "", ""),
    ],
)
def test_warnings_are_told_with_figures(kind, counts, figures, command):
    """And with the command that shows more, where there is one; news that is no warning is left out."""
    workspace = Workspace()
    workspace.happened(5, kind, "emea", Severity="warning", Counts=counts, Description="what to do")
    workspace.happened(4, "cycleFinished", "emea", Severity="information", Counts={})
    (row,) = workspace.ask(filled("attention-events"))
    assert (row["Kind"], row["Figures"], row["Command"], row["Description"]) == (kind, figures, command, "what to do")


@pytest.mark.parametrize(
    ("reason", "code"),
    [("listFailed", "listFailed"), ("InsufficientRights, InvitationsBlocked", "InsufficientRights")],
)
def test_warnings_come_with_advice(reason, code):
    """For the first of several codes; none for a code that a later version brings."""
    workspace = Workspace()
    workspace.happened(5, "cycleFailed", "emea", Severity="error", ReasonCode=reason)
    workspace.happened(6, "cycleFailed", "emea", Severity="error", ReasonCode="somethingNew")
    known, unknown = workspace.ask(filled("attention-events"))
    assert (known["Code"], known["Advice"]) == (reason, words_for(code).advice)
    assert (unknown["Code"], unknown["Advice"]) == ("somethingNew", "")
