"""What must survive a restart: links, subscriptions, cursors, pauses. One protocol, two stores.

Importing this package loads neither SQLite's nor Azure's library; `open_store` does, as needed.
"""

from .errors import StoreError, StoreUnavailable, StoreUnusable
from .open import open_store
from .protocol import MAX_PAGE_SIZE, Conflict, Store, TooLarge, WriteOutcome, WriteResult, Written

__all__ = [
    "MAX_PAGE_SIZE",
    "Conflict",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoreUnusable",
    "TooLarge",
    "WriteOutcome",
    "WriteResult",
    "Written",
    "open_store",
]
