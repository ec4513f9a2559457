"""The topic user-changes under given time: what Service Bus does for the app, in a few lines.

Duplicate detection, scheduled messages, one queue a target; nothing here waits.
"""

from __future__ import annotations

import heapq
import itertools
from datetime import UTC, datetime, timedelta

from shared.app.provision import Received
from shared.bus.errors import BusUnavailableError
from shared.core.commands import CONTROL

TARGETS = ("emea", "apac")
_DUPLICATE_DETECTION = timedelta(minutes=10)
_BATCH = 100


class Topic:
    """The topic user-changes under given time."""

    def __init__(self, now, targets=TARGETS):
        self._now = now
        self._targets = targets
        self._numbers = itertools.count()
        self._seen = {}
        self._queues = {name: [] for name in (*targets, CONTROL)}
        self.down = False
        self.parked = []

    async def send(self, envelopes):
        if self.down:
            raise BusUnavailableError("it is down")
        now = self._now()
        for sent in envelopes:
            if now - self._seen.get(sent.message_id, datetime.min.replace(tzinfo=UTC)) < _DUPLICATE_DETECTION:
                continue
            self._seen[sent.message_id] = now
            for target in (sent.target,) if sent.target else self._targets:
                self.put(target, sent.due, Received(sent.message_id, sent.body.encode()))

    async def park(self, poison):
        self.parked += poison

    def put(self, target, due, message):
        heapq.heappush(self._queues[target], (due, next(self._numbers), message))

    def next_due(self, targets):
        """When the next message of these targets is due; None where none waits."""
        return min((self._queues[target][0][0] for target in targets if self._queues[target]), default=None)

    def take(self, target):
        """A batch of messages that are due."""
        queue, batch = self._queues[target], []
        while queue and queue[0][0] <= self._now() and len(batch) < _BATCH:
            batch.append(heapq.heappop(queue)[2])
        return batch
