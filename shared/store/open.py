"""From the one setting that says where the store is to a store: the only place that knows the forms.

The Azure library is imported only when it is needed, since a webhook that starts cold has seconds, and an
installation on SQLite never needs it. Nothing is opened yet: a store connects with its first call.

No message here repeats the setting: a connection string contains the account's key.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from .protocol import Store

_SQLITE: Final = "sqlite:///"
_FORMS: Final = (
    "a store is sqlite:///relative/path.db, sqlite:////absolute/path.db,"
    " https://ACCOUNT.table.core.windows.net (with a credential, or its host in another cloud),"
    " or an Azure Storage connection string such as UseDevelopmentStorage=true"
)

# Short enough that all attempts together fit well into a message's lock; the caller reschedules after that.
_PATIENCE: Final[dict[str, Any]] = {
    "retry_total": 3,
    "retry_backoff_factor": 0.4,
    "retry_backoff_max": 5,
    "connection_timeout": 5,
    "read_timeout": 20,
}


def open_store(url: str, credential: AsyncTokenCredential | None = None) -> Store:
    """Return the store at `url`. ValueError, naming the forms, if it is none of them.

    The credential stays the caller's: closing the store does not close it.
    """
    if url.startswith(_SQLITE):
        return _sqlite(url.removeprefix(_SQLITE))
    if url.lower().startswith("https://"):
        return _account(url, credential)
    if "=" in url and "://" not in url.partition("=")[0]:
        return _connection_string(url)
    raise ValueError(_FORMS)


def _sqlite(path: str) -> Store:
    from .sqlite import SQLiteStore  # noqa: PLC0415 - only what is used is loaded

    if not path or path.endswith("/") or path == ":memory:":
        raise ValueError(f"no file is named; {_FORMS}")
    return SQLiteStore(Path(path))


def _account(url: str, credential: AsyncTokenCredential | None) -> Store:
    parts = urlsplit(url)
    if ".table." not in (parts.hostname or "") or parts.path.strip("/") or parts.query:
        raise ValueError(f"the address is not that of an account's tables alone; {_FORMS}")
    if credential is None:
        raise ValueError(f"the address of an account needs a credential; {_FORMS}")
    from azure.data.tables.aio import TableServiceClient  # noqa: PLC0415 - costs a cold start some 0.3 s

    from .tables import TablesStore  # noqa: PLC0415 - as above

    return TablesStore(TableServiceClient(endpoint=url, credential=credential, **_PATIENCE))


def _connection_string(text: str) -> Store:
    from azure.data.tables.aio import TableServiceClient  # noqa: PLC0415 - costs a cold start some 0.3 s

    from .tables import TablesStore  # noqa: PLC0415 - as above

    try:
        service = TableServiceClient.from_connection_string(text.rstrip(";"), **_PATIENCE)
    except ValueError:
        # Without the cause: the library's message may repeat parts of the string.
        raise ValueError(f"the connection string cannot be read; {_FORMS}") from None
    return TablesStore(service)


__all__ = ["open_store"]
