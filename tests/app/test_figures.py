"""The figures of a user's life, small: what each change costs in requests, by the tenants' own count."""

from __future__ import annotations

import pytest

from benchmarks.life_of_a_user import Life

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_each_change_costs_what_it_should(app):
    """A create 2 writes, 3 with a manager; an update 1; no change 0 writes and reads; a removal 1, on 2 proofs."""
    figures = [figure async for figure in Life(app.parts, app.cloud, app.bus.connection_string, idle=1.0).figures(50)]
    assert [figure.line() for figure in figures if not figure.met] == []
    assert len(figures) == 8
