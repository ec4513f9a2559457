"""What only the Azure Tables store has to promise: lost answers, crashes between requests, refusals."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport
from azure.data.tables.aio import TableServiceClient

from shared.core.model import Link, StateRow
from shared.store import Conflict, StoreUnavailable, StoreUnusable, Written
from shared.store.table_requests import RemoteTable
from shared.store.table_rows import RowKeys, link_keys, owes_log_keys
from shared.store.tables import TablesStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@dataclass
class Network(AsyncHttpTransport):
    """The way to the service, on which requests and answers get lost as told. Counts what it carries."""

    lost_answers: set[int] = field(default_factory=set)  # numbers of the writing requests, from 1
    cut_after: int | None = None  # so many writing requests get through, then none
    writes: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    longest: int = 0  # request, in bytes
    most_operations: int = 0  # in a transaction
    inner: AioHttpTransport = field(default_factory=AioHttpTransport)

    async def send(self, request: Any, **options: Any) -> Any:
        """Carry one request, unless told otherwise."""
        if request.method != "GET":
            self.writes += 1
            if self.cut_after is not None and self.writes > self.cut_after:
                raise ServiceRequestError("the process is gone")
        lost = request.method != "GET" and self.writes in self.lost_answers
        body = request.content or b""
        body = body.encode() if isinstance(body, str) else body
        self.longest = max(self.longest, len(body))
        self.most_operations = max(self.most_operations, body.count(b" HTTP/1.1\r\n"))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = await self.inner.send(request, **options)
        finally:
            self.in_flight -= 1
        if lost:
            raise ServiceResponseError("the answer was lost")
        return answer

    async def open(self) -> None:
        """Open the real transport."""
        await self.inner.open()

    async def close(self) -> None:
        """Close the real transport."""
        await self.inner.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@asynccontextmanager
async def server_of(answer: bytes) -> AsyncIterator[int]:
    """Run a server of one fixed answer, for what the emulator never says. Without one, it stays silent."""
    silence = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if not answer:
            await silence.wait()
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    silence.set()
    server.close()
    await server.wait_closed()


def connect(connection_string: str, network: Network | None = None) -> TableServiceClient:
    """Return a client that gives up quickly, as tests want it."""
    options: dict[str, Any] = {} if network is None else {"transport": network}
    return TableServiceClient.from_connection_string(
        connection_string, retry_total=2, retry_backoff_factor=0, **options
    )


ACCOUNT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={key};"
    "TableEndpoint=http://127.0.0.1:{port}/devstoreaccount1"
)


@pytest.fixture
def prefix(new_prefix: Callable[[], str]) -> str:
    """Tables of this test alone."""
    return new_prefix()


async def test_lost_answers(azurite: str, prefix: str):
    """A write whose answer was lost is repeated, recognized as our own, and acknowledged: no false conflict."""
    store = TablesStore(connect(azurite), table_prefix=prefix)
    await store.get_links("emea", [])
    await store.close()

    network = Network(lost_answers={1, 5})
    store = TablesStore(connect(azurite, network), table_prefix=prefix)
    network.writes = -3  # its first three make sure of the tables
    links = [Link("emea", f"user-{number}", unlogged=("{}",)) for number in range(200)]
    created = await store.write_links(links)
    assert all(isinstance(outcome, Written) for outcome in created)

    network.lost_answers = {network.writes + 1}
    [link] = (await store.get_links("emea", ["user-7"])).values()
    [updated] = await store.write_links([replace(link, fingerprint="new", unlogged=())])
    stored = (await store.get_links("emea", ["user-7"]))["user-7"]
    assert updated == Written(str(stored.etag))
    assert stored.fingerprint == "new"

    network.lost_answers = {network.writes + 1}
    assert isinstance(await store.put_state(StateRow("lease", "1")), Written)
    network.lost_answers = {network.writes + 1}
    assert await store.put_state(StateRow("lease", "1")) == Conflict()
    await store.close()


async def test_crash_between_any_two_requests(azurite: str, new_prefix: Callable[[], str]):
    """However far a batch got, every link that is stored is found by its ids and with the events it owes."""
    seen = set()
    for survived in range(3, 20):
        prefix = new_prefix()
        store = TablesStore(connect(azurite, Network(cut_after=survived)), table_prefix=prefix)
        links = [
            Link("emea", f"user-{n}", target_id=f"t-{n}", manager_source_id="m", unlogged=("{}",)) for n in range(6)
        ]
        try:
            await store.write_links(links)
        except StoreUnavailable:
            complete = False
        else:
            complete = True
        await store.close()

        after = TablesStore(connect(azurite), table_prefix=prefix)
        stored = await after.get_links("emea", [link.source_id for link in links])
        assert len(stored) == 6 or not complete
        seen.add(len(stored))
        found = await after.find_by_target_user("emea", [f"t-{n}" for n in range(6)])
        assert {link.source_id for one in found.values() for link in one} == set(stored)
        waiting = await after.find_by_manager("emea", ["m"])
        assert set(waiting.get("m", ())) == set(stored)
        assert {link.source_id for link in await after.list_unlogged("emea", 10)} == set(stored)
        again = await after.write_links([stored.get(link.source_id, link) for link in links])
        assert all(isinstance(outcome, Written) for outcome in again)
        await after.close()
    # The crash did happen before, among and after the links.
    assert {0, 6} < seen


async def test_requests_saved(azurite: str, prefix: str):
    """A write that changes neither target user nor manager writes no index row, and batches share requests."""
    network = Network()
    store = TablesStore(connect(azurite, network), table_prefix=prefix)
    links = [Link("emea", f"user-{number}", target_id=f"t-{number}") for number in range(160)]
    outcomes = await store.write_links(links)
    assert network.writes <= 3 + 16 + 16
    links = [
        replace(link, etag=outcome.etag, fingerprint="f")
        for link, outcome in zip(links, outcomes, strict=True)
        if isinstance(outcome, Written)
    ]
    before = network.writes
    await store.write_links(links)
    assert network.writes - before <= 16
    await store.close()


async def test_limits_of_a_transaction(azurite: str, prefix: str):
    """No transaction has more than 100 operations or 4 MiB, however its links fall and whatever they hold."""
    network = Network()
    store = TablesStore(connect(azurite, network), table_prefix=prefix)
    candidates = (Link("emea", f"user-{number}") for number in range(100_000))
    together = [link for link in candidates if link_keys("emea", link.source_id).partition == "emea:7"][:210]

    outcomes = await store.write_links([replace(link, unlogged=("{}",)) for link in together])
    assert all(isinstance(outcome, Written) for outcome in outcomes)
    assert 50 <= network.most_operations <= 100

    long = ('"' * 100_000,)
    written = await store.get_links("emea", [link.source_id for link in together[:30]])
    outcomes = await store.write_links([replace(link, unlogged=long) for link in written.values()])
    assert all(isinstance(outcome, Written) for outcome in outcomes)
    assert 2**20 <= network.longest <= 2**22
    await store.close()


async def test_rows_changed_by_hand(azurite: str, prefix: str):
    """Rows of one link that contradict each other end in a fault, not in an endless loop."""
    service = connect(azurite)
    store = TablesStore(service, table_prefix=prefix)
    await store.write_links([Link("emea", "a", unlogged=("{}",))])
    [link] = (await store.get_links("emea", ["a"])).values()
    keys = owes_log_keys("emea", "a")
    await service.get_table_client(f"{prefix}links").delete_entity(keys.partition, keys.row)
    with pytest.raises(StoreUnavailable, match="kept changing"):
        await store.write_links([replace(link, unlogged=())])
    await store.close()


async def test_requests_in_flight(azurite: str, prefix: str):
    """However many links are asked for, no more than 32 requests are on their way at once."""
    network = Network()
    store = TablesStore(connect(azurite, network), table_prefix=prefix)
    await store.get_links("emea", [str(number) for number in range(200)])
    await store.close()
    assert 1 < network.most_in_flight <= 32


async def test_table_taken_away(azurite: str, prefix: str):
    """A table that vanished is a fault for a person, and never looks like an empty one."""
    service = connect(azurite)
    store = TablesStore(service, table_prefix=prefix)
    await store.write_links([Link("emea", "a")])
    await service.delete_table(f"{prefix}links")
    with pytest.raises(StoreUnusable, match="TableNotFound"):
        await store.get_links("emea", ["a"])
    with pytest.raises(StoreUnusable, match="TableNotFound"):
        await store.write_links([Link("emea", "b")])
    with pytest.raises(StoreUnusable, match="TableNotFound"):
        await store.count_links("emea")
    await store.close()


async def test_nobody_there():
    """A service that cannot be reached is an outage with a hint."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = TablesStore(connect(ACCOUNT.format(port=port, key="a2V5")))
    with pytest.raises(StoreUnavailable) as raised:
        await store.get_links("emea", ["a"])
    assert raised.value.retry_after > timedelta(0)
    await store.close()


