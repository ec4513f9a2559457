"""The HTTP side of the host: routes to functions, keys, and the administrator's calls.

Requests and responses pass through azure-functions' own converters, so a handler gets and gives what it would in the
cloud. Neither keys nor query strings are logged; a failing handler answers 500 with nothing in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web
from azure.functions import meta

from sandbox.host.converters import converter
from sandbox.host.invocation import Failed, Succeeded
from sandbox.host.triggers import AuthLevel, HttpTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import azure.functions as func

    from sandbox.host.index import IndexedFunction
    from sandbox.host.invocation import Invoker
    from sandbox.host.keys import HostKeys

LARGEST_BODY = 100 * 1024 * 1024  # bytes; what the real host takes by default
_REASON = "This function was programmatically called via the host APIs."


class HttpFront:
    """Answers HTTP for one app.

    `status` tells the host's state as JSON; `run_timer` starts a timer function by name, or returns False if the
    function is none.
    """

    def __init__(
        self,
        functions: Sequence[IndexedFunction],
        *,
        route_prefix: str,
        keys: HostKeys,
        invoker: Invoker,
        status: Callable[[], dict[str, Any]],
        run_timer: Callable[[str], bool],
    ) -> None:
        self._routes = sorted(
            ((function, function.trigger) for function in functions if isinstance(function.trigger, HttpTrigger)),
            key=lambda route: route[1].route.precedence,
        )
        self._names = {function.name.lower(): function.name for function in functions}
        self._prefix = f"/{route_prefix}/" if route_prefix else "/"
        self._keys = keys
        self._invoker = invoker
        self._status = status
        self._run_timer = run_timer

    def application(self) -> web.Application:
        """Return an aiohttp application with one handler for everything, since routing is ours."""
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_get("/admin/host/status", self._host_status)
        application.router.add_post("/admin/functions/{name}", self._run_now)
        application.router.add_route("*", "/{path:.*}", self._serve)
        return application

    async def _host_status(self, request: web.Request) -> web.Response:
        if not self._keys.opens_admin(_presented_key(request)):
            return web.Response(status=401)
        return web.json_response(self._status())

    async def _run_now(self, request: web.Request) -> web.Response:
        if not self._keys.opens_admin(_presented_key(request)):
            return web.Response(status=401)
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return web.json_response({"message": 'the body must be JSON such as {"input": ""}'}, status=400)
        name = self._names.get(request.match_info["name"].lower())
        if name is None:
            return web.Response(status=404)
        if not self._run_timer(name):
            return web.json_response({"message": "the sandbox's host runs only timers on request"}, status=501)
        return web.Response(status=202)

    async def _serve(self, request: web.Request) -> web.Response:
        path = request.rel_url.raw_path
        if not path.lower().startswith(self._prefix.lower()):
            return web.Response(status=404)
        for function, trigger in self._routes:
            if trigger.methods is not None and request.method not in trigger.methods:
                continue
            values = trigger.route.match(path[len(self._prefix) :])
            if values is not None:
                if not self._authorized(function.name, trigger.auth_level, _presented_key(request)):
                    return web.Response(status=401)
                return await self._invoke(function, request, values)
        return web.Response(status=404)

    def _authorized(self, name: str, level: AuthLevel, key: str | None) -> bool:
        match level:
            case AuthLevel.ANONYMOUS:
                return True
            case AuthLevel.FUNCTION:
                return self._keys.opens_function(name, key)
            case AuthLevel.ADMIN:
                return self._keys.opens_admin(key)

    async def _invoke(self, function: IndexedFunction, request: web.Request, values: Mapping[str, str]) -> web.Response:
        body = await request.read()
        outcome = await self._invoker.invoke(
            function,
            lambda: _decode(request, values, body),
            reason=_REASON,
            render=_encode,
            trace_parent=request.headers.get("traceparent"),
        )
        match outcome:
            case Succeeded(response):
                rendered: web.Response = response
                return rendered
            case Failed():
                return web.Response(status=500)


def _presented_key(request: web.Request) -> str | None:
    return request.headers.get("x-functions-key") or request.query.get("code")


def _decode(request: web.Request, values: Mapping[str, str], body: bytes) -> func.HttpRequest:
    """Build the request of the handler as the worker does, from the parts the host would send."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        lowered = name.lower()
        headers[lowered] = f"{headers[lowered]},{value}" if lowered in headers else value
    query: dict[str, str] = {}
    for name, value in request.query.items():
        query[name] = f"{query[name]},{value}" if name in query else value
    parts = {
        "method": _text(request.method),
        "url": _text(str(request.url)),
        "headers": {name: _text(value) for name, value in headers.items()},
        "query": {name: _text(value) for name, value in query.items()},
        "params": {name: _text(value) for name, value in values.items()},
        "body": meta.Datum(body, "bytes"),
    }
    decoded: func.HttpRequest = converter("httpTrigger").decode(meta.Datum(parts, "http"), trigger_metadata={})
    return decoded


def _text(value: str) -> meta.Datum:
    return meta.Datum(value, "string")


def _encode(value: Any) -> web.Response:
    """Turn what a handler returned into a response, as the worker and the host do between them.

    Raises NotImplementedError for a value that is neither func.HttpResponse nor str.
    """
    if value is None:
        return web.Response(status=204)
    datum = converter("http").encode(value, expected_type=None)
    if datum.type == "string":
        return web.Response(text=datum.value)
    parts = datum.value
    response = web.Response(
        status=int(parts["status_code"].value),
        headers={name: header.value for name, header in parts["headers"].items()},
        body=parts["body"].value,
    )
    for cookie in parts["cookies"] or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    return response
