"""Whom did an invitation lead to? Entra answers the invitation of an address that it knows with the user who has it.

That a search found nobody is no proof that nobody is there: the index lags, and a page can come back empty. So the
users that invitations led to are read once before anything else is written to them. Nothing here writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.core.decide import CLOCK_SKEW
from shared.core.observed import Marker, Present
from shared.graph.target import Sought

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.app.parts import TargetParts

_ANOTHER: Final = "anotherInstallation"
_NOT_ADOPTED: Final = "adoptionNotAllowed"


async def strangers(hands: TargetParts, created: Mapping[str, str], since: datetime) -> dict[str, str]:
    """Those of the source ids in `created` whose target user (the value) may not be taken over, with the reason.

    Users that came into being after `since` are the invitation's own. Whoever cannot be read is new, as far as
    anybody can tell: a replica that has not heard of them.
    """
    people = [Sought(source_id, target_id) for source_id, target_id in created.items()]
    observed = await hands.directory.look(people, select=(), expand_manager=False)
    found: dict[str, str] = {}
    for source_id, user in observed.items():
        if not isinstance(user, Present) or user.marker is Marker.OURS:
            continue
        if user.marker is Marker.ANOTHER:
            found[source_id] = _ANOTHER
        elif not hands.target.policy.adopt and user.created_at is not None and user.created_at < since - CLOCK_SKEW:
            found[source_id] = _NOT_ADOPTED
    return found
