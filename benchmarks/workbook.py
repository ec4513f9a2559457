"""How long each query of the workbook and the page's first view take on a million rows of the provisioning log.

Prints one JSON line per measurement. `python -m benchmarks.workbook [ROWS] [WORKBOOK]`; the budget is two seconds a
query and three for the first view. The view is measured in Chromium where there is one.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sandbox.monitor.page_service import PageService
from sandbox.monitor.server import PageServer
from sandbox.monitor.tables.columns import store_time
from sandbox.monitor.tables.store import DECLARED, Store
from sandbox.monitor.wire import Request

ROWS = 1_000_000
QUERY_BUDGET, VIEW_BUDGET = 2.0, 3.0
DAYS = 7
CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).resolve().parents[1]
WORKBOOK = ROOT / "infra" / "workbooks" / "crosstenant.workbook.json"
FIRST_PERSON = "Nestor Wilke 0"


def provisioning(count: int, now: datetime, chance: Random) -> list[dict[str, Any]]:
    """Decisions about 20,000 people in two targets over a week."""
    rows = []
    for index in range(count):
        person = chance.randrange(20_000)
        target = "emea" if index % 2 else "apac"
        failed = chance.random() < 0.02
        decision = chance.choice(("create", "update", "update", "update", "disable", "softDelete", "restore"))
        action = {"softDelete": "stageddelete", "restore": "update"}.get(decision, decision)
        upn = f"person{person}@contoso.com"
        rows.append(
            {
                "TimeGenerated": store_time(now - timedelta(days=DAYS) * chance.random()),
                "EventId": f"{index:x}",
                "ChangeId": f"{index // 2:x}",
                "CycleId": "",
                "JobId": target,
                "AADTenantId": "source",
                "ProvisioningAction": action,
                "Action": action,
                "ProvisioningStatusInfo": '{"Status":"Success"}',
                "ProvisioningSteps": '[{"name":"EntryExportUpdate","status":"Success"}]',
                "SourceIdentity": _text({"Id": f"p{person}", "Name": f"Nestor Wilke {person}", "identityType": "User",
                                         "details": {"UserPrincipalName": upn}}),
                "TargetIdentity": _text({"Id": f"{target}{person}", "identityType": "User",
                                         "details": {"UserPrincipalName": upn}}),
                "TargetSystem": _text({"Id": target, "Name": target}),
                "ResultType": "Failure" if failed else "Success",
                "ResultSignature": "General" if failed else "",
                "DurationMs": 300 + index % 500,
                "Target": target,
                "Decision": decision,
                "Status": "failure" if failed else "success",
                "ReasonCode": "invalidRequest" if failed else "changed",
                "ChangedAttributes": '["department"]',
                "Attempt": int(failed),
                "LatencyMs": 800 + chance.randrange(4000),
                "Trigger": "notification",
                "Drift": index % 50 == 0,
                "DryRun": False,
            }
        )  # fmt: skip
    return rows


def operations(now: datetime) -> list[dict[str, Any]]:
    """A status row every five minutes for each target."""
    counts = {"active": 19_000, "disabled": 500, "softDeleted": 20, "held": 3, "new": 2, "escrow": 4, "unlogged": 0}
    return [
        {
            "TimeGenerated": store_time(now - timedelta(minutes=5 * index)),
            "EventId": f"{target}{index}",
            "Kind": "status",
            "Target": target,
            "Severity": "information",
            "Counts": _text({**counts, "throttledSeconds": index % 3}),
        }
        for index in range(DAYS * 288)
        for target in ("emea", "apac")
    ]


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def filled(count: int, now: datetime, folder: Path) -> Store:
    """A workspace with that many decisions."""
    store = Store(folder / "rows.duckdb")
    chance = Random(1)
    for first in range(0, count, 50_000):
        rows = provisioning(min(50_000, count - first), now, chance)
        for offset, row in enumerate(rows):
            row["EventId"] = f"{first + offset:x}"
        store.add("CrosstenantProvisioning_CL", rows)
    store.add("CrosstenantOperations_CL", [DECLARED["CrosstenantOperations_CL"].row(row) for row in operations(now)])
    return store


class Page:
    """The page's questions, without a browser."""

    def __init__(self, service: PageService, now: datetime) -> None:
        """Begin with no choices."""
        self._service = service
        self._now = now
        self.choices: dict[str, Any] = {}

    def ask(self, path: str, **body: Any) -> Any:
        """One question."""
        headers = {"host": "127.0.0.1", "content-type": "application/json"}
        request = Request("POST", path, {}, headers, json.dumps({"choices": self.choices, **body}).encode())
        return json.loads(self._service.handle(request, self._now).body)

    def items(self) -> list[dict[str, Any]]:
        """What is visible now."""
        found, waiting = [], list(self.ask("/api/layout")["items"])
        while waiting:
            item = waiting.pop(0)
            found.append(item)
            waiting = [*item.get("items", []), *waiting]
        return found


def measure(page: Page) -> bool:
    """Every step of every tab, with a person's name in each text parameter."""
    good = True
    tabs = [link for item in page.items() if item.get("style") == "tabs" for link in item["links"]]
    for tab in tabs or [None]:
        if tab is not None:
            page.choices[tab["key"]] = tab["value"]
        items = page.items()
        for item in items:
            for control in item.get("controls", []):
                if control["kind"] == "text" and not control["value"]:
                    page.choices[control["key"]] = FIRST_PERSON
        for item in page.items():
            if item["kind"] == "query":
                began = time.perf_counter()
                shown = page.ask("/api/step", id=item["id"])
                seconds = round(time.perf_counter() - began, 3)
                good &= seconds < QUERY_BUDGET and shown["kind"] != "error"
                tab_name = tab["label"] if tab else ""
                say(tab=tab_name, step=item["name"], shows=shown["kind"], seconds=seconds, budget=QUERY_BUDGET)
    return good


async def first_view(service: PageService) -> float:
    """Seconds until a browser shows every step of the first tab."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - only where there is a browser

    server = PageServer(service)
    address = await server.start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            page = await browser.new_page()
            began = time.perf_counter()
            await page.goto(address)
            await page.wait_for_selector("#status[data-state]", timeout=60_000)
            taken = time.perf_counter() - began
            await browser.close()
            return round(taken, 2)
    finally:
        await server.stop()


def say(**values: Any) -> None:
    """One line."""
    print(json.dumps(values), flush=True)


def main() -> int:
    """Fill, measure, and say whether all stayed within the budget."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    workbook = Path(sys.argv[2]) if len(sys.argv) > 2 else WORKBOOK
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        store = filled(count, now, Path(folder))
        say(rows=count, filled_in_seconds=round(time.perf_counter() - began, 1))
        view = asyncio.run(first_view(PageService(store, workbook))) if CHROMIUM.exists() else None
        say(first_view_seconds=view, budget=VIEW_BUDGET)
        good = measure(Page(PageService(store, workbook), now)) and (view is None or view < VIEW_BUDGET)
        store.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
