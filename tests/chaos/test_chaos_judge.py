"""The judge of a chaos finds every wrong that is planted, and nothing where all is right."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sandbox.chaos.judge import doubled, left_behind, stuck, unlogged
from sandbox.chaos.oracle import WRITER_APP_ID, Oracle

MARKER = "extension_x_crosstenantSource"
SOURCE = "50000000-0000-4000-8000-000000000001"
GROUP = "the-group"
ANN, BOB = "ann", "bob"


def entry(kind, object_id, *, tenant="emea", at=1000.0, actor=WRITER_APP_ID, related=None, **changed):
    """A line of the tenants' journal."""
    return {
        "tenant": tenant,
        "at": f"at {at}",
        "time": at,
        "actor": actor,
        "kind": kind,
        "type": "microsoft.graph.user" if related is None else "microsoft.graph.group",
        "objectId": object_id,
        "related": related,
        "consequence": False,
        "changed": {name: {"before": before, "after": after} for name, (before, after) in changed.items()},
    }


def oracle():
    """Ann and Bob are in the group, and Ann has a user in EMEA; Enrico works there."""
    truth = {
        "source": [{"id": ANN, "accountEnabled": True}, {"id": BOB, "accountEnabled": True}],
        "emea": [{"id": "t-ann", MARKER: f"{SOURCE}/{ANN}"}, {"id": "enrico"}],
    }
    groups = [{"id": GROUP, "members": [ANN, BOB]}]
    return Oracle(truth, groups, scope=[GROUP], marker=MARKER, source=SOURCE)


@pytest.mark.parametrize(
    ("journal", "said"),
    [
        ([entry("delete", "t-ann")], "ann is in scope and was removed"),
        ([entry("update", "t-ann", accountEnabled=(True, False))], "ann is enabled and was blocked"),
        ([entry("update", "enrico", city=("Rome", "Oslo"))], "a user who is not ours was changed"),
        ([entry("delete", "enrico")], "a user who is not ours was deleted"),
        ([entry("purge", "t-ann")], "purged"),
    ],
    ids=["removed", "blocked", "touched", "deleted", "purged"],
)
def test_a_wrong_is_found(journal, said):
    """By what the journal shows alone."""
    [wrong] = oracle().wrongs(journal)
    assert said in wrong


def test_what_is_right_is_no_wrong():
    """A removal after a leave, a block after a block, what others did, and what follows from it by itself."""
    journal = [
        entry("memberRemoved", GROUP, tenant="source", actor="admin", at=1000.0, related=ANN),
        entry("delete", "t-ann", at=1005.0),
        entry("delete", "enrico", actor="admin", at=1006.0),
        entry("update", BOB, tenant="source", actor="admin", at=1007.0, accountEnabled=(True, False)),
        entry("create", "t-bob", at=1008.0, **{MARKER: (None, f"{SOURCE}/{BOB}")}),
        entry("update", "t-bob", at=1009.0, accountEnabled=(True, False)),
    ]
    assert oracle().wrongs(journal) == []


def test_grace_days_are_for_whoever_left():
    """To be blocked at once is right then, and to be removed at once is not."""
    left = entry("memberRemoved", GROUP, tenant="source", actor="admin", at=1000.0, related=ANN)
    block = entry("update", "t-ann", at=1005.0, accountEnabled=(True, False))
    graceful = replace(oracle(), grace=3600.0)
    assert graceful.wrongs([left, block, entry("delete", "t-ann", at=4700.0)]) == []
    [wrong] = graceful.wrongs([left, block, entry("delete", "t-ann", at=4500.0)])
    assert "removed within the grace days" in wrong


def test_a_person_with_two_users_is_found():
    """By the marker, and by the account that a guest stands for."""
    ann = {"id": "a", MARKER: f"{SOURCE}/{ANN}", "home": {"id": ANN}}
    assert doubled([ann, {"id": "b", MARKER: f"{SOURCE}/{BOB}"}], MARKER) == []
    assert doubled([ann, {"id": "b", MARKER: f"{SOURCE}/{ANN}"}], MARKER) == [f"2 users are marked as {SOURCE}/{ANN}"]
    assert doubled([ann, {"id": "b", "home": {"id": ANN}}], MARKER) == ["2 users stand for ann"]


def row(decision, user_id="t-ann", *, at="1970-01-01T00:16:41Z", changed=(), event_id=None, **fields):
    """A row of the provisioning log; the time given is second 1001."""
    return {
        "EventId": event_id or f"{decision}/{user_id}/{at}",
        "TimeGenerated": at,
        "Target": "emea",
        "TargetIdentity": json.dumps({"Id": user_id}),
        "Decision": decision,
        "Status": "success",
        "ReasonCode": "",
        "ChangedAttributes": json.dumps(list(changed)),
        "DryRun": False,
    } | fields


