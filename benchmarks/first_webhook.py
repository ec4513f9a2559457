"""A cold instance and its first two webhooks: Graph's validation of the address, and a notification.

Run in a process of its own, with the app's settings in the environment; the notification comes on standard input.
Prints one JSON object: the milliseconds from the first import to each answer, the answers, and the modules that each
of them had loaded.
"""

from __future__ import annotations

import time

_BEGAN = time.perf_counter()  # before the imports below: they are what is measured

import asyncio  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from typing import TYPE_CHECKING, Any, NamedTuple  # noqa: E402

import azure.functions as func  # noqa: E402

import function_app  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

URL = "https://localhost/api/notifications"


class TraceContext(NamedTuple):
    """The host's trace, of which there is none."""

    trace_parent: str | None = None


class Context(NamedTuple):
    """What of the host's context the function reads."""

    trace_context: TraceContext = TraceContext()


async def answer(function: Callable[..., Awaitable[func.HttpResponse]], request: func.HttpRequest) -> dict[str, Any]:
    """What the function makes of a request, and what it took."""
    response = await function(request, Context())
    took = (time.perf_counter() - _BEGAN) * 1000
    return {
        "status": response.status_code,
        "body": response.get_body().decode(),
        "milliseconds": round(took),
        "modules": sorted(sys.modules),
    }


async def main() -> None:
    """Two requests, in the order in which Graph sends them."""
    functions = {each.get_function_name(): each.get_user_function() for each in function_app.app.get_functions()}
    function = functions["notifications"]
    notification = sys.stdin.buffer.read()
    validation = func.HttpRequest("POST", URL, params={"validationToken": "a token"}, body=b"")
    answers = {"validation": await answer(function, validation)}
    answers["notification"] = await answer(function, func.HttpRequest("POST", URL, body=notification))
    print(json.dumps(answers))


if __name__ == "__main__":
    asyncio.run(main())
