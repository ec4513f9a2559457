"""health: can this app do its work? Its status, or what keeps it from having one: a wrong configuration, no store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.app.ingest import Reply
from shared.app.status import status, status_json
from shared.config.faults import ConfigurationError
from shared.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.app.parts import Parts


async def health(build: Callable[[], Awaitable[Parts]]) -> Reply:
    """200 where all is well, else 503; JSON either way."""
    try:
        parts = await build()
        report = await status(parts)
    except ConfigurationError as error:
        faults = [{"path": fault.path, "message": fault.message} for fault in error.faults]
        return _reply(503, {"healthy": False, "configuration": {"source": error.source, "faults": faults}})
    except StoreError as error:
        return _reply(503, {"healthy": False, "store": error.operation})
    return _reply(200 if report.is_healthy else 503, status_json(report))


def _reply(status: int, report: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(report), "application/json")