async def test_wrong_key(azurite: str):
    """Refused access is a fault for a person."""
    port = azurite.rpartition("127.0.0.1:")[2].partition("/")[0]
    store = TablesStore(connect(ACCOUNT.format(port=port, key="d3Jvbmc=")))
    with pytest.raises(StoreUnusable, match="403"):
        await store.get_state("cursor")
    await store.close()


@pytest.mark.parametrize("status", [b"429 Too Many Requests", b"503 Server Busy", b"500 Oops"])
async def test_busy_service(status: bytes):
    """Throttling and server faults are outages; the service's own hint is handed on."""
    answer = b"HTTP/1.1 " + status + b"\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with server_of(answer) as port:
        store = TablesStore(connect(ACCOUNT.format(port=port, key="a2V5")))
        with pytest.raises(StoreUnavailable) as raised:
            await store.get_state("cursor")
        assert raised.value.retry_after == timedelta(0)
        await store.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 503 Busy\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n"])
async def test_endless_wait(answer: bytes):
    """A service that is silent, or wants to be left alone for long, costs no more than the time limit."""
    async with server_of(answer) as port:
        store = TablesStore(connect(ACCOUNT.format(port=port, key="a2V5")), time_limit=timedelta(milliseconds=100))
        with pytest.raises(StoreUnavailable, match="no answer within"):
            await store.get_state("cursor")
        await store.close()


