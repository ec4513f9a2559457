"""Graph's front door: token, route, permission, fault, handler, envelope; the same for batch items.

It is the only place that turns refusals into error envelopes and counts requests. It performs no
operation itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from sandbox.tenants.faults import Effect, FaultBody
from sandbox.tenants.graph import batch, permissions
from sandbox.tenants.graph.call import Call, Caller
from sandbox.tenants.graph.errors import (
    GraphError,
    denied,
    malformed,
    throttled,
    unauthenticated,
    unsupported_query,
)
from sandbox.tenants.graph.outcome import Finished, Outcome, Suspended
from sandbox.tenants.graph.routes import BETA_ROUTES, Found, Router
from sandbox.tenants.identity.keys import Claims, KeyRing, TokenInvalidError
from sandbox.tenants.odata.query import Query, QueryError
from sandbox.tenants.throttling import Limit, Verdict
from sandbox.tenants.wire import (
    NeedsValidation,
    PendingReply,
    Reply,
    Request,
    Response,
    ValidationAnswer,
)
from sandbox.tenants.world import CONTROL_APP_ID, GRAPH_APP_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.tenants.world import Tenant, World

AUDIENCES = frozenset({"https://graph.microsoft.com", "https://graph.microsoft.com/", GRAPH_APP_ID})
JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_BATCH = "POST /$batch"
_HTML = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a verified token speaks for, and where."""

    tenant: Tenant
    caller: Caller


@dataclass(frozen=True, slots=True)
class _Marks:
    """What one request is known by in headers and error bodies."""

    request_id: str
    client_request_id: str
    extra: Mapping[str, str] = field(default_factory=dict)


