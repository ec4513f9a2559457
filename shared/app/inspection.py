"""One user in one target, from all sides: what was read, what the rules say, what is remembered, what comes next.

For people who ask about a person: on demand, and to explain. It reads source, target and store, and writes nothing; the
judgement is the one that a pass would come to now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.app.desire import selection
from shared.app.guard_rows import load_health
from shared.app.holds import holds_of
from shared.app.plan import Foresight
from shared.app.planned import planned_users
from shared.core.attributes import find, source_attributes
from shared.core.messages import Kind, Reason, UserChange
from shared.graph.source import Found

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.app.holds import Hold
    from shared.app.parts import Parts, TargetParts
    from shared.app.planned import PlannedUser
    from shared.config.sync_file import Target
    from shared.core.decide import Plan
    from shared.core.desired import Desired
    from shared.core.expressions import Value
    from shared.core.fault_sizes import Fault
    from shared.core.model import Link
    from shared.core.observed import Observed
    from shared.core.quarantine import TargetHealth
    from shared.graph.source import SourceReading


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that is known of one user in one target."""

    target: Target
    source_id: str
    now: datetime
    reading: SourceReading
    attributes: Mapping[str, Value] = field(repr=False)  # of the source user, but for what may not be told
    unreachable: Fault | None  # the target itself
    link: Link | None
    hold: Hold | None
    health: TargetHealth
    groups: Mapping[str, str]  # the scoping groups' names, by id, as far as they could be read
    busy: bool  # another worker is at the user, so that nothing below was decided
    desired: Desired | None
    observed: Observed | None  # None: the target had not to be looked at
    plan: Plan | None  # None: nothing was decided
    planned: PlannedUser


async def inspect(parts: Parts, hands: TargetParts, source_id: str) -> Inspection:
    """Look at one user in one target.

    Raises:
        StoreError: what is remembered could not be read.
    """
    target = hands.target
    link = (await parts.store.get_links(target.name, [source_id])).get(source_id)
    held = await holds_of(parts, [link] if link is not None else [])
    reading = await _read(parts, target, source_id)
    change = UserChange(source_id, Reason.ON_DEMAND, Kind.CHECK)
    judged = await Foresight(parts, hands).judge([change])
    planned = {user.source_id: user for user in planned_users(judged, target)}
    return Inspection(
        target=target,
        source_id=source_id,
        now=parts.clock.now(),
        reading=reading,
        attributes=_told(reading, target),
        unreachable=await hands.directory.reach(),
        link=link,
        hold=held[0] if held else None,
        health=await load_health(parts, target.name),
        groups=await parts.source.group_names(target.scope.groups),
        busy=source_id in judged.busy,
        desired=judged.desired.get(source_id),
        observed=judged.observed.get(source_id),
        plan=judged.plans.get(source_id),
        planned=planned[source_id],
    )


async def _read(parts: Parts, target: Target, source_id: str) -> SourceReading:
    select = selection(target)
    readings = await parts.source.read_users(
        [source_id],
        select=select.properties,
        expand_manager=select.manager,
        groups=() if target.scope.all_users else target.scope.groups,
    )
    return readings[source_id]


def _told(reading: SourceReading, target: Target) -> dict[str, Value]:
    """The source user's attributes, each once; those that a redacting mapping reads are left out."""
    if not isinstance(reading, Found):
        return {}
    attributes = source_attributes(reading.user)
    names = {name.partition(".")[0] for name in reading.user} - {"manager"}
    withheld = {known.name if (known := find(name)) is not None else name for name in target.log.withheld}
    return {
        name: value
        for name, value in sorted(attributes.items())
        if name.partition(".")[0] in names and name not in withheld
    }
