"""One place where messages lie: a queue, a subscription, or the dead-letter queue of either.

    active ──receive──▶ locked ──complete──▶ gone
      ▲                   ├──abandon, lock expiry: delivery count + 1; at the maximum ▶ dead-letter queue
      │                   ├──release: count unchanged
      └───────────────────┘
                          ├──defer──▶ deferred ──by sequence number──▶ locked
                          └──dead-letter──▶ dead-letter queue

Messages keep their number and so their place through redelivery. Must not know who sends, and does nothing by
itself but what time brings. Entities with sessions are ``session_store``'s.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.bus.broker.errors import BusError, Reason
from sandbox.bus.broker.lifetimes import Lifetimes
from sandbox.bus.broker.records import Counts, Delivery, Kept, ReceiveMode
from sandbox.bus.broker.timers import Alarm
from sandbox.bus.broker.waiters import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from uuid import UUID

    from sandbox.bus.broker.message import Message
    from sandbox.bus.broker.sessions import SessionHold
    from sandbox.bus.broker.timers import Timers
    from sandbox.bus.topology import StoreSettings

DEAD_LETTER_REASON = "DeadLetterReason"
DEAD_LETTER_DESCRIPTION = "DeadLetterErrorDescription"


class Store:
    """Messages of one entity without sessions. All times are seconds since 1970-01-01 UTC and are given."""

    def __init__(
        self,
        path: str,
        settings: StoreSettings,
        timers: Timers,
        new_id: Callable[[], UUID],
        dead_letters: Store | None,
    ) -> None:
        self.path = path
        self.settings = settings
        self.dead_letters = dead_letters
        self._new_id = new_id
        self._kept: dict[int, Kept] = {}
        self._locks: dict[UUID, Kept] = {}
        self._deferred: set[int] = set()
        self._ready: list[int] = []
        self._waiters = Waiters()
        self._lifetimes = Lifetimes()
        self._last_number = 0
        self._alarm = Alarm(timers, self)

    def __len__(self) -> int:
        return len(self._kept)

    # Taking in

    def next_number(self) -> int:
        """The next sequence number."""
        self._last_number += 1
        return self._last_number

    def put(self, message: Message, now: float, time_to_live: float | None, enqueued_number: int | None = None) -> None:
        """Take a message in.

        ``time_to_live`` is what sender and topic allow, the store's own limit applies too; ``enqueued_number`` is
        its number in the topic.
        """
        self._keep(self._admit(message, now, time_to_live, enqueued_number))

    def _admit(self, message: Message, now: float, time_to_live: float | None, enqueued_number: int | None) -> Kept:
        limits = [limit for limit in (time_to_live, self.settings.time_to_live) if limit is not None]
        lifetime = min(limits, default=None)
        number = self.next_number()
        expires_at = None if lifetime is None else now + lifetime
        return Kept(message, number, enqueued_number or number, now, expires_at, lifetime)

    def take_dead(self, kept: Kept, message: Message, source: str) -> None:
        """As a dead-letter queue, take a message of another store in: it gets a number here and no end."""
        fresh = replace(kept, message=message, sequence_number=self.next_number(), dead_letter_source=source)
        fresh.expires_at = fresh.time_to_live = None
        fresh.deferred = False
        self._keep(fresh)

    def _keep(self, kept: Kept) -> None:
        self._kept[kept.sequence_number] = kept
        self._offer(kept)

    def _offer(self, kept: Kept) -> None:
        if kept.expires_at is not None:
            self._lifetimes.add(kept.expires_at, kept.sequence_number)
            self._alarm.set(kept.expires_at)
        self._make_ready(kept)

    def _make_ready(self, kept: Kept) -> None:
        heapq.heappush(self._ready, kept.sequence_number)
        self._waiters.tell()

    # Giving out

    def wait(self, key: Hashable, callback: Callable[[], object], hold: SessionHold | None = None) -> None:
        """Be told once when a message may be ready, in the held session where one is given."""
        self._waiters_for(hold).add(key, callback)

    def wait_no_longer(self, key: Hashable, hold: SessionHold | None = None) -> None:
        """Take a wait back."""
        self._waiters_for(hold).discard(key)

    def _waiters_for(self, _hold: SessionHold | None) -> Waiters:
        return self._waiters

    def receive(self, most: int, mode: ReceiveMode, now: float, hold: SessionHold | None = None) -> list[Delivery]:
        """Up to ``most`` messages in their order, locked or taken away.

        :raises BusError: the entity has sessions and none is held, the other way round, or the hold is lost
        """
        ready = self._ready_in(hold)
        deliveries: list[Delivery] = []
        while ready and len(deliveries) < most:
            kept = self._kept.get(heapq.heappop(ready))
            if kept is None:  # it expired while it waited
                continue
            if kept.expires_at is not None and kept.expires_at <= now:
                self._expire(kept)
                continue
            deliveries.append(self._give(kept, mode, now, hold))
        return deliveries

    def _ready_in(self, hold: SessionHold | None) -> list[int]:
        if hold is not None:
            raise BusError(Reason.NOT_ALLOWED, f"{self.path} has no sessions")
        return self._ready

    def receive_deferred(
        self, numbers: Sequence[int], mode: ReceiveMode, now: float, hold: SessionHold | None = None
    ) -> list[Delivery]:
        """Deferred messages by their numbers, all or none. One whose life is over expires now that it is asked for.

        :raises BusError: one of them is not there, not deferred, locked, expired, or of another session
        """
        found: dict[int, Kept] = {}
        for number in numbers:
            kept = self._kept.get(number)
            if kept is None or not self._is_deferred(kept, hold):
                raise BusError(Reason.MESSAGE_NOT_FOUND, f"no deferred message has the number {number}")
            if kept.expires_at is not None and kept.expires_at <= now:
                self._expire(kept)
                raise BusError(Reason.MESSAGE_NOT_FOUND, f"the deferred message {number} has expired")
            found[number] = kept
        return [self._give(kept, mode, now, hold) for kept in found.values()]

    def _is_deferred(self, kept: Kept, _hold: SessionHold | None) -> bool:
        return kept.deferred and kept.lock_token is None

    def _give(self, kept: Kept, mode: ReceiveMode, now: float, hold: SessionHold | None) -> Delivery:
        match mode:
            case ReceiveMode.RECEIVE_AND_DELETE:
                self._forget(kept)
                return kept.show(None)
            case ReceiveMode.PEEK_LOCK:
                kept.lock_token = self._new_id()
                self._locks[kept.lock_token] = kept
                return kept.show(self._lock_until(kept, now, hold))

    def _lock_until(self, kept: Kept, now: float, _hold: SessionHold | None) -> float:
        kept.locked_until = now + self.settings.lock_seconds
        self._alarm.set(kept.locked_until)
        return kept.locked_until

    def peek(self, first: int, most: int, session_id: str | None) -> list[Delivery]:
        """Messages from a number on, whatever their state, without touching them."""
        found: list[Delivery] = []
        for number, kept in self._kept.items():
            if len(found) >= most:
                break
            if number >= first and session_id in {None, kept.message.session_id}:
                found.append(kept.show(None))
        return found

    # Settling

    def complete(self, token: UUID) -> None:
        """Done with it; raises ``BusError`` where the lock is lost, as all of these do."""
        self._forget(self._locked(token))

    def abandon(self, token: UUID) -> None:
        """It failed; it goes back to its place, or to the dead-letter queue when it has failed too often."""
        self._give_back(self._locked(token), failed=True)

    def release(self, token: UUID) -> None:
        """Nobody looked at it; it goes back to its place and nothing is counted."""
        self._give_back(self._locked(token), failed=False)

    def defer(self, token: UUID) -> None:
        """Set it aside; only its number brings it back."""
        kept = self._locked(token)
        self._unlock(kept)
        kept.deferred = True
        self._deferred.add(kept.sequence_number)

    def dead_letter(self, token: UUID, reason: str | None, description: str | None) -> None:
        """Move it to the dead-letter queue.

        :raises BusError: also where this is the dead-letter queue already
        """
        kept = self._locked(token)
        if self.dead_letters is None:
            raise BusError(Reason.NOT_ALLOWED, "a message of a dead-letter queue cannot be dead-lettered again")
        self._forget(kept)
        self._bury(kept, reason, description)

    def renew(self, token: UUID, now: float, /) -> float:
        """The new end of a message's lock."""
        kept = self._locked(token)
        kept.locked_until = now + self.settings.lock_seconds
        # All locks last equally long, so the dictionary stays in the order of their ends.
        self._locks[token] = self._locks.pop(token)
        return kept.locked_until

    def _locked(self, token: UUID) -> Kept:
        kept = self._locks.get(token)
        if kept is None:
            raise BusError(Reason.MESSAGE_LOCK_LOST, "the lock is not held, or has expired")
        return kept

    def _unlock(self, kept: Kept) -> None:
        token, kept.lock_token = kept.lock_token, None
        if token is not None:
            del self._locks[token]

    def _give_back(self, kept: Kept, *, failed: bool) -> None:
        self._unlock(kept)
        kept.delivery_count += failed
        limit = self.settings.max_delivery_count
        if failed and self.dead_letters is not None and limit is not None and kept.delivery_count >= limit:
            self._forget(kept)
            text = f"The message was delivered {kept.delivery_count} times without being completed."
            self._bury(kept, "MaxDeliveryCountExceeded", text)
        elif not kept.deferred:
            self._offer(kept)

    def _forget(self, kept: Kept) -> None:
        self._unlock(kept)
        del self._kept[kept.sequence_number]
        self._deferred.discard(kept.sequence_number)
        self._lifetimes.sweep(self._kept)

    def _bury(self, kept: Kept, reason: str | None, description: str | None) -> None:
        if self.dead_letters is not None:
            named = {DEAD_LETTER_REASON: reason, DEAD_LETTER_DESCRIPTION: description}
            given = {name: text for name, text in named.items() if text is not None}
            self.dead_letters.take_dead(kept, kept.message.with_application_properties(given), self.path)

    # Time

    def advance(self, now: float) -> None:
        """End the locks and lives that are over."""
        self._alarm.rang(now)
        self._end_locks(now)
        while (number := self._lifetimes.pop_ended(now)) is not None:
            kept = self._kept.get(number)
            # Locked messages live on until they are given back, deferred ones until they are asked for.
            if kept is not None and kept.lock_token is None and not kept.deferred:
                self._expire(kept)
        self._alarm.set(self._next_lock_end())
        self._alarm.set(self._lifetimes.next_end())

    def _end_locks(self, now: float) -> None:
        while self._locks:
            kept = next(iter(self._locks.values()))
            if kept.locked_until > now:
                break
            self._give_back(kept, failed=True)

    def _next_lock_end(self) -> float | None:
        kept = next(iter(self._locks.values()), None)
        return None if kept is None else kept.locked_until

    def _expire(self, kept: Kept) -> None:
        self._forget(kept)
        if self.settings.dead_letter_expired:
            self._bury(kept, "TTLExpiredException", "The message expired before it was received.")

    def counts(self) -> Counts:
        """How many messages are in which state."""
        locked = len(self._locks)
        deferred = sum(self._kept[number].lock_token is None for number in self._deferred)
        dead = 0 if self.dead_letters is None else len(self.dead_letters)
        return Counts(len(self._kept) - locked - deferred, locked, deferred, 0, dead)
