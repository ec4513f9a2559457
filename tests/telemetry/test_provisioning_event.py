"""What is kept with a link until the log has taken it, and the row that is made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_tables import columns

from shared.core.provisioning_event import (
    Identity,
    ModifiedValue,
    ProvisioningEvent,
    Stage,
    Status,
    UnreadableEventError,
    read_event,
)
from shared.core.provisioning_row import Installation, row_of
from shared.store.documents import MAX_DOCUMENT_LENGTH

AT = datetime(2026, 11, 25, 12, 30, 0, 123456, tzinfo=UTC)
INSTALLATION = Installation("source-tenant", "target-tenant", "writer")
NESTOR = ProvisioningEvent(
    at=AT,
    target="emea",
    source=Identity("s-1", "Nestor Wilke", "NestorW@contoso.com"),
    action="update",
    status=Status.SUCCESS,
    reason="changed",
    target_user=Identity("t-1", "Nestor Wilke (US)", "NestorW_contoso.com#EXT#@emea.example"),
    changed=("department", "manager"),
    attempt=2,
    latency=timedelta(seconds=3),
    duration=timedelta(milliseconds=750),
    trigger="notification",
    change_id="c-1",
    correlation_id="0" * 32,
)
JSON_COLUMNS = (
    "ProvisioningStatusInfo", "ProvisioningSteps", "ModifiedProperties", "SourceIdentity", "TargetIdentity",
    "TargetSystem", "ServicePrincipal", "InitiatedBy", "ChangedAttributes", "RefusedAttributes", "Objects",
)  # fmt: skip
TYPES = {"string": str, "datetime": str, "long": int | None, "int": int, "boolean": bool}

texts = st.text(max_size=40)
identities = st.builds(Identity, texts, texts, texts)
milliseconds = st.integers(0, 10**9).map(lambda count: timedelta(milliseconds=count))
events = st.builds(
    ProvisioningEvent,
    at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    target=texts,
    source=identities,
    action=st.sampled_from(
        ["create", "adopt", "update", "disable", "enable", "softDelete", "restore", "hold", "retry", "nothing"]
    ),
    status=st.sampled_from(Status),
    reason=st.one_of(texts, st.sampled_from(["deletionBudget", "severalMatches", "attributesRefused:mail,city"])),
    target_user=st.none() | identities,
    stage=st.sampled_from(Stage),
    detail=texts,
    changed=st.lists(texts, max_size=4).map(tuple),
    refused=st.lists(texts, max_size=4).map(tuple),
    values=st.dictionaries(texts, st.builds(ModifiedValue, st.none() | texts, st.none() | texts), max_size=3),
    objects=st.lists(texts, max_size=3).map(tuple),
    attempt=st.integers(0, 1000),
    latency=st.none() | milliseconds,
    duration=milliseconds,
    trigger=texts,
    change_id=texts,
    cycle_id=texts,
    correlation_id=texts,
    waits_for=texts,
    drift=st.booleans(),
    dry_run=st.booleans(),
)


@given(events)
def test_an_event_comes_back_from_its_link_as_it_was(event):
    """So the row is the same however late it is sent, and its id too."""
    back = read_event(event.to_json())
    assert back == event
    assert back.event_id == event.event_id


@given(events)
def test_every_row_has_the_columns_of_the_page_with_their_types(event):
    """In their order; JSON columns hold JSON."""
    row = row_of(event, INSTALLATION)
    declared = columns("CrosstenantProvisioning_CL")
    assert list(row) == list(declared)
    for name, value in row.items():
        assert isinstance(value, TYPES[declared[name]]), name
        assert isinstance(value, bool) == (declared[name] == "boolean")
    for name in JSON_COLUMNS:
        assert json.loads(row[name] or "{}") is not None
    assert json.loads(row["ProvisioningSteps"]), "the last step says what it came to"


@pytest.mark.parametrize(
    ("trigger", "name", "kind"),
    [
        ("notification", "Crosstenant", "system"),
        ("fullCycle", "Crosstenant", "system"),
        ("released", "administrator", "user"),
        ("onDemand", "administrator", "user"),
    ],
)
def test_what_a_person_asked_for_is_told_from_what_the_app_does(trigger, name, kind):
    """Without a name: no message could prove it."""
    initiator = json.loads(row_of(replace(NESTOR, trigger=trigger), INSTALLATION)["InitiatedBy"])
    assert (initiator["Name"], initiator["Type"]) == (name, kind)


def test_a_row_in_full():
    """As an administrator reads it."""
    row = row_of(NESTOR, INSTALLATION)
    assert row["TimeGenerated"] == "2026-11-25T12:30:00.123456+00:00"
    assert row["SourceIdentity"] == (
        '{"Id":"s-1","Name":"Nestor Wilke","identityType":"User","details":{"UserPrincipalName":"NestorW@contoso.com"}}'
    )
    assert json.loads(row["TargetIdentity"])["details"]["UserPrincipalName"].startswith("NestorW_contoso.com#EXT#")
    assert json.loads(row["TargetSystem"]) == {"Id": "target-tenant", "Name": "emea"}
    assert json.loads(row["ServicePrincipal"]) == {"Id": "writer", "Name": "Crosstenant emea"}
    assert json.loads(row["InitiatedBy"])["Type"] == "system"
    assert (row["ProvisioningAction"], row["Action"], row["Decision"]) == ("update", "update", "update")
    assert (row["ResultType"], row["ResultSignature"]) == ("Success", "")
    assert (row["LatencyMs"], row["DurationMs"], row["Attempt"]) == (3000, 750, 2)
    assert json.loads(row["ModifiedProperties"]) == [
        {"displayName": "department", "oldValue": None, "newValue": None},
        {"displayName": "manager", "oldValue": None, "newValue": None},
    ]
    names = [step["name"] for step in json.loads(row["ProvisioningSteps"])]
    assert names == [
        "EntryImport", "EntrySynchronizationScoping", "EntryImport", "EntrySynchronizationUpdate",
        "EntrySynchronizationReferences", "EntryExportUpdate",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "action", "result", "signature", "last_step"),
    [
        ({"action": "create", "reason": "inScope"}, "create", "Success", "", "EntryExportAdd"),
        ({"action": "adopt", "reason": "matched"}, "update", "Success", "", "EntryExportUpdate"),
        ({"action": "disable", "reason": "notInGroup"}, "disable", "Success", "", "EntryExportUpdate"),
        ({"action": "enable"}, "update", "Success", "", "EntryExportUpdate"),
        ({"action": "restore", "reason": "inScope"}, "update", "Success", "", "EntryExportUpdate"),
        ({"action": "softDelete", "reason": "sourceDeleted"}, "delete", "Success", "", "EntryExportDelete"),
        (
            {"action": "hold", "status": Status.HELD, "reason": "deletionBudget", "stage": Stage.PROCESSING},
            "stageddelete", "Skipped", "deletionBudget", "EntrySynchronizationSkip",
        ),
        (
            {"action": "hold", "status": Status.HELD, "reason": "severalMatches", "stage": Stage.PROCESSING},
            "other", "Skipped", "DuplicateTargetEntries", "EntrySynchronizationSkip",
        ),
        (
            {"action": "update", "status": Status.FAILURE, "reason": "InsufficientRights"},
            "update", "Failure", "InsufficientRights", "EntryExportUpdate",
        ),
        (
            {"action": "retry", "status": Status.FAILURE, "reason": "mappingFailed", "stage": Stage.PROCESSING},
            "other", "Failure", "mappingFailed", "EntrySynchronizationSkip",
        ),
        (
            {"action": "retry", "status": Status.FAILURE, "reason": "Timeout", "stage": Stage.IMPORT},
            "other", "Failure", "Timeout", "EntryImport",
        ),
        ({"action": "nothing", "reason": "driftLeft"}, "other", "Success", "", "EntrySynchronizationSkip"),
    ],
)  # fmt: skip
def test_entras_words(changes, action, result, signature, last_step):
    """So that queries and runbooks that were written for Entra's log go on working."""
    row = row_of(replace(NESTOR, **changes), INSTALLATION)
    assert (row["ProvisioningAction"], row["Action"]) == (action, action)
    assert (row["ResultType"], row["ResultSignature"]) == (result, signature)
    steps = json.loads(row["ProvisioningSteps"])
    assert steps[-1]["name"] == last_step
    assert steps[-1]["status"] == {"Success": "success", "Failure": "failure", "Skipped": "skipped"}[result] or (
        changes.get("action") == "nothing"
    )


