"""NCRONTAB and time spans: what is due when, and what is no schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.host.schedule import parse_schedule
from sandbox.host.timespans import parse_time_span

THURSDAY = datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("0 */5 * * * *", "2026-01-01T00:05:00"),
        ("30 5/15 * * * *", "2026-01-01T00:05:30"),
        ("*/10 * * * * *", "2026-01-01T00:00:10"),
        ("0,30 0 3 * * *", "2026-01-01T03:00:00"),
        ("5 * * * *", "2026-01-01T00:05:00"),  # five fields: at second 0
        ("0 0 9 1-7 * Mon", "2026-01-05T09:00:00"),  # both days must match, unlike cron
        ("0 0 0 * * 0", "2026-01-04T00:00:00"),
        ("0 0 0 * FEB-march mon,friday", "2026-02-02T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("00:10:00", "2026-01-01T00:10:00.000005"),
        ("1.00:00:00", "2026-01-02T00:00:00.000005"),
        ("24:00:00", "2026-01-25T00:00:00.000005"),  # .NET reads 24 days
    ],
)
def test_next_due_time(text, due):
    """The next due time is the one that NCRONTAB gives, not cron."""
    assert parse_schedule(text).next_after(THURSDAY).replace(tzinfo=None).isoformat() == due


@pytest.mark.parametrize(
    "text",
    [
        "", "* * *", "* * * * * * *", "@daily", "60 * * * * *", "0 0 24 * * *", "0 0 0 0 * *", "0 0 0 * 13 *",
        "0 0 0 * * 7", "0 0 0 L * *", "0 0 0 * * 1#2", "0 0 0 ? * *", "0 0 0 5-1 * *", "0/0 * * * * *", "0 0 0 30 2 *",
        "0 0 0 * Foo *", "-1 * * * * *", "00:00:00", "10", "1:2", "23:60:00",
    ],
)  # fmt: skip
def test_no_schedule(text):
    """What NCRONTAB does not know is refused, though cron libraries may take it."""
    with pytest.raises(ValueError, match=r"."):
        parse_schedule(text)


@given(
    seconds=st.integers(0, 59),
    step=st.integers(1, 59),
    hour=st.integers(0, 23),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_due_time_matches(seconds, step, hour, moment):
    """A due time lies ahead and matches the fields of its expression."""
    due = parse_schedule(f"{seconds} */{step} {hour} * * *").next_after(moment)
    assert due > moment
    assert (due.second, due.minute % step, due.hour, due.microsecond) == (seconds, 0, hour, 0)
    assert due - moment <= timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:30", 30.0), ("1.02:03:04", 93784.0), ("00:00:00.5", 0.5), ("25:00:00", 25 * 86400.0)],
)
def test_time_span(text, seconds):
    """A time span is read as .NET reads it."""
    assert parse_time_span(text) == timedelta(seconds=seconds)
