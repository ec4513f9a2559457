"""Notes on holds, on their way to the store and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.guard import UnreadableRowError
from shared.core.hold_notes import SHARDS, HoldNote, decode_notes, encode_notes, shard

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
NOTES = st.builds(HoldNote, since=TIMES, reason=st.text(max_size=9), objects=st.lists(st.text(max_size=5)).map(tuple))


@given(st.dictionaries(st.text(max_size=9), NOTES, max_size=5))
def test_notes_are_read_as_they_were_written(notes):
    """Every field."""
    assert decode_notes(encode_notes(notes)) == notes


@given(st.uuids().map(str))
def test_every_user_has_a_shard_that_is_read(user_id):
    """Ids are written in lower case."""
    assert shard(user_id) in SHARDS


@pytest.mark.parametrize(
    "notes",
    [
        [],
        {"a": {}},
        {"a": []},
        {"a": ["2026-03-01T12:00:00+00:00"]},
        {"a": ["soon", "why"]},
        {"a": ["2026-03-01", "why"]},
        {"a": ["2026-03-01T12:00:00+00:00", "why", 5]},
    ],
)
def test_what_cannot_be_read_says_so(notes):
    """And nothing else is raised."""
    with pytest.raises(UnreadableRowError):
        decode_notes(json.dumps({"v": 1, "notes": notes}))
