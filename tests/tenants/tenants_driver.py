"""Drives the simulated cloud in one process, on a frozen clock, without sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sandbox.tenants import Clock, Cloud
from sandbox.tenants.config_file import parse
from sandbox.tenants.contoso import default_document
from sandbox.tenants.wire import NeedsValidation, Request, Response, ValidationAnswer

START = 1_790_000_000.0  # in September 2026
BASE = "https://localhost"
REDIRECT = "https://myapps.microsoft.com"
CALM = {
    "replicas": {"medianSeconds": 0},
    "notifications": {"medianSeconds": 0, "duplicateShare": 0, "variantShare": 0},
    "delta": {"emptyPageShare": 0, "shortPageShare": 0},
}


@dataclass(frozen=True)
class Answer:
    """A response, read."""

    status: int
    body: Any
    headers: dict[str, str]
    response: Response

    @property
    def code(self) -> str:
        return self.body["error"]["code"]


def calm_document(**changes: Any) -> dict[str, Any]:
    """The default cloud without lag, duplicates or short pages, with sections replaced."""
    return {**default_document(), **CALM, **changes}


class Driver:
    """A cloud and its clock, with the calls a test makes."""

    def __init__(self, document: dict[str, Any] | None = None, seed: int = 7) -> None:
        self.clock = Clock(lambda: START)
        self.clock.freeze()
        self.cloud = Cloud(parse(document or calm_document()), clock=self.clock, seed=seed)
        self.webhook = echo

    def raw(self, request: Request) -> Response:
        outcome = self.cloud.handle(request)
        while isinstance(outcome, NeedsValidation):
            outcome = outcome.resume([self.webhook(call) for call in outcome.calls])
        return outcome

    def send(
        self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None, **more: Any
    ) -> Answer:
        """One request; a JSON body gets its content type."""
        parts = urlsplit(url.removeprefix(BASE))
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None:
            given.setdefault("content-type", "application/json")
        response = self.raw(Request(method, parts.path, parts.query, given, raw, **more))
        value = None
        if response.body:
            json_like = "json" in response.headers.get("Content-Type", "")
            value = json.loads(response.body) if json_like else response.body.decode()
        return Answer(response.status, value, dict(response.headers), response)

    def control(self, method: str, path: str, body: Any = None) -> Answer:
        return self.send(method, f"/_control/{path}", body)

    def token(self, tenant: str, roles: list[str] | None = None, app: str | None = None) -> str:
        body = {"tenant": tenant} | ({} if roles is None else {"roles": roles}) | ({"app": app} if app else {})
        return self.control("POST", "tokens", body).body["access_token"]

    def graph(
        self,
        tenant: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        roles: list[str] | None = None,
        app: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One call of Graph; `path` below the version root, or a link."""
        bearer = {"Authorization": f"Bearer {self.token(tenant, roles, app)}"}
        url = path if path.startswith("http") else f"/v1.0{path}"
        return self.send(method, url, body, bearer | (headers or {}))

    def invite(self, address: str, tenant: str = "emea", **more: Any) -> Answer:
        body = {"invitedUserEmailAddress": address, "inviteRedirectUrl": REDIRECT, **more}
        return self.graph(tenant, "POST", "/invitations", body)

    def invited(self, address: str, tenant: str = "emea", **more: Any) -> str:
        answer = self.invite(address, tenant, **more)
        assert answer.status == 201, answer.body
        return answer.body["invitedUser"]["id"]

    def truth(self, tenant: str) -> dict[str, dict[str, Any]]:
        """Users by id, as they truly are."""
        users = self.control("GET", f"tenants/{tenant}/users").body["value"]
        return {user["id"]: user for user in users}

    def by_mail(self, tenant: str, mail: str) -> dict[str, Any]:
        [found] = [user for user in self.truth(tenant).values() if user.get("mail", "").lower() == mail.lower()]
        return found

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        return self.control("GET", f"journal?after={after}").body["value"]

    def all_pages(self, tenant: str, path: str, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """Every page's body, following links."""
        pages = []
        link: str | None = path
        while link is not None:
            answer = self.graph(tenant, "GET", link, headers=headers)
            assert answer.status == 200, answer.body
            pages.append(answer.body)
            link = answer.body.get("@odata.nextLink")
        return pages

    def items(self, tenant: str, path: str, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        return [item for page in self.all_pages(tenant, path, headers) for item in page["value"]]

    def deliveries(self) -> list[dict[str, Any]]:
        """Notification items due now, acknowledged."""
        items = []
        for delivery in self.cloud.due_deliveries():
            self.cloud.report_delivery(delivery, 202)
            items.extend(json.loads(delivery.body)["value"])
        return items


def echo(call: Any) -> ValidationAnswer:
    """A webhook that answers the handshake as it should."""
    return ValidationAnswer(200, "text/plain", call.token.encode())