DELETED = entry("delete", "t-ann")
CHANGED = entry("update", "t-ann", city=("Rome", "Oslo"), proxyAddresses=([], ["SMTP:x"]))
RESTORED = entry("restore", "t-ann")
TWICE = [DELETED, entry("restore", "t-ann", at=1002.0), entry("delete", "t-ann", at=1003.0)]
LATER, TOLD_LATER = entry("restore", "t-ann", at=1002.0), row("create", at="1970-01-01T00:16:43Z")
UNFINISHED = row("hold", "", Status="held", ReasonCode="invitationUnfinished", Objects='["t-ann"]')
AGAIN = [RESTORED, entry("delete", "t-ann", at=1002.0), entry("restore", "t-ann", at=1003.0)]


@pytest.mark.parametrize(
    ("journal", "rows", "lost"),
    [
        ([DELETED], [row("softDelete")], 0),
        ([DELETED], [row("nothing", ReasonCode="alreadyRemoved")], 0),
        ([DELETED], [], 1),
        ([DELETED], [row("softDelete", Status="failure")], 1),
        ([DELETED], [row("softDelete", DryRun=True)], 1),
        ([DELETED], [row("softDelete", "t-bob")], 1),
        ([DELETED], [row("softDelete", at="1970-01-01T00:16:30Z")], 1),
        ([entry("delete", "t-ann", actor="admin")], [], 0),
        ([CHANGED], [row("update", changed=["city", "state"])], 0),
        ([CHANGED], [row("update", changed=["state"])], 1),
        ([CHANGED], [row("create")], 0),
        ([DELETED], [row("restore")], 0),
        ([CHANGED], [row("softDelete")], 0),
        ([RESTORED], [row("restore")], 0),
        ([entry("create", "t-ann"), RESTORED], [row("restore")], 0),
        ([entry("create", "t-ann"), RESTORED], [], 2),
        ([RESTORED, entry("delete", "t-ann", at=1000.5, actor="admin"), LATER], [TOLD_LATER], 0),
        ([RESTORED, entry("delete", "t-ann", at=1003.5, actor="admin"), LATER], [TOLD_LATER], 1),
        ([RESTORED, entry("delete", "t-ann", at=1000.5, actor="admin"), LATER], [], 2),
        ([entry("create", "t-ann")], [UNFINISHED], 0),
        ([entry("create", "t-ann")], [UNFINISHED | {"ReasonCode": "markerMissing"}], 1),
        ([entry("create", "t-bob")], [UNFINISHED], 1),
        ([RESTORED], [row("update")], 0),
        ([RESTORED], [row("nothing", ReasonCode="resumed")], 0),
        ([RESTORED], [row("nothing", ReasonCode="unchanged")], 1),
        (AGAIN, [row("softDelete", at="1970-01-01T00:16:42Z"), row("restore", at="1970-01-01T00:16:43Z")], 0),
        (AGAIN, [row("restore", at="1970-01-01T00:16:43Z")], 2),
        (TWICE, [row("softDelete"), row("restore", at="1970-01-01T00:16:43Z")], 1),
        (TWICE, [row("softDelete", event_id="1"), row("softDelete", event_id="1")], 2),
    ],
)
def test_a_write_without_its_event_is_found(journal, rows, lost):
    """Each removal has a row of its own, no older than the removal, however often it was sent."""
    assert len(unlogged(journal, rows, marker=MARKER)) == lost


def test_what_is_stuck_is_found():
    """Holds, escrow, events that are owed, and quarantines."""
    well = {"escrow": 0, "unlogged": 0, "quarantines": {}}
    ill = {"escrow": 2, "unlogged": 1, "quarantines": {"create": {"code": "InvitationsBlocked"}}}
    assert stuck({"targets": {"emea": well}}, []) == []
    hold = {"target": "apac", "sourceId": ANN, "reason": "twoSourceUsers"}
    assert stuck({"targets": {"emea": ill, "apac": well}}, [hold]) == [
        "apac: ann is held for twoSourceUsers",
        "emea: 2 users are in escrow",
        "emea: 1 users owe an event to the log",
        "emea: create is in quarantine for InvitationsBlocked",
    ]


def test_a_dead_letter_that_nobody_poisoned_is_found():
    """What could not be read may lie with the poison, a copy for each target; nothing may lie elsewhere."""
    poison = {"path": "user-changes/subscriptions/poison", "deadLettered": 2}
    emea = {"path": "user-changes/subscriptions/emea", "deadLettered": 0}
    assert left_behind([poison, emea], poisoned=1, targets=2) == []
    assert len(left_behind([poison, emea], poisoned=0, targets=2)) == 1
    assert len(left_behind([poison, emea | {"deadLettered": 1}], poisoned=1, targets=2)) == 1
