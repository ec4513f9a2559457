"""How long to wait after a fault of each size."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core.fault_sizes import Fault, FaultSize, back_off, lasts

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("size", "waits"),
    [
        (FaultSize.USER, [MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 360 * MINUTE, 360 * MINUTE]),
        (FaultSize.TENANT, [MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 360 * MINUTE, 360 * MINUTE]),
        (FaultSize.YOUNG, [timedelta(seconds=s) for s in (2, 3, 5, 10, 20, 40, 60, 120, 300, 60, 300)]),
        (FaultSize.TRANSIENT, [timedelta(seconds=s) for s in (5, 15, 45, 120, 300, 60, 300)]),
    ],
)
def test_waits_grow_with_the_attempts(size, waits):
    """Escrow is minutes, then hours; transient trouble seconds, and escrow when it lasts."""
    assert [back_off(Fault(size, "General"), attempt + 1) for attempt in range(len(waits))] == waits


@pytest.mark.parametrize("size", FaultSize)
def test_the_service_is_never_asked_earlier_than_it_said(size):
    """Retry-After is honoured whatever the size."""
    fault = Fault(size, "General", retry_after=timedelta(days=1))
    assert back_off(fault, 1) >= timedelta(days=1)


def test_throttling_waits_as_long_as_it_is_told_and_no_longer():
    """It is nobody's fault, so attempts do not lengthen it."""
    fault = Fault(FaultSize.THROTTLED, "TooManyRequests", retry_after=timedelta(seconds=7))
    assert {back_off(fault, attempt) for attempt in (1, 2, 9)} == {timedelta(seconds=7)}


@pytest.mark.parametrize(
    ("size", "attempts_that_pass"),
    [(FaultSize.USER, 0), (FaultSize.TENANT, 0), (FaultSize.TRANSIENT, 5), (FaultSize.YOUNG, 9)],
)
def test_trouble_lasts_once_its_short_waits_are_over(size, attempts_that_pass):
    """Passing trouble fills no log; what lasts is in escrow and is told."""
    fault = Fault(size, "General")
    assert not any(lasts(fault, attempt) for attempt in range(1, attempts_that_pass + 1))
    assert lasts(fault, attempts_that_pass + 1)


def test_throttling_never_counts_as_lasting():
    """However long the service asks us to wait."""
    assert not lasts(Fault(FaultSize.THROTTLED, "TooManyRequests"), 1000)
