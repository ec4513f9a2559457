"""Runs one function once: builds its arguments, logs start and end, tells how it went.

Async handlers run on the host's event loop, all of them on the same one as in the worker; sync handlers run in a
thread pool. A handler's failure is a result here, never an exception of the host.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.host.context import InvocationContext, child_trace_parent

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

    from sandbox.host.index import IndexedFunction

_LOGGER = logging.getLogger("Function")


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler returned `value`."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler, or the decoding of its argument, raised `error`. It has been logged."""

    error: Exception


Outcome = Succeeded | Failed


class Invoker:
    """Runs functions of one app. `threads` run the sync handlers."""

    def __init__(self, folder: Path, threads: Executor) -> None:
        self._folder = folder
        self._threads = threads
        self._running = 0

    @property
    def running(self) -> int:
        """How many invocations are running now, threads that outlive a cancelled invocation included."""
        return self._running

    async def invoke(
        self,
        function: IndexedFunction,
        argument: Callable[[], Any],
        *,
        reason: str,
        render: Callable[[Any], Any] | None = None,
        trace_parent: str | None = None,
    ) -> Outcome:
        """Run `function` on what `argument()` returns; the outcome's value is what `render` makes of the handler's.

        Both are called inside the invocation, so that what cannot be decoded or encoded fails like a handler does.
        Raises CancelledError if the host gives up waiting; nothing else.
        """
        invocation = str(uuid.uuid4())
        _LOGGER.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation)
        started = time.perf_counter()
        outcome: Outcome | None = None
        try:
            value = await self._call(function, argument(), invocation, child_trace_parent(trace_parent))
            outcome = Succeeded(render(value) if render is not None else value)
        except Exception as error:  # noqa: BLE001  the trigger's edge: any failure of the app is an outcome
            outcome = Failed(error)
        finally:
            duration = (time.perf_counter() - started) * 1000
            end = "Executed 'Functions.%s' (%s, Id=%s, Duration=%.0fms)"
            match outcome:
                case Succeeded():
                    _LOGGER.info(end, function.name, "Succeeded", invocation, duration)
                case Failed(cause):
                    _LOGGER.error(end, function.name, "Failed", invocation, duration, exc_info=cause)
                case None:
                    _LOGGER.warning(end, function.name, "Cancelled", invocation, duration)
        return outcome

    async def _call(self, function: IndexedFunction, argument: Any, invocation: str, trace_parent: str) -> Any:
        arguments = {function.trigger.parameter: argument}
        if function.wants_context:
            arguments["context"] = InvocationContext(invocation, function.name, self._folder, trace_parent)
        if function.is_async:
            self._running += 1
            try:
                value = await function.handler(**arguments)
            finally:
                self._running -= 1
        else:
            value = await self._in_thread(function.handler, arguments)
        if value is not None and not function.returns_http:
            raise RuntimeError(f"function {function.name!r} has no $return binding and returned a value")
        return value

    async def _in_thread(self, handler: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        self._running += 1
        work = self._threads.submit(handler, **arguments)
        loop = asyncio.get_running_loop()

        def ended() -> None:
            self._running -= 1

        def ended_in_thread(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended)

        work.add_done_callback(ended_in_thread)
        return await asyncio.wrap_future(work)
