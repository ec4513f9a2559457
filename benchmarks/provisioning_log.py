"""What the provisioning log costs, and that it loses nothing while it is away and the process dies.

First the processor time that one decision's event costs, from the decision to the compressed body. Then a burst: a
process commits decisions and sends their events to an ingestion endpoint that answers 429 and 503 for twenty seconds;
it is killed once, while it catches up, and begun again. Every event has to arrive; some may arrive twice.

Prints one JSON line per measurement. `python -m benchmarks.provisioning_log [DECISIONS]`, 10,000 unless told otherwise.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import trustme
from aiohttp import web

from shared.core.decide import Action, Change, Plan
from shared.core.decision_event import LogPolicy, Occasion, event_of
from shared.core.desired import InScope
from shared.core.model import Link, LinkState
from shared.core.observed import Marker, Present
from shared.core.provisioning_event import Identity, ProvisioningEvent, read_event
from shared.core.provisioning_row import Installation, row_of
from shared.telemetry.row_chunks import chunks

DECISIONS = 10_000
BUDGET = 300.0  # microseconds of processor time a decision
AT_A_TIME = 100
OUTAGE = 20.0  # seconds
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CHANGED = {"displayName": "Zoë Müller", "department": "Sales", "jobTitle": "Clerk", "city": "Oslo", "country": "NO"}


def decision(number: int) -> tuple[Link, ProvisioningEvent]:
    """One update of one user, as a pass commits it."""
    user = f"00000000-0000-4000-8000-{number:012}"
    link = Link("emea", user, LinkState.ACTIVE, user[::-1], fingerprint="0" * 32, changed_at=NOW)
    identity = Identity(user, f"Zoë Müller {number}", f"zoe{number}@contoso.com")
    want = InScope("zoe@contoso.com", CHANGED, {}, "f", identity=identity)
    there = {"displayName": "Zoë", "userPrincipalName": f"zoe{number}_contoso.com#EXT#@emea.onmicrosoft.com"}
    held = Present(user[::-1], Marker.OURS, external=True, attributes=there)
    plan = Plan(Action.UPDATE, "changed", held.user_id, Change(CHANGED))
    occasion = Occasion(NOW, NOW + timedelta(seconds=1), NOW - timedelta(seconds=7), "notification", "", "0" * 32)
    event = event_of(plan, link, None, want, held, occasion=occasion, policy=LogPolicy())
    assert event is not None  # noqa: S101 - an update is told
    return link, event


def cost(decisions: int) -> None:
    """Processor time of one event, all the way."""
    made = [decision(number) for number in range(decisions)]
    installation = Installation("source", "target", "writer")
    began = time.process_time()
    texts = [decision(number)[1].to_json() for number in range(decisions)]
    kept = time.process_time()
    rows = [row_of(read_event(text), installation) for text in texts]
    bodies = [chunk.body() for chunk in chunks(rows)]
    ended = time.process_time()
    each = (ended - began) / decisions * 1e6
    say(
        "an event of the provisioning log",
        microseconds=round(each),
        of_which_to_keep_it=round((kept - began) / decisions * 1e6),
        budget=BUDGET,
        within=each < BUDGET,
        characters_kept=len(made[0][1].to_json()),
        characters_sent=len(json.dumps(rows[0])),
        bodies=len(bodies),
    )


class Endpoint:
    """The Logs Ingestion API, away for a while after its first rows."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.refused = 0
        self.away_until: float | None = None

    async def take(self, request: web.Request) -> web.Response:
        """Take rows, or do not."""
        rows = await request.json()
        if self.away_until is None and len(self.ids) >= DECISIONS // 10:
            self.away_until = time.monotonic() + OUTAGE
        if self.away_until is not None and time.monotonic() < self.away_until:
            self.refused += 1
            return web.Response(status=503 if self.refused % 2 else 429, headers={"Retry-After": "1"})
        self.ids += [row["EventId"] for row in rows]
        return web.Response(status=204)


async def burst(decisions: int) -> None:
    """Decide, lose the log, be killed, begin again; then count."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        endpoint = Endpoint()
        application = web.Application(client_max_size=1 << 24)
        application.router.add_post("/{path:.*}", endpoint.take)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        url = f"https://localhost:{runner.addresses[0][1]}"
        began = time.monotonic()
        kills = 0
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.provisioning_log", str(decisions), url, name,
                env=os.environ | {"SSL_CERT_FILE": str(folder / "ca.pem")},
            )  # fmt: skip
            ended = asyncio.create_task(process.wait())
            while not ended.done():
                if not kills and len(endpoint.ids) > decisions // 2:
                    process.kill()
                    kills += 1
                await asyncio.wait([ended], timeout=0.005)
            if process.returncode == 0:
                break
        await runner.cleanup()
    expected = {decision(number)[1].event_id for number in range(decisions)}
    say(
        "a burst while the log is away",
        decisions=decisions,
        seconds=round(time.monotonic() - began, 1),
        arrived=len(set(endpoint.ids)),
        lost=len(expected - set(endpoint.ids)),
        sent_twice=len(endpoint.ids) - len(set(endpoint.ids)),
        requests_refused=endpoint.refused,
        killed=kills,
    )


async def work(decisions: int, url: str, folder: str) -> None:
    """The process that is killed: what the app does with its store and its log, without Graph."""
    from azure.core.credentials import AccessToken  # noqa: PLC0415 - the parent needs none of it

    from shared.app.events import send_events, send_owed  # noqa: PLC0415
    from shared.store import open_store  # noqa: PLC0415
    from shared.store.protocol import Written  # noqa: PLC0415
    from shared.telemetry.logs_ingestion import open_logs_ingestion  # noqa: PLC0415

    class Credential:
        async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
            return AccessToken("token", int(time.time()) + 3600)

    store = open_store(f"sqlite:///{folder}/links.sqlite3", None)
    tenant = SimpleNamespace(tenant_id="tenant")
    parts = SimpleNamespace(
        store=store,
        log=open_logs_ingestion(url, "dcr-1", Credential(), "https://monitor.azure.com"),
        clock=SimpleNamespace(now=lambda: datetime.now(UTC)),
        sync=SimpleNamespace(source=tenant),
        settings=SimpleNamespace(writer_client_id="writer"),
        targets={"emea": SimpleNamespace(target=SimpleNamespace(tenant=tenant))},
    )
    longest = 0.0
    for start in range(0, decisions, AT_A_TIME):
        made = {link.source_id: (link, event) for link, event in map(decision, range(start, start + AT_A_TIME))}
        done = await store.get_links("emea", list(made))
        rows = [replace(link, unlogged=(event.to_json(),)) for user, (link, event) in made.items() if user not in done]
        outcomes = await store.write_links(rows)
        written = [(row, outcome) for row, outcome in zip(rows, outcomes, strict=True) if isinstance(outcome, Written)]
        stored = [replace(row, etag=outcome.etag) for row, outcome in written]
        began = time.monotonic()
        await send_events(parts, stored)
        longest = max(longest, time.monotonic() - began)
    say("all is decided; what the log still owes comes now", longest_wait_of_a_pass_for_the_log=round(longest, 1))
    while await store.list_unlogged("emea", 1):
        await send_owed(parts, "emea")
        await asyncio.sleep(0.2)
    await parts.log.close()
    await store.close()


def say(what: str, **figures: object) -> None:
    """One line."""
    print(json.dumps({"measured": what, **figures}), flush=True)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DECISIONS
    if len(sys.argv) > 2:
        asyncio.run(work(count, *sys.argv[2:]))
    else:
        cost(count)
        asyncio.run(burst(count))
