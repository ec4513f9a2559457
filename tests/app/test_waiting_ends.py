"""Somebody who leaves escrow or a hold is told of, also where nothing was to be written: or they would seem to wait."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest

from shared.core.messages import Kind, Reason
from shared.telemetry.json_lines import JsonLines

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_end_of_a_failure_is_told_though_nothing_is_left_to_do(app):
    """An update that failed for good is taken back in the source: the target is right again."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    department = (await app.in_target(patti))["department"]
    await app.fault(tenant="emea", operation="PATCH /users/{id}", status=400, message="Invalid value", count=1)
    await app.change(patti, department="Research")
    await app.serve(patti)
    assert (await app.link(patti)).waits
    await app.change(patti, department=department)
    told = listen(app)
    await app.serve(patti, kind=Kind.RETRY, reason=Reason.ESCROW)
    [row] = rows(told)
    assert (row["Decision"], row["Status"]) in {("nothing", "success"), ("update", "success")}
    assert not (await app.link(patti)).waits
    await app.serve(patti, kind=Kind.CHECK)
    assert rows(told) == []


async def test_the_end_of_a_hold_is_told(app):
    """A leaver over the budget who is back in the group before anybody looked."""
    ids = await app.join("PattiF", "IsaiahL", "MiriamG")
    await app.serve(*ids)
    for user_id in ids:
        await app.leave(user_id)
    await app.serve(*ids)
    [held, _] = [user_id for user_id in ids if (await app.link(user_id)).waits]
    await app.put_in("60000000-0000-4000-8000-000000000001", held)
    told = listen(app)
    await app.serve(held)
    [row] = rows(told)
    assert row["Status"] == "success"


def listen(app):
    """Have the logs written where the test can read them."""
    told = io.StringIO()
    app.parts = dataclasses.replace(app.parts, log=JsonLines(told))
    return told


def rows(told):
    """The rows of the provisioning log since the last time."""
    lines = told.getvalue().splitlines()
    told.truncate(0)
    told.seek(0)
    return [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("CrosstenantProvisioning_CL ")]
