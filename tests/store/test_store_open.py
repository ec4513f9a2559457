"""From setting to store: the forms, what is said about a wrong one, and what is loaded for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from shared.core.model import StateRow
from shared.store import Written, open_store
from shared.store.sqlite import SQLiteStore
from shared.store.tables import TablesStore

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

ROOT = Path(__file__).parents[2]


class NoCredential:
    """Stands where a credential is only carried along."""

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Never asked for here."""
        raise AssertionError(scopes)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to leave."""


async def test_sqlite_absolute(tmp_path: Path):
    """Four slashes name an absolute path."""
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    assert isinstance(await store.put_state(StateRow("a", "1")), Written)
    await store.close()
    assert (tmp_path / "store.db").exists()


async def test_sqlite_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Three slashes name a path relative to the working directory, whose folders are made."""
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///data/store.db")
    assert isinstance(await store.put_state(StateRow("a", "1")), Written)
    await store.close()
    assert (tmp_path / "data/store.db").exists()


async def test_connection_string(azurite: str):
    """A connection string leads to the account's tables."""
    store = open_store(azurite)
    await store.put_state(StateRow("test_store_open", "1"))
    row = await store.get_state("test_store_open")
    await store.close()
    assert row is not None
    assert row.value == "1"


@pytest.mark.parametrize("text", ["UseDevelopmentStorage=true", "UseDevelopmentStorage=true;"])
async def test_development_storage(text: str):
    """The emulator's short form is understood."""
    store = open_store(text)
    assert isinstance(store, TablesStore)
    await store.close()


@pytest.mark.parametrize("host", ["a.table.core.windows.net", "a.table.core.usgovcloudapi.net"])
async def test_account(host: str):
    """An account's address goes with a credential, in any cloud."""
    store = open_store(f"https://{host}", NoCredential())
    assert isinstance(store, TablesStore)
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "store.db",
        "sqlite://store.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "http://a.table.core.windows.net",
        "https://a.table.core.windows.net",
        "https://a.blob.core.windows.net",
        "https://a.table.core.windows.net/?sig=hush",
        "postgresql://user:hush@host/db?a=b",
        "AccountName=a;AccountKey",
        "AccountName=a;AccountKey=hush;nonsense",
        "SharedAccessSignature=hush",
    ],
)
def test_wrong_setting(url: str):
    """Anything else is refused with the forms there are, and without repeating what may be a secret."""
    with pytest.raises(ValueError, match="sqlite:///relative") as raised:
        open_store(url)
    assert "https://ACCOUNT.table.core.windows.net" in str(raised.value)
    assert "UseDevelopmentStorage=true" in str(raised.value)
    assert "hush" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("statement", "loaded"),
    [
        ("import shared.store", set()),
        ("import shared.store; shared.store.open_store('sqlite:///x.db')", {"sqlite3"}),
        ("import shared.store; shared.store.open_store('UseDevelopmentStorage=true')", {"azure.data.tables"}),
    ],
)
def test_cold_start(statement: str, loaded: set[str]):
    """The library of a store is loaded for that store only."""
    code = f"import sys; {statement}; print(*({{'sqlite3', 'azure.data.tables'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert set(done.stdout.split()) == loaded


def test_sqlite_kind(tmp_path: Path):
    """Opening touches nothing before the first call."""
    assert isinstance(open_store(f"sqlite:///{tmp_path}/store.db"), SQLiteStore)
    assert not list(tmp_path.iterdir())
