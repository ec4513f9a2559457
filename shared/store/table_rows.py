"""How rows are laid out in Azure Tables: keys, properties, reverse index, and our etags.

Three tables:

    links   partition  target : bucket        row  l:source id   the link
                                              row  u:source id   it owes log events (empty, beside its link)
    index   partition  target : kind : bucket row  id : source id
    state   partition  state | subscription   row  name

Sixteen buckets per target, by a hash of the source id: a batch becomes few transactions (at most 100 rows
of one partition each) and stays far from a partition's 2,000 rows a second. The number can only change
together with a migration.

*Owes log events* is a row in the link's own partition, written in the link's own transaction, so the two
cannot disagree. The *reverse index* (kind t: by target user, m: by awaited manager) cannot live there, as a
reader of the index does not know the source id. Its rows are written before the link and never removed: a
crash, a conflict or a later change leaves a row too many, never one too few, and a reader believes a row only
after looking at the link. What stays behind is one small row per pair that was ever linked.

An *etag* of ours is the service's, preceded by what the stored link says about events and index, so that a
write knows which other rows to touch without reading first. Whoever holds a valid etag holds the truth about
the stored row; with an outdated one the whole transaction fails anyway.

This module is pure: no requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2s
from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.core.model import Link

    from .documents import Document

BUCKETS: Final = "0123456789abcdef"

# A property holds 64 KiB, two bytes a character.
_PART_LENGTH: Final = 32_000

_PLAIN: Final = re.compile(r"[^A-Za-z0-9._-]")
_DIGEST_LENGTH: Final = 16
_NOTHING: Final = "-" * _DIGEST_LENGTH


class IndexKind(StrEnum):
    """What a reverse index row is found by."""

    TARGET_USER = "t"
    MANAGER = "m"


@dataclass(frozen=True, slots=True)
class RowKeys:
    """Where a row is: within one table."""

    partition: str
    row: str

    def entity(self) -> dict[str, str]:
        """Return a row of nothing but its keys."""
        return {"PartitionKey": self.partition, "RowKey": self.row}


@dataclass(frozen=True, slots=True)
class RowRange:
    """All rows of a partition whose key starts with a prefix. The prefix ends in a colon, encoded ids have none."""

    partition: str
    prefix: str

    def filter(self) -> str:
        """Return the range as a query filter. A semicolon is the character after the colon."""
        end = self.prefix[:-1] + ";"
        return f"PartitionKey eq '{self.partition}' and RowKey ge '{self.prefix}' and RowKey lt '{end}'"


@dataclass(frozen=True, slots=True)
class LinkEtag:
    """The etag of a stored link, with what that link says about rows beside it."""

    service: str
    owes_log: bool
    target_user: str  # digest of the target id
    manager: str  # digest of the awaited manager's source id

    @classmethod
    def of(cls, link: Link, service: str) -> LinkEtag:
        """Describe a link as it is stored under the service's etag."""
        return cls(service, bool(link.unlogged), _digest(link.target_id), _digest(link.manager_source_id))

    @classmethod
    def parse(cls, text: str) -> LinkEtag | None:
        """Read an etag; None if it is none of this store's, so that no row can have it."""
        flag, target_user, manager, service = (
            text[:1],
            text[1 : 1 + _DIGEST_LENGTH],
            text[1 + _DIGEST_LENGTH : 1 + 2 * _DIGEST_LENGTH],
            text[1 + 2 * _DIGEST_LENGTH :],
        )
        if flag not in ("u", "-") or not is_service_etag(service):
            return None
        return cls(service, flag == "u", target_user, manager)

    def __str__(self) -> str:
        return f"{'u' if self.owes_log else '-'}{self.target_user}{self.manager}{self.service}"


def is_service_etag(text: str) -> bool:
    """Say whether the service could have given this etag; it answers others as faults, not as conflicts."""
    return text.startswith('W/"')


