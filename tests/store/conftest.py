"""Stores to test: a fresh SQLite file, fresh tables in one Azurite that lives as long as the session, or a scratch."""

from __future__ import annotations

import socket
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from shared.store.scratch import ScratchStore
from shared.store.sqlite import SQLiteStore
from shared.store.tables import TablesStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from shared.store import Store

AZURITE = Path(__file__).parents[1] / "node/node_modules/.bin/azurite-table"

# The development account that every Azurite has; its key is public.
_ACCOUNT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "TableEndpoint=http://127.0.0.1:{port}/devstoreaccount1"
)


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """The connection string of a running Azurite. It cannot choose a free port itself, so one is tried."""
    if not AZURITE.exists():
        pytest.fail("Azurite is not installed: run `make setup`")
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [
                AZURITE,
                *("--tableHost", "127.0.0.1", "--tablePort", str(port)),
                *("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        if any("successfully" in line for line in process.stdout):
            break
        process.wait()
    else:
        pytest.fail("Azurite did not start")
    yield _ACCOUNT.format(port=port)
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture
def new_prefix() -> Callable[[], str]:
    """Names for tables that nobody has used yet."""
    return lambda: f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["sqlite", "tables", "scratch"])
def new_place(
    request: pytest.FixtureRequest, tmp_path: Path, new_prefix: Callable[[], str]
) -> Callable[[], Callable[[], Store]]:
    """Each call names an empty place to store things; what it returns opens a store there, again and again."""
    if request.param == "sqlite":

        def sqlite_place() -> Callable[[], Store]:
            path = tmp_path / f"{uuid.uuid4().hex}.db"
            return lambda: SQLiteStore(path)

        return sqlite_place

    if request.param == "scratch":

        def scratch_place() -> Callable[[], Store]:
            scratch = ScratchStore(SQLiteStore(tmp_path / f"{uuid.uuid4().hex}.db"))
            return lambda: scratch

        return scratch_place

    connection_string: str = request.getfixturevalue("azurite")

    def tables_place() -> Callable[[], Store]:
        from azure.data.tables.aio import TableServiceClient

        prefix = new_prefix()
        return lambda: TablesStore(TableServiceClient.from_connection_string(connection_string), table_prefix=prefix)

    return tables_place


@pytest.fixture
def open_again(new_place: Callable[[], Callable[[], Store]]) -> Callable[[], Store]:
    """Opens one more store on this test's data; the test closes it."""
    return new_place()


@pytest_asyncio.fixture
async def store(open_again: Callable[[], Store]) -> AsyncIterator[Store]:
    """This test's store."""
    opened = open_again()
    yield opened
    await opened.close()
