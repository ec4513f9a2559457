"""What the real host refuses is refused, with every fault at once."""

from __future__ import annotations

import typing

import azure.functions as func
import pytest

from sandbox.host import HostRefusedError
from sandbox.host.host_json import HostOptions
from sandbox.host.index import index_functions
from sandbox.host.settings import Settings

SETTINGS = Settings({"Bus": "Endpoint=sb://127.0.0.1/", "TOPIC": "user-changes"})
WITH_BUNDLE = HostOptions(has_bundle=True)


def _faults_of(app: func.FunctionApp, options: HostOptions = WITH_BUNDLE) -> list[tuple[str, str]]:
    """Index an app and return (function, field) of each fault."""
    _, faults = index_functions(app.get_functions(), SETTINGS, options)
    return [(fault.function, fault.field) for fault in faults]


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        ("two_apps", [("function_app.py", "app")]),
        ("no_app", [("function_app.py", "app")]),
        ("doubles", [("function_app.py", "functions")]),
        ("eager", [("function_app.py", "import")]),
        ("nowhere", [("host.json", "file"), ("function_app.py", "file")]),
        (
            "many_faults",
            [
                ("host.json", "version"),
                ("9lives", "name"),
                ("9lives", "schedule"),
                ("batch", "type"),
                ("batch", "connection"),
                ("batch", "subscriptionName"),
            ],
        ),
    ],
)
async def test_all_faults_at_once(start_host, app, expected):
    """An app is refused with all its faults, by function and field."""
    with pytest.raises(HostRefusedError) as refused:
        await start_host(app)
    assert [(fault.function, fault.field) for fault in refused.value.faults] == expected


async def test_no_functions(start_host, caplog):
    """An app without functions starts, with a warning."""
    host = await start_host("empty")
    assert host.functions == ()
    assert "No job functions found" in caplog.text


@pytest.mark.parametrize("name", ["1st", "host", "Host", "sp ace", "", "a" * 129, "ümlaut", "dot.ted"])
def test_bad_name(name):
    """A name outside the host's pattern is refused."""
    app = func.FunctionApp()

    @app.function_name(name=name)
    @app.route(route="somewhere")
    def handler(req: func.HttpRequest) -> str: ...

    assert _faults_of(app) == [(name, "name")]


@pytest.mark.parametrize("name", ["a", "provision_emea", "provision-emea2", "A" * 128])
def test_good_name(name):
    """A name within the host's pattern is taken, hyphens included."""
    app = func.FunctionApp()

    @app.function_name(name=name)
    @app.route(route="somewhere")
    def handler(req: func.HttpRequest) -> str: ...

    assert _faults_of(app) == []


def test_names_in_other_case():
    """Names that differ in case only are doubles."""
    app = func.FunctionApp()
    for name in ("same", "Same"):

        @app.function_name(name=name)
        @app.route(route=f"r{ord(name[0])}")
        def handler(req: func.HttpRequest) -> str: ...

    assert _faults_of(app) == [("Same", "name")]


@pytest.mark.parametrize("route", ["admin/x", "administration", "runtime", "a/{b", "x/{n:even}", "{a}/{a}", "{*a}/b"])
def test_bad_route(route):
    """A route that cannot be parsed, or that the host keeps for itself, is refused."""
    app = func.FunctionApp()

    @app.route(route=route)
    def handler(req: func.HttpRequest) -> str: ...

    assert _faults_of(app) == [("handler", "route")]


def test_route_conflict():
    """Two functions cannot share a route and a method."""
    app = func.FunctionApp()

    @app.route(route="Same", methods=["GET"])
    def first(req: func.HttpRequest) -> str: ...

    @app.route(route="same", methods=["GET", "POST"])
    def second(req: func.HttpRequest) -> str: ...

    @app.route(route="same", methods=["PUT"])
    def third(req: func.HttpRequest) -> str: ...

    assert _faults_of(app) == [("second", "route")]


def _two_parameters(timer: func.TimerRequest, other: str = "") -> None: ...


def _no_parameter() -> None: ...


