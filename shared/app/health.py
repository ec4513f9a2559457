"""health: can this app do its work? What is configured wrongly, how long subscriptions live, where links stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.app.ingest import Reply
from shared.app.subscriptions import RESOURCES
from shared.config.faults import ConfigurationError
from shared.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.app.parts import Parts


async def health(build: Callable[[], Awaitable[Parts]]) -> Reply:
    """200 where all is well, else 503; JSON either way."""
    try:
        parts = await build()
        report = await _report(parts)
    except ConfigurationError as error:
        faults = [{"path": fault.path, "message": fault.message} for fault in error.faults]
        return _reply(503, {"healthy": False, "configuration": {"source": error.source, "faults": faults}})
    except StoreError as error:
        return _reply(503, {"healthy": False, "store": error.operation})
    return _reply(200 if report["healthy"] else 503, report)


async def _report(parts: Parts) -> dict[str, Any]:
    now = parts.clock.now()
    records = {record.resource: record for record in await parts.store.get_subscriptions()}
    subscriptions = {}
    alive = True
    for resource in RESOURCES:
        expires_at = records[resource].expires_at if resource in records else None
        alive = alive and expires_at is not None and expires_at > now
        subscriptions[resource] = expires_at.isoformat() if expires_at else None
    targets = {
        name: {state.value: count for state, count in (await parts.store.count_links(name)).items()}
        for name in parts.targets
    }
    return {"healthy": alive, "subscriptions": subscriptions, "targets": targets}


def _reply(status: int, report: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(report), "application/json")
