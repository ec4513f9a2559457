"""What every store refuses before it does anything: questions that no store could answer clearly.

These are mistakes of the calling code, so they are ValueErrors; nothing here depends on what is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .protocol import MAX_PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.model import Link

# Bytes of UTF-8. A key in Azure Tables holds 512 characters, and a byte that has to be encoded takes three:
# a name is a key alone, and two ids share one key in a reverse index.
MAX_NAME_LENGTH: Final = 160
MAX_ID_LENGTH: Final = 80


def check_batch(writes: Sequence[Link]) -> None:
    """ValueError if a link stands in the batch twice, or if an id that becomes part of a key cannot."""
    seen: set[tuple[str, str]] = set()
    for link in writes:
        key = (link.target, link.source_id)
        if key in seen:
            raise ValueError(f"a batch for target {link.target!r} writes one link twice")
        seen.add(key)
        _check_key("target", link.target, MAX_ID_LENGTH)
        _check_key("source_id", link.source_id, MAX_ID_LENGTH)
        if link.target_id is not None:
            _check_key("target_id", link.target_id, MAX_ID_LENGTH)
        if link.manager_source_id is not None:
            _check_key("manager_source_id", link.manager_source_id, MAX_ID_LENGTH)


def check_name(value: str) -> None:
    """ValueError if a state row's or subscription's name cannot be a key: it is empty, or too long."""
    _check_key("name", value, MAX_NAME_LENGTH)


def check_page_size(page_size: int) -> None:
    """ValueError if no store can return pages of this size."""
    if not 1 <= page_size <= MAX_PAGE_SIZE:
        raise ValueError(f"page_size has to be 1 to {MAX_PAGE_SIZE}, not {page_size}")


def check_limit(limit: int) -> None:
    """ValueError if the limit asks for nothing at all."""
    if limit < 1:
        raise ValueError(f"limit has to be 1 or more, not {limit}")


def _check_key(field: str, value: str, limit: int) -> None:
    if not 0 < len(value.encode()) <= limit:
        raise ValueError(f"{field} has to be 1 to {limit} bytes long to be a key")


__all__ = ["MAX_ID_LENGTH", "MAX_NAME_LENGTH", "check_batch", "check_limit", "check_name", "check_page_size"]
