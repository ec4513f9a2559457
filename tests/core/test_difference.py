"""Drift: which side changed an attribute, and what each of the three ways of a mapping makes of it."""

from __future__ import annotations

import pytest

from shared.core.desired import InScope
from shared.core.difference import difference, digest
from shared.core.mapping_rules import Drift
from shared.core.model import Link, LinkState
from shared.core.observed import Marker, Present


def compare(wanted, held, applied, drift, *, trust=True):
    """What to write where `applied` is what we wrote last."""
    desired = InScope("n@contoso.com", {"department": wanted}, {}, "new")
    observed = Present("t", Marker.OURS, external=True, attributes={"department": held})
    memory = {} if applied is None else {"department": digest(applied)}
    link = Link("emea", "s", LinkState.ACTIVE, "t", fingerprint="old", applied=memory)
    found = difference(desired, observed, link, {"department": drift}, trust=trust)
    return dict(found.change.attributes), found.left


@pytest.mark.parametrize(
    ("wanted", "held", "applied", "drift", "written"),
    [
        # last written: Sales. The source has moved on, the target holds what we wrote: always written.
        ("Ops", "Sales", "Sales", Drift.REPAIR, True),
        ("Ops", "Sales", "Sales", Drift.REPORT, True),
        ("Ops", "Sales", "Sales", Drift.TARGET_WINS, True),
        # The target was changed, the source was not.
        ("Sales", "Ops", "Sales", Drift.REPAIR, True),
        ("Sales", "Ops", "Sales", Drift.REPORT, False),
        ("Sales", "Ops", "Sales", Drift.TARGET_WINS, False),
        # Both were: the source wins but for targetWins.
        ("Ops", "Finance", "Sales", Drift.REPAIR, True),
        ("Ops", "Finance", "Sales", Drift.REPORT, True),
        ("Ops", "Finance", "Sales", Drift.TARGET_WINS, False),
        # Nothing was written so far, so that there is nothing to protect: written.
        ("Ops", "Finance", None, Drift.REPORT, True),
        ("Ops", "Finance", None, Drift.TARGET_WINS, True),
        # Cleared in the target.
        ("Sales", None, "Sales", Drift.REPORT, False),
        ("Sales", "", "Sales", Drift.TARGET_WINS, False),
    ],
)
def test_which_side_changed_decides(wanted, held, applied, drift, written):
    """A value of the source is written or the target's is left, never half of either."""
    attributes, left = compare(wanted, held, applied, drift)
    assert (attributes, left) == (({"department": wanted}, ()) if written else ({}, ("department",)))


def test_what_agrees_is_neither_written_nor_left():
    """The same value on both sides is no drift, whatever was written last."""
    for drift in Drift:
        assert compare("Ops", "Ops", "Sales", drift) == ({}, ())


def test_a_read_that_may_be_old_shows_no_drift():
    """Right after a write, what is not to be repaired is written only if the source changed it."""
    assert compare("Sales", "Ops", "Sales", Drift.REPORT, trust=False) == ({}, ())
    assert compare("Ops", "Sales", "Sales", Drift.REPORT, trust=False) == ({"department": "Ops"}, ())


def test_nothing_is_one_value_however_it_is_shown():
    """Graph shows an empty list, an empty text or null where nothing is set."""
    assert digest(None) == digest("") == digest([])
    assert digest(False) != digest(None) != digest("a")


def test_the_parts_of_a_complex_property_that_are_not_mapped_are_no_drift():
    """The target shows more parts than we write."""
    desired = InScope("n@contoso.com", {"employeeOrgData": {"division": "North"}}, {}, "new")
    held = {"employeeOrgData": {"division": "South", "costCenter": "7"}}
    observed = Present("t", Marker.OURS, external=True, attributes=held)
    link = Link("emea", "s", LinkState.ACTIVE, "t", applied={"employeeOrgData": digest({"division": "South"})})
    found = difference(desired, observed, link, {"employeeOrgData": Drift.TARGET_WINS}, trust=True)
    assert found.change.attributes == {"employeeOrgData": {"division": "North"}}
