"""Runs timer functions: waits for the due time, invokes, and only then looks for the next one.

So a run never overlaps itself, and due times that pass during a long run are skipped. A due time that passed while
the host was away is made up for once at the start, marked past due.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from azure.functions import meta

from sandbox.host.converters import converter
from sandbox.host.timer_monitor import TimerStatus

if TYPE_CHECKING:
    from datetime import datetime

    import azure.functions as func

    from sandbox.host.clock import Clock
    from sandbox.host.index import IndexedFunction
    from sandbox.host.invocation import Invoker
    from sandbox.host.timer_monitor import TimerMonitor
    from sandbox.host.triggers import TimerTrigger

_SHORTEST_MONITORED = timedelta(minutes=1)


class TimerRunner:
    """One timer function under a clock."""

    def __init__(
        self,
        function: IndexedFunction,
        trigger: TimerTrigger,
        *,
        invoker: Invoker,
        clock: Clock,
        monitor: TimerMonitor,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._invoker = invoker
        self._clock = clock
        self._monitor = monitor
        self._status: TimerStatus | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve the schedule until `stopping`; a run that has begun is finished first."""
        now = self._clock.now()
        monitored = self._trigger.use_monitor and (self._trigger.schedule.shortest_interval(now) >= _SHORTEST_MONITORED)
        self._status = self._monitor.read(self._function.name) if monitored else None
        last = self._status.last if self._status is not None else None
        if self._status is not None and self._status.next < now:
            await self._invoke("Timer is past due", past_due=True)
            last = now
        elif self._trigger.run_on_startup:
            await self._invoke("Timer fired at startup")
            last = now
        while True:
            due = self._trigger.schedule.next_after(self._clock.now())
            self._status = TimerStatus(last, due)
            if monitored:
                self._monitor.write(self._function.name, self._status)
            if not await self._wait(due, stopping):
                return
            await self._invoke(f"Timer fired at {self._clock.now().isoformat()}")
            last = due

    async def run_now(self) -> None:
        """Invoke once by an administrator's request, beside the schedule, as the real host does."""
        await self._invoke("This function was programmatically called via the host APIs.")

    async def _invoke(self, reason: str, *, past_due: bool = False) -> None:
        await self._invoker.invoke(self._function, lambda: self._request(past_due=past_due), reason=reason)

    async def _wait(self, due: datetime, stopping: asyncio.Event) -> bool:
        """Wait for `due`. Returns False if the host is stopping instead."""
        sleep = asyncio.ensure_future(self._clock.sleep_until(due))
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait({sleep, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            stop.cancel()
        return not stopping.is_set()

    def _request(self, *, past_due: bool) -> func.TimerRequest:
        """Build the request through azure-functions' own decoder, from the JSON the host would send."""
        status = self._status
        document: dict[str, Any] = {"Schedule": {"AdjustForDST": True}, "IsPastDue": past_due}
        if status is not None:
            last = status.last.isoformat() if status.last is not None else "0001-01-01T00:00:00+00:00"
            document["ScheduleStatus"] = {"Last": last, "Next": status.next.isoformat(), "LastUpdated": last}
        datum = meta.Datum(json.dumps(document), "json")
        request: func.TimerRequest = converter("timerTrigger").decode(datum, trigger_metadata={})
        return request
