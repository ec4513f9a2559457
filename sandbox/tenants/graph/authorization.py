"""The authorization policy: who may invite, and what guests may see. One for each tenant, always there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tenants.graph.errors import bad_request, unknown_property
from sandbox.tenants.wire import Reply
from sandbox.tenants.world import GUEST_USER_ROLE_ID

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call

_CHOICES = {
    "allowInvitesFrom": {"none", "adminsAndGuestInviters", "adminsGuestInvitersAndAllMembers", "everyone"},
    "guestUserRoleId": {
        "a0b1b346-4d3e-4e8b-98f8-753987be4970",  # the same as members
        GUEST_USER_ROLE_ID,
        "2af84b1e-32c8-42b7-82bc-daa82404023b",  # restricted
    },
}
_READ_ONLY = frozenset({"id"})


def get_authorization(call: Call) -> Reply:
    """GET /policies/authorizationPolicy."""
    context = call.context("policies/authorizationPolicy/$entity")
    return Reply(200, {"@odata.context": context, **call.tenant.authorization})


def patch_authorization(call: Call) -> Reply:
    """PATCH /policies/authorizationPolicy."""
    body, policy = call.body(), call.tenant.authorization
    for name, value in body.items():
        if name not in policy:
            raise unknown_property(name, "authorizationPolicy")
        if name in _READ_ONLY:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise bad_request(f"Invalid value specified for property '{name}' of resource 'AuthorizationPolicy'.")
        if name not in _CHOICES and policy[name] is not None and not isinstance(value, type(policy[name])):
            raise bad_request(f"Property '{name}' has a wrong type.")
    policy.update(body)
    return Reply(204)