def _wrong_annotation(timer: func.HttpRequest) -> None: ...


def _unknown_annotation(timer: "NoSuchType") -> None: ...  # noqa: F821, UP037  the point of this one


def _wrong_context(timer: func.TimerRequest, context: int) -> None: ...


def _good(timer: func.TimerRequest, context: func.Context) -> None: ...


def _unannotated(timer): ...


class _Bound:
    def method(self, timer: func.TimerRequest) -> None:
        """A handler bound to an object."""


@pytest.mark.parametrize(
    ("handler", "field"),
    [
        (_two_parameters, "other"),
        (_no_parameter, "timer"),
        (_wrong_annotation, "timer"),
        (_unknown_annotation, "timer"),
        (_wrong_context, "context"),
        (_good, None),
        (_unannotated, None),
        (_Bound().method, None),
    ],
)
def test_signature(handler, field):
    """A handler's parameters and annotations have to equal its bindings."""
    app = func.FunctionApp()
    app.timer_trigger(arg_name="timer", schedule="0 * * * * *")(app.function_name(name="one")(handler))
    assert _faults_of(app) == ([("one", field)] if field else [])


def _typing_list(messages: typing.List[func.ServiceBusMessage]) -> None: ...  # noqa: UP006  the worker's only spelling


def _builtin_list(messages: list[func.ServiceBusMessage]) -> None: ...


def _no_list(messages: func.ServiceBusMessage) -> None: ...


def _list_of_other(messages: typing.List[str]) -> None: ...  # noqa: UP006  as above


def _bare(messages): ...


@pytest.mark.parametrize(
    ("handler", "cardinality", "fits"),
    [
        (_typing_list, "many", True),
        (_bare, "many", True),
        (_builtin_list, "many", False),
        (_no_list, "many", False),
        (_list_of_other, "many", False),
        (_no_list, "one", True),
        (_typing_list, "one", False),
    ],
)
def test_batch_annotation(handler, cardinality, fits):
    """A batch is annotated with typing's List of messages, a single message is not."""
    app = func.FunctionApp()
    app.service_bus_topic_trigger(
        arg_name="messages", topic_name="%TOPIC%", subscription_name="s", connection="Bus", cardinality=cardinality
    )(app.function_name(name="one")(handler))
    assert _faults_of(app) == ([] if fits else [("one", "messages")])


def _service_bus_app(**changed) -> func.FunctionApp:
    app = func.FunctionApp()
    trigger = {"topic_name": "t", "subscription_name": "s", "connection": "Bus", "cardinality": "many", **changed}
    app.service_bus_topic_trigger(arg_name="messages", **trigger)(app.function_name(name="one")(_typing_list))
    return app


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"topic_name": "%MISSING%"}, "topicName"),
        ({"subscription_name": "%MISSING%"}, "subscriptionName"),
        ({"connection": "Missing"}, "connection"),
        ({"is_sessions_enabled": True}, "isSessionsEnabled"),
        ({"data_type": func.DataType.STREAM}, "dataType"),
    ],
)
def test_service_bus_faults(changed, field):
    """A wrong Service Bus binding is refused, naming the field."""
    assert _faults_of(_service_bus_app(**changed)) == [("one", field)]


def test_bundle_needed():
    """A Service Bus trigger is not registered without the extension bundle."""
    assert _faults_of(_service_bus_app(), HostOptions(has_bundle=False)) == [("one", "type")]


def test_other_bindings():
    """Bindings that this host does not run are refused and named, never ignored."""
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="item", queue_name="q", connection="Bus")
    def from_storage(item: func.QueueMessage) -> None: ...

    @app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
    @app.service_bus_topic_output(arg_name="out", topic_name="t", connection="Bus")
    def to_bus(timer: func.TimerRequest, out: func.Out[str]) -> None: ...

    @app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
    @app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")
    def again(timer: func.TimerRequest) -> None: ...

    assert _faults_of(app) == [
        ("from_storage", "type"), ("to_bus", "out"), ("to_bus", "out"), ("again", "retry"),
    ]  # fmt: skip
