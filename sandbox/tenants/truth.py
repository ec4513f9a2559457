"""The truth as the control interface shows it: journal entries, users and groups with what Graph hides.

Read-only; no replica is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tenants.clock import precise_timestamp, timestamp
from sandbox.tenants.directory.model import Kind

if TYPE_CHECKING:
    from sandbox.tenants.directory.model import Change, Version
    from sandbox.tenants.subscription import Subscription
    from sandbox.tenants.wire import JsonObject
    from sandbox.tenants.world import Tenant


def users_of(tenant: Tenant) -> list[JsonObject]:
    """All users of a tenant, those in the bin last."""
    truth = tenant.directory.replicas.truth
    live = [_user(tenant, user, deleted=False) for user in truth.after(Kind.USER, 0)]
    binned = [user for user in truth.deleted.values() if user.kind is Kind.USER]
    return live + [_user(tenant, user, deleted=True) for user in binned]


def groups_of(tenant: Tenant) -> list[JsonObject]:
    """All groups of a tenant with their direct members, those in the bin last."""
    truth = tenant.directory.replicas.truth
    binned = [group for group in truth.deleted.values() if group.kind is Kind.GROUP]
    return [
        {**group.properties, "deleted": group.id not in truth.live, "members": list(truth.members(group.id))}
        for group in [*truth.after(Kind.GROUP, 0), *binned]
    ]


def change_entry(change: Change) -> JsonObject:
    """One journal entry."""
    return {
        "tenant": change.tenant,
        "at": precise_timestamp(change.at),
        "time": change.at,
        "actor": change.actor,
        "kind": change.kind.value,
        "type": change.object_kind.type_name,
        "objectId": change.object_id,
        "related": change.related,
        "consequence": change.consequence,
        "changed": {name: {"before": before, "after": after} for name, (before, after) in change.changed.items()},
    }


def subscription_entry(subscription: Subscription) -> JsonObject:
    """One subscription of any app in any tenant; its secret stays out."""
    return {
        "id": subscription.id,
        "tenant": subscription.tenant,
        "app": subscription.app_id,
        "resource": subscription.resource,
        "changeType": subscription.change_type_text,
        "notificationUrl": subscription.notification_url,
        "expiresAt": timestamp(subscription.expires_at),
    }


def _user(tenant: Tenant, user: Version, *, deleted: bool) -> JsonObject:
    truth = tenant.directory.replicas.truth
    origin = tenant.directory.origins.get(user.id)
    home = None if origin is None or origin.home is None else origin.home
    return {
        **user.properties,
        "deleted": deleted,
        "manager": truth.manager.get(user.id),
        "memberOf": sorted(truth.groups_of(user.id)),
        "home": None if home is None else {"tenantId": home[0], "id": home[1]},
        "redeemedAutomatically": origin is not None and origin.redeemed_automatically,
    }
