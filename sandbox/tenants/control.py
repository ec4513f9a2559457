"""The control interface under /_control: time, truth, journal, faults and chance, for tests and people.

Everything here steps outside what Graph allows, so nothing of it may be reachable through Graph. It is
JSON in and JSON out; a wrong request gets 400 with {"error": text}.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from sandbox.tenants import faults, people, truth
from sandbox.tenants.accounts import redeemed_identities
from sandbox.tenants.clock import timestamp
from sandbox.tenants.config import ConfigError
from sandbox.tenants.directory.model import Kind, Version
from sandbox.tenants.graph.permissions import KNOWN_ROLES
from sandbox.tenants.identity.login import app_token
from sandbox.tenants.plant import hire, plant_people
from sandbox.tenants.wire import Request, Response
from sandbox.tenants.world import CONTROL_APP_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.tenants.cloud import Cloud
    from sandbox.tenants.wire import JsonObject
    from sandbox.tenants.world import Tenant

PREFIX = "/_control"
ACTOR = "control"
_MOST_GENERATED = 1_000_000


class _WrongRequestError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """The control interface of one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._routes: tuple[tuple[str, re.Pattern[str], Callable[..., Any]], ...] = tuple(
            (method, re.compile(PREFIX + pattern + r"/?\Z"), handler)
            for method, pattern, handler in (
                ("GET", "/clock", self._get_clock),
                ("POST", "/clock", self._set_clock),
                ("POST", "/reset", self._reset),
                ("GET", "/journal", self._journal),
                ("GET", "/counters", self._counters),
                ("POST", "/counters/reset", self._reset_counters),
                ("GET", "/faults", self._list_faults),
                ("POST", "/faults", self._add_fault),
                ("DELETE", "/faults", self._clear_faults),
                ("DELETE", "/faults/(?P<fault_id>[^/]+)", self._remove_fault),
                ("POST", "/tokens", self._token),
                ("GET", "/tenants/(?P<name>[^/]+)/users", self._users),
                ("GET", "/tenants/(?P<name>[^/]+)/groups", self._groups),
                ("GET", "/subscriptions", self._subscriptions),
                ("GET", "/quiet", self._quiet),
                ("POST", "/consents", self._consent),
                ("POST", "/profile", self._profile),
                ("POST", "/invitations/open", self._open_invitations),
                ("POST", "/users/generate", self._generate),
                ("POST", "/users/(?P<user_id>[^/]+)/redeem", self._redeem),
            )
        )

    def handle(self, request: Request) -> Response:
        """Answer a request under the prefix."""
        path = unquote(request.path)
        query = dict(parse_qsl(request.query))
        known = False
        for method, pattern, handler in self._routes:
            found = pattern.match(path)
            if found is None:
                continue
            if method != request.method:
                known = True
                continue
            try:
                body = json.loads(request.body) if request.body else {}
                if not isinstance(body, dict):
                    raise _WrongRequestError(400, "the body must be a JSON object")  # noqa: TRY301 - answered below like others
                return _json(200, handler(body=body, query=query, **found.groupdict()))
            except _WrongRequestError as wrong:
                return _json(wrong.status, {"error": str(wrong)})
            except (ValueError, ConfigError) as error:
                return _json(400, {"error": str(error)})
        return _json(405 if known else 404, {"error": "there is no such control"})

    # --- time and chance -------------------------------------------------------------------------

    def _get_clock(self, **_: Any) -> JsonObject:
        clock = self._cloud.clock
        return {"now": timestamp(clock.now()), "seconds": clock.now(), "frozen": clock.frozen}

    def _set_clock(self, body: JsonObject, **_: Any) -> JsonObject:
        _only(body, "advance", "freeze")
        clock = self._cloud.clock
        match body.get("freeze"):
            case True:
                clock.freeze()
            case False:
                clock.thaw()
            case None:
                pass
            case _:
                raise _WrongRequestError(400, "freeze must be true or false")
        clock.advance(_number(body, "advance", 0.0))
        self._cloud.world.settle()
        return self._get_clock()

    def _reset(self, body: JsonObject, **_: Any) -> JsonObject:
        _only(body, "seed")
        self._cloud.reset(int(_number(body, "seed", self._cloud.world.chance.seed)))
        return {"seed": self._cloud.world.chance.seed}

    def _profile(self, body: JsonObject, **_: Any) -> JsonObject:
        self._cloud.use_profile(body)
        return {"changed": sorted(body)}

    def _quiet(self, **_: Any) -> JsonObject:
        return {
            "pendingDeliveries": self._cloud.world.hub.pending(),
            "replicasBehind": self._cloud.replicas_behind(),
        }

    def _subscriptions(self, **_: Any) -> JsonObject:
        return {"value": [truth.subscription_entry(item) for item in self._cloud.world.hub.subscriptions()]}

    # --- records ---------------------------------------------------------------------------------

    def _journal(self, query: Mapping[str, str], **_: Any) -> JsonObject:
        journal = self._cloud.world.journal
        after = int(query.get("after", 0))
        wanted = query.get("tenant")
        changes = [
            {"number": number, **truth.change_entry(change)}
            for number, change in enumerate(journal[after:], start=after + 1)
            if wanted in {None, change.tenant}
        ]
        return {"value": changes, "last": len(journal)}

    def _counters(self, **_: Any) -> JsonObject:
        return self._cloud.world.counters.as_json()

    def _reset_counters(self, **_: Any) -> JsonObject:
        self._cloud.world.counters.reset()
        return {}

    # --- faults ----------------------------------------------------------------------------------

    def _list_faults(self, **_: Any) -> JsonObject:
        return {"value": self._cloud.world.faults.as_json()}

    def _add_fault(self, body: JsonObject, **_: Any) -> JsonObject:
        match, effect, count = faults.read(body)
        if match.tenant is not None:
            self._tenant(match.tenant)
        return {"id": self._cloud.world.faults.add(match, effect, count).id}

    def _clear_faults(self, **_: Any) -> JsonObject:
        self._cloud.world.faults.clear()
        return {}

    def _remove_fault(self, fault_id: str, **_: Any) -> JsonObject:
        if not self._cloud.world.faults.remove(fault_id):
            raise _WrongRequestError(404, f"there is no fault {fault_id}")
        return {}

    # --- tokens and consents ---------------------------------------------------------------------

    def _token(self, body: JsonObject, **_: Any) -> JsonObject:
        _only(body, "tenant", "roles", "app")
        tenant = self._tenant(body.get("tenant"))
        roles = body.get("roles")
        granted = KNOWN_ROLES if roles is None else _roles(roles)
        app_id = CONTROL_APP_ID if body.get("app") is None else self._app_id(body["app"])
        token = app_token(self._cloud.world, self._cloud.keys, tenant, app_id, granted)
        return {
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": int(self._cloud.world.config.token_lifetime),
        }

    def _consent(self, body: JsonObject, **_: Any) -> JsonObject:
        _only(body, "tenant", "app", "roles", "revoke", "disabled")
        tenant, app_id = self._tenant(body.get("tenant")), self._app_id(body.get("app"))
        if body.get("revoke") is True:
            tenant.consents.pop(app_id, None)
        elif "roles" in body:
            tenant.consents[app_id] = frozenset(_roles(body["roles"]))
        if body.get("disabled") is True:
            tenant.disabled_apps.add(app_id)
        elif body.get("disabled") is False:
            tenant.disabled_apps.discard(app_id)
        return {"tenant": tenant.name, "app": app_id, "roles": sorted(tenant.consents.get(app_id, ()))}

    def _open_invitations(self, body: JsonObject, **_: Any) -> JsonObject:
        _only(body, "tenant")
        self._tenant(body.get("tenant")).invitations.open()
        return {}

    # --- the truth -------------------------------------------------------------------------------

    def _users(self, name: str, **_: Any) -> JsonObject:
        return {"value": truth.users_of(self._tenant(name))}

    def _groups(self, name: str, **_: Any) -> JsonObject:
        return {"value": truth.groups_of(self._tenant(name))}

    def _generate(self, body: JsonObject, **_: Any) -> JsonObject:
        _only(body, "tenant", "count", "seed", "first", "groups", "baseline", "managers")
        tenant = self._tenant(body.get("tenant"))
        count = int(_number(body, "count", 1))
        if not 0 <= count <= _MOST_GENERATED:
            raise _WrongRequestError(400, f"count must be between 0 and {_MOST_GENERATED}")
        seed = int(_number(body, "seed", self._cloud.world.chance.seed))
        crowd = people.strangers(count, seed, first=int(_number(body, "first", 0)))
        if body.get("managers") is False:
            crowd = (replace(person, manager=None) for person in crowd)
        groups = [self._group(tenant, str(key)) for key in body.get("groups") or []]
        if body.get("baseline") is True:
            if groups:
                raise _WrongRequestError(400, "a baseline has no memberships")
            ids = plant_people(self._cloud.world, tenant, crowd)
            tenant.directory.replicas.level()
            return {"ids": ids}
        return {"ids": hire(self._cloud.world, tenant, crowd, groups, ACTOR)}

    def _redeem(self, user_id: str, **_: Any) -> JsonObject:
        for tenant in self._cloud.world.tenants.values():
            user = tenant.directory.live(user_id.lower(), Kind.USER)
            if user is None:
                continue
            if user.properties.get("creationType") != "Invitation":
                raise _WrongRequestError(400, "only an invited user can redeem")
            updates = {
                "externalUserState": "Accepted",
                "externalUserStateChangeDateTime": timestamp(self._cloud.clock.now()),
                "identities": redeemed_identities(tenant, user.properties["userPrincipalName"]),
            }
            tenant.directory.update(user, updates, ACTOR)
            return {"tenant": tenant.name, "id": user.id, "externalUserState": "Accepted"}
        raise _WrongRequestError(404, f"there is no user {user_id}")

    # --- names -----------------------------------------------------------------------------------

    def _tenant(self, name: object) -> Tenant:
        world = self._cloud.world
        found = world.tenants.get(str(name)) or world.tenant_at(str(name))
        if found is None:
            raise _WrongRequestError(404, f"there is no tenant {name}")
        return found

    def _app_id(self, name: object) -> str:
        world = self._cloud.world
        app_id = world.app_id(str(name))
        if app_id not in world.apps:
            raise _WrongRequestError(404, f"there is no app {name}")
        return app_id

    @staticmethod
    def _group(tenant: Tenant, key: str) -> Version:
        found = tenant.directory.live(key.lower(), Kind.GROUP)
        if found is None:
            raise _WrongRequestError(404, f"there is no group {key}")
        return found


def _only(body: JsonObject, *names: str) -> None:
    unknown = sorted(set(body) - set(names))
    if unknown:
        raise _WrongRequestError(400, f"unknown keys: {', '.join(unknown)}")


def _number(body: JsonObject, name: str, default: float) -> float:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _WrongRequestError(400, f"{name} must be a number")
    return float(value)


def _roles(value: object) -> Iterable[str]:
    if not isinstance(value, list):
        raise _WrongRequestError(400, "roles must be a list")
    unknown = sorted(str(role) for role in value if role not in KNOWN_ROLES)
    if unknown:
        raise _WrongRequestError(400, f"unknown roles: {', '.join(unknown)}")
    return value


def _json(status: int, value: Any) -> Response:
    return Response(status, {"Content-Type": "application/json"}, json.dumps(value).encode())
