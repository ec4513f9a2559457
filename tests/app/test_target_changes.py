"""What administrators of the target do to our users: changed attributes, blocks and deletions, by policy."""

from __future__ import annotations

import pytest

from shared.core.decide import DeletedInTarget
from shared.core.mapping_rules import Drift
from shared.core.messages import Kind
from shared.core.model import LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def settled(app):
    """Patti in EMEA, long enough ago that reads of her are trusted."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    app.clock.advance(minutes=20)
    return patti, (await app.in_target(patti))["id"]


async def test_a_changed_attribute_is_put_back_by_the_next_check(app):
    """Drift is repaired unless a mapping says otherwise, with one write."""
    patti, target_id = await settled(app)
    department = (await app.in_target(patti))["department"]
    await app.change(target_id, tenant="emea", department="Somewhere else")
    before = await app.writes()
    await app.serve(patti, kind=Kind.CHECK)
    assert (await app.in_target(patti))["department"] == department
    assert await app.writes() == before + 1


async def test_a_reported_attribute_stays_until_the_source_changes_it(app):
    """Left, told once, and overwritten by the source's next value."""
    app.allow(drift={"department": Drift.REPORT})
    patti, target_id = await settled(app)
    await app.change(target_id, tenant="emea", department="Somewhere else")
    for _ in range(2):
        await app.serve(patti, kind=Kind.CHECK)
        assert (await app.in_target(patti))["department"] == "Somewhere else"
        assert (await app.link(patti)).drifted == ("department",)
    await app.change(patti, department="Research")
    await app.serve(patti)
    assert (await app.in_target(patti))["department"] == "Research"
    assert (await app.link(patti)).drifted == ()


async def test_where_the_target_wins_the_source_never_overwrites(app):
    """From the first change in the target on; before it, the source's values flow."""
    app.allow(drift={"department": Drift.TARGET_WINS})
    patti, target_id = await settled(app)
    await app.change(patti, department="Research")
    await app.serve(patti)
    assert (await app.in_target(patti))["department"] == "Research"
    app.clock.advance(minutes=20)
    await app.change(target_id, tenant="emea", department="Ours")
    await app.change(patti, department="Finance", city="Oslo")
    await app.serve(patti)
    user = await app.in_target(patti)
    assert (user["department"], user["city"]) == ("Ours", "Oslo")


async def test_a_block_by_the_targets_administrator_stays(app):
    """Somebody blocked them for a reason; other changes of the source still arrive."""
    patti, target_id = await settled(app)
    await app.change(target_id, tenant="emea", accountEnabled=False)
    await app.change(patti, city="Oslo")
    await app.serve(patti, kind=Kind.CHECK)
    user = await app.in_target(patti)
    assert (user["accountEnabled"], user["city"]) == (False, "Oslo")
    await app.change(patti, accountEnabled=False)
    await app.serve(patti)
    app.clock.advance(minutes=20)
    await app.change(patti, accountEnabled=True)
    await app.serve(patti)
    assert (await app.in_target(patti))["accountEnabled"] is True, "the source itself enabled them anew"


async def test_a_block_of_our_own_is_not_taken_for_one_of_the_targets(app):
    """Nobody learned that it was written; then the source lets them in again, before the next attempt."""
    patti, _ = await settled(app)
    await app.change(patti, accountEnabled=False)
    await app.fault(tenant="emea", operation="PATCH /users/{id}", count=1, status=504, apply=True)
    await app.serve(patti)
    assert (await app.in_target(patti))["accountEnabled"] is False
    await app.change(patti, accountEnabled=True)
    app.clock.advance(minutes=20)
    await app.serve(patti, kind=Kind.RETRY)
    assert (await app.in_target(patti))["accountEnabled"] is True


async def test_a_user_deleted_in_the_target_is_restored_or_held(app):
    """By policy; a hold says whom it is about."""
    patti, target_id = await settled(app)
    await app.cloud.graph("emea", "DELETE", f"/users/{target_id}")
    await app.serve(patti, kind=Kind.CHECK)
    assert (await app.in_target(patti))["id"] == target_id
    app.clock.advance(minutes=20)
    app.allow(deleted_in_target=DeletedInTarget.HOLD)
    await app.cloud.graph("emea", "DELETE", f"/users/{target_id}")
    await app.serve(patti, kind=Kind.CHECK)
    assert await app.in_target(patti) is None
    link = await app.link(patti)
    assert (link.state, link.reason) == (LinkState.HELD, "deletedInTarget")
