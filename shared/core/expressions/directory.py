"""Functions whose result is not in the user's attributes.

Application roles belong to provisioning into applications and network ids are hidden by Graph: both
are read, so that an imported configuration can be shown and explained, but neither has a value here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import Failure

if TYPE_CHECKING:
    from .environment import Environment
    from .values import Value


def app_role_assignments(_: Value) -> Value:
    """AppRoleAssignmentsComplex, AssertiveAppRoleAssignmentsComplex, SingleAppRoleAssignment."""
    raise Failure("application roles do not exist between tenants; remove this mapping")


def alt_sec_id_from_net_id(_: Value) -> Value:
    """AltSecIdFromNetId([netId])."""
    raise Failure("Graph does not show network ids; users are matched by links instead, remove this mapping")


def default_domain(environment: Environment) -> Value:
    """DefaultDomain(): of the target tenant."""
    domain = environment.surroundings.default_domain
    if domain is None:
        raise Failure("the target's default domain is not known here")
    return domain
