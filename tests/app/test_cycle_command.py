"""`cycle`: full cycles that a person starts, in the app or in the terminal's own process."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.app.control import control
from shared.app.cursors import load_cycle
from shared.app.leases import take
from shared.core.commands import Command, Order, command_envelope
from shared.core.messages import Timing
from shared.store.errors import StoreUnavailable

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_app_is_asked_over_the_topic(app, terminal):
    """For all targets; nothing is compared here."""
    code, out, _ = await terminal("cycle", "start")
    assert (code, "asked for a full cycle" in out) == (0, True)
    assert await app.messages("control") == [Command.FULL_CYCLE]
    assert await load_cycle(app.parts.store, "emea") is None


async def test_one_target_is_asked_for_by_name_and_the_app_does_that_one_alone(app, terminal):
    """The name travels with the command."""
    code, out, _ = await terminal("cycle", "start", "--target", "apac", "--json")
    assert (code, json.loads(out)) == (0, {"asked": "fullCycle", "target": "apac"})
    [order] = await app.messages("control")
    assert order == Order(Command.FULL_CYCLE, "apac")
    await control(app.parts, "m", command_envelope(order, app.clock.now(), Timing()).body.encode())
    assert await load_cycle(app.parts.store, "apac") is not None
    assert await load_cycle(app.parts.store, "emea") is None


class StoreThatIsDown:
    """Answers nothing."""

    async def get_state(self, _name):
        raise StoreUnavailable("get_state", "it is down")


@pytest.mark.parametrize("command", [Command.FULL_CYCLE, Command.CATCH_UP])
async def test_a_command_that_cannot_be_carried_out_now_is_put_off(app, command):
    """It would be dead-lettered after thirty deliveries, which may take moments, and an outage takes minutes."""
    order = Order(command, "apac" if command is Command.FULL_CYCLE else None)
    body = command_envelope(order, app.clock.now(), Timing()).body.encode()
    await control(replace(app.parts, store=StoreThatIsDown()), "m", body)
    assert await app.messages("control") == []
    app.clock.advance(minutes=2)
    assert await app.messages("control") in ([order], [command])


async def test_a_command_for_a_target_that_is_gone_is_dropped(app):
    """No other target is compared for it."""
    envelope = command_envelope(Order(Command.FULL_CYCLE, "mars"), app.clock.now(), Timing())
    await control(app.parts, "m", envelope.body.encode())
    assert await load_cycle(app.parts.store, "emea") is None
    assert await app.messages("poison") == []


async def test_here_it_compares_and_sends_whoever_is_to_be_looked_at(app, terminal):
    """The app looks at them, as always."""
    [patti] = await app.join("PattiF")
    code, out, _ = await terminal("cycle", "start", "--target", "emea", "--here")
    assert code == 0
    assert out.startswith("emea: 1 inScope, 1 new, 1 sent")
    assert [change.user_id for change in await app.messages("emea")] == [patti]
    assert await app.messages("apac") == []
    assert await app.writes() == 0


async def test_what_it_came_to_is_listed(app, terminal):
    """Of each target, in words and as JSON."""
    code, out, _ = await terminal("cycle", "list")
    assert (code, out.splitlines()[0]) == (0, "emea: no full cycle has ended yet")
    await app.join("PattiF")
    code, out, _ = await terminal("cycle", "start", "--here", "--json")
    assert (code, json.loads(out)["apac"]["counts"]["inScope"]) == (0, 1)
    code, out, _ = await terminal("cycle", "list", "--json")
    listed = json.loads(out)
    assert (code, listed["emea"]["counts"]["new"]) == (0, 1)
    code, out, _ = await terminal("cycle", "list", "--target", "emea")
    assert (code, listed["emea"]["id"] in out, "apac" in out) == (0, True, False)


async def test_a_list_that_broke_off_is_no_success(app, terminal):
    """1, and which one broke off."""
    await app.fault(tenant="emea", operation="GET /users", status=403, code="Authorization_RequestDenied", message="No")
    code, out, err = await terminal("cycle", "start", "--here", "--target", "emea")
    assert (code, "Traceback" in err) == (1, False)
    assert out.startswith("emea: not whole: ")
    code, out, _ = await terminal("cycle", "start", "--here", "--target", "emea", "--json")
    assert (code, json.loads(out)["emea"]["failure"] is None) == (1, False)


async def test_two_never_overlap(app, terminal):
    """While the app is at it, nothing is begun."""
    lease = await take(app.parts.store, app.parts.clock, "fullCycle", timedelta(minutes=10))
    assert lease is not None
    code, out, err = await terminal("cycle", "start", "--here")
    assert (code, out, "under way" in err) == (1, "", True)


@pytest.mark.parametrize("arguments", [["start", "--target", "mars"], ["list", "--target", "mars"]])
async def test_a_target_that_is_none_is_refused(app, terminal, arguments):
    """Nothing is sent for it."""
    code, out, err = await terminal("cycle", *arguments)
    assert (code, out, "targets: emea, apac" in err) == (2, "", True)
    assert await app.messages("control") == []


async def test_a_bus_that_cannot_be_reached_is_said_in_words(app, terminal, settings_of):
    """With 1, once the client has given up."""
    settings_of(
        ServiceBusConnection="Endpoint=sb://localhost:1;SharedAccessKeyName=n;SharedAccessKey=k;"
        "UseDevelopmentEmulator=true"
    )
    code, out, err = await terminal("cycle", "start")
    assert (code, out, "the topic cannot be reached" in err) == (1, "", True)
    assert "Traceback" not in err


async def test_a_topic_that_is_not_there_ends_a_cycle_in_words(app, terminal, settings_of):
    """Starting it again sends everybody who is still to be looked at."""
    await app.join("PattiF")
    settings_of(USER_CHANGES_TOPIC="nothing")
    code, out, err = await terminal("cycle", "start", "--here")
    assert (code, out, "start it again later" in err) == (1, "", True)
    assert "Traceback" not in err
    assert await load_cycle(app.parts.store, "emea") is None