def link_keys(target: str, source_id: str) -> RowKeys:
    """Return where a link is."""
    return RowKeys(_links_partition(target, _bucket(source_id)), f"l:{encode_key(source_id)}")


def owes_log_keys(target: str, source_id: str) -> RowKeys:
    """Return where the row is that says a link owes events."""
    return RowKeys(_links_partition(target, _bucket(source_id)), f"u:{encode_key(source_id)}")


def link_ranges(target: str) -> tuple[RowRange, ...]:
    """Return the ranges that together hold all links of a target."""
    return tuple(RowRange(_links_partition(target, bucket), "l:") for bucket in BUCKETS)


def owes_log_ranges(target: str) -> tuple[RowRange, ...]:
    """Return the ranges that together name all links of a target that owe events."""
    return tuple(RowRange(_links_partition(target, bucket), "u:") for bucket in BUCKETS)


def index_range(target: str, kind: IndexKind, found_by: str) -> RowRange:
    """Return the range that holds the index rows for one id."""
    partition = f"{encode_key(target)}:{kind.value}:{_bucket(found_by)}"
    return RowRange(partition, f"{encode_key(found_by)}:")


def missing_index_rows(link: Link, stored: LinkEtag | None) -> list[RowKeys]:
    """Return the index rows that have to be there before this link is, and may not be yet."""
    rows = []
    if link.target_id is not None and (stored is None or stored.target_user != _digest(link.target_id)):
        rows.append(_index_keys(link, IndexKind.TARGET_USER, link.target_id))
    if link.manager_source_id is not None and (stored is None or stored.manager != _digest(link.manager_source_id)):
        rows.append(_index_keys(link, IndexKind.MANAGER, link.manager_source_id))
    return rows


def source_id_of(row_key: str) -> str:
    """Return the source id that a row's key ends in, for all rows of links and index."""
    return decode_key(row_key.rpartition(":")[2])


def document_properties(document: Document, write: str) -> dict[str, str]:
    """Return a document as properties short enough for the service, and the id of the write that brought it."""
    text = document.text
    parts = (text[start : start + _PART_LENGTH] for start in range(0, len(text), _PART_LENGTH))
    return {"write": write} | {f"document{number}": part for number, part in enumerate(parts)}


def document_text(properties: Mapping[str, object]) -> str:
    """Return the text that `document_properties` took apart."""
    parts: list[str] = []
    while (part := properties.get(f"document{len(parts)}")) is not None:
        parts.append(str(part))
    return "".join(parts)


def encode_key(text: str) -> str:
    """Write text as key: the service refuses slashes, # ? and control characters, we part keys at colons."""
    return _PLAIN.sub(lambda match: "".join(f"={byte:02X}" for byte in match[0].encode()), text)


def decode_key(key: str) -> str:
    """Read what `encode_key` wrote."""
    return re.sub(r"(?:=[0-9A-F]{2})+", lambda match: bytes.fromhex(match[0].replace("=", "")).decode(), key)


def _links_partition(target: str, bucket: str) -> str:
    return f"{encode_key(target)}:{bucket}"


def _index_keys(link: Link, kind: IndexKind, found_by: str) -> RowKeys:
    within = index_range(link.target, kind, found_by)
    return RowKeys(within.partition, within.prefix + encode_key(link.source_id))


def _bucket(text: str) -> str:
    return BUCKETS[crc32(text.encode()) % len(BUCKETS)]


def _digest(text: str | None) -> str:
    return _NOTHING if text is None else blake2s(text.encode(), digest_size=_DIGEST_LENGTH // 2).hexdigest()


__all__ = [
    "IndexKind",
    "LinkEtag",
    "RowKeys",
    "RowRange",
    "decode_key",
    "document_properties",
    "document_text",
    "encode_key",
    "index_range",
    "is_service_etag",
    "link_keys",
    "link_ranges",
    "missing_index_rows",
    "owes_log_keys",
    "owes_log_ranges",
    "source_id_of",
]
