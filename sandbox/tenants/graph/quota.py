"""How many objects a tenant may hold, and what it answers when it is full.

Users and groups count, live ones and those in the bin that can be restored. Other objects are few here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tenants.graph.errors import GraphError

if TYPE_CHECKING:
    from sandbox.tenants.graph.call import Call
    from sandbox.tenants.world import Tenant


def used(tenant: Tenant) -> int:
    """How many objects count."""
    truth = tenant.directory.replicas.truth
    return len(truth.live) + len(truth.deleted)


def need_room(call: Call) -> None:
    """Refuse to make an object in a full tenant."""
    if used(call.tenant) >= call.tenant.config.object_quota:
        raise GraphError(
            403,
            "Directory_QuotaExceeded",
            "The directory object quota limit for the Tenant has been exceeded. Please ask your administrator to"
            " increase the quota limit or delete objects to reduce the used quota.",
        )
