"""The page's own answers: what it serves, to whom, and under which policy."""

from __future__ import annotations

import json
from pathlib import Path

import contoso_rows
import pytest
from contoso_rows import NOW
from workbook_reader import Reader

from sandbox.monitor.page_service import PageService
from sandbox.monitor.tables.store import DECLARED
from sandbox.monitor.wire import Request
from sandbox.monitor.workbook import document
from sandbox.monitor.workbook.running import CachedQueries

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "sandbox" / "monitor" / "page"


@pytest.fixture
def page(store):
    return PageService(store, HERE / "sample.workbook.json")


def get(page, path, host="127.0.0.1:1234"):
    return page.handle(Request("GET", path, {}, {"host": host}), NOW)


def post(page, path, body, content_type="application/json"):
    headers = {"host": "127.0.0.1:1", "content-type": content_type}
    return page.handle(Request("POST", path, {}, headers, json.dumps(body).encode()), NOW)


def test_every_file_of_the_page_is_served_with_its_type(page):
    for file in PAGE.iterdir():
        response = get(page, f"/page/{file.name}")
        assert response.status == 200
        assert response.body == file.read_bytes()
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert get(page, "/page/main.js").headers["Content-Type"].startswith("text/javascript")
    assert len(get(page, "/vendor/plotly.js").body) > 1_000_000


@pytest.mark.parametrize(
    "path", ["/page/../cli.py", "/page//etc/passwd", "/page/nothing.js", "/page/cli.py", "/nothing"]
)
def test_nothing_else_is_served(page, path):
    assert get(page, path).status == 404


def test_no_script_of_the_page_is_inline_and_the_policy_allows_none(page):
    response = get(page, "/")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    html = response.body.decode()
    assert "<script>" not in html
    assert "style=" not in html
    assert " on" not in "".join(line for line in html.splitlines() if "<button" in line)


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/vendor/plotly.js", "/api/state", "/nothing"])
def test_every_answer_carries_the_policy(page, path):
    """Nothing may be loaded that is not named, nothing sniffed, nothing framed."""
    headers = get(page, path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_it_answers_to_its_own_address_alone(page):
    """A name of somebody else's that leads to this machine gets nothing."""
    assert get(page, "/api/state", host="evil.example").status == 403
    assert get(page, "/api/state", host="localhost:80").status == 200


def test_another_sites_form_cannot_ask(page):
    assert post(page, "/api/layout", {}, content_type="text/plain").status == 415


def test_a_workbook_that_changes_is_read_again(store, tmp_path):
    """Authors save and see."""
    file = tmp_path / "w.workbook.json"
    page = PageService(store, file)
    assert "no workbook file" in json.loads(post(page, "/api/layout", {"choices": {}}).body)["error"]
    for text in ("first", "second edition"):
        file.write_text(
            json.dumps({"version": "Notebook/1.0", "items": [{"type": 1, "content": {"json": text}}]}), encoding="utf-8"
        )
        layout = json.loads(post(page, "/api/layout", {"choices": {}}).body)
        assert layout["items"][0]["html"] == f"<p>{text}</p>\n"
        assert layout["title"] == "w"
    file.write_text("{", encoding="utf-8")
    assert post(page, "/api/layout", {"choices": {}}).status == 400


def test_its_state_changes_with_rows(page, driver):
    before = json.loads(get(page, "/api/state").body)["revision"]
    driver.control("POST", "tables/AppTraces/rows", [{"Message": "x"}])
    assert json.loads(get(page, "/api/state").body)["revision"] > before


def test_a_row_is_seen_by_the_next_question_however_soon(store, driver, tmp_path):
    """What was asked a moment before the row came in is not given again."""
    file = tmp_path / "w.json"
    step = {"type": 3, "content": {"query": "AppTraces | count"}}
    file.write_text(json.dumps({"version": "Notebook/1.0", "items": [step]}), encoding="utf-8")
    page = PageService(store, file)
    for count in ("0", "1", "2"):
        for _ in range(2):
            view = json.loads(post(page, "/api/step", {"id": "0"}).body)
            assert view["rows"][0]["cells"][0]["text"] == count
        driver.control("POST", "tables/AppTraces/rows", [{"Message": "x"}])


def test_a_step_that_is_not_there_is_not_found(page):
    assert post(page, "/api/step", {"choices": {}, "id": "99"}).status == 404
    assert post(page, "/api/step", {"choices": [], "id": None}).status == 404


def test_every_workbook_of_the_repository_renders_without_an_error(store):
    """Each tab of each file over a day's rows: no query fails, and nothing is said to be impossible here."""
    for name, rows in (
        ("CrosstenantProvisioning_CL", contoso_rows.provisioning()),
        ("CrosstenantOperations_CL", contoso_rows.operations()),
        ("AADProvisioningLogs", contoso_rows.applications()),
    ):
        store.add(name, [DECLARED[name].row(row) for row in rows])
    known = {"broken", "map"}  # the sample's, which are there for it
    for file in [HERE / "sample.workbook.json", *(HERE.parents[1] / "infra").rglob("*.workbook.json")]:
        reader = over_file(store, file)
        tabs = [link for item in reader.items if item.get("style") == "tabs" for link in item["links"]]
        for tab in tabs:
            reader.choices[tab["key"]] = tab["value"]
            for item in document.every_item(reader.workbook.items):
                shown = reader.named(item.name)
                if shown is None or shown["kind"] != "query" or item.name in known:
                    continue
                view = reader.step(item.name)
                assert view["kind"] != "error", f"{file.name}: {item.name}: {view}"
                assert view.get("style") != "unsupported", f"{file.name}: {item.name}: {view}"
                assert not view.get("notes"), f"{file.name}: {item.name}: {view}"


def over_file(store, file):
    workbook = document.read(file.read_text(encoding="utf-8"), file.name)
    return Reader(workbook, CachedQueries(store).at(NOW), {})
