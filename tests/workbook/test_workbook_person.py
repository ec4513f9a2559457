"""The tab One person: every tenant and application that somebody can reach, and nobody else's."""

from __future__ import annotations

import pytest
from workbook_parameters import filled
from workbook_tables import Workspace, identity

NESTOR = identity("nestor", "Nestor Wilke")
THERE = identity("nestor.emea", "Nestor Wilke (Contoso US)")


def day(*, entra: bool) -> Workspace:
    """Nestor in two targets, a namesake in one, and a stranger; with two applications where there is Entra's log."""
    workspace = Workspace(entra=entra)
    workspace.decided(300, person=NESTOR, there=THERE, action="create", ChangedAttributes=["displayName", "mail"])
    workspace.decided(
        200, person=NESTOR, there=THERE, ChangedAttributes=["department"], LatencyMs=2400, Trigger="notification"
    )
    workspace.decided(199, person=NESTOR, there=THERE, EventId="twice", ChangedAttributes=["jobTitle"])
    workspace.decided(198, person=NESTOR, there=THERE, EventId="twice", ChangedAttributes=["jobTitle"])
    workspace.decided(250, "apac", person=NESTOR, there="nestor.apac", action="create")
    workspace.decided(100, "apac", person=NESTOR, there="nestor.apac", action="softDelete", ReasonCode="notInGroup")
    workspace.decided(90, person=identity("alvarez", "Nestor Alvarez"), there="alvarez.emea", action="create")
    workspace.decided(80, person="megan", there="megan.emea", action="create")
    if entra:
        for application in ("ServiceNow", "Zscaler"):
            workspace.reached(60, application, person=NESTOR, TargetIdentity={"Id": f"account-{application}"})
        workspace.reached(50, "Zscaler", person=NESTOR, ProvisioningAction="disable")
        workspace.reached(40, "ServiceNow", person=identity("megan", "Megan Bowen"))
    return workspace


@pytest.mark.parametrize("entra", [True, False], ids=["with Entra's log", "without"])
@pytest.mark.parametrize(
    "typed", ["Nestor Wilke", "wilke", "nestor@contoso.example", "id-nestor", " Nestor Wilke ", "id-nestor.emea"]
)
def test_a_person_is_found_by_name_sign_in_name_or_id(typed, entra):
    """In the source or in a target, in part or whole, and with blanks around it."""
    found = day(entra=entra).ask(filled("person-candidates", Person=typed))
    assert [(row["Name"], row["SignInName"], row["SourceId"]) for row in found] == [
        ("Nestor Wilke", "nestor@contoso.example", "id-nestor")
    ]


@pytest.mark.parametrize("entra", [True, False], ids=["with Entra's log", "without"])
def test_every_tenant_is_told_with_its_state_and_last_change(entra):
    """One row a target, whatever else happened to others."""
    rows = day(entra=entra).ask(filled("person-tenants", Person="Nestor Wilke"))
    shown = [(row["Tenant"], row["State"], row["Now"], row["LastAction"], row["TargetId"]) for row in rows]
    assert shown == [
        ("apac", "removed", "in order", "softDelete", "id-nestor.apac"),
        ("emea", "present", "in order", "update", "id-nestor.emea"),
    ]
    assert [row["TenantId"] for row in rows] == ["tenant-apac", "tenant-emea"]
    assert rows[1]["SignInName"] == "nestor.emea@contoso.example"


def test_every_application_is_told():
    """From Entra's own log, with what became of the account there."""
    rows = day(entra=True).ask(filled("person-applications", Person="Nestor Wilke"))
    assert [(row["Application"], row["State"], row["LastAction"]) for row in rows] == [
        ("ServiceNow", "present", "create"),
        ("Zscaler", "blocked", "disable"),
    ]


def test_an_application_that_refuses_somebody_says_so():
    """The account that is there stays there; what fails now is said beside it."""
    workspace = Workspace(entra=True)
    workspace.reached(60, "ServiceNow", person=NESTOR)
    workspace.reached(
        50,
        "ServiceNow",
        person=NESTOR,
        ProvisioningAction="update",
        ResultType="Failure",
        ResultSignature="EntryConflict",
    )
    (row,) = workspace.ask(filled("person-applications", Person="nestor"))
    assert (row["State"], row["Now"], row["LastAction"]) == ("present", "failing: EntryConflict", "create")


def test_without_entra_s_log_there_are_no_applications_and_no_error():
    """A workspace has the table only where somebody sends Entra's log there."""
    assert day(entra=False).ask(filled("person-applications", Person="Nestor Wilke")) == []


def test_the_timeline_tells_everything_once_and_the_newest_first():
    """Of all tenants and applications; a row that was sent twice is shown once."""
    rows = day(entra=True).ask(filled("person-timeline", Person="Nestor Wilke"))
    assert [(row["Where"], row["What"], row["Attributes"]) for row in rows] == [
        ("Zscaler", "disable", ""),
        ("ServiceNow", "create", ""),
        ("Zscaler", "create", ""),
        ("apac", "softDelete", ""),
        ("emea", "update", "jobTitle"),
        ("emea", "update", "department"),
        ("apac", "create", ""),
        ("emea", "create", "displayName, mail"),
    ]
    assert rows[5]["Seconds"] == 2.4
    assert rows[5]["Cause"] == "notification"
    assert rows[3]["Why"] == "notInGroup"


