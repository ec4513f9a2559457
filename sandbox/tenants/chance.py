"""Seeded chance: independent streams by purpose, so that one more draw here changes nothing there.

Nothing in the tenants draws from the global generator; the same seed and the same requests give the
same ids, lags and duplicates.
"""

from __future__ import annotations

import math
import random
import uuid
from dataclasses import dataclass

_P99_SIGMA = 2.3263478740408408  # the 99th percentile of the normal distribution, in deviations


@dataclass(frozen=True, slots=True)
class Lag:
    """A log-normal delay in seconds, said by its median and its 99th percentile; median 0 is none."""

    median: float
    p99: float

    @property
    def none(self) -> bool:
        """Whether this lag is always zero."""
        return self.median <= 0

    def draw(self, stream: random.Random) -> float:
        """One delay in seconds."""
        if self.none:
            return 0.0
        sigma = math.log(max(self.p99, self.median) / self.median) / _P99_SIGMA
        return stream.lognormvariate(math.log(self.median), sigma)


class Chance:
    """All streams of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._streams: dict[str, random.Random] = {}

    def stream(self, purpose: str) -> random.Random:
        """The stream for `purpose`; the same object each time."""
        found = self._streams.get(purpose)
        if found is None:
            found = self._streams[purpose] = random.Random(f"{self.seed}:{purpose}")
        return found

    def guid(self, purpose: str) -> str:
        """A new random GUID in lower case."""
        return str(uuid.UUID(int=self.stream(purpose).getrandbits(128), version=4))
