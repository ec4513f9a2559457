"""Every trigger of the app, on one page. Each body is one call into shared/app.

Importing this module must stay light and must not fail: the Functions host indexes it first, and one exception
would make every function disappear. So the use cases are imported by the calls that need them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List  # the Functions worker knows batches by this name alone

import azure.functions as func

from shared.config.names import target_names
from shared.core.defects import telling_no_values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.app.ingest import Reply

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route("notifications", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@telling_no_values
async def notifications(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Graph's change notifications, and its validation of this address."""
    from shared.app import ingest

    if "validationToken" in req.params:
        return _http(ingest.handshake(req.params["validationToken"]))
    body = req.get_body()
    refused = ingest.check_size(len(body))
    if refused is not None:
        return _http(refused)
    from shared.app.compose import parts

    return _http(await ingest.ingest(await parts(), body, context.trace_context.trace_parent))


@app.route("health", methods=["GET"])
@telling_no_values
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Configuration faults, subscriptions, links."""
    from shared.app import compose
    from shared.app.health import health as report

    return _http(await report(compose.parts))


@app.timer_trigger(arg_name="timer", schedule="%KEEP_SUBSCRIPTIONS_SCHEDULE%", run_on_startup=False)
@telling_no_values
async def keep_subscriptions(timer: func.TimerRequest) -> None:
    """Make and renew the subscriptions of the source tenant."""
    from shared.app.compose import parts
    from shared.app.subscriptions import keep_subscriptions as keep

    await keep(await parts())


@app.timer_trigger(arg_name="timer", schedule="%CATCH_UP_SCHEDULE%", run_on_startup=False)
@telling_no_values
async def catch_up(timer: func.TimerRequest) -> None:
    """Follow the source's changes that no notification told of; tell how things stand; send what the logs owe."""
    from shared.app.catch_up import catch_up as follow
    from shared.app.compose import parts
    from shared.app.owed_logs import send_owed_logs
    from shared.app.tell_status import tell_status

    built = await parts()
    try:
        await follow(built)
        await tell_status(built)
    finally:
        await send_owed_logs(built)


@app.timer_trigger(arg_name="timer", schedule="%FULL_CYCLE_SCHEDULE%", run_on_startup=False)
@telling_no_values
async def full_cycle(timer: func.TimerRequest) -> None:
    """Compare everybody in scope with everybody in the targets; look again at what waits for a person."""
    from shared.app.compose import parts
    from shared.app.full_cycle import full_cycle as compare
    from shared.app.holds import revisit_all_holds

    built = await parts()
    await compare(built)
    await revisit_all_holds(built)


@app.service_bus_topic_trigger(
    arg_name="message",
    connection="ServiceBusConnection",
    topic_name="%USER_CHANGES_TOPIC%",
    subscription_name="control",
)
@telling_no_values
async def control(message: func.ServiceBusMessage) -> None:
    """Carry out what cannot wait for its timer."""
    from shared.app.compose import parts
    from shared.app.control import control as carry_out

    await carry_out(await parts(), message.message_id or "", message.get_body())


def _provision(target: str) -> Callable[[List[func.ServiceBusMessage], func.Context], Awaitable[None]]:
    @telling_no_values
    async def handler(messages: List[func.ServiceBusMessage], context: func.Context) -> None:
        """Serve a batch of user changes in one target."""
        from shared.app.compose import parts
        from shared.app.provision import Received, provision

        received = [
            Received(
                message.message_id or "",
                message.get_body(),
                (message.application_properties or {}).get("traceparent"),
                message.enqueued_time_utc,
            )
            for message in messages
        ]
        await provision(await parts(), target, received, context.trace_context.trace_parent)

    handler.__name__ = f"provision_{target.replace('-', '_')}"
    return handler


def _http(reply: Reply) -> func.HttpResponse:
    return func.HttpResponse(reply.body, status_code=reply.status, mimetype=reply.content_type)


for _target in target_names():
    _handler = _provision(_target)
    app.service_bus_topic_trigger(
        arg_name="messages",
        connection="ServiceBusConnection",
        topic_name="%USER_CHANGES_TOPIC%",
        subscription_name=_target,
        cardinality=func.Cardinality.MANY,
    )(app.function_name(_handler.__name__)(_handler))
