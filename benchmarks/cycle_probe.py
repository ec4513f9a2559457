"""One thing done in a fresh process, and what it cost that process: a line of JSON with CPU seconds and peak memory.

    python -m benchmarks.cycle_probe cycle|download FOLDER

`cycle` is the app's full cycle. `download` fetches the pages of the same two lists with a plain HTTP client, reads them
as JSON, and does nothing with them: what no program could do without. FOLDER holds what `benchmarks.cycles` put there.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.app_parts import NO_BUS, build_parts
from benchmarks.probes import profiled
from benchmarks.settled import MARKER, SOURCE_TENANT_ID, TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.graph.client import GraphRequest, GraphResponse

_KIB = 1024


async def _cycle(ready: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    parts = build_parts(ready, folder, folder / "sync.yaml", NO_BUS)
    from shared.app.full_cycle import full_cycle  # noqa: PLC0415

    await parts.targets[TARGET].directory.reach()  # loads the SDK, which is no part of a cycle
    before = time.process_time()
    with profiled():
        cycle = await full_cycle(parts)
    cpu = time.process_time() - before
    if cycle is None:
        raise RuntimeError("another cycle is under way")
    one = cycle.targets[TARGET]
    await parts.close()
    return {"cpu": cpu, "failure": one.failure, **one.counts()}


async def _download(ready: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    requests = await _both_lists(folder / "sync.yaml")
    async with httpx.AsyncClient(http2=True, timeout=60) as client:
        cpu, pages, users = 0.0, 0, 0
        for tenant, request in requests.items():
            issued = await client.post(f"{ready['control']}/tokens", json={"tenant": tenant})
            headers = {**request.headers, "Authorization": f"Bearer {issued.json()['access_token']}"}
            link: str | None = ready["graph"] + request.path
            before = time.process_time()
            while link is not None:
                page = json.loads((await client.get(link, headers=headers)).content)
                pages, users, link = pages + 1, users + len(page["value"]), page.get("@odata.nextLink")
            cpu += time.process_time() - before
    return {"cpu": cpu, "requests": pages, "users": users}


async def _both_lists(sync_file: Path) -> dict[str, GraphRequest]:
    """The first request of each list, as the app asks for it."""
    from shared.app.desire import selection  # noqa: PLC0415
    from shared.config.sync_file import read_sync_file  # noqa: PLC0415
    from shared.graph.source import SourceDirectory  # noqa: PLC0415
    from shared.graph.target import TargetDirectory  # noqa: PLC0415

    [target] = read_sync_file(sync_file).targets
    source, emea = _Asked(), _Asked()
    names = sorted({mapping.target.partition(".")[0] for mapping in target.mappings} - {"manager"})
    directory = TargetDirectory(emea, marker_attribute=MARKER, source_tenant_id=SOURCE_TENANT_ID)  # type: ignore[arg-type]
    members = SourceDirectory(source).list_members(  # type: ignore[arg-type]
        target.scope.groups[0], sorted(selection(target).properties)
    )
    for pages in (members, directory.list_owned(names)):
        async for _ in pages:
            pass
    return {"source": source.requests[0], TARGET: emea.requests[0]}


class _Asked:
    """In place of a tenant: notes what is asked, and has nothing."""

    def __init__(self) -> None:
        self.requests: list[GraphRequest] = []

    async def send(self, request: GraphRequest) -> GraphResponse:
        from shared.graph.client import GraphResponse  # noqa: PLC0415

        self.requests.append(request)
        return GraphResponse(200, {"value": []})


def main() -> None:
    """Do it, and print what it cost."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    ready = json.loads((folder / "ready.json").read_text(encoding="utf-8"))
    done = asyncio.run({"cycle": _cycle, "download": _download}[what](ready, folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
    print(json.dumps({"probe": what, **done, "peakMiB": round(peak)}))


if __name__ == "__main__":
    main()
