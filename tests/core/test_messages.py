"""User changes on the wire, and when they are due."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.messages import (
    CHECKS,
    RETRIES,
    Kind,
    MalformedMessageError,
    Reason,
    Timing,
    UserChange,
    decode,
    encode,
    envelope,
    matured,
    retried,
)

USER = "0a1b2c3d-0000-4000-8000-000000000001"
TIMING = Timing(window=timedelta(seconds=5), settle=timedelta(seconds=3))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

times = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside it
changes = st.builds(
    UserChange,
    user_id=st.uuids().map(str),
    reason=st.sampled_from(Reason),
    kind=st.sampled_from(Kind),
    attempt=st.integers(0, 50),
    target=st.none() | st.sampled_from(["emea", "apac"]),
    seen_at=st.none() | times,
)


@given(changes)
def test_what_is_encoded_is_decoded(change):
    """A round trip loses nothing."""
    assert decode(encode(change).encode()) == change


@given(changes, times)
def test_a_hint_is_due_after_its_window_has_closed_and_settled(change, moment):
    """So every change inside the window is seen by the one message that stands for all."""
    due = envelope(change, not_before=moment, timing=TIMING).due
    if change.kind in RETRIES:
        assert due == moment
    else:
        assert TIMING.settle < due - moment <= TIMING.settle + TIMING.window


@given(changes)
def test_a_retry_asks_for_no_less_than_what_it_repeats(change):
    """And has an id of its own; the target is looked at if it was to be before."""
    again = retried(retried(change, Reason.TRANSIENT, 1), Reason.TRANSIENT, 2)
    assert again.kind in RETRIES
    assert (again.kind in CHECKS) is (change.kind in CHECKS)
    assert (again.user_id, again.target, again.seen_at) == (change.user_id, change.target, change.seen_at)


def test_repeats_in_one_window_have_one_id_and_the_next_window_another():
    """Duplicate detection collapses exactly the repeats that one piece of work answers."""
    change = UserChange(USER, Reason.NOTIFICATION)
    ids = [
        envelope(change, not_before=NOON + timedelta(seconds=second), timing=TIMING).message_id for second in (0, 4, 5)
    ]
    assert ids[0] == ids[1] != ids[2]


@given(changes, times)
def test_only_a_notification_that_waited_for_as_long_is_its_own_second_look(change, now):
    """Whatever else it is stays as it is; all that came within its window have waited for a second look's time."""
    notified = change.kind is Kind.HINT and change.reason is Reason.NOTIFICATION and change.seen_at is not None
    waited = notified and now >= change.seen_at + TIMING.window + TIMING.second_look
    expected = replace(change, reason=Reason.SECOND_LOOK) if waited else change
    assert matured(change, now, TIMING) == expected


def test_a_retry_put_off_by_a_moment_is_no_repetition_of_the_one_at_work():
    """Both stand in one window; the second is sent while duplicate detection still knows the first."""
    change = UserChange(USER, Reason.THROTTLED, kind=Kind.RETRY)
    at_work = envelope(change, not_before=NOON + timedelta(seconds=1), timing=TIMING)
    put_off = envelope(change, not_before=NOON + timedelta(seconds=1.2), timing=TIMING)
    assert at_work.message_id != put_off.message_id


@pytest.mark.parametrize(
    "other",
    [
        UserChange(USER, Reason.NOTIFICATION, kind=Kind.CHECK),
        UserChange(USER, Reason.SECOND_LOOK),
        UserChange(USER, Reason.NOTIFICATION, target="emea"),
        UserChange(USER, Reason.NOTIFICATION, attempt=1),
        UserChange(USER.replace("1b", "1c"), Reason.NOTIFICATION),
    ],
)
def test_what_must_not_swallow_one_another_has_ids_apart(other):
    """A hint never hides a check, a retry, or another target's message."""
    hint = envelope(UserChange(USER, Reason.NOTIFICATION), not_before=NOON, timing=TIMING)
    assert envelope(other, not_before=NOON, timing=TIMING).message_id != hint.message_id


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "v must be"),
        (json.dumps({"v": 1, "reason": "notification"}).encode(), "userId"),
        (json.dumps({"v": 1, "reason": "notification", "userId": "../users"}).encode(), "userId"),
        (json.dumps({"v": 1, "reason": "notification", "userId": f"{{{USER}}}"}).encode(), "userId"),
        (json.dumps({"v": 1, "reason": "gossip", "userId": USER}).encode(), "reason must be one of notification"),
        (json.dumps({"v": 1, "reason": "notification", "userId": USER, "attempt": True}).encode(), "attempt"),
        (json.dumps({"v": 1, "reason": "notification", "userId": USER, "attempt": -1}).encode(), "attempt"),
        (json.dumps({"v": 1, "reason": "notification", "userId": USER, "target": 7}).encode(), "target"),
        (json.dumps({"v": 1, "reason": "notification", "userId": USER, "seenAt": "noon"}).encode(), "seenAt"),
        (json.dumps({"v": 1, "reason": "notification", "userId": USER, "seenAt": "2026-11-23"}).encode(), "seenAt"),
    ],
)
def test_a_message_that_is_no_user_change_is_refused_by_name(body, says):
    """The error names the field and what it should be."""
    with pytest.raises(MalformedMessageError, match=says):
        decode(body)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body):
    """Whatever comes, a worker gets a user change or the one declared error."""
    with contextlib.suppress(MalformedMessageError):
        decode(body)


def test_an_id_is_read_in_any_case():
    """Graph varies the case of ids; links are keyed by the canonical form."""
    body = json.dumps({"v": 1, "reason": "notification", "userId": USER.upper()}).encode()
    assert decode(body).user_id == USER


def test_no_attribute_can_travel():
    """The body holds ids, reasons and times only."""
    body = json.loads(encode(UserChange(USER, Reason.NOTIFICATION, Kind.RETRY, 3, "emea", NOON)))
    assert set(body) == {"v", "userId", "kind", "reason", "attempt", "target", "seenAt"}
