"""The app's own parts against running tenants, in the process of a benchmark.

The addresses of the managed identity are read from the environment by the SDKs when they are first imported, so the
app's modules are imported here only after they were set.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sandbox.story.topology import TOPIC

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shared.app.parts import Parts

NO_BUS: Final = "Endpoint=sb://localhost;SharedAccessKeyName=k;SharedAccessKey=a;UseDevelopmentEmulator=true;"
"""A connection string for what must send nothing."""


def build_parts(ready: Mapping[str, Any], folder: Path, sync_file: Path, bus: str, *, paced: bool = False) -> Parts:
    """The parts, with nothing to wait for; `ready` is what the tenants said when they were ready.

    Writes have no pace, unless they are `paced` as in production. The store is `folder`/links.sqlite3; `bus` is a
    connection string.
    """
    os.environ |= {"IDENTITY_ENDPOINT": ready["identityEndpoint"], "IDENTITY_HEADER": ready["identityHeader"]}
    from shared.app.compose import build  # noqa: PLC0415
    from shared.app.parts import Clock  # noqa: PLC0415
    from shared.config.settings import read_settings  # noqa: PLC0415
    from shared.graph.pace import Pace  # noqa: PLC0415

    settings = read_settings(
        {
            "SYNC_FILE": str(sync_file),
            "MANAGED_IDENTITY_CLIENT_ID": ready["managedIdentity"]["clientId"],
            "READER_CLIENT_ID": ready["apps"]["reader"]["appId"],
            "WRITER_CLIENT_ID": ready["apps"]["writer"]["appId"],
            "ServiceBusConnection": bus,
            "USER_CHANGES_TOPIC": TOPIC,
            "STORE_URL": f"sqlite:///{folder}/links.sqlite3",
            "NOTIFICATION_URL": "https://localhost:1/api/notifications",
            # The tenants have no lag here, so nothing has to be waited for.
            "WINDOW_SECONDS": "0.2",
            "SETTLE_SECONDS": "0",
            "SECOND_LOOK_SECONDS": "0",
            "GRAPH_ENDPOINT": ready["login"],
            "AZURE_AUTHORITY_HOST": ready["login"],
        }
    )

    async def no_sleep(_: float) -> None:
        """A user who was just invited is on every replica already."""

    pace = None if paced else Pace(per_second=1e6, burst=1e6)
    return build(settings, Clock(lambda: datetime.now(UTC), no_sleep), pace=pace)