def http(status: str, body: str, kind: str = "application/json") -> bytes:
    """Write an answer down."""
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


PARTS = (
    "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
    "--c\r\nContent-Type: application/http\r\n\r\n{}\r\n--c--\r\n--b--"
)


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", "<html>Please log in</html>", "text/html"),
        http("200 OK", '{"value": [{"RowKey"'),
        http("200 OK", "[]"),
        http("200 OK", "{}"),
        http("200 OK", '{"value": {}}'),
        http("202 Accepted", "<html>", "text/html"),
        http("202 Accepted", "--b\r\nnonsense\r\n--b--", "multipart/mixed; boundary=b"),
        http("202 Accepted", PARTS.format("nonsense"), "multipart/mixed; boundary=b"),
        http("202 Accepted", PARTS.format("HTTP/1.1 404 Not Found\r\n\r\n"), "multipart/mixed; boundary=b"),
        http("302 Found", ""),
        http("400 Bad Request", "{}"),
        http("404 Not Found", "<html>no such site</html>", "text/html"),
        http("404 Not Found", "{}"),
        b"what?\r\n\r\n",
    ],
)
async def test_answers_of_something_else(answer: bytes):
    """What does not come from the table service is an outage: never an absent row, an empty page or a conflict."""
    async with server_of(answer) as port:
        service = connect(ACCOUNT.format(port=port, key="a2V5"))
        table = RemoteTable(service.get_table_client("links"), asyncio.Semaphore(), timedelta(seconds=10))
        keys = RowKeys("a", "b")
        pages = table.pages("PartitionKey eq 'a'", page_size=10)
        for call in (
            table.create(),
            table.get(keys),
            anext(pages),
            table.transact([("upsert", dict(keys.entity()), {})]),
        ):
            with pytest.raises(StoreUnavailable):
                await call
        await service.close()
