"""The sessions of one store: which are free, who holds which, and until when.

Knows messages only by their numbers; what becomes of those that were locked when a hold ends is the store's.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from sandbox.bus.broker.errors import BusError, Reason
from sandbox.bus.broker.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID


class SessionHold:
    """A receiver's exclusive hold on a session. ``lost`` once it has ended, by whomever."""

    __slots__ = ("locked_until", "lost", "on_lost", "session_id")

    def __init__(self, session_id: str, locked_until: float, on_lost: Callable[[], None] | None) -> None:
        self.session_id = session_id
        self.locked_until = locked_until
        self.lost = False
        self.on_lost = on_lost


class SessionRecord:
    """One session: its messages' order, its holder, its state."""

    __slots__ = ("hold", "kept", "locked", "ready", "session_id", "state", "state_changed_at", "waiters")

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.ready: list[int] = []
        self.kept = 0
        self.locked: set[UUID] = set()
        self.hold: SessionHold | None = None
        self.state: bytes | None = None
        self.state_changed_at = 0.0
        self.waiters = Waiters()


class Sessions:
    """All sessions of one store."""

    def __init__(self, lock_seconds: float, is_ready: Callable[[int], bool]) -> None:
        self._lock_seconds = lock_seconds
        self._is_ready = is_ready
        self._records: dict[str, SessionRecord] = {}
        self._available: dict[str, None] = {}
        self._held: dict[str, SessionHold] = {}
        self.waiters = Waiters()

    def record(self, session_id: str) -> SessionRecord:
        """A session's record, made where there is none."""
        record = self._records.get(session_id)
        if record is None:
            record = self._records[session_id] = SessionRecord(session_id)
        return record

    def find(self, session_id: str) -> SessionRecord | None:
        """A session's record, if there is one."""
        return self._records.get(session_id)

    def push(self, session_id: str, sequence_number: int) -> None:
        """A message of the session has become ready."""
        record = self.record(session_id)
        heapq.heappush(record.ready, sequence_number)
        if record.hold is None:
            self._available.setdefault(session_id)
            self.waiters.tell()
        else:
            record.waiters.tell()

    def accept(self, session_id: str | None, now: float, on_lost: Callable[[], None] | None) -> SessionHold | None:
        """Hold a named session, or with ``None`` the one that has waited longest; ``None`` if none is free.

        :raises BusError: the named session is held by another
        """
        if session_id is None:
            session_id = self._longest_waiting()
            if session_id is None:
                return None
        record = self.record(session_id)
        if record.hold is not None:
            raise BusError(Reason.SESSION_CANNOT_BE_LOCKED, "another receiver holds the session")
        self._available.pop(session_id, None)
        hold = SessionHold(session_id, now + self._lock_seconds, on_lost)
        record.hold = hold
        self._held[session_id] = hold
        return hold

    def _longest_waiting(self) -> str | None:
        for session_id in list(self._available):
            ready = self._records[session_id].ready
            while ready and not self._is_ready(ready[0]):  # it expired meanwhile
                heapq.heappop(ready)
            if ready:
                return session_id
            del self._available[session_id]
        return None

    def renew(self, hold: SessionHold, now: float) -> None:
        """Move a hold's end; all last equally long, so it becomes the last to expire."""
        hold.locked_until = now + self._lock_seconds
        self._held.pop(hold.session_id)
        self._held[hold.session_id] = hold

    def release(self, hold: SessionHold) -> None:
        """End a hold; the session is free again if messages are ready."""
        hold.lost = True
        record = self._records[hold.session_id]
        record.hold = None
        del self._held[hold.session_id]
        if record.ready:
            self._available.setdefault(hold.session_id)
            self.waiters.tell()
        self.tidy(record)

    def tidy(self, record: SessionRecord) -> None:
        """Forget a session that nothing is left of. A state outlives the messages until it is set to nothing."""
        if record.kept == 0 and record.hold is None:
            self._available.pop(record.session_id, None)
            if record.state is None:
                self._records.pop(record.session_id, None)

    def expired(self, now: float) -> SessionHold | None:
        """The hold that ended first, if one has."""
        hold = next(iter(self._held.values()), None)
        return hold if hold is not None and hold.locked_until <= now else None

    def next_expiry(self) -> float | None:
        """When the next hold ends."""
        hold = next(iter(self._held.values()), None)
        return None if hold is None else hold.locked_until

    def names(self, changed_since: float | None) -> list[str]:
        """Sessions with messages or a state; with a time, those whose state was changed after it."""
        if changed_since is None:
            return [name for name, record in self._records.items() if record.kept or record.state is not None]
        return [
            name
            for name, record in self._records.items()
            if record.state is not None and record.state_changed_at > changed_since
        ]
