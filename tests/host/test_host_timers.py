"""Timers under a clock that the test moves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
from host_clock import ManualClock

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_FIVE_MINUTES = {"EVERY": "0 */5 * * * *"}


def _after(**parts: int) -> datetime:
    return MIDNIGHT + timedelta(**parts)


async def test_due_times(start_host, app_module):
    """A timer runs at each due time, and not a second before."""
    clock = ManualClock(MIDNIGHT)
    await start_host("timers", EVERY_FIVE_MINUTES, clock=clock)
    runs = app_module().runs
    assert await runs.get() == ("yearly", False)  # run_on_startup
    await clock.until_asleep(_after(minutes=5))
    clock.advance(timedelta(minutes=4, seconds=59))
    await clock.until_asleep(_after(minutes=5))
    assert runs.empty()
    clock.advance(timedelta(seconds=1))
    assert await runs.get() == ("every", False)
    await clock.until_asleep(_after(minutes=10))
    clock.advance(timedelta(minutes=5))
    assert await runs.get() == ("every", False)


async def test_no_overlap(start_host, app_module):
    """A run never overlaps itself, and due times that pass meanwhile are skipped."""
    clock = ManualClock(MIDNIGHT)
    await start_host("timers", EVERY_FIVE_MINUTES, clock=clock)
    module = app_module()
    assert await module.runs.get() == ("yearly", False)
    module.may_end.clear()
    await clock.until_asleep(_after(minutes=5))
    clock.advance(timedelta(minutes=5))
    assert await module.runs.get() == ("every", False)
    clock.advance(timedelta(minutes=12))
    module.may_end.set()
    await clock.until_asleep(_after(minutes=20))
    assert module.runs.empty()


async def test_past_due(start_host, app_module, tmp_path):
    """Due times missed while the host was away are made up for once, marked past due."""
    file = tmp_path / "timers.json"
    clock = ManualClock(MIDNIGHT)
    first = await start_host("timers", EVERY_FIVE_MINUTES, clock=clock, timers_file=file)
    await clock.until_asleep(_after(minutes=5))
    await first.stop()
    clock.advance(timedelta(minutes=42))
    await start_host("timers", EVERY_FIVE_MINUTES, clock=clock, timers_file=file)
    runs = app_module().runs
    assert {await runs.get(), await runs.get()} == {("every", True), ("yearly", False)}
    await clock.until_asleep(_after(minutes=45))
    clock.advance(timedelta(minutes=3))
    assert await runs.get() == ("every", False)


async def test_nothing_past_due_without_file(start_host, app_module):
    """Without a file to remember due times in, nothing is past due."""
    clock = ManualClock(MIDNIGHT)
    first = await start_host("timers", EVERY_FIVE_MINUTES, clock=clock)
    await clock.until_asleep(_after(minutes=5))
    await first.stop()
    clock.advance(timedelta(minutes=42))
    await start_host("timers", EVERY_FIVE_MINUTES, clock=clock)
    await clock.until_asleep(_after(minutes=45))
    runs = app_module().runs
    assert [runs.get_nowait() for _ in range(runs.qsize())] == [("yearly", False)]


async def test_run_now(start_host, app_module):
    """The holder of the master key can run a timer now, and nobody else can."""
    clock = ManualClock(MIDNIGHT)
    host = await start_host("timers", EVERY_FIVE_MINUTES, clock=clock)
    runs = app_module().runs
    assert await runs.get() == ("yearly", False)
    headers = {"x-functions-key": host.keys.master}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.post(f"{host.url}/admin/functions/Every", json={"input": ""}) as response:
            assert response.status == 202
        assert await runs.get() == ("every", False)
        async with http.post(f"{host.url}/admin/functions/nobody", json={"input": ""}) as response:
            assert response.status == 404
        async with http.post(f"{host.url}/admin/functions/every", data=b"no json") as response:
            assert response.status == 400
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{host.url}/admin/functions/every", json={"input": ""}) as response,
    ):
        assert response.status == 401
    assert runs.empty()


async def test_returned_value(start_host, app_module, caplog):
    """A value returned without a $return binding fails the run, as in the worker."""
    host = await start_host("timers", EVERY_FIVE_MINUTES, clock=ManualClock(MIDNIGHT))
    assert host.run_timer("returning")
    runs = app_module().runs
    while await runs.get() != ("returning", False):
        pass
    await host.stop()
    assert "Executed 'Functions.returning' (Failed" in caplog.text
    assert "has no $return binding" in caplog.text


async def test_stop_waits(start_host, app_module):
    """A stop waits for a running timer to end."""
    clock = ManualClock(MIDNIGHT)
    host = await start_host("timers", EVERY_FIVE_MINUTES, clock=clock)
    module = app_module()
    module.may_end.clear()
    assert host.run_timer("every")
    while await module.runs.get() != ("every", False):
        pass
    stop = asyncio.create_task(host.stop())
    await asyncio.sleep(0)
    assert not stop.done()
    module.may_end.set()
    assert await stop is True
