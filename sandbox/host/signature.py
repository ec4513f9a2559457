"""Whether a handler's parameters and annotations fit its bindings, judged as the Python worker judges them.

The worker refuses a function, and with it the whole app, for a parameter too many or an annotation of the
wrong type. The checks lean on azure-functions' own converters, so both of its generations judge alike.
"""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

import azure.functions as func

from sandbox.host.converters import converter
from sandbox.host.triggers import Cardinality, HttpTrigger, ServiceBusTrigger, TimerTrigger, Trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CONTEXT = "context"


def wants_context(handler: Callable[..., Any], trigger: Trigger) -> bool:
    """Tell whether the handler takes the invocation's func.Context."""
    return trigger.parameter != _CONTEXT and _CONTEXT in inspect.signature(handler).parameters


def signature_faults(handler: Callable[..., Any], trigger: Trigger, *, returns_http: bool) -> Iterator[tuple[str, str]]:
    """Yield (parameter, message) for each mismatch between the handler and its bindings."""
    parameters = set(inspect.signature(handler).parameters)
    if wants_context(handler, trigger):
        parameters.discard(_CONTEXT)
    for name in sorted(parameters - {trigger.parameter}):
        yield name, "is declared in Python but not in the function definition"
    if trigger.parameter not in parameters:
        yield trigger.parameter, "is declared in the function definition but not in Python"
    try:
        annotations = typing.get_type_hints(handler)
    except (NameError, TypeError) as error:
        yield trigger.parameter, f"has annotations that cannot be evaluated: {error}"
        return
    context = annotations.get(_CONTEXT)
    if wants_context(handler, trigger) and context is not None and getattr(context, "__name__", "") != "Context":
        yield _CONTEXT, f"is expected to be azure.functions.Context, not {context!r}"
    if trigger.parameter in annotations and not _fits(trigger, annotations[trigger.parameter]):
        yield trigger.parameter, f"must be annotated {_expected(trigger)}, not {annotations[trigger.parameter]!r}"
    if returns_http and "return" in annotations and not _returns_response(annotations["return"]):
        yield "return", f"must be annotated func.HttpResponse or str, not {annotations['return']!r}"


def _fits(trigger: Trigger, annotation: Any) -> bool:
    match trigger:
        case HttpTrigger():
            return _converter_accepts("httpTrigger", annotation)
        case TimerTrigger():
            return _converter_accepts("timerTrigger", annotation)
        case ServiceBusTrigger():
            return _fits_messages(trigger.cardinality, annotation)


def _fits_messages(cardinality: Cardinality, annotation: Any) -> bool:
    match cardinality:
        case Cardinality.MANY:
            # list[…] means the same, yet the worker refuses it: only typing's spelling passes there. The two
            # differ in type, and compare unequal for that.
            expected: Any = typing.List[func.ServiceBusMessage]  # noqa: UP006  the spelling is the point
            return type(annotation) is type(expected) and bool(annotation == expected)
        case Cardinality.ONE:
            return _converter_accepts("serviceBusTrigger", annotation)


def _expected(trigger: Trigger) -> str:
    match trigger:
        case HttpTrigger():
            return "func.HttpRequest"
        case TimerTrigger():
            return "func.TimerRequest"
        case ServiceBusTrigger():
            many = trigger.cardinality is Cardinality.MANY
            return "typing.List[func.ServiceBusMessage]" if many else "func.ServiceBusMessage"


def _converter_accepts(binding_type: str, annotation: Any) -> bool:
    return isinstance(annotation, type) and bool(converter(binding_type).check_input_type_annotation(annotation))


def _returns_response(annotation: Any) -> bool:
    return isinstance(annotation, type) and bool(converter("http").check_output_type_annotation(annotation))
