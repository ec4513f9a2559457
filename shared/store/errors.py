"""What a store raises, and only for faults of the store as a whole.

    StoreError
    ├── StoreUnavailable   it will probably work later: outage, timeout, throttling, a locked file
    └── StoreUnusable      a person has to act: access denied, not our file, a table taken away

A row that another worker changed first is no fault: it is the value `Conflict` (see `protocol`).
Nothing here carries a user's id, a key of the account or an address with a secret in it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

DEFAULT_RETRY_AFTER: Final = timedelta(seconds=5)


class StoreError(Exception):
    """The store as a whole could not do what was asked.

    `operation` is what was tried, `detail` the cause in the words of the storage engine.
    """

    def __init__(self, operation: str, detail: str) -> None:
        super().__init__(f"store: {operation}: {detail}")
        self.operation = operation
        self.detail = detail


class StoreUnavailable(StoreError):  # noqa: N818 - named after the state of the store
    """Come back after `retry_after`.

    When it is raised by `write_links`, some of the rows may have been written: read before writing again.
    """

    def __init__(self, operation: str, detail: str, *, retry_after: timedelta = DEFAULT_RETRY_AFTER) -> None:
        super().__init__(operation, detail)
        self.retry_after = retry_after


class StoreUnusable(StoreError):  # noqa: N818 - as above
    """Trying again will not help; the detail says what a person should look at."""


__all__ = ["DEFAULT_RETRY_AFTER", "StoreError", "StoreUnavailable", "StoreUnusable"]
