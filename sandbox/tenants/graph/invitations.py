"""POST /invitations: who may be invited, whom an address belongs to, and what then stands there.

An address leads to a home account in another tenant where there is one, so that two aliases of one
person make one guest. Nothing is mailed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox.tenants.accounts import guest_principal_name, guest_properties, pending_identities
from sandbox.tenants.clock import timestamp
from sandbox.tenants.config import SoftDeletedTwin
from sandbox.tenants.directory.directory import Origin
from sandbox.tenants.directory.model import Kind, Version
from sandbox.tenants.directory.values import ADDRESS
from sandbox.tenants.graph import permissions
from sandbox.tenants.graph.errors import GraphError, bad_request, malformed, not_found, unknown_property
from sandbox.tenants.graph.quota import need_room
from sandbox.tenants.wire import Reply

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.wire import JsonObject
    from sandbox.tenants.world import AccessPolicy, Tenant

_FORBIDDEN = re.compile(r"[~!#$%^&*()+=\[\]{}\\/|;:\"<>?,]")
_KNOWN = frozenset(
    {"invitedUserEmailAddress", "inviteRedirectUrl", "invitedUserDisplayName", "invitedUserType"}
    | {"sendInvitationMessage", "invitedUserMessageInfo", "invitedUserSponsors", "resetRedemption", "invitedUser"}
)


def invite(call: Call) -> Reply:
    """POST /invitations."""
    body = call.body()
    reset = body.get("resetRedemption") is True
    roles = call.caller.roles
    if not roles & permissions.INVITE:
        raise _no_privilege(call)
    if reset and not roles & permissions.RESET_REDEMPTION:
        raise _no_privilege(call)
    address = _checked(body)
    _refuse_by_policy(call, address)
    settings = call.world.config.invitations
    if not call.tenant.invitations.admit(call.now, settings.suspicious_after_per_minute):
        raise GraphError(
            403,
            "Forbidden",
            "Invitations are blocked for this directory due to suspicious activity. Please contact Microsoft support "
            "for assistance.",
        )
    user_id = _reset(call, body, address) if reset else _invited(call, body, address)
    return Reply(201, _invitation(call, body, address, user_id))


def _no_privilege(call: Call) -> GraphError:
    return GraphError(
        401,
        "Unauthorized",
        "Insufficient privileges to perform requested operation by the application "
        f"'{call.caller.app_id}'. ControllerName=MSGraphInviteAPI, ActionName=CreateInvite, "
        f"URL absolute path=/api/{call.tenant.id}/invites",
    )


def _checked(body: JsonObject) -> str:
    for name in body:
        if name not in _KNOWN and not name.startswith("@odata."):
            raise unknown_property(name, "Invitation")
    address = body.get("invitedUserEmailAddress")
    if not isinstance(address, str) or not address:
        raise malformed("The 'invitedUserEmailAddress' property is required.")
    redirect = body.get("inviteRedirectUrl")
    if not isinstance(redirect, str) or not re.match(r"https?://\S+\Z", redirect):
        raise malformed("The 'inviteRedirectUrl' property is required and must be an address.")
    if body.get("invitedUserType", "Guest") not in {"Guest", "Member"}:
        raise malformed("The 'invitedUserType' property must be Guest or Member.")
    for name, expected in (("invitedUserDisplayName", str), ("sendInvitationMessage", bool)):
        if body.get(name) is not None and not isinstance(body[name], expected):
            raise malformed(f"The '{name}' property has a wrong type.")
    recipients = (body.get("invitedUserMessageInfo") or {}).get("ccRecipients") or []
    if len(recipients) > 1:
        raise malformed("Only one cc recipient is supported.")
    local = address.partition("@")[0]
    if (
        ADDRESS.match(address) is None
        or _FORBIDDEN.search(address)
        or local.startswith(".")
        or local.endswith((".", "-"))
    ):
        raise malformed("The invited user's e-mail address contains characters that are not allowed.")
    return address


def _home_of(call: Call, address: str) -> tuple[Tenant, Version] | None:
    """The account in another tenant of this cloud that the address belongs to."""
    for tenant in call.world.tenants.values():
        if tenant is call.tenant:
            continue
        found = (
            tenant.directory.named("mail", address)
            + tenant.directory.named("userPrincipalName", address)
            + tenant.directory.named("proxyAddresses", f"smtp:{address}")
        )
        for user in found:
            if user.kind is Kind.USER and user.properties.get("creationType") != "Invitation":
                return tenant, user
    return None


def _refuse_by_policy(call: Call, address: str) -> None:
    # An app is no administrator: it may invite only where members may.
    forbidden = call.tenant.authorization["allowInvitesFrom"] in {"none", "adminsAndGuestInviters"}
    if forbidden or not call.world.config.invitations.allowed:
        raise GraphError(
            403, "Forbidden", "Guest invitations not allowed for your company. Contact your company admin."
        )
    domain = address.rpartition("@")[2].lower()
    if domain in call.tenant.domains:
        raise malformed(
            "The invited user's domain is a verified domain of this directory: such users cannot be invited."
        )
    for name in ("mail", "proxyAddresses"):
        value = address if name == "mail" else f"SMTP:{address}"
        if any(found.kind is Kind.GROUP for found in call.tenant.directory.named(name, value)):
            raise malformed("Group email address is not supported.")
    home = call.world.tenant_at(domain)
    if home is None:
        return
    inbound = _in_effect(call, call.tenant).of(home, "b2bCollaborationInbound")
    outbound = _in_effect(call, home).of(call.tenant, "b2bCollaborationOutbound")
    for policy in (inbound, outbound):
        access = (policy.get("usersAndGroups") or {}).get("accessType")
        if access == "blocked":
            raise GraphError(403, "Forbidden", "The invitation is blocked by cross-tenant access settings.")


def _existing(call: Call, address: str, home: tuple[str, str] | None) -> Version | None:
    directory = call.tenant.directory
    if home is not None and (known := directory.homes.get(home)) is not None:
        found = directory.live(known, Kind.USER)
        if found is not None:
            return found
    name = guest_principal_name(address, call.tenant.config.initial_domain)
    hits = (
        directory.named("mail", address)
        + directory.named("otherMails", address)
        + directory.named("proxyAddresses", f"smtp:{address}")
        + directory.named("userPrincipalName", name)
    )
    users = {hit.id: hit for hit in hits if hit.kind is Kind.USER}
    internal = [user for user in users.values() if user.properties.get("creationType") != "Invitation"]
    return internal[0] if internal else next(iter(users.values()), None)


def _invited(call: Call, body: JsonObject, address: str) -> str:
    directory = call.tenant.directory
    account = _home_of(call, address)
    home = None if account is None else (account[0].id, account[1].id)
    found = _existing(call, address, home)
    if found is not None:
        if found.properties.get("creationType") != "Invitation":
            raise malformed(f"The invited user already exists in the directory as object ID: {found.id}.")
        _take_alias(call, found, address)
        return found.id
    settings = call.world.config.invitations
    if settings.soft_deleted_twin is SoftDeletedTwin.REFUSE and _binned_twin(call, address):
        raise malformed("The invited user already exists in the directory.")
    if call.world.chance.stream("invitations").random() < settings.never_appears_share:
        return call.world.chance.guid("invitations:lost")
    properties = guest_properties(
        call.tenant,
        address,
        body.get("invitedUserDisplayName"),
        timestamp(call.now),
        body.get("invitedUserType") or "Guest",
    )
    if _proxy_held_elsewhere(call, address):
        properties["proxyAddresses"] = []
    need_room(call)
    user = directory.create(Kind.USER, properties, call.actor)
    directory.origins[user.id] = Origin(home=home, redeemed_automatically=_automatic(call, account))
    if home is not None:
        directory.homes[home] = user.id
    return user.id


def _take_alias(call: Call, user: Version, address: str) -> None:
    """Another address of the same home account: the object takes it over."""
    known = [item.lower() for item in user.properties.get("otherMails", [])]
    if str(user.properties.get("mail", "")).lower() == address.lower() and address.lower() in known:
        return
    others = list(user.properties.get("otherMails", []))
    if address.lower() not in known:
        others.append(address)
    proxies = [
        f"smtp:{item[5:]}" if item.startswith("SMTP:") else item
        for item in user.properties.get("proxyAddresses", [])
        if item[5:].lower() != address.lower()
    ]
    updates: dict[str, Any] = {"mail": address, "otherMails": others, "proxyAddresses": [f"SMTP:{address}", *proxies]}
    call.tenant.directory.update(user, updates, call.actor)


def _binned_twin(call: Call, address: str) -> bool:
    return any(
        str(binned.properties.get("mail", "")).lower() == address.lower()
        for binned in call.tenant.directory.replicas.truth.deleted.values()
    )


def _proxy_held_elsewhere(call: Call, address: str) -> bool:
    return bool(call.tenant.directory.named("proxyAddresses", f"SMTP:{address}"))


def _automatic(call: Call, account: tuple[Tenant, Version] | None) -> bool:
    """Whether both tenants' policies redeem without a prompt; the state still waits for a first sign-in."""
    if account is None:
        return False
    home = account[0]
    inbound = _in_effect(call, call.tenant).redeems(home, "inboundAllowed")
    return inbound and _in_effect(call, home).redeems(call.tenant, "outboundAllowed")


