"""Subscriptions: made, renewed, listed and ended, with the handshake that proves the webhook.

The handshake's calls are handed out as data; nothing is stored before every call was answered rightly.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sandbox.tenants.clock import parse_timestamp, precise_timestamp
from sandbox.tenants.graph import permissions
from sandbox.tenants.graph.errors import GraphError, denied, invalid, malformed
from sandbox.tenants.subscription import Scope, Subscription
from sandbox.tenants.wire import HandlerResult, PendingReply, Reply, Validation, ValidationAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject

MOST_SECONDS = 41_760 * 60.0
LEAST_SECONDS = 45 * 60.0
_MOST_PER_APP_AND_TENANT = 100
_MOST_PER_TENANT = 1_000
_MOST_PER_APP = 50_000
_MOST_STATE = 128
_RESOURCE = re.compile(
    r"/?(?:(?P<users>users)(?:/(?P<user>[0-9a-f-]{36}))?"
    r"|(?P<groups>groups)(?:/(?P<group>[0-9a-f-]{36})(?:/(?P<part>members|owners))?)?)/?\Z",
    re.IGNORECASE,
)
_KNOWN = frozenset(
    {"changeType", "notificationUrl", "lifecycleNotificationUrl", "resource", "expirationDateTime"}
    | {"clientState", "latestSupportedTlsVersion", "includeResourceData", "encryptionCertificate"}
    | {"encryptionCertificateId", "notificationQueryOptions", "notificationUrlAppId"}
)
_TLS = frozenset({"v1_0", "v1_1", "v1_2", "v1_3"})
_CHANGE_TYPES = frozenset({"created", "updated", "deleted"})


def create(call: Call) -> HandlerResult:
    """POST /subscriptions."""
    body = call.body()
    subscription = _read(call, body)
    _refuse_over_quota(call, subscription)

    def store() -> Reply:
        _refuse_duplicate(call, subscription)
        call.world.hub.add(subscription)
        value = {"@odata.context": call.context("subscriptions/$entity"), **_shown(subscription)}
        return Reply(201, value, {"Location": f"{call.root}/subscriptions('{subscription.id}')"})

    _refuse_duplicate(call, subscription)
    urls = [subscription.notification_url]
    if subscription.lifecycle_url is not None:
        urls.append(subscription.lifecycle_url)
    return _validated(call, urls, store)


def _read(call: Call, body: JsonObject) -> Subscription:
    for name in body:
        if name not in _KNOWN and not name.startswith("@odata."):
            raise invalid(f"The property '{name}' does not exist on type 'microsoft.graph.subscription'.")
    texts = {name: _text(body, name) for name in ("changeType", "notificationUrl", "resource", "expirationDateTime")}
    found = _RESOURCE.match(texts["resource"])
    if found is None:
        raise invalid("The resource is not supported for change notifications here.")
    scope, object_id = _scope(found)
    needed = permissions.SUBSCRIBE_USERS if scope in {Scope.USERS, Scope.USER} else permissions.SUBSCRIBE_GROUPS
    if not permissions.meets(needed, call.caller.roles):
        raise denied()
    kinds = frozenset(part.strip().lower() for part in texts["changeType"].split(","))
    if not kinds <= _CHANGE_TYPES:
        raise invalid("The value of 'changeType' is invalid: created, updated and deleted are known.")
    if body.get("includeResourceData"):
        raise invalid("Notifications with resource data are not supported for this resource.")
    state = body.get("clientState")
    if state is not None and (not isinstance(state, str) or len(state) > _MOST_STATE):
        raise invalid(f"'clientState' must be a string of at most {_MOST_STATE} characters.")
    tls = body.get("latestSupportedTlsVersion", "v1_2")
    if tls not in _TLS:
        raise invalid("'latestSupportedTlsVersion' is not a version of TLS.")
    lifecycle = body.get("lifecycleNotificationUrl")
    return Subscription(
        id=call.world.chance.guid("subscriptions"),
        tenant=call.tenant.name,
        tenant_id=call.tenant.id,
        app_id=call.caller.app_id,
        creator_id=call.caller.principal_id,
        resource=texts["resource"],
        scope=scope,
        object_id=object_id,
        change_types=kinds,
        change_type_text=texts["changeType"],
        notification_url=_webhook(texts["notificationUrl"], "notificationUrl"),
        lifecycle_url=None if lifecycle is None else _webhook(lifecycle, "lifecycleNotificationUrl"),
        client_state=state,
        expires_at=_expiration(call, texts["expirationDateTime"]),
        tls=tls,
    )


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"The '{name}' property is required.")
    return value


def _scope(found: re.Match[str]) -> tuple[Scope, str | None]:
    if found["users"]:
        user = found["user"]
        return (Scope.USERS, None) if user is None else (Scope.USER, user.lower())
    group = found["group"]
    if group is None:
        return Scope.GROUPS, None
    match (found["part"] or "").lower():
        case "members":
            return Scope.MEMBERS, group.lower()
        case "owners":
            return Scope.OWNERS, group.lower()
        case _:
            return Scope.GROUP, group.lower()


def _webhook(url: Any, name: str) -> str:
    if not isinstance(url, str) or not re.match(r"https://[^/\s]+", url):
        raise invalid(f"'{name}' must be an https address; event hubs and event grids are not simulated.")
    return url


def _expiration(call: Call, text: Any) -> float:
    try:
        wanted = parse_timestamp(text)
    except (ValueError, TypeError, AttributeError):
        raise malformed("'expirationDateTime' is not a date-time with a zone.") from None
    ahead = wanted - call.now
    if ahead > MOST_SECONDS:
        most = int(MOST_SECONDS // 60)
        raise GraphError(400, "ExtensionError", f"Subscription expiration can only be {most} minutes in the future.")
    if ahead <= 0:
        raise invalid("'expirationDateTime' lies in the past.")
    return call.now + max(ahead, LEAST_SECONDS)


def _refuse_over_quota(call: Call, new: Subscription) -> None:
    every = call.world.hub.subscriptions()
    in_tenant = [item for item in every if item.tenant == new.tenant]
    of_app = [item for item in every if item.app_id == new.app_id]
    in_both = sum(1 for item in in_tenant if item.app_id == new.app_id)
    for held, most in (
        (in_both, _MOST_PER_APP_AND_TENANT),
        (len(in_tenant), _MOST_PER_TENANT),
        (len(of_app), _MOST_PER_APP),
    ):
        if held >= most:
            raise GraphError(403, "Forbidden", f"The limit of {most} subscriptions has been reached.")


def _refuse_duplicate(call: Call, new: Subscription) -> None:
    for item in call.world.hub.subscriptions():
        same = item.tenant == new.tenant and item.app_id == new.app_id
        if (
            same
            and item.change_types == new.change_types
            and (item.scope, item.object_id) == (new.scope, new.object_id)
        ):
            raise GraphError(409, "Conflict", f"Subscription Id {item.id} already exists for the requested combination")


def _validated(call: Call, urls: list[str], then: Callable[[], Reply]) -> PendingReply:
    calls = []
    for url in urls:
        # Blanks and signs in the token show whether the webhook decodes it.
        guid = call.world.chance.guid("validation")
        token = f"Validation: Testing client application reachability for subscription Request-Id: {guid} <&+>"
        joint = "&" if "?" in url else "?"
        calls.append(Validation(f"{url}{joint}validationToken={quote(token, safe='')}", token))

    def resume(answers: Sequence[ValidationAnswer]) -> Reply:
        for asked, answer in zip(calls, answers, strict=True):
            plain = answer.content_type.partition(";")[0].strip().lower() == "text/plain"
            if answer.status != 200 or not plain or answer.body.decode("utf-8", "replace") != asked.token:
                raise invalid(f"Subscription validation request failed. {_why(answer, plain=plain)}")
        return then()

    return PendingReply(tuple(calls), resume)


def _why(answer: ValidationAnswer, *, plain: bool) -> str:
    if answer.status is None:
        return "Notification endpoint did not answer within 10 seconds."
    if answer.status != 200:
        return (
            f"Notification endpoint must respond with 200 OK to validation request; it responded with {answer.status}."
        )
    if not plain:
        return "Notification endpoint must respond with the content type text/plain."
    return "Response must match validationToken query parameter."


# --- what exists -------------------------------------------------------------------------------


def list_all(call: Call) -> Reply:
    """GET /subscriptions: this app's in this tenant."""
    mine = [item for item in call.world.hub.subscriptions() if _mine(call, item)]
    return Reply(200, {"@odata.context": call.context("subscriptions"), "value": [_shown(item) for item in mine]})


