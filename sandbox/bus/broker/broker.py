"""The broker: all entities under one clock.

Every method says which entity it means by its path, case-insensitively: ``queue``, ``topic``,
``topic/Subscriptions/name``, and ``/$DeadLetterQueue`` behind the latter two. What is due is done before anything
else, so the order of events never depends on when ``advance`` happens to be called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sandbox.bus.broker.entities import Queue, Topic
from sandbox.bus.broker.errors import BusError, Reason, entity_not_found
from sandbox.bus.broker.records import ReceiveMode
from sandbox.bus.broker.session_store import SessionStore
from sandbox.bus.broker.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from sandbox.bus.broker.message import Message
    from sandbox.bus.broker.records import Counts, Delivery
    from sandbox.bus.broker.sessions import SessionHold
    from sandbox.bus.broker.store import Store
    from sandbox.bus.clock import Clock
    from sandbox.bus.topology import Topology


class Broker:
    """Queues and topics of one namespace. Times are seconds since 1970-01-01 UTC.

    Every method raises ``BusError`` where the entity does not exist or is of the wrong kind, besides what it names.
    """

    def __init__(
        self,
        topology: Topology,
        *,
        clock: Clock,
        new_id: Callable[[], UUID] = uuid4,
        on_earlier_deadline: Callable[[], None] | None = None,
    ) -> None:
        """``on_earlier_deadline`` is told whenever ``next_deadline`` has become earlier; it only takes note."""
        self.new_id = new_id
        self._clock = clock
        self._timers = Timers(on_earlier_deadline)
        self._entrances: dict[str, Queue | Topic] = {}
        self._stores: dict[str, Store] = {}
        self._paths: list[str] = []
        for queue_settings in topology.queues:
            queue = Queue(queue_settings, self._timers, new_id)
            self._entrances[queue_settings.name.lower()] = queue
            self._add_store(queue.store)
        for topic_settings in topology.topics:
            topic = Topic(topic_settings, self._timers, new_id)
            self._entrances[topic.path.lower()] = topic
            self._paths.append(topic.path)
            for _, store in topic.subscriptions:
                self._add_store(store)

    def _add_store(self, store: Store) -> None:
        self._paths.append(store.path)
        self._stores[store.path.lower()] = store
        if store.dead_letters is not None:
            self._stores[store.dead_letters.path.lower()] = store.dead_letters

    # Entities and time

    @property
    def paths(self) -> list[str]:
        """All entities, without dead-letter queues, in the order of the configuration."""
        return list(self._paths)

    def now(self) -> float:
        """The broker's time."""
        return self._clock.now()

    def advance(self) -> None:
        """Do all that is due now."""
        self._timers.advance(self._clock.now())

    def next_deadline(self) -> float | None:
        """When something may happen next without anybody's doing."""
        return self._timers.next_deadline()

    def counts(self) -> dict[str, Counts]:
        """How many messages of each entity are in which state."""
        self.advance()
        return {path: self._counts(path.lower()) for path in self._paths}

    def _counts(self, path: str) -> Counts:
        entrance = self._entrances.get(path)
        return self._stores[path].counts() if entrance is None else entrance.counts()

    def has(self, path: str) -> bool:
        """Whether anything is at ``path``."""
        return path.lower() in self._entrances or path.lower() in self._stores

    def entrance(self, path: str) -> Queue | Topic:
        """The queue or topic that takes messages at ``path``."""
        self.advance()
        entrance = self._entrances.get(path.lower())
        if entrance is None:
            raise entity_not_found(path)
        return entrance

    def store(self, path: str) -> Store:
        """The queue, subscription or dead-letter queue that gives messages out at ``path``."""
        self.advance()
        store = self._stores.get(path.lower())
        if store is None:
            raise entity_not_found(path)
        return store

    def session_store(self, path: str) -> SessionStore:
        """The same, where it has sessions."""
        store = self.store(path)
        if not isinstance(store, SessionStore):
            raise BusError(Reason.NOT_ALLOWED, f"{store.path} has no sessions")
        return store

    # Sending

    def send(self, path: str, messages: Sequence[Message]) -> None:
        """Send messages, all or none; those with a time to come wait for it."""
        self.entrance(path).intake.send(messages, self.now())

    def schedule(self, path: str, messages: Sequence[Message]) -> list[int]:
        """Schedule messages for the times they carry; the numbers can be cancelled."""
        return self.entrance(path).intake.schedule(messages, self.now())

    def cancel_scheduled(self, path: str, numbers: Sequence[int]) -> None:
        """Take scheduled messages back, all or none; refused where one is not waiting."""
        self.entrance(path).intake.cancel(numbers)

    # Receiving

    def receive(
        self,
        path: str,
        most: int = 1,
        *,
        mode: ReceiveMode = ReceiveMode.PEEK_LOCK,
        hold: SessionHold | None = None,
    ) -> list[Delivery]:
        """Up to ``most`` messages that are ready, none if none is; never waits."""
        return self.store(path).receive(most, mode, self.now(), hold)

    def receive_deferred(
        self,
        path: str,
        numbers: Sequence[int],
        *,
        mode: ReceiveMode = ReceiveMode.PEEK_LOCK,
        hold: SessionHold | None = None,
    ) -> list[Delivery]:
        """Deferred messages by their numbers, all or none."""
        return self.store(path).receive_deferred(numbers, mode, self.now(), hold)

    def peek(self, path: str, first: int = 0, most: int = 1, *, session_id: str | None = None) -> list[Delivery]:
        """Messages from a number on, whatever their state, without touching them."""
        store = self.store(path)
        entrance = self._entrances.get(path.lower())
        if isinstance(entrance, Queue):
            return entrance.peek(first, most, session_id)
        return store.peek(first, most, session_id)

    def wait(
        self, path: str, key: Hashable, callback: Callable[[], object], *, hold: SessionHold | None = None
    ) -> None:
        """Be told once when messages may be ready; the callback only takes note, and calls nothing here."""
        self.store(path).wait(key, callback, hold)

    # Settling; each refuses a lock that is not held any more

    def complete(self, path: str, lock_token: UUID) -> None:
        """Done with it."""
        self.store(path).complete(lock_token)

    def abandon(self, path: str, lock_token: UUID) -> None:
        """It failed: give it back, or dead-letter it at the maximum."""
        self.store(path).abandon(lock_token)

    def release(self, path: str, lock_token: UUID) -> None:
        """Give it back unseen."""
        self.store(path).release(lock_token)

    def defer(self, path: str, lock_token: UUID) -> None:
        """Set it aside for its number."""
        self.store(path).defer(lock_token)

    def dead_letter(
        self, path: str, lock_token: UUID, reason: str | None = None, description: str | None = None
    ) -> None:
        """Move it to the dead-letter queue."""
        self.store(path).dead_letter(lock_token, reason, description)

    def renew_lock(self, path: str, lock_token: UUID) -> float:
        """The new end of its lock."""
        return self.store(path).renew(lock_token, self.now())

    # Sessions; each refuses a hold that is lost

    def accept_session(
        self, path: str, session_id: str | None = None, *, on_lost: Callable[[], None] | None = None
    ) -> SessionHold | None:
        """Hold a named session, or the next free one; ``None`` if none is free. ``on_lost`` hears of its expiry."""
        return self.session_store(path).accept_session(session_id, self.now(), on_lost)

    def release_session(self, path: str, hold: SessionHold) -> None:
        """Let it go."""
        self.session_store(path).release_session(hold)

    def renew_session(self, path: str, hold: SessionHold | None) -> float:
        """The new end of the hold."""
        return self.session_store(path).renew_session(hold, self.now())

    def session_state(self, path: str, hold: SessionHold | None) -> bytes | None:
        """What is stored with the session."""
        return self.session_store(path).session_state(hold)

    def set_session_state(self, path: str, hold: SessionHold | None, state: bytes | None) -> None:
        """Store something with the session, or nothing."""
        self.session_store(path).set_session_state(hold, state, self.now())

    def session_names(self, path: str, changed_since: float | None = None) -> list[str]:
        """Sessions with messages or a state; with a time, those whose state was changed after it."""
        return self.session_store(path).session_names(changed_since)