def _in_effect(call: Call, tenant: Tenant) -> AccessPolicy:
    return tenant.access_in_effect(call.now, call.world.config.invitations.policy_delay)


def _reset(call: Call, body: JsonObject, address: str) -> str:
    user_id = (body.get("invitedUser") or {}).get("id")
    if not isinstance(user_id, str):
        raise malformed("'invitedUser.id' is required to reset a redemption.")
    user = call.tenant.directory.live(user_id.lower(), Kind.USER)
    if user is None:
        raise not_found(user_id)
    held = [user.properties.get("mail", ""), *user.properties.get("otherMails", [])]
    if address.lower() not in (item.lower() for item in held):
        raise bad_request("The address to redeem with must stand in mail or otherMails of the user.")
    now = timestamp(call.now)
    updates = {
        "externalUserState": "PendingAcceptance",
        "externalUserStateChangeDateTime": now,
        "identities": pending_identities(call.tenant, user.properties["userPrincipalName"]),
    }
    call.tenant.directory.update(user, updates, call.actor)
    return user.id


def _invitation(call: Call, body: JsonObject, address: str, user_id: str) -> JsonObject:
    number = call.world.chance.guid("invitations")
    return {
        "@odata.context": call.context("invitations/$entity"),
        "id": number,
        "inviteRedeemUrl": f"https://login.microsoftonline.com/redeem?rd={number}",
        "invitedUserDisplayName": body.get("invitedUserDisplayName"),
        "invitedUserType": body.get("invitedUserType") or "Guest",
        "invitedUserEmailAddress": address,
        "sendInvitationMessage": body.get("sendInvitationMessage") or False,
        "resetRedemption": body.get("resetRedemption") or False,
        "inviteRedirectUrl": body["inviteRedirectUrl"],
        "status": "PendingAcceptance",
        # A service principal's message is dropped, so it never comes back either.
        "invitedUserMessageInfo": {
            "messageLanguage": None,
            "customizedMessageBody": None,
            "ccRecipients": [{"emailAddress": {"name": None, "address": None}}],
        },
        "invitedUser": {"id": user_id},
    }
