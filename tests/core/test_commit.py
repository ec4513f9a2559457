"""What a link says once it is claimed, or after a fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.core.commit import with_claim
from shared.core.model import Claim, Link, LinkState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLAIM = Claim("mine", NOW)
BEFORE, EARLIER = NOW - timedelta(minutes=6), NOW - timedelta(days=3)


@pytest.mark.parametrize(
    ("changed_at", "stale", "remembered"),
    [
        (None, None, None),
        (EARLIER, None, EARLIER),
        (None, BEFORE, BEFORE),
        (EARLIER, BEFORE, BEFORE),
        (BEFORE, EARLIER, BEFORE),
    ],
)
def test_what_a_claim_may_have_led_to_outlives_it(changed_at, stale, remembered):
    """Whoever takes over finds nothing to do, perhaps, because a replica is behind; the next look has to know."""
    before = Claim("w", stale) if stale else None
    link = Link("emea", "s", LinkState.ACTIVE, "t", fingerprint="old", claim=before, changed_at=changed_at)
    claimed = with_claim(link, CLAIM)
    assert (claimed.claim, claimed.changed_at) == (CLAIM, remembered)
    assert claimed.fingerprint == (None if stale else "old")
    assert (claimed.state, claimed.target_id) == (link.state, link.target_id)
