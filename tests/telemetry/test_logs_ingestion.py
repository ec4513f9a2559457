"""The sink on the real client and a real endpoint: what is acknowledged, what is not, and how long it takes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.log_sink import LogTable, Refusal
from shared.telemetry.logs_ingestion import LogsIngestion, Patience, open_logs_ingestion
from shared.telemetry.row_chunks import MAX_BODY, chunks

STREAM = "Custom-CrosstenantProvisioning_CL"


def rows(count, size=100):
    return [{"EventId": str(number), "ResultDescription": "x" * size} for number in range(count)]


class Time:
    """A monotonic clock that only moves when somebody sleeps."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
async def timed(ingestion, credential):
    """A sink on the real client under a given time, and that time."""
    time_given = Time()
    real = open_logs_ingestion(ingestion.url, "dcr-1", credential, "https://monitor.azure.com")
    sink = LogsIngestion(real._open_client, "dcr-1", clock=time_given, sleep=time_given.sleep)
    yield sink, time_given
    await sink.close()


async def test_rows_arrive_in_their_stream_and_are_acknowledged(ingestion, sink, credential):
    """In their order; with a token for Azure Monitor."""
    assert await sink.write(LogTable.PROVISIONING, rows(3)) == {0, 1, 2}
    assert await sink.write(LogTable.OPERATIONS, rows(1)) == {0}
    assert ingestion.rows == {STREAM: rows(3), "Custom-CrosstenantOperations_CL": rows(1)}
    assert set(credential.scopes) == {("https://monitor.azure.com/.default",)}


async def test_nothing_to_send_asks_nobody(ingestion, sink):
    """No request, no token."""
    assert await sink.write(LogTable.PROVISIONING, []) == frozenset()
    assert ingestion.requests == 0


async def test_many_rows_go_in_bodies_that_the_service_takes(ingestion, sink):
    """10,000 rows of about 2.5 KB in some thirty bodies, each below the limit."""
    assert len(await sink.write(LogTable.PROVISIONING, rows(10_000, 2_500))) == 10_000
    assert [row["EventId"] for row in ingestion.rows[STREAM]] == [str(number) for number in range(10_000)]
    assert max(ingestion.sizes) <= MAX_BODY
    assert len(ingestion.sizes) < 32


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_moment_of_trouble_is_waited_out(ingestion, timed, status):
    """As long as the service asks, within the patience of a write."""
    sink, clock = timed
    ingestion.answers = [(status, {"Retry-After": "3"}), status]
    assert await sink.write(LogTable.PROVISIONING, rows(2)) == {0, 1}
    assert clock.slept == [3.0, 1.0]
    assert ingestion.rows[STREAM] == rows(2)


async def test_a_date_to_come_back_at_is_understood(ingestion, timed):
    """Retry-After may be a date."""
    sink, clock = timed
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=6), usegmt=True)
    ingestion.answers = [(503, {"Retry-After": at})]
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == {0}
    assert 3 < clock.slept[0] <= 6


async def test_a_long_wait_is_not_slept_out_but_rested(ingestion, timed):
    """The synchronization goes on meanwhile: nothing is even tried until the rest is over."""
    sink, clock = timed
    ingestion.answers = [(429, {"Retry-After": "120"})]
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == frozenset()
    assert clock.slept == []
    clock.now += 119
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == frozenset()
    assert ingestion.requests == 1
    clock.now += 2
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == {0}


async def test_a_service_that_asks_for_a_day_is_tried_again_in_minutes(ingestion, timed):
    """A header must not silence the log."""
    sink, clock = timed
    ingestion.answers = [(503, {"Retry-After": "86400"})]
    await sink.write(LogTable.PROVISIONING, rows(1))
    clock.now += 301
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == {0}


async def test_an_outage_ends_a_write_within_its_patience(ingestion, timed):
    """And costs the next writes nothing for a while."""
    sink, clock = timed
    ingestion.answers = [503] * 100
    assert await sink.write(LogTable.PROVISIONING, rows(10)) == frozenset()
    assert clock.now <= 15
    before = ingestion.requests
    await sink.write(LogTable.PROVISIONING, rows(10))
    assert ingestion.requests == before


async def test_what_was_acknowledged_before_an_outage_stays_acknowledged(ingestion, timed):
    """The rows of the first body are taken; the others stay with their links."""
    sink, _ = timed
    ingestion.answers = [204, (429, {"Retry-After": "60"})]
    offered = rows(1_000, 2_000)
    taken = await sink.write(LogTable.PROVISIONING, offered)
    assert taken == set(range(len(ingestion.rows[STREAM])))
    assert 0 < len(taken) < 1_000


