"""An expression that fails for one user: told with its attribute and reason, at nobody else's cost."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest

from shared.core.expressions import Compat
from shared.core.mapping_rules import default_mappings, parse_mappings
from shared.core.messages import Reason
from shared.telemetry.json_lines import JsonLines

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATTI_HAS_NO_CITY = 'IIF([givenName] = "Patti", Error("no city"), [city])'


def with_city(app, **options) -> io.StringIO:
    """Let emea's city fail for Patti; returns what the provisioning log takes from now on."""
    own, faults = parse_mappings({"city": {"expression": PATTI_HAS_NO_CITY, **options}})
    assert not faults
    hands = app.parts.targets["emea"]
    others = [mapping for mapping in default_mappings(Compat.FIXED) if mapping.target != "city"]
    target = dataclasses.replace(hands.target, mappings=(*others, *own))
    told = io.StringIO()
    app.parts = dataclasses.replace(
        app.parts,
        targets={"emea": dataclasses.replace(hands, target=target)},
        log=JsonLines(told),
    )
    return told


def events(told: io.StringIO) -> list[dict]:
    return [json.loads(line.partition(" ")[2]) for line in told.getvalue().splitlines()]


async def test_the_user_is_not_half_written_and_the_log_says_which_attribute_and_why(app):
    """Even somebody who has no user in the target yet; the others of the batch are done."""
    told = with_city(app)
    patti, isaiah = await app.join("PattiF", "IsaiahL")
    [follow_up] = await app.serve(patti, isaiah)
    assert (follow_up.change.user_id, follow_up.change.reason) == (patti, Reason.ESCROW)
    assert await app.in_target(patti) is None
    assert await app.in_target(isaiah) is not None
    [failure] = [event for event in events(told) if patti in event["SourceIdentity"]]
    assert (failure["Status"], failure["ReasonCode"]) == ("failure", "mappingFailed")
    assert "city: " in failure["ResultDescription"]


async def test_with_skip_on_error_the_rest_is_written_and_the_log_still_says_so(app):
    """The mapping allows it."""
    told = with_city(app, skipOnError=True)
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    assert (await app.in_target(patti))["displayName"] == "Patti Fernandez"
    [event] = events(told)
    assert event["Status"] == "success"
    assert "city: " in event["ResultDescription"]
