"""The product, or the plain script, once in a fresh process, and what it cost that process: a line of JSON.

    python -m benchmarks.script_probe hints|load|cycle|script FOLDER

`hints` takes everybody in FOLDER/people.json from Graph's notifications through the topic to the targets, `load` does
that at the product's pace of writes, `cycle` is the app's full cycle, `script` a run of `plain_script`. Everything is
imported, signed in and asked for one user before the measuring begins; the SDK's models come with the first answer that
they read.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.app_parts import build_parts
from benchmarks.probes import profiled
from sandbox.tenants.contoso import (
    ADMIN_TEST_APP_ID,
    ADMIN_TEST_SECRET,
    APAC_TENANT_ID,
    CROSS_TENANT_USERS_GROUP_ID,
    SOURCE_TENANT_ID,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.deliveries import Moment
    from shared.app.parts import Parts

_KIB: Final = 1024
_IDLE: Final = 2.0  # seconds without a message


async def _hints(ready: Mapping[str, Any], folder: Path, *, paced: bool = False) -> dict[str, Any]:
    bus = (folder / "bus").read_text(encoding="utf-8")
    parts = await _parts(ready, folder, bus, paced=paced)
    from benchmarks.deliveries import SUBSCRIPTION, deliver, now, serve_all  # noqa: PLC0415

    await parts.store.put_subscription(SUBSCRIPTION)
    people = json.loads((folder / "people.json").read_text(encoding="utf-8"))
    with profiled():
        began = now()
        await deliver(parts, people)
        ended = await serve_all(parts, bus, _IDLE)
    await parts.close()
    return _cost(began, ended)


async def _cycle(ready: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    parts = await _parts(ready, folder, (folder / "bus").read_text(encoding="utf-8"))
    from benchmarks.deliveries import now  # noqa: PLC0415
    from shared.app.full_cycle import full_cycle  # noqa: PLC0415

    began = now()
    cycle = await full_cycle(parts)
    ended = now()
    await parts.close()
    if cycle is None or any(target.failure for target in cycle.targets.values()):
        raise RuntimeError("the full cycle failed")
    return _cost(began, ended) | {"sent": sum(target.counts()["sent"] for target in cycle.targets.values())}


async def _parts(ready: Mapping[str, Any], folder: Path, bus: str, *, paced: bool = False) -> Parts:
    """The app's parts, warm."""
    parts = build_parts(ready, folder, folder / "sync.yaml", bus, paced=paced)
    await parts.source.groups_exist([CROSS_TENANT_USERS_GROUP_ID])
    for hands in parts.targets.values():
        await hands.directory.reach()
    return parts


async def _script(ready: Mapping[str, Any], _folder: Path) -> dict[str, Any]:
    from azure.identity.aio import ClientSecretCredential  # noqa: PLC0415
    from kiota_abstractions.base_request_configuration import RequestConfiguration  # noqa: PLC0415
    from kiota_authentication_azure.azure_identity_authentication_provider import (  # noqa: PLC0415
        AzureIdentityAuthenticationProvider,
    )
    from msgraph import GraphRequestAdapter, GraphServiceClient  # noqa: PLC0415
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder  # noqa: PLC0415

    from benchmarks.deliveries import now  # noqa: PLC0415
    from benchmarks.plain_script import Script  # noqa: PLC0415

    root = ready["graph"]
    clients, credentials = [], []
    for tenant in (SOURCE_TENANT_ID, APAC_TENANT_ID):
        credential = ClientSecretCredential(tenant, ADMIN_TEST_APP_ID, ADMIN_TEST_SECRET, authority=ready["login"])
        scopes = [f"{root.removesuffix('/v1.0')}/.default"]
        provider = AzureIdentityAuthenticationProvider(credential, scopes=scopes, allowed_hosts=["localhost"])
        adapter = GraphRequestAdapter(provider)
        adapter.base_url = root
        client = GraphServiceClient(request_adapter=adapter)
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=1)
        await client.users.get(request_configuration=RequestConfiguration(query_parameters=query))
        clients.append(client)
        credentials.append(credential)
    script = Script(*clients, root=root)
    began = now()
    done = await script.run(CROSS_TENANT_USERS_GROUP_ID)
    ended = now()
    for credential in credentials:
        await credential.close()
    return _cost(began, ended) | {"done": done}


def _cost(began: Moment, ended: Moment) -> dict[str, Any]:
    return {"cpu": ended.cpu - began.cpu, "wall": ended.wall - began.wall}


def main() -> None:
    """Do it, and print what it cost."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    ready = json.loads((folder / "ready.json").read_text(encoding="utf-8"))
    doing = {"hints": _hints, "load": partial(_hints, paced=True), "cycle": _cycle, "script": _script}
    done = asyncio.run(doing[what](ready, folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
    print(json.dumps({"probe": what, **done, "peakMiB": round(peak)}))


if __name__ == "__main__":
    main()
