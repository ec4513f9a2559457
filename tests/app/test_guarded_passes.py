"""The guards at work in whole passes: a mass removal is held, a tenant-level fault stops one kind of action alone."""

from __future__ import annotations

import pytest

from shared.core.messages import Kind, Reason
from shared.core.model import LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEN = ("PattiF", "IsaiahL", "MiriamG", "PradeepG", "JoniS", "HenriettaM", "DiegoS", "GradyA", "DebraB", "ChristieC")


async def test_a_mass_removal_stops_at_the_budget_and_everything_else_goes_on(app):
    """Of ten people six leave at once: one goes, five are held, and somebody's new department still arrives."""
    ids = await app.join(*TEN)
    await app.serve(*ids)
    leaving, staying = ids[:6], ids[6]
    for user_id in leaving:
        await app.leave(user_id)
    await app.change(staying, department="Research")
    await app.serve(*leaving, staying)
    states = [(await app.link(user_id)).state for user_id in leaving]
    assert (states.count(LinkState.SOFT_DELETED), states.count(LinkState.HELD)) == (1, 5)
    assert sum([await app.in_target(user_id) is not None for user_id in leaving]) == 5
    assert (await app.in_target(staying))["department"] == "Research"


async def test_somebody_held_who_comes_back_is_simply_there(app):
    """The hold is over with its reason; nobody has to release anything."""
    ids = await app.join(*TEN)
    await app.serve(*ids)
    for user_id in ids[:4]:
        await app.leave(user_id)
    await app.serve(*ids[:4])
    [held, *_] = [user_id for user_id in ids[:4] if (await app.link(user_id)).state is LinkState.HELD]
    [alias] = [alias for alias, user_id in zip(TEN, ids, strict=True) if user_id == held]
    await app.join(alias)
    await app.serve(held)
    assert (await app.link(held)).state is LinkState.ACTIVE


async def test_blocked_invitations_stop_creates_and_nothing_else_until_a_probe_succeeds(app):
    """Graph's suspicious-activity block is the target's matter: no user loses an attempt over it."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.fault(
        tenant="emea",
        operation="POST /invitations",
        status=403,
        code="Forbidden",
        message="Invitations are blocked for this directory due to suspicious activity.",
    )
    isaiah, miriam = await app.join("IsaiahL", "MiriamG")
    await app.serve(isaiah)
    await app.cloud.control("POST", "counters/reset")
    [put_off] = await app.serve(miriam)
    assert (put_off.change.kind, put_off.change.reason) == (Kind.RETRY, Reason.QUARANTINED)
    assert await app.writes() == 0
    assert (await app.link(miriam)).attempt == 0
    await app.change(patti, department="Research")
    await app.serve(patti)
    assert (await app.in_target(patti))["department"] == "Research"
    await app.cloud.control("DELETE", "faults")
    app.clock.advance(hours=7)
    await app.serve(isaiah, kind=Kind.RETRY, reason=Reason.ESCROW)
    app.clock.advance(seconds=1)
    await app.serve(miriam, kind=Kind.RETRY, reason=Reason.QUARANTINED)
    assert await app.in_target(isaiah) is not None
    assert await app.in_target(miriam) is not None


async def test_a_throttled_target_pauses_for_all_of_its_workers(app):
    """Retry-After of one write keeps the next pass from writing; no attempt is spent."""
    [patti, isaiah] = await app.join("PattiF", "IsaiahL")
    await app.fault(tenant="emea", operation="POST /invitations", status=429, headers={"Retry-After": "120"}, count=1)
    await app.serve(patti)
    await app.cloud.control("POST", "counters/reset")
    [put_off] = await app.serve(isaiah)
    assert put_off.change.reason is Reason.THROTTLED
    assert 60 < (put_off.not_before - app.clock.now()).total_seconds() <= 121
    assert await app.writes() == 0
    app.clock.advance(seconds=125)
    await app.serve(patti, isaiah)
    assert await app.in_target(patti) is not None
    assert await app.in_target(isaiah) is not None
