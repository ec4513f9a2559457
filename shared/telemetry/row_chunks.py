"""Rows cut into bodies of the Logs Ingestion API: a JSON array each, below the size that the service takes.

The client would cut by itself, but counts no separators and so sends more than the service's 1 MB; and it does not
say which rows a body holds, which is what an acknowledgement is about.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.telemetry.log_sink import Row

MAX_BODY: Final = 900_000
"""Bytes before compression. The service takes 1 MB, compressed or not, and counts in ways of its own."""

_FASTEST: Final = 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows as JSON texts, with their positions in what was offered."""

    positions: tuple[int, ...]
    texts: tuple[bytes, ...]

    def body(self) -> bytes:
        """The array of rows, compressed."""
        return gzip.compress(b"[" + b",".join(self.texts) + b"]", _FASTEST, mtime=0)

    def halves(self) -> tuple[Chunk, Chunk] | None:
        """The chunk in two; None where it is a single row."""
        middle = len(self.positions) // 2
        if not middle:
            return None
        return (
            Chunk(self.positions[:middle], self.texts[:middle]),
            Chunk(self.positions[middle:], self.texts[middle:]),
        )


NO_ROWS: Final = Chunk((), ()).body()
"""The body of an array without rows."""


def chunks(rows: Sequence[Row], max_body: int = MAX_BODY) -> Iterator[Chunk]:
    """Cut rows, in their order. A row that is too large by itself is a chunk of its own."""
    positions: list[int] = []
    texts: list[bytes] = []
    length = 2
    for position, row in enumerate(rows):
        text = json.dumps(row, separators=(",", ":")).encode()
        if texts and length + len(text) + 1 > max_body:
            yield Chunk(tuple(positions), tuple(texts))
            positions, texts, length = [], [], 2
        positions.append(position)
        texts.append(text)
        length += len(text) + 1
    if texts:
        yield Chunk(tuple(positions), tuple(texts))
