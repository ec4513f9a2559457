"""The page's side of the monitor without its sockets: the page's files, and a workbook resolved for a reader.

It only reads. A browser on this machine may be shown pages from anywhere, so it answers to its own address alone and
lets nothing on the page run, or be fetched, that did not come from here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sandbox.monitor.wire import Request, Response, json_response
from sandbox.monitor.workbook import document, layout
from sandbox.monitor.workbook.running import CachedQueries

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sandbox.monitor.tables.store import Store

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    # The chart library adds one empty style element and fills it by script: this is the hash of nothing.
    "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_LARGEST_BODY: Final = 1024 * 1024


class _WrongRequestError(ValueError):
    """The page asked for what makes no sense; the text says what."""


@dataclass(slots=True)
class PageService:
    """One workbook file over one store. The file is read again when it changes."""

    store: Store
    workbook: Path | None
    live: bool = True  # whether rows still come in
    _queries: CachedQueries = field(init=False)
    _read: tuple[int, document.Workbook] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Begin with nothing remembered."""
        self._queries = CachedQueries(self.store)

    def handle(self, request: Request, now: datetime) -> Response:
        """Answer one request of the page."""
        if urlsplit(f"//{request.headers.get('host', '')}").hostname not in _HOSTS:
            return self._secured(Response(403, body=b"This page answers to its own address only."))
        return self._secured(self._answer(request, now))

    def _answer(self, request: Request, now: datetime) -> Response:
        match request.method, request.path:
            case (("GET" | "HEAD"), "/"):
                return _file("index.html")
            case (("GET" | "HEAD"), "/vendor/plotly.js"):
                body = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
                return Response(200, {"Content-Type": _TYPES[".js"], "Cache-Control": "max-age=86400"}, body)
            case (("GET" | "HEAD"), path) if path.startswith("/page/"):
                return _file(path.removeprefix("/page/"))
            case "GET", "/api/state":
                return json_response(200, self._state(now))
            case "POST", ("/api/layout" | "/api/step"):
                return self._resolved(request, now)
            case _:
                return json_response(404, {"error": "There is nothing here."})

    def _state(self, now: datetime) -> dict[str, Any]:
        """What tells the page whether to ask again."""
        changed = self.workbook.stat().st_mtime_ns if self.workbook is not None and self.workbook.exists() else 0
        return {"revision": self.store.revision, "workbook": str(changed), "live": self.live, "now": now.isoformat()}

    def _resolved(self, request: Request, now: datetime) -> Response:
        # A form of another site can post, but neither as JSON nor without its origin.
        if not request.headers.get("content-type", "").startswith("application/json"):
            return json_response(415, {"error": "The body must be application/json."})
        try:
            body = json.loads(request.body[:_LARGEST_BODY])
            choices = document.mapping(document.mapping(body).get("choices"))
            workbook = self._workbook()
        except (json.JSONDecodeError, _WrongRequestError, document.WorkbookInvalidError) as wrong:
            return json_response(400, {"error": str(wrong)})
        runner = self._queries.at(now)
        if request.path == "/api/layout":
            state = self._state(now)  # before the layout, so that a row that comes in meanwhile is news
            return json_response(200, {**layout.layout(workbook, choices, now, runner), **state})
        shown = layout.step(workbook, choices, str(body.get("id")), now, runner)
        return json_response(200, shown) if shown else json_response(404, {"error": "There is no such step."})

    def _workbook(self) -> document.Workbook:
        if self.workbook is None or not self.workbook.exists():
            raise _WrongRequestError(f"There is no workbook file {self.workbook or ''}".strip())
        changed = self.workbook.stat().st_mtime_ns
        if self._read is None or self._read[0] != changed:
            name = self.workbook.name.removesuffix(".json").removesuffix(".workbook")
            found = document.read(self.workbook.read_text(encoding="utf-8"), name)
            self._read = (changed, found)
        return self._read[1]

    @staticmethod
    def _secured(response: Response) -> Response:
        return Response(response.status, {"Cache-Control": "no-store", **response.headers, **_HEADERS}, response.body)


def _file(name: str) -> Response:
    """A file of the page's folder, which has no folders in it."""
    suffix = name[name.rfind(".") :]
    found = files("sandbox.monitor").joinpath("page", name)
    if "/" in name or suffix not in _TYPES or not found.is_file():
        return json_response(404, {"error": "There is nothing here."})
    return Response(200, {"Content-Type": _TYPES[suffix], "Cache-Control": "no-cache"}, found.read_bytes())
