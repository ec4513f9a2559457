"""The queries of the alerts: right to Microsoft's language service, and right by value."""

from __future__ import annotations

import pytest
from kql_analysis import analyse
from workbook_tables import ROOT, Workspace

FOLDER = ROOT / "infra/workbooks/queries/alerts"
QUERIES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.kql"))}
ANALYSES = analyse(QUERIES)
MEASURED = {
    "quarantine-entered": "StoppedActions",
    "holds-waiting": "Held",
    "no-success": "Work",
    "subscription-lapsing": "MinutesLeft",
    "cursor-old": "AgeMinutes",
    "unlogged": "Unlogged",
    "latency-missed": "P95Seconds",
    "silent": "Statuses",
}
OF_THE_APP = {"subscription-lapsing", "cursor-old", "silent"}


def status(workspace: Workspace, ago: float, target: str = "emea", **counts: int) -> None:
    """One status row."""
    workspace.happened(ago, "status", target, Counts=counts)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_query_measures_one_number(name):
    """No fault; the column of its rule, and the target where the rule tells targets apart."""
    analysis = ANALYSES[name]
    assert (analysis.faults, analysis.warnings) == ((), ())
    assert list(analysis.columns) == ([] if name in OF_THE_APP else ["Target"]) + [MEASURED[name]]
    assert analysis.columns[MEASURED[name]] in {"long", "real"}


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_nothing_fires_on_empty_tables_but_silence(name):
    """The alert that says that there are no rows needs none."""
    assert Workspace().ask(QUERIES[name]) == ([{"Statuses": 0}] if name == "silent" else [])


def test_quarantine_stands_until_each_action_is_let_go():
    """Counted by target; entered, left and sent twice."""
    workspace = Workspace()
    workspace.happened(60, "quarantineEntered", "emea", Actions=["create", "remove"], EventId="twice")
    workspace.happened(59, "quarantineEntered", "emea", Actions=["create", "remove"], EventId="twice")
    workspace.happened(50, "quarantineLeft", "emea", Actions=["create"])
    workspace.happened(50, "quarantineEntered", "apac", Actions=["update"])
    workspace.happened(40, "quarantineLeft", "apac", Actions=["update"])
    assert workspace.ask(QUERIES["quarantine-entered"]) == [{"Target": "emea", "StoppedActions": 1}]


def test_holds_are_those_of_the_last_status():
    """A hold that was released an hour ago wakes nobody."""
    workspace = Workspace()
    status(workspace, 20, held=7)
    status(workspace, 3, held=0)
    status(workspace, 3, "apac", held=2)
    rows = {row["Target"]: row["Held"] for row in workspace.ask(QUERIES["holds-waiting"])}
    assert rows == {"emea": 0, "apac": 2}


class TestNoSuccess:
    def waiting(self) -> Workspace:
        """Messages wait in EMEA all the time, in APAC for a moment."""
        workspace = Workspace()
        for ago, work in ((25, 9), (15, 4), (5, 6)):
            status(workspace, ago, waiting=work)
            status(workspace, ago, "apac", waiting=0 if ago == 15 else 3)
        return workspace

    def test_messages_that_wait_all_the_time_and_nothing_written(self):
        """The least that waited is told."""
        assert self.waiting().ask(QUERIES["no-success"]) == [{"Target": "emea", "Work": 4}]

    def test_one_write_is_enough(self):
        """One of another target is not, nor a look that wrote nothing, nor a dry run."""
        workspace = self.waiting()
        workspace.decided(5, "apac")
        workspace.decided(5, "emea", action="nothing")
        workspace.decided(5, "emea", DryRun=True)
        assert workspace.ask(QUERIES["no-success"]) == [{"Target": "emea", "Work": 4}]
        workspace.decided(5, "emea")
        assert workspace.ask(QUERIES["no-success"]) == []

    def test_people_who_fail_are_work_too_when_they_are_many(self):
        """Five people; one of them five times is one."""
        workspace = Workspace()
        for ago in range(1, 6):
            workspace.decided(ago, "apac", person="one", status="failure", ReasonCode="Timeout")
            workspace.decided(ago, "emea", person=f"p{ago}", status="failure", ReasonCode="Timeout")
        assert workspace.ask(QUERIES["no-success"]) == [{"Target": "emea", "Work": 5}]

    def test_an_app_that_does_not_count_messages_is_not_accused(self):
        """A count that is not sent is none."""
        workspace = Workspace()
        for ago in (25, 15, 5):
            status(workspace, ago, new=3)
        assert workspace.ask(QUERIES["no-success"]) == []


@pytest.mark.parametrize(
    ("name", "count"), [("subscription-lapsing", "subscriptionMinutesLeft"), ("cursor-old", "cursorAgeMinutes")]
)
def test_the_last_status_that_knows_counts(name, count):
    """Neither an older one, nor one that does not know."""
    workspace = Workspace()
    status(workspace, 25, "", **{count: 9999})
    status(workspace, 15, "", **{count: 100})
    status(workspace, 5, "")
    status(workspace, 5, "emea", **{count: 1})
    assert workspace.ask(QUERIES[name]) == [{MEASURED[name]: 100}]
    unknowing = Workspace()
    status(unknowing, 5, "")
    assert unknowing.ask(QUERIES[name]) == []


def test_rows_that_wait_for_a_moment_are_no_reason():
    """Those that wait in every status are."""
    workspace = Workspace()
    for ago in (25, 15, 5):
        status(workspace, ago, "emea", unlogged=ago)
        status(workspace, ago, "apac", unlogged=0 if ago == 15 else 50)
    rows = {row["Target"]: row["Unlogged"] for row in workspace.ask(QUERIES["unlogged"])}
    assert rows == {"emea": 5, "apac": 0}


def test_latency_is_judged_by_enough_changes():
    """Twenty at least; a row that was sent twice is one."""
    workspace = Workspace()
    for number in range(20):
        workspace.decided(number, "emea", LatencyMs=200_000 if number < 2 else 1000)
        if number < 19:
            workspace.decided(number, "apac", LatencyMs=200_000, EventId=f"apac-{number}")
    workspace.decided(1, "apac", LatencyMs=200_000, EventId="apac-1")
    assert workspace.ask(QUERIES["latency-missed"]) == [{"Target": "emea", "P95Seconds": 200.0}]


def test_any_status_breaks_the_silence():
    """Of the app or of a target."""
    workspace = Workspace()
    status(workspace, 5, "")
    assert workspace.ask(QUERIES["silent"]) == [{"Statuses": 1}]
