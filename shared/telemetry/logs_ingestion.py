"""The two logs through Azure Monitor's Logs Ingestion API: acknowledged chunk by chunk, within a bounded time.

An outage of the service must not hold up the synchronization. So a write gives up after some seconds, and then the
sink rests: until its rest is over, rows are not even tried, and stay where they are kept. What the service asks for
(Retry-After) is honoured: within the write where there is time, by resting longer where there is not.

Nothing is kept here, and nothing is raised for the service's sake.
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from azure.core.exceptions import AzureError, HttpResponseError

from shared.core.retry_after import retry_after
from shared.telemetry.log_sink import Refusal
from shared.telemetry.row_chunks import NO_ROWS, Chunk, chunks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.telemetry.log_sink import LogTable, Row

_logger = logging.getLogger(__name__)

_TOO_LARGE: Final = 413
_TO_BE_REPEATED: Final = frozenset({408, 429, 500, 502, 503, 504})
_WRONG_ROWS: Final = 400


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    write: float = 15.0  # for one write, all chunks and repetitions together
    request: float = 10.0  # for one answer
    repetition: float = 0.5  # before the first repetition of a chunk; then twice as long each time
    rest: float = 30.0  # after a write that gave up
    longest_rest: float = 300.0  # whatever Retry-After says


class Uploads(Protocol):
    """What of the client is used."""

    async def upload(self, rule_id: str, stream_name: str, logs: Any) -> None:
        """Send one body."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class _RefusedError(Exception):
    """One chunk was not taken."""

    def __init__(self, status: int | None, wait: float | None = None, *, code: str = "", rests: bool = True) -> None:
        """`wait`: seconds that the service asked for; `rests`: the next chunk would not be taken either."""
        super().__init__(status)
        self.code = code
        self.status = status
        self.wait = wait
        self.rests = rests


class LogsIngestion:
    """A sink that sends rows to the streams of a data collection rule."""

    def __init__(
        self,
        open_client: Callable[[], Uploads],
        rule_id: str,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`open_client` is called at the first write; `rule_id` is the rule's immutable id."""
        self._open_client = open_client
        self._client: Uploads | None = None
        self._rule_id = rule_id
        self._patience = patience or Patience()
        self._clock = clock
        self._sleep = sleep
        self._rests_until = float("-inf")

    async def write(self, table: LogTable, rows: Sequence[Row]) -> frozenset[int]:
        """Offer rows; returns the positions of those that the service acknowledged."""
        taken: set[int] = set()
        if not rows or self._clock() < self._rests_until:
            return frozenset()
        deadline = self._clock() + self._patience.write
        waiting = list(chunks(rows))
        while waiting and self._clock() < deadline:
            chunk = waiting.pop(0)
            try:
                await self._send(f"Custom-{table.value}", chunk, deadline)
            except _RefusedError as refused:
                halves = chunk.halves() if refused.status == _TOO_LARGE else None
                if halves is not None:
                    waiting[:0] = halves
                    continue
                _logger.warning(
                    "%s: %d rows were not taken (%s)", table.value, len(chunk.positions), refused.status or "no answer"
                )
                if refused.rests:
                    self._rest(refused.wait)
                    break
            else:
                taken.update(chunk.positions)
        return frozenset(taken)

    async def refusal(self, table: LogTable) -> Refusal | None:
        """Why rows of a table would not be taken now; None where they would. It offers no rows, and asks once."""
        try:
            await self._upload(f"Custom-{table.value}", NO_ROWS, self._clock() + self._patience.request)
        except _RefusedError as refused:
            return Refusal(refused.status, refused.code)
        return None

    async def close(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.close()

    def _rest(self, wait: float | None) -> None:
        rest = min(max(wait or 0.0, self._patience.rest), self._patience.longest_rest)
        self._rests_until = self._clock() + rest

    async def _send(self, stream: str, chunk: Chunk, deadline: float) -> None:
        """Send one chunk, again and again while there is time.

        Raises:
            _RefusedError: it was not taken.
        """
        body = chunk.body()
        pause = self._patience.repetition
        while True:
            try:
                return await self._upload(stream, body, deadline)
            except _RefusedError as refused:
                wait = max(pause, refused.wait or 0.0)
                again = refused.status is None or refused.status in _TO_BE_REPEATED
                if not again or self._clock() + wait >= deadline:
                    raise
            await self._sleep(wait)
            pause *= 2

    async def _upload(self, stream: str, body: bytes, deadline: float) -> None:
        if self._client is None:
            self._client = self._open_client()
        seconds = min(self._patience.request, max(deadline - self._clock(), 0.0))
        try:
            async with asyncio.timeout(seconds):
                await self._client.upload(self._rule_id, stream, io.BytesIO(body))
        except HttpResponseError as error:
            status = error.status_code
            headers = getattr(error.response, "headers", {})  # no response where the token could not be had
            wait = retry_after(headers.get("Retry-After"), datetime.now(UTC))
            raise _RefusedError(
                status,
                wait.total_seconds() if wait is not None else None,
                code=str(getattr(error.error, "code", None) or ""),
                rests=status not in {_TOO_LARGE, _WRONG_ROWS},
            ) from error
        except (AzureError, OSError, TimeoutError) as error:
            raise _RefusedError(None) from error


def open_logs_ingestion(endpoint: str, rule_id: str, credential: Any, audience: str) -> LogsIngestion:
    """The sink on the real client. `audience` is the cloud's Azure Monitor, without a trailing slash."""

    def open_client() -> Uploads:
        from azure.monitor.ingestion.aio import LogsIngestionClient  # noqa: PLC0415 - a cold start has seconds

        return LogsIngestionClient(
            endpoint,
            credential,
            credential_scopes=[f"{audience}/.default"],
            retry_total=0,  # its own policy would sleep out a Retry-After, however long
            connection_timeout=5,
            read_timeout=10,
        )

    return LogsIngestion(open_client, rule_id)
