"""The deletion budget: how many people may be removed from one target within a window, and who was released.

A mass removal is nearly always somebody's mistake: a group emptied, a filter mistyped. So removals are charged to a
ledger that all workers of a target share, and what exceeds it waits for a person. A charge is made before the write:
a crash between the two leaves the ledger too full, never too empty.

Nothing is stored here and no clock is read. Creates and updates never come here. A ledger that cannot be read is an
error of its own, because an empty one in its place would let everybody pass.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

RELEASE_LIFE: Final = timedelta(days=7)
"""How long a release waits to be used: longer than any pause or quarantine should last."""

MAX_RELEASES: Final = 5_000
"""Most releases that wait at once: with them, the ledger still fits into one row of the store."""

_ALERT_EVERY: Final = timedelta(days=1)
_VERSION: Final = 1
_SLICES: Final = 96  # of a window: a day is kept in quarters of an hour
_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class DeletionBudget:
    """What may be removed from one target without a person: the smaller of a number and a share.

    `percent` is of the users that we hold in the target. ValueError where a value makes no sense.
    """

    count: int = 500
    percent: float = 10.0
    window: timedelta = timedelta(hours=24)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"count has to be 0 or more, not {self.count}")
        if not 0 <= self.percent <= _PERCENT:
            raise ValueError(f"percent has to be 0 to 100, not {self.percent}")
        if self.window < timedelta(minutes=1):
            raise ValueError(f"window has to be a minute or more, not {self.window}")

    def allowance(self, owned: int) -> int:
        """Removals per window in a target with `owned` users of ours.

        The share is rounded up, or a target with nine users could never lose one.
        """
        return min(self.count, math.ceil(Fraction(str(self.percent)) * owned / _PERCENT))


@dataclass(frozen=True, slots=True)
class Removal:
    """One user who is to be removed. `waits`: the link says that they were held before."""

    user_id: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was charged and released in one target. All times are whole seconds since 1970."""

    as_of: int = 0  # the latest time that any worker has brought
    charges: Mapping[int, int] = field(default_factory=dict)  # end of a slice → removals charged in it
    unsettled: Mapping[str, int] = field(default_factory=dict)  # user → slice of a charge whose outcome is not known
    releases: Mapping[str, int] = field(default_factory=dict)  # user → when a person released them
    owned: int = 0  # live users of ours in the target, when they were last counted
    counted_at: int | None = None
    alerted_at: int | None = None  # when somebody was last told that the budget is spent


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may be removed now, and the ledger that says so: it has to be stored before anybody is."""

    ledger: Ledger
    passed: frozenset[str]


class UnreadableRowError(ValueError):
    """A stored row that this version cannot read. The text says what is wrong with it."""


def spent(ledger: Ledger, budget: DeletionBudget, now: datetime) -> int:
    """Removals charged in the window that ends now."""
    return sum(_advanced(ledger, budget, now).charges.values())


def admit(ledger: Ledger, removals: Sequence[Removal], budget: DeletionBudget, now: datetime) -> Admission:
    """Charge removals, in their order, as far as the budget goes.

    Somebody who was held waits for a release even when there is room again: an accident must not trickle through
    day by day. A release holds for that hold alone; one left over from an earlier hold is void. Somebody whose last
    charge was never settled (a lost answer, a crash) and who is still there is charged once, not twice.
    """
    ledger = _advanced(ledger, budget, now)
    charges, unsettled, releases = dict(ledger.charges), dict(ledger.unsettled), dict(ledger.releases)
    for removal in removals:
        _give_back(removal.user_id, charges, unsettled)
    room = budget.allowance(ledger.owned) - sum(charges.values())
    length = _slice_length(budget)
    # The end of the next slice: a removal is written some minutes after `now`, and must not expire before its window.
    ends_at = (ledger.as_of // length + 2) * length
    passed = set()
    for removal in removals:
        if removal.waits:
            if removal.user_id in releases:
                passed.add(removal.user_id)
            continue
        releases.pop(removal.user_id, None)
        if room > 0:
            room -= 1
            charges[ends_at] = charges.get(ends_at, 0) + 1
            unsettled[removal.user_id] = ends_at
            passed.add(removal.user_id)
    return Admission(replace(ledger, charges=charges, unsettled=unsettled, releases=releases), frozenset(passed))


def settle(ledger: Ledger, *, removed: Iterable[str], refused: Iterable[str]) -> Ledger:
    """Strike the releases that were used, and give back the charges of writes that were refused.

    A write of which nobody knows whether it happened belongs to neither: its charge stands.
    """
    charges, unsettled, releases = dict(ledger.charges), dict(ledger.unsettled), dict(ledger.releases)
    for user_id in removed:
        unsettled.pop(user_id, None)
        releases.pop(user_id, None)
    for user_id in refused:
        _give_back(user_id, charges, unsettled)
    return replace(ledger, charges=charges, unsettled=unsettled, releases=releases)


def release(ledger: Ledger, user_ids: Collection[str], now: datetime) -> Ledger:
    """Let held users pass, once.

    Raises:
        ValueError: more than MAX_RELEASES would wait.
    """
    at = math.floor(now.timestamp())
    waiting = _fresh_releases(ledger, at) | dict.fromkeys(user_ids, at)
    if len(waiting) > MAX_RELEASES:
        raise ValueError(f"{len(waiting)} releases would wait, and {MAX_RELEASES} is the most that can at once")
    return replace(ledger, releases=waiting)


def waiting_releases(ledger: Ledger, now: datetime) -> frozenset[str]:
    """Users who were released and have not been removed yet."""
    return frozenset(_fresh_releases(ledger, math.floor(now.timestamp())))


def with_count(ledger: Ledger, owned: int, now: datetime) -> Ledger:
    """Remember how many users of ours the target holds."""
    return replace(ledger, owned=owned, counted_at=math.floor(now.timestamp()))


def count_age(ledger: Ledger, now: datetime) -> timedelta:
    """How old the count of users is; without end where there is none."""
    return timedelta.max if ledger.counted_at is None else timedelta(seconds=now.timestamp() - ledger.counted_at)


def alert_due(ledger: Ledger, now: datetime) -> bool:
    """Whether nobody was told for a day that removals are held."""
    return ledger.alerted_at is None or now.timestamp() - ledger.alerted_at >= _ALERT_EVERY.total_seconds()


def alerted(ledger: Ledger, now: datetime) -> Ledger:
    """Remember that somebody was told."""
    return replace(ledger, alerted_at=math.floor(now.timestamp()))


def encode_ledger(ledger: Ledger) -> str:
    """Write a ledger down as JSON text."""
    return json.dumps(
        {
            "v": _VERSION,
            "asOf": ledger.as_of,
            "charges": sorted(ledger.charges.items()),
            "unsettled": dict(ledger.unsettled),
            "releases": dict(ledger.releases),
            "owned": ledger.owned,
            "countedAt": ledger.counted_at,
            "alertedAt": ledger.alerted_at,
        },
        separators=(",", ":"),
    )


def decode_ledger(text: str) -> Ledger:
    """Read what `encode_ledger` wrote.

    Raises:
        UnreadableRowError: it is something else, or a later version's.
    """
    raw = read_object(text, _VERSION)
    charges = raw.get("charges")
    if not isinstance(charges, list) or not all(isinstance(item, list) and len(item) == 2 for item in charges):  # noqa: PLR2004 - pairs
        raise UnreadableRowError("charges must be a list of pairs")
    return Ledger(
        as_of=_whole("asOf", raw.get("asOf")),
        charges={_whole("charges", at): _whole("charges", count) for at, count in charges},
        unsettled=_by_user("unsettled", raw.get("unsettled")),
        releases=_by_user("releases", raw.get("releases")),
        owned=_whole("owned", raw.get("owned")),
        counted_at=None if raw.get("countedAt") is None else _whole("countedAt", raw["countedAt"]),
        alerted_at=None if raw.get("alertedAt") is None else _whole("alertedAt", raw["alertedAt"]),
    )


def read_object(text: str, version: int) -> dict[str, Any]:
    """The JSON object of a state row, if it is of this version.

    Raises:
        UnreadableRowError: it is not.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableRowError("the row is not JSON") from error
    if not isinstance(raw, dict):
        raise UnreadableRowError("the row is not a JSON object")
    if raw.get("v") != version:
        raise UnreadableRowError(f"v must be {version}")
    return raw


