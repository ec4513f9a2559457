"""What is left of a schedule that goes wrong is wrong, and none of it can be spared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulation.shrink import shrink


@given(st.integers(0, 60), st.sets(st.integers(0, 59)))
def test_exactly_what_is_needed_is_left(length, needed):
    """Whatever it is that goes wrong together."""
    needed = {each for each in needed if each < length}
    left = shrink(range(length), lambda events: needed <= set(events), tries=10_000)
    assert left == sorted(needed)


@given(st.integers(1, 40), st.sets(st.integers(0, 39), min_size=1))
def test_either_of_two_causes_is_enough(length, causes):
    """One of them is left, and nothing else."""
    causes = {each for each in causes if each < length} or {0}
    left = shrink(range(length), lambda events: bool(causes & set(events)), tries=10_000)
    assert len(left) == 1
    assert left[0] in causes


def test_an_end_of_tries_leaves_something_that_is_wrong():
    """Not the smallest, and good for a look all the same."""
    left = shrink(range(1000), lambda events: {3, 700} <= set(events), tries=10)
    assert {3, 700} <= set(left)
    assert len(left) < 1000