class GraphService:
    """Microsoft Graph v1.0 over one world, and what is needed of its beta version."""

    def __init__(self, world: World, keys: KeyRing) -> None:
        self._world = world
        self._keys = keys
        self._router = Router()
        self._beta = Router(BETA_ROUTES)

    def handle(self, request: Request) -> Response | NeedsValidation:
        """Answer one request whose path begins with a version root."""
        marks = self._marks(request)
        version, _, path = request.path[1:].partition("/")
        if version not in {"v1.0", "beta"}:
            return self._response(Finished(self._refusal(malformed(f"Invalid version: {version}"), marks)), marks)
        try:
            identity = self._authenticate(request)
        except GraphError as error:
            return self._response(Finished(self._refusal(error, marks)), marks)
        self._world.counters.round_trip(identity.tenant.name)
        router = self._router if version == "v1.0" else self._beta
        if router is self._router and request.method == "POST" and path == "$batch":
            self._world.counters.request(identity.tenant.name, _BATCH, 0, 0)
            outcome = self._struck(request, identity, _BATCH, marks, lambda: self._batch(request, identity, marks))
        else:
            outcome = self._perform(router, replace(request, path=f"/{path}"), identity, marks)
        return self._answer(outcome, marks)

    def _answer(self, outcome: Outcome, marks: _Marks) -> Response | NeedsValidation:
        if isinstance(outcome, Finished):
            return self._response(outcome, marks)
        suspended = outcome
        return NeedsValidation(suspended.calls, lambda answers: self._answer(suspended.resume(answers), marks))

    # --- one operation ---------------------------------------------------------------------------

    def perform(self, request: Request, identity: Identity, marks: _Marks) -> Outcome:
        """One operation of v1.0; `request.path` is below the version root."""
        return self._perform(self._router, request, identity, marks)

    def _perform(self, router: Router, request: Request, identity: Identity, marks: _Marks) -> Outcome:
        found = router.find(request.method, request.path)
        if not isinstance(found, Found):
            error = (
                GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
                if found.known
                else malformed(f"Resource not found for the segment '{found.segment}'.")
            )
            self._world.counters.request(identity.tenant.name, f"{request.method} (unknown)", 0, 0)
            return self._refused(error, identity, marks)
        try:
            query = Query.read(request.query)
        except QueryError as error:
            return self._refused(unsupported_query(str(error)), identity, marks)
        route = found.route
        units = route.cost(query)
        self._world.counters.request(identity.tenant.name, route.operation, units, route.writes)
        verdict = self._verdict(identity, units, route.writes)
        extra = {"x-ms-resource-unit": str(units)}
        if verdict.used is not None:
            extra["x-ms-throttle-limit-percentage"] = f"{verdict.used:.2f}"
        costed = replace(marks, extra=extra)
        if verdict.exceeded is not None:
            operations = "Write" if verdict.exceeded is Limit.WRITES else "ReadWrite"
            scope = f"Tenant_Application/{operations}/{identity.caller.app_id}/{identity.tenant.id}"
            return self._refused(throttled(verdict.exceeded, scope, verdict.retry_after), identity, costed)

        def run() -> Outcome:
            if not permissions.meets(route.requirement, identity.caller.roles):
                return self._refused(denied(), identity, costed)
            call = Call(self._world, identity.tenant, identity.caller, request, found.parameters, query)
            try:
                result = route.handler(call)
            except GraphError as error:
                return self._refused(error, identity, costed)
            return self._continued(result, identity, costed)

        return self._struck(request, identity, route.operation, costed, run)

    def _verdict(self, identity: Identity, units: int, writes: int) -> Verdict:
        """What throttling says; the administrator of the control interface is outside all limits."""
        if identity.caller.app_id == CONTROL_APP_ID:
            return Verdict()
        costs = {Limit.WRITES: writes, Limit.RESOURCE_UNITS: units}
        return self._world.throttling.admit(identity.caller.app_id, identity.tenant.id, costs, self._world.now())

    def _continued(self, result: Reply | PendingReply, identity: Identity, marks: _Marks) -> Outcome:
        if isinstance(result, Reply):
            return self._finished(result, identity, marks)
        pending = result

        def resume(answers: Sequence[ValidationAnswer]) -> Outcome:
            try:
                return self._finished(pending.resume(answers), identity, marks)
            except GraphError as error:
                return self._refused(error, identity, marks)

        return Suspended(pending.calls, resume)

    def _batch(self, request: Request, identity: Identity, marks: _Marks) -> Outcome:
        def item(inner: Request) -> Outcome:
            return self.perform(inner, identity, marks)

        call = Call(self._world, identity.tenant, identity.caller, request, {}, Query({}))
        try:
            outcome = batch.run(call.body(), request, item, self._world.chance.stream("batch"))
        except GraphError as error:
            return self._refused(error, identity, marks)
        return self._batch_finished(outcome, identity, marks)

    def _batch_finished(self, outcome: batch.Result, identity: Identity, marks: _Marks) -> Outcome:
        if isinstance(outcome, batch.Done):
            finished = self._finished(Reply(200, {"responses": outcome.responses}), identity, marks)
            return replace(finished, interference=outcome.interference)
        waiting = outcome
        return Suspended(
            waiting.calls,
            lambda answers: self._batch_finished(waiting.resume(answers), identity, marks),
        )

    # --- faults ----------------------------------------------------------------------------------

    def _struck(
        self, request: Request, identity: Identity, operation: str, marks: _Marks, run: Callable[[], Outcome]
    ) -> Outcome:
        effect = self._world.faults.strike(identity.tenant.name, identity.caller.app_id, operation, request.path)
        if effect is None:
            return run()
        if effect.status is None:
            if effect.interference.reset and not effect.apply:
                return Finished(Reply(503), effect.interference)
            outcome = run()
            return replace(outcome, interference=effect.interference) if isinstance(outcome, Finished) else outcome
        if effect.apply:
            run()
        return self._spoiled(effect, effect.status, identity, marks)

    def _spoiled(self, effect: Effect, status: int, identity: Identity, marks: _Marks) -> Finished:
        self._world.counters.answer(identity.tenant.name, status)
        if effect.answer is not None:
            return Finished(Reply(status, effect.answer, effect.headers), effect.interference)
        error = GraphError(status, effect.code, effect.message, headers=effect.headers)
        reply = self._refusal(error, marks)
        match effect.body:
            case FaultBody.JSON:
                return Finished(reply, effect.interference)
            case FaultBody.HTML:
                return Finished(reply, effect.interference, _HTML, "text/html")
            case FaultBody.EMPTY:
                return Finished(reply, effect.interference, b"", "text/plain")

    # --- who calls -------------------------------------------------------------------------------

    def _authenticate(self, request: Request) -> Identity:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthenticated("Access token is empty.")
        try:
            claims = self._keys.verify(token.strip())
        except TokenInvalidError:
            raise unauthenticated("The access token cannot be read or its signature does not hold.") from None
        return self._identity(claims)

    def _identity(self, claims: Claims) -> Identity:
        now = self._world.now()
        if claims.expires_at <= now:
            raise unauthenticated("Lifetime validation failed, the token is expired.")
        if claims.valid_from > now:
            raise unauthenticated("Lifetime validation failed, the token is not yet valid.")
        if claims.text("aud") not in AUDIENCES:
            raise unauthenticated("Access token validation failure. Invalid audience.")
        tenant = self._world.tenant_at(claims.text("tid"))
        if tenant is None or claims.text("idtyp") != "app":
            raise unauthenticated("Access token validation failure. Invalid issuer.")
        return Identity(tenant, Caller(claims.text("appid"), claims.text("oid"), claims.roles))

    # --- answers ---------------------------------------------------------------------------------

    def _marks(self, request: Request) -> _Marks:
        request_id = self._world.chance.guid("requests")
        return _Marks(request_id, request.headers.get("client-request-id", request_id))

    def _finished(self, reply: Reply, identity: Identity, marks: _Marks) -> Finished:
        self._world.counters.answer(identity.tenant.name, reply.status)
        return Finished(replace(reply, headers={**marks.extra, **reply.headers}))

    def _refused(self, error: GraphError, identity: Identity, marks: _Marks) -> Finished:
        return self._finished(self._refusal(error, marks), identity, marks)

    def _refusal(self, error: GraphError, marks: _Marks) -> Reply:
        body = error.envelope(self._world.now(), marks.request_id, marks.client_request_id)
        return Reply(error.status, body, error.headers)

    def _response(self, finished: Finished, marks: _Marks) -> Response:
        reply = finished.reply
        headers = {
            "request-id": marks.request_id,
            "client-request-id": marks.client_request_id,
            "Date": formatdate(self._world.now(), usegmt=True),
            "Cache-Control": "no-cache",
            "OData-Version": "4.0",
            **reply.headers,
        }
        if finished.raw is not None:
            headers["Content-Type"] = finished.raw_type
            return Response(reply.status, headers, finished.raw, finished.interference)
        if reply.value is None:
            return Response(reply.status, headers, b"", finished.interference)
        if reply.text:
            headers["Content-Type"] = "text/plain"
            return Response(reply.status, headers, str(reply.value).encode(), finished.interference)
        headers["Content-Type"] = JSON_TYPE
        body = json.dumps(reply.value, separators=(",", ":"), ensure_ascii=False).encode()
        return Response(reply.status, headers, body, finished.interference)