def _advanced(ledger: Ledger, budget: DeletionBudget, now: datetime) -> Ledger:
    """The ledger without what has expired.

    Its own time never goes back: a worker whose pass began earlier must not count what another has already dropped.
    """
    as_of = max(ledger.as_of, math.floor(now.timestamp()))
    begins = as_of - math.ceil(budget.window.total_seconds())
    return replace(
        ledger,
        as_of=as_of,
        charges={at: count for at, count in ledger.charges.items() if at > begins and count},
        unsettled={user_id: at for user_id, at in ledger.unsettled.items() if at > begins},
        releases=_fresh_releases(ledger, as_of),
    )


def _fresh_releases(ledger: Ledger, at: int) -> dict[str, int]:
    oldest = at - math.floor(RELEASE_LIFE.total_seconds())
    return {user_id: released_at for user_id, released_at in ledger.releases.items() if released_at > oldest}


def _slice_length(budget: DeletionBudget) -> int:
    return math.ceil(budget.window.total_seconds() / _SLICES)


def _give_back(user_id: str, charges: dict[int, int], unsettled: dict[str, int]) -> None:
    at = unsettled.pop(user_id, None)
    if at is not None and charges.get(at, 0) > 0:
        charges[at] -= 1


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UnreadableRowError(f"{name} must hold whole numbers, 0 or more")
    return value


def _by_user(name: str, value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        raise UnreadableRowError(f"{name} must be an object")
    return {user_id: _whole(name, at) for user_id, at in value.items()}
