"""The ladder of leaving, with grace days: blocked at once, soft-deleted when they are over, restored on coming back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core.messages import Kind, Reason
from shared.core.model import LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def present_with_grace(app, days=7):
    """Patti, in both tenants, in a target that removes nobody before a week is over."""
    app.allow(grace=timedelta(days=days))
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    return patti


async def test_who_leaves_is_blocked_at_once_and_looked_at_again_when_the_grace_is_over(app):
    """Access ends now; the object, with its memberships, stays for a week."""
    patti = await present_with_grace(app)
    await app.leave(patti)
    [follow_up] = await app.serve(patti)
    assert (await app.in_target(patti))["accountEnabled"] is False
    assert (await app.link(patti)).state is LinkState.DISABLED
    assert (follow_up.change.reason, follow_up.change.kind) == (Reason.GRACE_OVER, Kind.RETRY)
    assert timedelta(days=6) < follow_up.not_before - app.clock.now() <= timedelta(days=7)
    assert await app.serve(patti, reason=Reason.SECOND_LOOK) == [], "asked for once"
    app.clock.advance(days=8)
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.GRACE_OVER)
    assert await app.in_target(patti) is None
    assert (await app.link(patti)).state is LinkState.SOFT_DELETED


async def test_who_comes_back_within_the_grace_is_simply_enabled(app):
    """The same object, and the days begin anew if they leave again."""
    patti = await present_with_grace(app)
    before = await app.in_target(patti)
    await app.leave(patti)
    await app.serve(patti)
    await app.join("PattiF")
    await app.serve(patti)
    after = await app.in_target(patti)
    assert (after["id"], after["accountEnabled"]) == (before["id"], True)
    assert (await app.link(patti)).leaving_since is None
    app.clock.advance(days=8)
    await app.leave(patti)
    await app.serve(patti)
    assert await app.in_target(patti) is not None, "the first absence does not count"


async def test_disabled_and_out_of_scope_is_out_of_scope(app):
    """Entra forgets a user who was blocked first and left the group afterwards."""
    app.allow(grace=timedelta())
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.change(patti, accountEnabled=False)
    await app.serve(patti)
    await app.leave(patti)
    await app.serve(patti)
    assert await app.in_target(patti) is None


async def test_a_held_leaver_gets_no_grace_while_waiting(app):
    """The days begin with the block, which a person has not allowed yet."""
    ids = await app.join("PattiF", "IsaiahL", "MiriamG")
    app.allow(grace=timedelta(days=7))
    await app.serve(*ids)
    for user_id in ids:
        await app.leave(user_id)
    await app.serve(*ids)
    held = [user_id for user_id in ids if (await app.link(user_id)).state is LinkState.HELD]
    assert len(held) == 2, "ten percent of three is one"
    for user_id in held:
        assert (await app.in_target(user_id))["accountEnabled"] is True
        assert (await app.link(user_id)).leaving_since is None
