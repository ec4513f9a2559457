"""What sync.yaml said before: a target or a scoping group that vanished from it is no reason to remove anybody.

A line that got lost in an edit looks like a decision. So the groups that a target was ever scoped by are remembered,
and so are the targets. Who is out of scope only because the configuration lost their group is held, and it is said
once; a person lets them go, or accepts the new configuration. The configuration itself is never changed here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shared.app.operations import tell
from shared.app.state_rows import change_row
from shared.core.hold_notes import SCOPE_GROUP_LOST
from shared.core.operation_event import OperationEvent, OperationKind, OperationReason, Severity

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.app.parts import Parts
    from shared.config.sync_file import Target
    from shared.store.protocol import Store

_TARGETS: Final = "configuration:targets"


@dataclass(frozen=True, slots=True)
class _Memory:
    """Names that were configured at some time, and those of whose loss was told."""

    known: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()


async def notice_configuration(parts: Parts) -> None:
    """Remember what is configured now, and tell of what was there and is gone. For a timer."""
    now = parts.clock.now()
    for target in parts.sync.targets:
        for group in await _notice(parts.store, _groups_name(target.name), target.scope.groups):
            await tell(parts, [_group_lost(target.name, group, now)])
    for name in await _notice(parts.store, _TARGETS, [target.name for target in parts.sync.targets]):
        await tell(parts, [_target_lost(name, now)])


async def lost_groups(store: Store, target: Target) -> tuple[str, ...]:
    """Groups that a target was scoped by at some time, and is not any more.

    Raises:
        StoreError: nobody knows.
    """
    row = await store.get_state(_groups_name(target.name))
    memory = _decode(row.value if row else None)
    return () if target.scope.all_users else tuple(sorted(memory.known - set(target.scope.groups)))


async def accept_configuration(store: Store, target: Target) -> tuple[str, ...]:
    """Forget groups that are configured no more, so that their members leave like anybody else; returns them."""
    lost = await lost_groups(store, target)
    kept = _Memory(frozenset(target.scope.groups))
    await change_row(store, _groups_name(target.name), _decode, _encode, _always(kept))
    return lost


async def _notice(store: Store, name: str, configured: list[str] | tuple[str, ...]) -> list[str]:
    """Remember these; returns what was known, is not among them, and was not told so far."""

    def change(memory: _Memory) -> tuple[_Memory, list[str]]:
        lost = memory.known - set(configured)
        news = sorted(lost - memory.told)
        return replace(memory, known=memory.known | set(configured), told=lost), news

    return await change_row(store, name, _decode, _encode, change)


def _always(memory: _Memory) -> Callable[[_Memory], tuple[_Memory, None]]:
    return lambda _before: (memory, None)


def _groups_name(target: str) -> str:
    return f"configuration:groups:{target}"


def _decode(text: str | None) -> _Memory:
    try:
        raw = json.loads(text) if text else {}
        return _Memory(frozenset(raw.get("known", ())), frozenset(raw.get("told", ())))
    except (ValueError, AttributeError, TypeError):
        return _Memory()


def _encode(memory: _Memory) -> str:
    return json.dumps({"known": sorted(memory.known), "told": sorted(memory.told)})


def _group_lost(target: str, group: str, now: datetime) -> OperationEvent:
    return OperationEvent(
        OperationKind.SCOPE_SUSPENDED,
        now,
        target,
        Severity.WARNING,
        reason_code=SCOPE_GROUP_LOST,
        description=f"The scoping group {group} is no longer in sync.yaml. Nobody is removed for it: its members are"
        f" held as they are looked at. Put it back, or: python -m admin configuration accept --target {target}",
        actions=("remove",),
    )


def _target_lost(name: str, now: datetime) -> OperationEvent:
    return OperationEvent(
        OperationKind.SCOPE_SUSPENDED,
        now,
        name,
        Severity.WARNING,
        reason_code=OperationReason.TARGET_LOST,
        description=f"The target {name} is no longer in sync.yaml. Its users stay as they are, and nobody looks after"
        " them. Put it back, or remove them yourself, as docs/operating.md describes.",
        actions=("create", "update", "remove"),
    )
