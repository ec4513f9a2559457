"""A store whose messages belong to sessions: one receiver at a time holds a session and gets its messages in order.

The session's lock takes the place of the messages' own. When it expires, what was locked counts as a failed
delivery; when the receiver lets go, it does not. A session's state outlives its messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.bus.broker.errors import BusError, Reason
from sandbox.bus.broker.sessions import SessionHold, Sessions
from sandbox.bus.broker.store import Store
from sandbox.bus.broker.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from uuid import UUID

    from sandbox.bus.broker.message import Message
    from sandbox.bus.broker.records import Kept
    from sandbox.bus.broker.timers import Timers
    from sandbox.bus.topology import StoreSettings


class SessionStore(Store):
    """Messages of one entity with sessions."""

    def __init__(
        self,
        path: str,
        settings: StoreSettings,
        timers: Timers,
        new_id: Callable[[], UUID],
        dead_letters: Store | None,
    ) -> None:
        super().__init__(path, settings, timers, new_id, dead_letters)
        self._sessions = Sessions(settings.lock_seconds, self._is_ready)

    def _is_ready(self, number: int) -> bool:
        return number in self._kept

    # Messages

    def put(self, message: Message, now: float, time_to_live: float | None, enqueued_number: int | None = None) -> None:
        """Take a message in; one without a session goes to the dead-letter queue."""
        kept = self._admit(message, now, time_to_live, enqueued_number)
        if message.session_id is None:
            self._bury(kept, "Session ID is null.", "The entity requires sessions.")
        else:
            self._keep(kept)

    def _keep(self, kept: Kept) -> None:
        self._sessions.record(_session_of(kept)).kept += 1
        super()._keep(kept)

    def _make_ready(self, kept: Kept) -> None:
        self._sessions.push(_session_of(kept), kept.sequence_number)

    def _forget(self, kept: Kept) -> None:
        super()._forget(kept)
        record = self._sessions.record(_session_of(kept))
        record.kept -= 1
        self._sessions.tidy(record)

    def _ready_in(self, hold: SessionHold | None) -> list[int]:
        if hold is None:
            raise BusError(Reason.NOT_ALLOWED, f"{self.path} requires a session")
        return self._sessions.record(_still(hold).session_id).ready

    def _is_deferred(self, kept: Kept, hold: SessionHold | None) -> bool:
        return super()._is_deferred(kept, hold) and _still(hold).session_id == kept.message.session_id

    def _lock_until(self, kept: Kept, _now: float, hold: SessionHold | None) -> float:
        held = _still(hold)
        if kept.lock_token is not None:
            self._sessions.record(held.session_id).locked.add(kept.lock_token)
        return held.locked_until

    def _unlock(self, kept: Kept) -> None:
        if kept.lock_token is not None:
            self._sessions.record(_session_of(kept)).locked.discard(kept.lock_token)
        super()._unlock(kept)

    def renew(self, _token: UUID, _now: float, /) -> float:
        """Refused: in a session the session's lock is renewed, not a message's."""
        raise BusError(Reason.NOT_ALLOWED, f"{self.path} has sessions: renew the session's lock")

    def _waiters_for(self, hold: SessionHold | None) -> Waiters:
        record = None if hold is None else self._sessions.find(hold.session_id)
        return Waiters() if record is None else record.waiters

    # Sessions

    def accept_session(
        self, session_id: str | None, now: float, on_lost: Callable[[], None] | None = None
    ) -> SessionHold | None:
        """Hold a named session, or with ``None`` the next free one; ``None`` if none is free.

        :raises BusError: another holds the named one
        """
        hold = self._sessions.accept(session_id, now, on_lost)
        if hold is not None:
            self._alarm.set(hold.locked_until)
        return hold

    def wait_for_session(self, key: Hashable, callback: Callable[[], object]) -> None:
        """Be told once when a session may be free."""
        self._sessions.waiters.add(key, callback)

    def wait_for_session_no_longer(self, key: Hashable) -> None:
        """Take a wait back."""
        self._sessions.waiters.discard(key)

    def renew_session(self, hold: SessionHold | None, now: float) -> float:
        """The new end of a hold.

        :raises BusError: it is lost, as all below
        """
        held = _still(hold)
        self._sessions.renew(held, now)
        return held.locked_until

    def session_state(self, hold: SessionHold | None) -> bytes | None:
        """What was last stored with the session."""
        return self._sessions.record(_still(hold).session_id).state

    def set_session_state(self, hold: SessionHold | None, state: bytes | None, now: float) -> None:
        """Store something with the session; ``None`` takes it away."""
        record = self._sessions.record(_still(hold).session_id)
        record.state = state
        record.state_changed_at = now

    def session_names(self, changed_since: float | None) -> list[str]:
        """Sessions with messages or a state; with a time, those whose state was changed after it."""
        return self._sessions.names(changed_since)

    def release_session(self, hold: SessionHold) -> None:
        """Let a session go; its unsettled messages go back uncounted. A hold that is lost needs no release."""
        if not hold.lost:
            self._end_hold(hold, failed=False)

    def _end_hold(self, hold: SessionHold, *, failed: bool) -> None:
        # The session is freed last: who takes it next must find the messages back in their places.
        for token in list(self._sessions.record(hold.session_id).locked):
            self._give_back(self._locks[token], failed=failed)
        self._sessions.release(hold)

    # Time

    def _end_locks(self, now: float) -> None:
        while (hold := self._sessions.expired(now)) is not None:
            self._end_hold(hold, failed=True)
            if hold.on_lost is not None:
                hold.on_lost()

    def _next_lock_end(self) -> float | None:
        return self._sessions.next_expiry()


def _still(hold: SessionHold | None) -> SessionHold:
    if hold is None or hold.lost:
        raise BusError(Reason.SESSION_LOCK_LOST, "the session is not held, or its lock has expired")
    return hold


def _session_of(kept: Kept) -> str:
    # ``put`` lets no message in without one.
    return kept.message.session_id or ""
