"""New people in the source of a whole running sandbox, who have to be in its one target.

The parts are processes of their own, as in `make sandbox`: the people's changes travel as Graph's notifications through
the Functions host, the bus and the app, with the product's own times and under Graph's write quota.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.settled import TARGET, one_target
from sandbox.story.expectation import Expectation
from sandbox.story.run import REPOSITORY, Options, Sandbox
from sandbox.tenants.contoso import CROSS_TENANT_USERS_GROUP_ID, MARKER, SOURCE_TENANT_ID, WRITER_APP_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

SOURCE: Final = "source"
_POLL: Final = 2.0  # seconds between two looks at the target
_PATIENCE: Final = 120.0  # seconds until the people should be in the target, and
_WRITES_PER_SECOND: Final = 10.0  # more for their writes: half of the pace
_WRITES_PER_PERSON: Final = 2  # invitation and update


def product_times() -> Mapping[str, float]:
    """WINDOW_SECONDS and its like, as the sample settings have them."""
    sample = json.loads((REPOSITORY / "local.settings.sample.json").read_text(encoding="utf-8"))
    return {name: float(value) for name, value in sample["Values"].items() if name.endswith("_SECONDS")}


@asynccontextmanager
async def running_sandbox(times: Mapping[str, float]) -> AsyncIterator[Sandbox]:
    """A sandbox with one target and these times, subscribed and with nobody in scope."""
    with tempfile.TemporaryDirectory() as folder:
        sync_file = Path(folder) / "sync.yaml"
        sync_file.write_text(one_target(REPOSITORY / "sync.yaml"), encoding="utf-8")
        options = Options(
            sync_file=sync_file,
            window=times["WINDOW_SECONDS"],
            settle=times["SETTLE_SECONDS"],
            second_look=times["SECOND_LOOK_SECONDS"],
            lock=int(times["LOCK_SECONDS"]),
        )
        async with Sandbox(options) as sandbox:
            await sandbox.subscribe()
            yield sandbox


@dataclass(slots=True)
class Newcomers:
    """The people of one run."""

    sandbox: Sandbox
    ids: Sequence[str] = ()
    _before: list[Mapping[str, Any]] = field(default_factory=list)

    async def join(self, users: int) -> None:
        """Let so many be hired and join the scoping group, all at once."""
        self._before = await self.sandbox.cloud.users(TARGET)
        hired = {
            "tenant": SOURCE,
            "count": users,
            "seed": 1,
            "groups": [CROSS_TENANT_USERS_GROUP_ID],
            "managers": False,
        }
        self.ids = (await self.sandbox.cloud.control("POST", "users/generate", hired))["ids"]

    async def arrive(self) -> int:
        """Wait until the target holds everybody as it should; how many are wrong when patience ends."""
        writes = _WRITES_PER_PERSON * len(self.ids)
        until = time.monotonic() + _PATIENCE + writes / _WRITES_PER_SECOND
        while True:
            over = time.monotonic() > until
            # Thousands are compared only when they can be right: each look takes the tenants a while.
            if over or (await self.counters())["writes"].get(TARGET, 0) >= writes:
                wrong = await self.wrong()
                if over or not wrong:
                    return wrong
            await asyncio.sleep(_POLL)

    async def wrong(self) -> int:
        """How many are missing, doubled or different in the target, by the tenants' truth."""
        known = set(self.ids)
        people = {user["id"]: user for user in await self.sandbox.cloud.users(SOURCE) if user["id"] in known}
        expectation = Expectation(MARKER, SOURCE_TENANT_ID, people)
        found = expectation.compare(self._before, await self.sandbox.cloud.users(TARGET))
        return len(found.missing) + len(found.unexpected) + len(found.different)

    async def counters(self) -> Mapping[str, Any]:
        """What the tenants counted."""
        counted: Mapping[str, Any] = await self.sandbox.cloud.control("GET", "counters")
        return counted

    async def throttled(self) -> int:
        """How many requests the target refused for now."""
        refused: int = (await self.counters())["statuses"].get(TARGET, {}).get("429", 0)
        return refused

    async def journal(self, tenant: str) -> Sequence[Mapping[str, Any]]:
        """What happened in a tenant, in order; in the target, what the app did there."""
        entries = (await self.sandbox.cloud.control("GET", f"journal?tenant={tenant}"))["value"]
        return [entry for entry in entries if tenant != TARGET or entry["actor"] == WRITER_APP_ID]