def test_the_timeline_obeys_the_filters():
    """Status and action narrow our own rows."""
    workspace = day(entra=False)
    rows = workspace.ask(filled("person-timeline", Person="Wilke", Action=["create"], Status=["success"]))
    assert [row["Where"] for row in rows] == ["apac", "emea"]
    assert workspace.ask(filled("person-timeline", Person="Wilke", Status=["failure", "held"])) == []


def test_people_of_one_name_are_told_apart():
    """Both are shown, and a click on one leaves the other out everywhere."""
    workspace = day(entra=True)
    everybody = workspace.ask(filled("person-candidates", Person="Nestor"))
    assert [row["Name"] for row in everybody] == ["Nestor Alvarez", "Nestor Wilke"]
    assert {row["Person"] for row in workspace.ask(filled("person-tenants", Person="Nestor"))} == {
        "Nestor Alvarez",
        "Nestor Wilke",
    }
    for name in ("person-tenants", "person-timeline"):
        rows = workspace.ask(filled(name, Person="Nestor", Chosen="id-alvarez"))
        assert {row["Person"] for row in rows} == {"Nestor Alvarez"}, name
    assert workspace.ask(filled("person-applications", Person="Nestor", Chosen="id-alvarez")) == []


@pytest.mark.parametrize("name", ["person-candidates", "person-tenants", "person-applications", "person-timeline"])
@pytest.mark.parametrize("typed", ["Nobody", "", "   "])
def test_a_person_whom_nobody_knows_has_no_rows(name, typed):
    """And an empty text means nobody, not everybody."""
    assert day(entra=True).ask(filled(name, Person=typed)) == []


@pytest.mark.parametrize(
    "full_name",
    [
        "Conan O'Brien",
        'Dwayne "The Rock" Johnson',
        "<b>Mallory</b> & <script>alert(1)</script>",
        "Jürgen Groß",
        "山田 太郎",
        "山田太郎",
        '"',
        "back\\slash \\",
        '" or 1 == 1 //',
        "') | union CrosstenantOperations_CL | where ('' == '",
        "{Target}",
        "{TimeRange}",
        "line\nbreak\tand tab",
    ],
)
def test_a_name_is_text_and_never_a_part_of_the_query(full_name):
    """Quotes, markup, backslashes and KQL in a name find that person alone, and come back as they are."""
    workspace = day(entra=True)
    workspace.decided(30, person=identity("special", full_name), there="special.emea", action="create")
    (found,) = workspace.ask(filled("person-candidates", Person=full_name))
    assert (found["Name"], found["SourceId"]) == (full_name, "id-special")
    (row,) = workspace.ask(filled("person-tenants", Person=full_name, Chosen="id-special"))
    assert (row["Person"], row["State"]) == (full_name, "present")


@pytest.mark.parametrize("chosen", ['x" or true //', "x' or true //", "\\"])
def test_a_clicked_id_is_text_too(chosen):
    """Ids come from the log, and the log is data."""
    assert day(entra=True).ask(filled("person-tenants", Person="nestor", Chosen=chosen)) == []


def test_a_blocked_person_stays_blocked_through_later_updates():
    """An update of other attributes does not make somebody able to sign in."""
    workspace = Workspace()
    workspace.decided(30, action="create", there="n")
    workspace.decided(20, action="disable", there="n")
    workspace.decided(10, action="update", there="n")
    (row,) = workspace.ask(filled("person-tenants", Person="nestor"))
    assert (row["State"], row["LastAction"]) == ("blocked", "update")
    workspace.decided(5, action="enable", there="n")
    (row,) = workspace.ask(filled("person-tenants", Person="nestor"))
    assert row["State"] == "present"


def test_whoever_is_held_or_failing_is_said_to_be():
    """With the code, and without forgetting what is there."""
    workspace = Workspace()
    workspace.decided(30, action="create", there="n")
    workspace.decided(20, action="hold", status="held", ReasonCode="deletionBudget")
    workspace.decided(10, "apac", action="retry", status="failure", ReasonCode="InsufficientRights")
    apac, emea = workspace.ask(filled("person-tenants", Person="nestor"))
    assert (emea["State"], emea["Now"]) == ("present", "held: deletionBudget")
    assert (apac["State"], apac["Now"]) == ("not there", "failing: InsufficientRights")


def test_a_dry_run_did_nothing():
    """Rows of a plan that was only asked for are left out."""
    workspace = Workspace()
    workspace.decided(30, action="create", there="n", DryRun=True)
    assert workspace.ask(filled("person-candidates", Person="nestor")) == []


def test_what_is_outside_the_time_range_is_left_out():
    """Which is why the text for an empty answer says to try a longer one."""
    workspace = Workspace()
    workspace.decided(90, action="create", there="n")
    assert workspace.ask(filled("person-candidates", Person="nestor", TimeRange="> ago(1h)")) == []
