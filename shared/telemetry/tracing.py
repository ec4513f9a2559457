"""Spans: one for each batch, each work of a timer or command, and each call of Graph, on the OpenTelemetry API alone.

Without a provider all of this does nothing, and costs next to nothing; `azure_monitor` makes one, late and only where
it is asked for. The process's global provider is not used: libraries write there what must not be told. Spans hold no
personal data: templates, counts, codes and names of targets.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.telemetry.names import TRACEPARENT, Attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.context import Context

    from shared.core.graph_call import GraphCall

_SCOPE: Final = "crosstenant"
_MOST_LINKS: Final = 128
"""As many as the SDK keeps of a span by default."""

_propagator: Final = TraceContextTextMapPropagator()


class Tracing:
    """Makes spans."""

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        """Without a provider, spans go nowhere until `use` is called."""
        self.use(provider or trace.NoOpTracerProvider())

    def use(self, provider: trace.TracerProvider) -> None:
        """Make spans with this provider from now on."""
        self._tracer = provider.get_tracer(_SCOPE)

    @contextmanager
    def _span(self, name: str, **options: Any) -> Iterator[Span]:
        """A span that says of an exception what kind it was: its text could say more than a span may hold."""
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **options
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    @contextmanager
    def batch(self, target: str, parent: str | None, messages: Iterable[str | None]) -> Iterator[Span]:
        """A batch of messages for one target: `parent` is the host's traceparent, `messages` are those they carry."""
        carried = list(messages)
        links = [Link(context) for context in map(_span_context, dict.fromkeys(carried)) if context is not None]
        with self._span(
            f"provision {target}",
            context=_context(parent),
            kind=SpanKind.CONSUMER,
            links=links[:_MOST_LINKS],
            attributes={Attribute.TARGET: target, Attribute.MESSAGES: len(carried)},
        ) as span:
            yield span

    @contextmanager
    def notification(self, parent: str | None) -> Iterator[Span]:
        """A notification that becomes messages; those carry its traceparent."""
        with self._span(
            "notification",
            context=_context(parent),
            kind=SpanKind.PRODUCER,
        ) as span:
            yield span

    @contextmanager
    def work(self, name: str) -> Iterator[None]:
        """What a timer or a command does; messages that come of it carry its traceparent."""
        with self._span(name):
            yield

    @contextmanager
    def graph_call(self, call: GraphCall) -> Iterator[None]:
        """A call of Graph."""
        with self._span(f"Graph {call.operation}", kind=SpanKind.CLIENT) as span:
            yield
            if span.is_recording():
                _describe(span, call)


def trace_id() -> str:
    """The W3C trace id of what is under way; empty where there is none."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def traceparent() -> str | None:
    """The traceparent to send along; None where nothing is traced."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(TRACEPARENT)


def _describe(span: Span, call: GraphCall) -> None:
    span.set_attributes(
        {
            Attribute.OPERATION: call.operation,
            Attribute.TENANT: call.tenant,
            Attribute.STATUS_CODE: call.status,
            Attribute.RESOURCE_UNITS: call.resource_units,
            Attribute.THROTTLED_ITEMS: call.throttled,
        }
    )
    if call.inner:
        span.set_attributes(
            {
                Attribute.ITEMS: call.items,
                Attribute.INNER_OPERATIONS: ", ".join(call.inner),
                Attribute.REFUSED_ITEMS: sum(call.faults.values()),
            }
        )
    if call.fault:
        span.set_attribute(Attribute.FAULT, call.fault)
        span.set_status(Status(StatusCode.ERROR, call.fault))


def _context(carried: object) -> Context | None:
    """What a traceparent names; it comes from outside, so it may be anything."""
    return _propagator.extract({TRACEPARENT: carried}) if isinstance(carried, str) else None


def _span_context(carried: str | None) -> SpanContext | None:
    context = _context(carried)
    if context is None:
        return None
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None
