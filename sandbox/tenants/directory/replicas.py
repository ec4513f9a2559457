"""Replicas that hear of each write later than the truth does, each write after a delay of its own.

A replica never loses a write and never ends anywhere else than at the truth: where delays would swap
two writes to one thing, the later write wins. Which replica answers a read is chance's business.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.tenants.directory.model import Mutation, PutManager, PutMember, PutObject
from sandbox.tenants.directory.view import View

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from sandbox.tenants.chance import Lag


@dataclass(frozen=True, slots=True)
class ReplicaSettings:
    """How many replicas, how late, and how often a write is checked against one that is not the newest.

    The search index (advanced queries, transitive membership) is one more view with `index_lag`.
    """

    count: int
    lag: Lag
    index_lag: Lag
    stale_write_share: float


def _subject(mutation: Mutation) -> tuple[str, ...]:
    match mutation:
        case PutObject(version, _):
            return ("object", version.id)
        case PutMember(group, member, _):
            return ("member", group, member)
        case PutManager(user, _):
            return ("manager", user)


class _Replica:
    def __init__(self, view: View) -> None:
        self.view = view
        self._waiting: list[tuple[float, int, Mutation]] = []
        self._order = 0
        self._applied: dict[tuple[str, ...], int] = {}

    def publish(self, due: float, mutations: Sequence[Mutation]) -> None:
        for mutation in mutations:
            self._order += 1
            heapq.heappush(self._waiting, (due, self._order, mutation))

    def catch_up(self, now: float) -> View:
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            _, order, mutation = heapq.heappop(waiting)
            subject = _subject(mutation)
            if order > self._applied.get(subject, 0):
                self._applied[subject] = order
                self.view.apply(mutation)
        return self.view

    def behind(self, now: float) -> int:
        self.catch_up(now)
        return len(self._waiting)


class Replicas:
    """The truth of a tenant and the replicas that follow it."""

    def __init__(self, settings: ReplicaSettings, stream: random.Random) -> None:
        self.truth = View()
        self.settings = settings
        self._stream = stream
        self._replicas: list[_Replica] = []
        self._search: _Replica | None = None
        self.level()

    def level(self, settings: ReplicaSettings | None = None) -> None:
        """Bring every replica to the truth at once, with other settings if given."""
        self.settings = settings or self.settings
        self._replicas = []
        self._search = None
        if not self.settings.lag.none:
            self._replicas = [_Replica(self.truth.copy()) for _ in range(self.settings.count)]
        if not self.settings.index_lag.none:
            self._search = _Replica(self.truth.copy())

    def publish(self, now: float, mutations: Sequence[Mutation]) -> None:
        """Apply to the truth and one replica now, to the others after a delay each."""
        self.truth.apply_all(mutations)
        if self._replicas:
            first = self._stream.randrange(len(self._replicas))
            for number, replica in enumerate(self._replicas):
                late = 0.0 if number == first else self.settings.lag.draw(self._stream)
                replica.publish(now + late, mutations)
        if self._search is not None:
            self._search.publish(now + self.settings.index_lag.draw(self._stream), mutations)

    def pick(self) -> int:
        """The number of a replica, by chance."""
        return self._stream.randrange(len(self._replicas)) if self._replicas else 0

    def read(self, number: int, now: float) -> View:
        """Replica `number` as it stands now."""
        if not self._replicas:
            return self.truth
        return self._replicas[number % len(self._replicas)].catch_up(now)

    def search(self, now: float) -> View:
        """The search index as it stands now."""
        return self.truth if self._search is None else self._search.catch_up(now)

    def for_write(self, now: float) -> View:
        """What a write is checked against: mostly the truth, sometimes a replica that lags."""
        if self._replicas and self._stream.random() < self.settings.stale_write_share:
            return self.read(self.pick(), now)
        return self.truth

    def arrivals(self, now: float, stream: random.Random) -> tuple[float, ...]:
        """When each replica hears of an object that is kept elsewhere: one at once, the others later. () is at once."""
        if not self._replicas:
            return ()
        first = stream.randrange(len(self._replicas))
        return tuple(
            now + (0.0 if number == first else self.settings.lag.draw(stream)) for number in range(len(self._replicas))
        )

    def behind(self, now: float) -> int:
        """How many mutations have not reached a replica or the search index yet."""
        followers = [*self._replicas, self._search] if self._search is not None else self._replicas
        return sum(replica.behind(now) for replica in followers)
