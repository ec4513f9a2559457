"""The claim protocol, exhaustively: every order of the steps of two workers, with every crash and lost answer.

What each test explores is all there is of its scenario; the figures in the asserts are floors, against a model that
quietly loses its choices.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from claim_model import OLDEST, Scenario, User, explore, wanted

from shared.core.desired import OutOfScope, SourceDeleted
from shared.core.model import Link, LinkState

ONE, TWO, OUT, DELETED = wanted("one"), wanted("two"), OutOfScope("notInGroup"), SourceDeleted()
THERE = User("t1", "one", marked=True, binned=False, created=OLDEST)
ACTIVE = Link("emea", "s", LinkState.ACTIVE, "t1", fingerprint=ONE.fingerprint, changed_at=OLDEST)
BINNED = {
    "link": replace(ACTIVE, state=LinkState.SOFT_DELETED, fingerprint=None),
    "users": (THERE._replace(binned=True),),
}
LINKED = {"link": ACTIVE, "users": (THERE,)}

CREATE = Scenario("create", (ONE,))
CREATE_UPDATE = Scenario("create, then update", (ONE, TWO))
CREATE_REMOVE = Scenario("create, then remove", (ONE, OUT))
UPDATE = Scenario("update", (TWO,), **LINKED)
UPDATE_REMOVE = Scenario("update, then remove", (TWO, OUT), **LINKED)
REMOVE = Scenario("remove", (OUT,), **LINKED)
REMOVE_RESTORE = Scenario("remove, then restore", (OUT, ONE), **LINKED)
RESTORE_UPDATE = Scenario("restore, then update", (ONE, TWO), **BINNED)
RESTORE_REMOVE = Scenario("restore, then remove", (ONE, DELETED), **BINNED)
ALL = (
    CREATE,
    CREATE_UPDATE,
    CREATE_REMOVE,
    UPDATE,
    UPDATE_REMOVE,
    REMOVE,
    REMOVE_RESTORE,
    RESTORE_UPDATE,
    RESTORE_REMOVE,
)


def name(value: object) -> str:
    return value.name if isinstance(value, Scenario) else str(value)


@pytest.mark.parametrize("scenario", ALL, ids=name)
def test_without_faults_every_order_ends_as_the_source_wants_it(scenario: Scenario) -> None:
    found = explore(scenario)
    assert not found.broken, "\n".join(found.schedule)
    assert found.states > 80
    assert found.ends