def test_what_the_target_refused_is_a_warning():
    """A success all the same; the code has no names in it, the column has them."""
    event = replace(NESTOR, reason="attributesRefused:mail", refused=("mail",))
    row = row_of(event, INSTALLATION)
    status = json.loads(row["ProvisioningStatusInfo"])
    assert (row["ResultType"], row["ReasonCode"], status["Status"]) == ("Success", "attributesRefused", "warning")
    assert status["ErrorInformation"]["ErrorCode"] == "attributesRefused"
    assert json.loads(row["RefusedAttributes"]) == ["mail"]
    assert json.loads(row["ProvisioningSteps"])[-1]["status"] == "warning"


def test_a_manager_who_is_not_there_yet_is_said_in_entras_words():
    """Published queries look for this text, and for who could not be made whose."""
    row = row_of(replace(NESTOR, waits_for="m-1"), INSTALLATION)
    assert "UnableToResolveReferenceAttributeValue" in row["ProvisioningSteps"]
    assert "m-1" in row["ProvisioningSteps"]


def test_a_failure_says_what_to_do():
    """Code, reason and advice."""
    event = replace(NESTOR, status=Status.FAILURE, reason="mappingFailed", detail="city: no such function")
    error = json.loads(row_of(event, INSTALLATION)["ProvisioningStatusInfo"])["ErrorInformation"]
    assert error["ErrorCode"] == "mappingFailed"
    assert error["Reason"].endswith("city: no such function")
    assert "try-mapping" in error["RecommendedAction"]


def test_a_code_that_nobody_put_into_words_is_shown_as_it_is():
    """Telling never fails."""
    row = row_of(replace(NESTOR, status=Status.FAILURE, reason="SomethingNew"), INSTALLATION)
    assert (row["ResultSignature"], row["ResultDescription"]) == ("SomethingNew", "SomethingNew")


def test_a_link_can_owe_many_events():
    """A long outage of the log: even with values, hundreds fit beside the link."""
    values = {f"attribute{number}": ModifiedValue("x" * 256, "y" * 256) for number in range(25)}
    large = len(json.dumps(replace(NESTOR, values=values).to_json()))
    usual = len(NESTOR.to_json())
    assert usual < 600
    assert MAX_DOCUMENT_LENGTH // large > 25


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"at":"2026-01-01T00:00:00+00:00","target":"emea"}', "7"])
def test_what_is_no_event_is_said_to_be_none(text):
    """Another version's, perhaps."""
    with pytest.raises(UnreadableEventError):
        read_event(text)
