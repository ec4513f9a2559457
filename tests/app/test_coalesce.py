"""One change for each user of a batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.app.provision import coalesce
from shared.core.messages import CHECKS, Kind, Reason, UserChange

changes = st.builds(
    UserChange,
    user_id=st.sampled_from(["a", "b"]),
    reason=st.sampled_from(Reason),
    kind=st.sampled_from(Kind),
    attempt=st.integers(0, 3),
)


@given(st.lists(changes, max_size=8))
def test_coalescing_keeps_every_user_once_with_the_strongest_demand(batch):
    """A check among hints is a check; a notification keeps its second look."""
    result = {change.user_id: change for change in coalesce(batch)}
    assert set(result) == {change.user_id for change in batch}
    assert len(result) == len(coalesce(batch))
    for user_id, change in result.items():
        same = [other for other in batch if other.user_id == user_id]
        assert change.attempt == max(other.attempt for other in same)
        if any(other.kind is Kind.CHECK for other in same):
            assert change.kind is Kind.CHECK
        assert (change.kind in CHECKS) is any(other.kind in CHECKS for other in same)
        if any(other.reason is Reason.NOTIFICATION for other in same):
            assert change.reason is Reason.NOTIFICATION