def get(call: Call) -> Reply:
    """GET /subscriptions/{id}."""
    found = _found(call)
    return Reply(200, {"@odata.context": call.context("subscriptions/$entity"), **_shown(found)})


def renew(call: Call) -> HandlerResult:
    """PATCH /subscriptions/{id}: a new expiration, a new notification url (proved first), or both."""
    body = call.body()
    found = _found(call)
    for name in body:
        if name not in {"expirationDateTime", "notificationUrl"} and not name.startswith("@odata."):
            raise invalid(f"The property '{name}' cannot be changed: delete the subscription and create another.")
    expires_at = _expiration(call, body["expirationDateTime"]) if "expirationDateTime" in body else None

    def store() -> Reply:
        if "notificationUrl" in body:
            found.notification_url = body["notificationUrl"]
        if expires_at is not None:
            call.world.hub.renew(found, expires_at)
        return Reply(200, {"@odata.context": call.context("subscriptions/$entity"), **_shown(found)})

    if "notificationUrl" in body:
        return _validated(call, [_webhook(body["notificationUrl"], "notificationUrl")], store)
    return store()


def reauthorize(call: Call) -> Reply:
    """POST /subscriptions/{id}/reauthorize: access is renewed, the lifetime is not."""
    call.world.hub.renew(_found(call), None)
    return Reply(204)


def delete(call: Call) -> Reply:
    """DELETE /subscriptions/{id}."""
    call.world.hub.remove(_found(call).id)
    return Reply(204)


def _mine(call: Call, item: Subscription) -> bool:
    return item.tenant == call.tenant.name and item.app_id == call.caller.app_id


def _found(call: Call) -> Subscription:
    key = call.parameters["id"]
    found = call.world.hub.get(key)
    if found is None or not _mine(call, found):
        raise GraphError(404, "ResourceNotFound", "The object was not found.")
    return found


def _shown(item: Subscription) -> JsonObject:
    return {
        "id": item.id,
        "resource": item.resource,
        "applicationId": item.app_id,
        "changeType": item.change_type_text,
        "clientState": item.client_state,
        "notificationUrl": item.notification_url,
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": item.lifecycle_url,
        "expirationDateTime": precise_timestamp(item.expires_at),
        "creatorId": item.creator_id,
        "includeResourceData": None,
        "latestSupportedTlsVersion": item.tls,
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
        "notificationContentType": None,
    }
