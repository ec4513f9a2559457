"""The node behind a session receiver: one link, one session.

Which session is asked for with a filter on the source; the answer repeats the source with the session granted in
it. Where none is free, the attach is left unanswered until one is, or the client's patience ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.bus.amqp.outcomes import Error
from sandbox.bus.amqp.types import Described, Symbol
from sandbox.bus.broker.errors import BusError, Reason
from sandbox.bus.service.deliveries import to_ticks
from sandbox.bus.service.receivers import ReceiverNode
from sandbox.bus.service.senders import refusal_of

if TYPE_CHECKING:
    from sandbox.bus.amqp.links import OutgoingLink
    from sandbox.bus.amqp.nodes import Cancellable, Scheduler
    from sandbox.bus.broker.broker import Broker
    from sandbox.bus.broker.sessions import SessionHold
    from sandbox.bus.service.client import Client

SESSION_FILTER = Symbol("com.microsoft:session-filter")
_LOCKED_UNTIL = Symbol("com.microsoft:locked-until-utc")
_TIMEOUT = "com.microsoft:timeout"
_PATIENCE_SECONDS = 65.0
_FILTER_FIELD = 7


def asks_for_session(source: Any) -> bool:
    """Whether a source carries the session filter, with a name or with null for any."""
    return SESSION_FILTER in _filters(source)


def _filters(source: Any) -> dict[Any, Any]:
    fields = source.value if isinstance(source, Described) and isinstance(source.value, list) else []
    filters = fields[_FILTER_FIELD] if len(fields) > _FILTER_FIELD else None
    return filters if isinstance(filters, dict) else {}


class SessionReceiverNode(ReceiverNode):
    """Gives out the messages of one session; an ``OutgoingNode``."""

    def __init__(self, broker: Broker, scheduler: Scheduler, path: str, client: Client) -> None:
        super().__init__(broker, scheduler, path)
        self._client = client
        self._timer: Cancellable | None = None

    def open(self, link: OutgoingLink) -> None:
        """Grant a session, or wait for one."""
        wanted = _filters(link.source)[SESSION_FILTER]
        if isinstance(wanted, Described):
            wanted = wanted.value
        if wanted is None:
            self._timer = self._scheduler.call_later(_patience(link), lambda: self._give_up(link))
            self._try_next(link)
            return
        try:
            hold = self._broker.accept_session(self._path, str(wanted), on_lost=lambda: self._lost(link))
        except BusError as error:
            link.refuse(refusal_of(error))
            return
        if hold is not None:
            self._grant(link, hold)

    def _try_next(self, link: OutgoingLink) -> None:
        if link.gone or link.attached:
            return
        try:
            hold = self._broker.accept_session(self._path, on_lost=lambda: self._lost(link))
            if hold is None:
                store = self._broker.session_store(self._path)
                store.wait_for_session(link, lambda: self._scheduler.call_soon(lambda: self._try_next(link)))
                return
        except BusError as error:
            self._stop_waiting(link)
            link.refuse(refusal_of(error))
            return
        self._stop_waiting(link)
        self._grant(link, hold)

    def _grant(self, link: OutgoingLink, hold: SessionHold) -> None:
        self._hold = hold
        self._client.add_hold(self._path, hold)
        fields = list(link.source.value)
        fields[_FILTER_FIELD] = {**fields[_FILTER_FIELD], SESSION_FILTER: hold.session_id}
        # A map of our own: the client's properties, sent back, would carry its timeout.
        link.accept(
            source=Described(link.source.descriptor, fields),
            properties={_LOCKED_UNTIL: to_ticks(hold.locked_until)},
        )

    def _give_up(self, link: OutgoingLink) -> None:
        if not link.gone and not link.attached:
            self._stop_waiting(link)
            link.refuse(Error(Reason.TIMEOUT.condition, "no session became free in time"))

    def _stop_waiting(self, link: OutgoingLink) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._broker.session_store(self._path).wait_for_session_no_longer(link)

    def _lost(self, link: OutgoingLink) -> None:
        link.detach(Error(Reason.SESSION_LOCK_LOST.condition, "the session's lock has expired"))

    def on_closed(self, link: OutgoingLink) -> None:
        """Let the session go; what was not settled goes back uncounted."""
        self._stop_waiting(link)
        super().on_closed(link)
        if self._hold is not None:
            self._client.remove_hold(self._path, self._hold)
            self._broker.release_session(self._path, self._hold)


def _patience(link: OutgoingLink) -> float:
    properties = link.attach.properties
    milliseconds = properties.get(_TIMEOUT) if isinstance(properties, dict) else None
    return milliseconds / 1000 if isinstance(milliseconds, int) else _PATIENCE_SECONDS
