"""The host in one process: loads an app, validates it, and runs its triggers until told to stop.

It composes the parts and holds their lifetimes; it decides nothing about a trigger. One host at a time per process,
for the app's module is imported by its fixed name.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.host.clock import Clock, SystemClock
from sandbox.host.faults import HostRefusedError
from sandbox.host.host_json import FILE_NAME as HOST_JSON
from sandbox.host.host_json import HostOptions, read_host_json
from sandbox.host.http_front import HttpFront
from sandbox.host.index import IndexedFunction, index_functions
from sandbox.host.invocation import Invoker
from sandbox.host.keys import HostKeys, keys_from_file, random_keys
from sandbox.host.loading import app_folder_on_path, load_functions
from sandbox.host.servicebus_listener import ListenerState, ReconnectDelay, ServiceBusListener
from sandbox.host.settings import exported, read_settings
from sandbox.host.timer_monitor import FileTimerMonitor, ForgetfulTimerMonitor
from sandbox.host.timers import TimerRunner
from sandbox.host.triggers import HttpTrigger, ServiceBusTrigger, TimerTrigger

if TYPE_CHECKING:
    from collections.abc import Coroutine, MutableMapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_LOGGER = logging.getLogger("Host.Startup")
_SETTINGS_FILE = "local.settings.json"
_CANCEL_SECONDS = 5.0  # for cancelled invocations to end and for their messages to be given back


@dataclass(frozen=True, slots=True)
class FunctionsHostOptions:
    """How to host an app.

    `app` is its folder; `settings_file` defaults to local.settings.json there, if it exists. Port 0 takes a free one.
    `tls` is (certificate file, key file). `keys_file` keeps keys, `timers_file` due times across restarts. `grace` is
    how long a stop waits for running invocations, in seconds.
    """

    app: Path
    settings_file: Path | None = None
    address: str = "127.0.0.1"
    port: int = 0
    tls: tuple[Path, Path] | None = None
    keys_file: Path | None = None
    timers_file: Path | None = None
    grace: float = 10.0
    reconnect_delay: ReconnectDelay = field(default_factory=ReconnectDelay)


class FunctionsHost:
    """Hosts one app: `await start()`, use `url` and `keys`, `await stop()`; or `async with`."""

    def __init__(
        self,
        options: FunctionsHostOptions,
        *,
        environment: MutableMapping[str, str] = os.environ,
        clock: Clock | None = None,
        keys: HostKeys | None = None,
    ) -> None:
        self._options = options
        self._environment = environment
        self._clock = clock if clock is not None else SystemClock()
        self._given_keys = keys
        self._stack = AsyncExitStack()
        self._stopping = asyncio.Event()
        self._http: web.AppRunner | None = None
        self._running: list[asyncio.Task[None]] = []
        self._timers: dict[str, TimerRunner] = {}
        self._listeners: dict[str, ServiceBusListener] = {}
        self._threads = ThreadPoolExecutor(thread_name_prefix="function")
        self._invoker = Invoker(options.app, self._threads)
        self.functions: tuple[IndexedFunction, ...] = ()
        self.keys = random_keys(())
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where HTTP functions are served, without a slash at the end."""
        return f"https://localhost:{self.port}" if self._options.tls else f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Load, validate and start everything; returns when HTTP is served and every listener has tried once.

        Raises HostRefusedError with every fault of the app, and OSError if the port or the TLS files cannot be used.
        """
        try:
            options = self._load()
            self._take_keys()
            self._start_listeners(options)
            await self._serve_http(options)
            await asyncio.gather(*(one.first_attempt_done.wait() for one in self._listeners.values()))
        except BaseException:
            await self.stop()
            raise

    def _load(self) -> HostOptions:
        folder = self._options.app.resolve()
        given = self._options.settings_file
        settings, faults = read_settings(
            given if given is not None else folder / _SETTINGS_FILE, self._environment, required=given is not None
        )
        options, wrong = read_host_json(folder / HOST_JSON, settings)
        faults += wrong
        self._stack.enter_context(exported(settings, self._environment))
        self._stack.enter_context(app_folder_on_path(folder))
        functions, wrong = load_functions(folder)
        faults += wrong
        indexed, wrong = index_functions(functions, settings, options)
        faults += wrong
        if faults:
            raise HostRefusedError(faults)
        if not indexed:
            _LOGGER.warning("No job functions found. The app indexes, but it has nothing to run")
        self.functions = tuple(indexed)
        return options

    def _take_keys(self) -> None:
        names = [function.name for function in self.functions]
        if self._given_keys is not None:
            self.keys = self._given_keys
        elif self._options.keys_file is not None:
            self.keys = keys_from_file(self._options.keys_file, names)
        else:
            self.keys = random_keys(names)

    def _start_listeners(self, options: HostOptions) -> None:
        monitor = (
            FileTimerMonitor(self._options.timers_file)
            if self._options.timers_file is not None
            else ForgetfulTimerMonitor()
        )
        for function in self.functions:
            match function.trigger:
                case TimerTrigger() as trigger:
                    timer = TimerRunner(function, trigger, invoker=self._invoker, clock=self._clock, monitor=monitor)
                    self._timers[function.name] = timer
                    self._run(timer.run(self._stopping))
                case ServiceBusTrigger() as trigger:
                    listener = ServiceBusListener(
                        function,
                        trigger,
                        options=options.service_bus,
                        invoker=self._invoker,
                        delay=self._options.reconnect_delay,
                    )
                    self._listeners[function.name] = listener
                    self._run(listener.run(self._stopping))
                case HttpTrigger():
                    pass  # served by the HTTP front, all of them together

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.append(task)
        task.add_done_callback(self._running.remove)

    async def _serve_http(self, options: HostOptions) -> None:
        front = HttpFront(
            self.functions,
            route_prefix=options.route_prefix,
            keys=self.keys,
            invoker=self._invoker,
            status=self.status,
            run_timer=self.run_timer,
        )
        context: ssl.SSLContext | None = None
        if self._options.tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._options.tls)
        runner = web.AppRunner(front.application(), access_log=None, shutdown_timeout=self._options.grace)
        await runner.setup()
        self._http = runner
        site = web.TCPSite(runner, self._options.address, self._options.port, ssl_context=context)
        await site.start()
        self.port = runner.addresses[0][1]

    def run_timer(self, name: str) -> bool:
        """Start the timer function `name` now, beside its schedule. Returns False if there is none."""
        if name not in self._timers:
            return False
        self._run(self._timers[name].run_now())
        return True

    def status(self) -> dict[str, Any]:
        """Return the host's state and, per function, its type and how its listener fares."""
        functions: list[dict[str, Any]] = []
        for function in self.functions:
            match function.trigger:
                case HttpTrigger():
                    functions.append({"name": function.name, "type": "httpTrigger", "state": ListenerState.RUNNING})
                case TimerTrigger():
                    functions.append({"name": function.name, "type": "timerTrigger", "state": ListenerState.RUNNING})
                case ServiceBusTrigger(entity=entity):
                    listener = self._listeners[function.name]
                    functions.append(
                        {
                            "name": function.name,
                            "type": "serviceBusTrigger",
                            "entity": str(entity),
                            "state": listener.state,
                            "error": listener.last_error,
                        }
                    )
        return {
            "state": "Running",
            "runningInvocations": self._invoker.running,
            "functions": functions,
        }

    async def stop(self) -> bool:
        """Stop listening, wait up to the grace time for running invocations, give unfinished messages back.

        Returns False if a sync handler is still running in its thread, which nothing can end but the process's end.
        """
        self._stopping.set()
        await asyncio.gather(self._end_listeners(), self._end_http())
        await self._stack.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)
        return self._invoker.running == 0

    async def _end_listeners(self) -> None:
        if not self._running:
            return
        _, late = await asyncio.wait(list(self._running), timeout=self._options.grace)
        if late:
            _LOGGER.warning("%d listeners did not end within %.1f s; cancelling", len(late), self._options.grace)
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=_CANCEL_SECONDS)

    async def _end_http(self) -> None:
        if self._http is not None:
            await self._http.cleanup()
            self._http = None
