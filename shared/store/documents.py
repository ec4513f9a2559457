"""Rows as JSON documents: how a link, a subscription record and a state row are written down.

Both stores keep the same document and only differ in what they index beside it, so a field added to a
type is added here once. Reading fills in defaults for fields an older version did not write. Documents
are pure ASCII: one character is one unit of Azure's size limits.

This module must not know a storage engine, and must not judge what a row says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.core.model import Claim, Link, LinkState, RetiredState, StateRow, SubscriptionRecord

from .protocol import TooLarge

# Azure Tables: an entity holds 1 MiB, counting two bytes a character; the rest is room for keys and names.
# Both stores keep to it, so that what fits on an administrator's machine also fits in the cloud.
MAX_DOCUMENT_LENGTH: Final = 480_000


@dataclass(frozen=True, slots=True)
class Document:
    """JSON text that is known to fit."""

    text: str


def link_document(link: Link) -> Document | TooLarge:
    """Write a link down, without its etag."""
    claim = link.claim
    return _document(
        {
            "target": link.target,
            "source_id": link.source_id,
            "state": link.state,
            "target_id": link.target_id,
            "fingerprint": link.fingerprint,
            "claim": None if claim is None else {"worker": claim.worker, "at": _time_text(claim.at)},
            "was_new": link.was_new or None,
            "manager_source_id": link.manager_source_id,
            "manager_target_id": link.manager_target_id,
            "reason": link.reason,
            "attempt": link.attempt or None,
            "retry_at": _time_text(link.retry_at),
            "changed_at": _time_text(link.changed_at),
            "missing_since": _time_text(link.missing_since),
            "leaving_since": _time_text(link.leaving_since),
            "applied": dict(link.applied) or None,
            "drifted": link.drifted or None,
            "unlogged": link.unlogged or None,
        }
    )


def read_link(text: str, etag: str) -> Link:
    """Read what `link_document` wrote."""
    fields = json.loads(text)
    claim = fields.get("claim")
    return Link(
        target=fields["target"],
        source_id=fields["source_id"],
        state=LinkState(fields["state"]),
        target_id=fields.get("target_id"),
        fingerprint=fields.get("fingerprint"),
        claim=None if claim is None else Claim(claim["worker"], datetime.fromisoformat(claim["at"])),
        was_new=fields.get("was_new", False),
        manager_source_id=fields.get("manager_source_id"),
        manager_target_id=fields.get("manager_target_id"),
        reason=fields.get("reason"),
        attempt=fields.get("attempt", 0),
        retry_at=_time(fields.get("retry_at")),
        changed_at=_time(fields.get("changed_at")),
        missing_since=_time(fields.get("missing_since")),
        leaving_since=_time(fields.get("leaving_since")),
        applied=fields.get("applied", {}),
        drifted=tuple(fields.get("drifted", ())),
        unlogged=tuple(fields.get("unlogged", ())),
        etag=etag,
    )


def subscription_document(record: SubscriptionRecord) -> Document | TooLarge:
    """Write a subscription record down, without its etag."""
    return _document(
        {
            "resource": record.resource,
            "client_state": record.client_state,
            "notification_url": record.notification_url,
            "subscription_id": record.subscription_id,
            "expires_at": _time_text(record.expires_at),
            "change_types": record.change_types,
            "made_at": _time_text(record.made_at),
            "successor": record.successor,
            "retired": [
                {
                    "client_state": state.client_state,
                    "subscription_id": state.subscription_id,
                    "until": _time_text(state.until),
                }
                for state in record.retired
            ],
        }
    )


def read_subscription(text: str, etag: str) -> SubscriptionRecord:
    """Read what `subscription_document` wrote."""
    fields = json.loads(text)
    return SubscriptionRecord(
        resource=fields["resource"],
        client_state=fields["client_state"],
        notification_url=fields["notification_url"],
        subscription_id=fields.get("subscription_id"),
        expires_at=_time(fields.get("expires_at")),
        change_types=fields.get("change_types", "updated,deleted"),
        made_at=_time(fields.get("made_at")),
        successor=fields.get("successor"),
        retired=tuple(
            RetiredState(state["client_state"], state["subscription_id"], _time(state["until"]))
            for state in fields.get("retired", ())
        ),
        etag=etag,
    )


def state_document(row: StateRow) -> Document | TooLarge:
    """Write a state row down, without its etag; its value is kept to the letter."""
    return _document({"name": row.name, "value": row.value})


def read_state(text: str, etag: str) -> StateRow:
    """Read what `state_document` wrote."""
    fields = json.loads(text)
    return StateRow(name=fields["name"], value=fields["value"], etag=etag)


def _document(fields: dict[str, Any]) -> Document | TooLarge:
    present = {name: value for name, value in fields.items() if value is not None}
    text = json.dumps(present, separators=(",", ":"))
    if len(text) > MAX_DOCUMENT_LENGTH:
        return TooLarge(length=len(text), limit=MAX_DOCUMENT_LENGTH)
    return Document(text)


def _time_text(at: datetime | None) -> str | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("a time without zone cannot be stored")
    return at.astimezone(UTC).isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


__all__ = [
    "MAX_DOCUMENT_LENGTH",
    "Document",
    "link_document",
    "read_link",
    "read_state",
    "read_subscription",
    "state_document",
    "subscription_document",
]
