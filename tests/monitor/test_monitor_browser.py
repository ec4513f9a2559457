"""The page in a browser: an administrator looks for a person, with the mouse and without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import contoso_rows
import pytest
from playwright.async_api import async_playwright, expect

from sandbox.monitor.page_service import PageService
from sandbox.monitor.server import PageServer
from sandbox.monitor.tables.store import DECLARED

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
expect.set_options(timeout=20_000)  # a machine may have more to do than this
PICTURES = ROOT / "test-artefacts"
WORKBOOK = Path(__file__).with_name("sample.workbook.json")

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="there is no /usr/bin/chromium; `make setup` installs it where it may (apt, root)"
)


def fill(store):
    now = datetime.now(UTC)
    for name, rows in (
        ("CrosstenantProvisioning_CL", contoso_rows.provisioning(now)),
        ("CrosstenantOperations_CL", contoso_rows.operations(now)),
        ("AADProvisioningLogs", contoso_rows.applications(now)),
    ):
        store.add(name, [DECLARED[name].row(row) for row in rows])


@needs_chromium
async def test_an_administrator_finds_a_person_in_both_tenants_and_both_applications(store):
    """Types a name and finds all four places; no error in the console, markup is text, and keys suffice."""
    fill(store)
    server = PageServer(PageService(store, WORKBOOK))
    address = await server.start()
    PICTURES.mkdir(exist_ok=True)
    troubles: list[str] = []
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            for scheme in ("light", "dark"):
                context = await browser.new_context(color_scheme=scheme, viewport={"width": 1360, "height": 1000})
                page = await context.new_page()
                page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
                page.on("pageerror", lambda error: troubles.append(str(error)))
                page.on("dialog", lambda dialog: troubles.append(dialog.message))
                await page.goto(address)
                await overview(page)
                await page.screenshot(path=PICTURES / f"workbook-overview-{scheme}.png", full_page=True)
                await one_person(page)
                await page.screenshot(path=PICTURES / f"workbook-person-{scheme}.png", full_page=True)
                await by_keys(page)
                await markup(page)
                if scheme == "dark":
                    await news(page, store)
                await context.close()
            await browser.close()
    finally:
        await server.stop()
    assert troubles == []


async def overview(page):
    """Tiles, charts, and a failing query in its own place."""
    await expect(page.locator(".tile")).to_have_count(5)
    await expect(page.locator(".js-plotly-plot")).to_have_count(3)
    await expect(page.get_by_role("alert")).to_contain_text("NoSuchColumn")
    await expect(page.get_by_text("No quarantine in Last 24 hours.")).to_be_visible()
    tile = page.locator("button.tile", has_text="disable")
    await tile.click()
    await expect(tile).to_have_attribute("aria-pressed", "true")
    await tile.click()
    await expect(tile).to_have_attribute("aria-pressed", "false")


async def one_person(page):
    """The main thing an administrator opens the workbook for."""
    await page.get_by_role("tab", name="One person").click()
    await expect(page.get_by_text("Waits for Person.").first).to_be_visible()
    await page.get_by_label("Name, sign-in name or id").fill("Nobody Here")
    await expect(page.get_by_text("No such person in this time range.")).to_be_visible()
    await page.get_by_label("Name, sign-in name or id").fill("Nestor")
    tenants = page.get_by_role("table", name="Tenants that Nestor can reach")
    await expect(tenants.get_by_role("row")).to_have_count(3)
    for tenant in ("emea", "apac"):
        await expect(tenants.get_by_role("button", name=tenant)).to_be_visible()
    applications = page.get_by_role("table", name="Applications")
    for application in ("ServiceNow", "Zscaler"):
        await expect(applications.get_by_role("cell", name=application)).to_be_visible()
    # A row is chosen, and what depends on it appears; its details open at the side.
    await tenants.get_by_role("button", name="emea").click()
    await expect(page.get_by_role("table", name="What was done in emea")).to_be_visible()
    await tenants.get_by_role("button", name="create").first.click()
    await expect(page.locator("#details")).to_contain_text("UserPrincipalName")
    await page.keyboard.press("Escape")
    await expect(page.locator("#details")).not_to_be_visible()


async def by_keys(page):
    """Tabs with arrows, a filter that keeps the focus, a head that sorts, a list that opens and closes."""
    await page.get_by_role("tab", name="One person").focus()
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_role("tab", name="Overview")).to_be_focused()
    await expect(page.get_by_role("tab", name="Overview")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("End")
    await expect(page.get_by_role("tab", name="Formatters")).to_be_focused()
    table = page.get_by_role("table", name="Every formatter")
    await expect(table.get_by_role("row")).to_have_count(5)
    await page.get_by_role("columnheader", name="Person").get_by_role("button").press("Enter")
    await expect(page.get_by_role("columnheader", name="Person")).to_have_attribute("aria-sort", "ascending")
    await page.get_by_label("Filter Every formatter").fill("Adele")
    await expect(table.get_by_role("row")).to_have_count(2)
    await page.get_by_label("Filter Every formatter").fill("")
    button = page.get_by_label("Target *")
    await button.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Space")
    await expect(button).to_have_text("apac")
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()


async def markup(page):
    """A display name with markup is shown as text."""
    await expect(page.get_by_role("cell", name="<img src=x onerror=alert(1)> O'Brien")).to_be_visible()
    assert await page.locator("main img").count() == 0


async def news(page, store):
    """Rows that come in appear by themselves; what is being typed stays, with the focus."""
    await page.get_by_role("tab", name="One person").click()
    field = page.get_by_label("Name, sign-in name or id")
    await field.fill("New")
    await expect(page.get_by_text("No such person in this time range.")).to_be_visible()
    rows = contoso_rows.provisioning(datetime.now(UTC))[:1]
    rows[0]["SourceIdentity"] = rows[0]["SourceIdentity"].replace("Nestor Wilke", "Newcomer")
    store.add("CrosstenantProvisioning_CL", [DECLARED["CrosstenantProvisioning_CL"].row(row) for row in rows])
    await expect(page.get_by_role("cell", name="Newcomer")).to_be_visible()
    await expect(field).to_be_focused()
    await expect(field).to_have_value("New")


def test_a_workbook_file_is_served_over_recorded_rows(tmp_path):
    """`python -m sandbox workbook --open FILE --data FOLDER`: time stands at the newest row."""
    rows = contoso_rows.provisioning()
    (tmp_path / "CrosstenantProvisioning_CL.jsonl").write_text(
        "".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "workbook", "--open", str(WORKBOOK), "--data", str(tmp_path), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        ready = json.loads(process.stdout.readline())
        assert (ready["rows"], ready["now"]) == (96, "2026-11-25T11:59:53+00:00")
        assert ready["page"].startswith("http://127.0.0.1:")
    finally:
        process.terminate()
        process.communicate(timeout=30)
