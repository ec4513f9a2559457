"""What reading a page of 999 users costs: from Graph's bytes to our objects, and to the SDK's typed models.

The page is what Graph answers when the app asks for the members of a scoping group. Ours goes through the app's own
client, its checks of an answer and its pages; only the transport is stood in for, by one that has the bytes. The SDK's
goes through its own JSON reader, with every model loaded before. CPU time, median of some runs. Prints a line of JSON
and ends with 1 where the figure is not met.

    python -m benchmarks.page [--users 999] [--runs 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from msgraph.generated.models.user_collection_response import UserCollectionResponse

from benchmarks.figure import Figure
from benchmarks.probes import ROOT
from sandbox.tenants import people
from sandbox.tenants.contoso import SOURCE_TENANT_ID
from shared.app.desire import selection
from shared.config.sync_file import read_sync_file
from shared.graph.client import GraphClient, RawResponse
from shared.graph.source import Found, SourceDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TIMES_LESS: Final = 100.0
_MILLISECONDS: Final = 50.0
_GROUP: Final = "60000000-0000-4000-8000-000000000001"


class _Page:
    """In place of the transport: answers everything with the same bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def send(self, method: str, url: str, body: object, headers: Mapping[str, str]) -> RawResponse:  # noqa: ARG002
        return RawResponse(200, self._content, {})

    async def roles(self) -> frozenset[str]:
        return frozenset()

    async def close(self) -> None:
        """There is nothing to close."""


def page(users: int, select: Sequence[str]) -> bytes:
    """So many people as Graph gives them, with the properties that are asked for."""
    entries = []
    for person in people.strangers(users, seed=1):
        user = person.user("contoso.com", people.person_id(SOURCE_TENANT_ID, person.alias))
        entries.append({name: user.get(name) for name in select})
    context = f"https://graph.microsoft.com/v1.0/$metadata#users({','.join(select)})"
    return json.dumps({"@odata.context": context, "@odata.count": users, "value": entries}).encode()


async def _ours(content: bytes, select: Sequence[str]) -> list[Found]:
    client = GraphClient("https://graph.microsoft.com", lambda: _Page(content), lambda: datetime.now(UTC))
    found: list[Found] = []
    async for users in SourceDirectory(client).list_members(_GROUP, select):
        found += [Found(user, frozenset({_GROUP})) for user in users]
    return found


def _models(content: bytes) -> list[Any]:
    node = JsonParseNodeFactory().get_root_parse_node("application/json", content)
    answer = node.get_object_value(UserCollectionResponse)
    users = answer.value if isinstance(answer, UserCollectionResponse) else None
    return [(user.id, user.display_name) for user in users or []]


def _milliseconds(read: Callable[[], Sequence[Any]], users: int, runs: int) -> list[float]:
    times = []
    for _ in range(runs):
        before = time.process_time()
        found = read()
        times.append(1000 * (time.process_time() - before))
        if len(found) != users:
            raise RuntimeError(f"{len(found)} of {users} users were read")
    return times


def measure(users: int, runs: int) -> Figure:
    """Read a page of so many users, so often by both."""
    [target, *_] = read_sync_file(ROOT / "sync.yaml").targets
    select = sorted({"id", *selection(target).properties})
    content = page(users, select)
    _models(page(1, select))  # loads the models
    ours = _milliseconds(lambda: asyncio.run(_ours(content, select)), users, 5 * runs)
    models = _milliseconds(lambda: _models(content), users, runs)
    here, there = statistics.median(ours), statistics.median(models)
    return Figure(
        "page",
        users,
        {"timesLess": _TIMES_LESS, "milliseconds": _MILLISECONDS},
        {
            "milliseconds": round(here, 2),
            "milliseconds.most": round(max(ours), 2),
            "modelsMilliseconds": round(there),
            "modelsMilliseconds.most": round(max(models)),
            "timesLess": round(there / here),
            "bytes": len(content),
        },
        (sum(ours) + sum(models)) / 1000,
        at_least=frozenset({"timesLess"}),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=999)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    figure = measure(options.users, options.runs)
    print(figure.line())
    sys.exit(0 if figure.met else 1)


if __name__ == "__main__":
    main()
