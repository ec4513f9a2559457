"""Attributes that a target refuses on one user, remembered in the link's reason so that they are told once.

A target user that Exchange owns, that is mastered on premises or that holds a role refuses some attributes for good.
The rest is written, and the refusal is a warning. Which fault refuses what is for the graph adapter to know.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.core.decide import DRIFT_LEFT, RESUMED, Action, Plan

if TYPE_CHECKING:
    from collections.abc import Collection

_CODE: Final = "attributesRefused"

_KEEPS_MEMORY: Final = frozenset({Action.ADOPT, Action.UPDATE, Action.DISABLE, Action.ENABLE, Action.RESTORE})


def as_written(plan: Plan, refused: Collection[str], before: str | None) -> Plan:
    """The plan as it was carried out: without what was refused, and with a warning as its reason if that is news.

    `before` is the link's reason from the time before.
    """
    written = {name: value for name, value in plan.change.attributes.items() if name not in refused}
    news = set(refused) - remembered(before)
    return replace(
        plan,
        change=replace(plan.change, attributes=written),
        reason=_warning(refused) if news else plan.reason,
    )


def is_old_news(plan: Plan, refused: Collection[str], before: str | None) -> bool:
    """Whether nothing came of a plan but what was refused and told before."""
    return bool(refused) and set(refused) <= remembered(before) and not as_written(plan, refused, before).change


def reason_to_keep(plan: Plan, refused: Collection[str], before: str | None) -> str:
    """The link's next reason. What an update did not try may be refused as before."""
    names = set(refused)
    if plan.action in _KEEPS_MEMORY or plan.reason in {"upToDate", DRIFT_LEFT, RESUMED}:
        names |= remembered(before) - plan.change.attributes.keys()
    return _warning(names) if names else plan.reason


def remembered(reason: str | None) -> frozenset[str]:
    """The attributes that a link's reason says were refused."""
    code, _, names = (reason or "").partition(":")
    return frozenset(names.split(",")) if code == _CODE and names else frozenset()


def _warning(names: Collection[str]) -> str:
    return f"{_CODE}:{','.join(sorted(names))}"