async def test_an_endpoint_that_does_not_answer_is_given_up(ingestion, credential):
    """Within the time of a request and of the write, in real seconds."""
    real = open_logs_ingestion(ingestion.url, "dcr-1", credential, "https://monitor.azure.com")
    sink = LogsIngestion(real._open_client, "dcr-1", patience=Patience(write=1.0, request=0.3, repetition=0.1))
    ingestion.answers = ["silence"] * 9
    began = time.monotonic()
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == frozenset()
    assert time.monotonic() - began < 2
    await sink.close()


async def test_an_endpoint_that_is_not_there_is_given_up(credential):
    """A name that leads nowhere, a port that nobody listens at."""
    clock = Time()
    real = open_logs_ingestion("https://localhost:1", "dcr-1", credential, "https://monitor.azure.com")
    sink = LogsIngestion(real._open_client, "dcr-1", clock=clock, sleep=clock.sleep)
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == frozenset()
    await sink.close()


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_rule_that_may_not_be_used_is_not_hammered(ingestion, timed, status):
    """A role that was not granted yet: one request, then a rest."""
    sink, clock = timed
    ingestion.answers = [status] * 9
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == frozenset()
    await sink.write(LogTable.PROVISIONING, rows(1))
    assert ingestion.requests <= 2  # the client asks for another token on a 401
    assert clock.slept == []


async def test_a_body_that_is_too_large_is_cut_until_it_is_not(ingestion, sink):
    """Should the service count otherwise; a single row that it never takes keeps no other waiting."""
    ingestion.limit = 2_000
    offered = [*rows(8, 500), {"EventId": "8", "ResultDescription": "x" * 5_000}, *rows(1)]
    assert await sink.write(LogTable.PROVISIONING, offered) == {*range(8), 9}


async def test_rows_that_the_rule_refuses_keep_no_others_waiting(ingestion, timed):
    """400 is about the body that was sent; the next one is offered all the same."""
    sink, _ = timed
    ingestion.answers = [400]
    offered = rows(1_000, 1_500)
    taken = await sink.write(LogTable.PROVISIONING, offered)
    assert 0 < len(taken) < 1_000
    assert await sink.write(LogTable.PROVISIONING, offered) == set(range(1_000))


class NoIdentity:
    """Managed identity that cannot be reached."""

    async def get_token(self, *_scopes, **_options):
        from azure.core.exceptions import ClientAuthenticationError

        raise ClientAuthenticationError("no identity endpoint")

    async def close(self):
        pass


async def test_without_a_token_rows_stay_where_they_are(ingestion):
    """Nothing is raised, and nothing is sent."""
    clock = Time()
    real = open_logs_ingestion(ingestion.url, "dcr-1", NoIdentity(), "https://monitor.azure.com")
    sink = LogsIngestion(real._open_client, "dcr-1", clock=clock, sleep=clock.sleep)
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == frozenset()
    assert ingestion.requests == 0
    await sink.close()


@given(st.lists(st.dictionaries(st.text(max_size=9), st.text(max_size=60), max_size=4)), st.integers(50, 500))
def test_chunks_hold_every_row_once_in_order(offered, limit):
    """And each is below the limit, unless it is one row."""
    cut = list(chunks(offered, limit))
    assert [position for chunk in cut for position in chunk.positions] == list(range(len(offered)))
    assert [json.loads(text) for chunk in cut for text in chunk.texts] == offered
    for chunk in cut:
        length = len(b"[" + b",".join(chunk.texts) + b"]")
        assert length <= limit or len(chunk.texts) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 503])
async def test_why_rows_would_not_be_taken_is_asked_without_any(ingestion, sink, status):
    """Once, with the service's own code; and the sink does not rest because of it."""
    ingestion.answers = [status]
    assert await sink.refusal(LogTable.PROVISIONING) == Refusal(status, "Told")
    assert await sink.refusal(LogTable.PROVISIONING) is None
    assert ingestion.requests == 2
    assert ingestion.rows == {STREAM: []}
    assert await sink.write(LogTable.PROVISIONING, rows(1)) == {0}


async def test_a_service_that_is_away_gives_no_reason(credential):
    """Nobody listens there."""
    sink = open_logs_ingestion("https://localhost:1", "dcr-1", credential, "https://monitor.azure.com")
    assert await sink.refusal(LogTable.PROVISIONING) == Refusal(None)
    await sink.close()
