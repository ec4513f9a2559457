"""The func.Context that a handler may ask for, and the W3C trace parent it carries."""

from __future__ import annotations

import re
import secrets
import threading
from typing import TYPE_CHECKING

import azure.functions as func
from azure.functions import _abc as contracts  # the package exports Context, not the parts it is made of

if TYPE_CHECKING:
    from pathlib import Path

_TRACE_PARENT = re.compile(r"00-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})")


def child_trace_parent(parent: str | None) -> str:
    """Return a trace parent for a new span: in the trace of `parent` if that is well formed, else in a new one."""
    match = _TRACE_PARENT.fullmatch(parent or "")
    trace, flags = (match["trace"], match["flags"]) if match else (secrets.token_hex(16), "01")
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"


class InvocationTraceContext(contracts.TraceContext):
    """The trace an invocation belongs to."""

    def __init__(self, trace_parent: str) -> None:
        self._trace_parent = trace_parent

    @property
    def trace_state(self) -> str:
        """Always empty: no vendor adds to the trace here."""
        return ""

    @property
    def trace_parent(self) -> str:
        """The W3C traceparent value."""
        return self._trace_parent

    @property
    def attributes(self) -> dict[str, str]:
        """Always empty."""
        return {}


class FirstAttempt(contracts.RetryContext):
    """The retry context of a function without a retry policy: the first and only attempt."""

    @property
    def retry_count(self) -> int:
        """Always 0."""
        return 0

    @property
    def max_retry_count(self) -> int:
        """Always 0."""
        return 0

    @property
    def exception(self) -> contracts.RpcException:
        """Always None, though the contract has no word for it: nothing failed before."""
        return None  # type: ignore[return-value]


class InvocationContext(func.Context):
    """What one invocation can know about itself."""

    def __init__(self, invocation_id: str, function_name: str, directory: Path, trace_parent: str) -> None:
        self._invocation_id = invocation_id
        self._function_name = function_name
        self._directory = directory
        self._trace_context = InvocationTraceContext(trace_parent)
        self._thread_local_storage = threading.local()
        self._thread_local_storage.invocation_id = invocation_id

    @property
    def invocation_id(self) -> str:
        """The invocation's id, as in the log."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> type[threading.local]:
        """Storage that holds the invocation's id on the thread that made it."""
        return self._thread_local_storage  # type: ignore[return-value]  # the contract means an instance

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self._function_name

    @property
    def function_directory(self) -> str:
        """The app's folder."""
        return str(self._directory)

    @property
    def trace_context(self) -> contracts.TraceContext:
        """The trace this invocation belongs to."""
        return self._trace_context

    @property
    def retry_context(self) -> contracts.RetryContext:
        """The retry context; always a first attempt."""
        return FirstAttempt()
