"""Leases: one worker at a time for what must not overlap, such as a full cycle.

A lease is a state row with an end, so that a worker that died keeps nobody waiting for good. Whoever holds one has to
extend it while going on, and is told when it was lost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.core.model import StateRow
from shared.store.protocol import Written

if TYPE_CHECKING:
    from datetime import timedelta

    from shared.app.parts import Clock
    from shared.store.protocol import Store


class LeaseLostError(Exception):
    """Another worker took over, since this one was silent for too long. Nothing more may be done under the lease."""


@dataclass(slots=True)
class Lease:
    """A lease that is held."""

    _store: Store
    _clock: Clock
    _life: timedelta
    _row: StateRow
    _worker: str

    async def extend(self) -> None:
        """Go on holding it, once half of its life is over.

        Raises:
            LeaseLostError: it is another worker's.
        """
        now = self._clock.now()
        if _until(self._row) - now > self._life / 2:
            return
        await self._put(now + self._life)

    async def give_back(self) -> None:
        """Let others have it. One that was lost meanwhile stays theirs."""
        try:
            await self._put(self._clock.now())
        except LeaseLostError:
            return

    async def _put(self, until: datetime) -> None:
        row = StateRow(self._row.name, _value(self._worker, until), self._row.etag)
        outcome = await self._store.put_state(row)
        if not isinstance(outcome, Written):
            raise LeaseLostError(self._row.name)
        self._row = StateRow(row.name, row.value, outcome.etag)


async def take(store: Store, clock: Clock, what: str, life: timedelta) -> Lease | None:
    """Take a lease for `life`; None while another worker holds it.

    Raises:
        StoreError: nobody knows.
    """
    name, now = f"lease:{what}", clock.now()
    row = await store.get_state(name)
    if row is not None and _until(row) > now:
        return None
    worker = uuid4().hex
    fresh = StateRow(name, _value(worker, now + life), row.etag if row else None)
    outcome = await store.put_state(fresh)
    if not isinstance(outcome, Written):
        return None
    return Lease(store, clock, life, StateRow(name, fresh.value, outcome.etag), worker)


def _until(row: StateRow) -> datetime:
    return datetime.fromisoformat(json.loads(row.value)["until"])


def _value(worker: str, until: datetime) -> str:
    return json.dumps({"worker": worker, "until": until.isoformat()})
