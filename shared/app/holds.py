"""What waits for a person: listing holds, releasing them, and looking again at old ones.

A release removes nobody. It lets a held removal pass the deletion budget once and asks for a check, in which the user
is read and decided anew: somebody who is in scope again stays. Holds of other reasons have nothing to let pass; they
are looked at again, and end when their cause has been mended.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from shared.app.deletions import owned_users
from shared.app.guard_rows import change_ledger, change_notes, load_ledger, load_notes
from shared.app.state_rows import StateRowError, WithStore
from shared.core.decide import Action, Plan
from shared.core.guard import MAX_RELEASES, DeletionBudget, Ledger, release, waiting_releases
from shared.core.hold_notes import REMOVALS, SHARDS, HoldNote, shard
from shared.core.messages import Kind, Reason, UserChange, envelope
from shared.core.model import Link, LinkState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.app.parts import Clock
    from shared.config.settings import Settings
    from shared.config.sync_file import SyncConfiguration
    from shared.core.messages import Envelope

_logger = logging.getLogger(__name__)

_SENT_AT_A_TIME: Final = 1000
_REVISITED_AFTER: Final = timedelta(hours=20)  # once a day, whatever minute the timer takes


class Sender(Protocol):
    """Takes messages for the topic."""

    async def send(self, envelopes: Sequence[Envelope], /) -> None:
        """Send all, or raise BusUnavailableError."""
        ...


class HoldParts(WithStore, Protocol):
    """What these use cases need of the app's parts."""

    @property
    def topic(self) -> Sender:
        """Where checks are sent."""
        ...

    @property
    def clock(self) -> Clock:
        """Time, given."""
        ...

    @property
    def sync(self) -> SyncConfiguration:
        """For the names of the targets."""
        ...

    @property
    def settings(self) -> Settings:
        """For the timing of messages."""
        ...


@dataclass(frozen=True, slots=True)
class Hold:
    """One user of one target who waits for a person."""

    target: str
    source_id: str
    target_id: str | None
    reason: str
    since: datetime | None  # None: not known
    objects: tuple[str, ...]

    @property
    def removes(self) -> bool:
        """Whether a removal is what waits."""
        return self.reason in REMOVALS


@dataclass(frozen=True, slots=True)
class Released:
    """What a release came to."""

    removals: int  # will be removed unless they are in scope again
    looks: int  # holds of other reasons, which are only looked at again


class TooManyRemovalsError(Exception):
    """More removals than the budget allows were to be released without the exact number being named."""

    def __init__(self, target: str, removals: int, allowance: int) -> None:
        super().__init__(f"{target}: {removals} removals, and the deletion budget allows {allowance}")
        self.target = target
        self.removals = removals
        self.allowance = allowance


class TooManyReleasesError(Exception):
    """More releases than can wait at once."""

    def __init__(self, target: str, waiting: int) -> None:
        super().__init__(
            f"{target}: {waiting} releases already wait to be carried out, and {MAX_RELEASES} is the most at once;"
            " release fewer, and the rest when these are done"
        )
        self.target = target
        self.waiting = waiting


async def list_holds(parts: WithStore, target: str) -> list[Hold]:
    """All holds of a target, the oldest first; those of unknown age before all.

    Reads all links of the target.
    """
    notes = await load_notes(parts, target)
    holds = [
        _hold(link, notes.get(link.source_id))
        async for page in parts.store.list_links(target)
        for link in page
        if link.state is LinkState.HELD
    ]
    return sorted(holds, key=lambda hold: (hold.since is not None, hold.since, hold.source_id))


async def find_links(parts: WithStore, target: str, user_id: str) -> list[Link]:
    """The links of a target that a source id, or a target id, names."""
    own = (await parts.store.get_links(target, [user_id])).get(user_id)
    pointing = (await parts.store.find_by_target_user(target, [user_id])).get(user_id, ())
    found = {link.source_id: link for link in (*pointing, *([own] if own else []))}
    return list(found.values())


async def holds_of(parts: WithStore, links: Sequence[Link]) -> list[Hold]:
    """The holds among links of one target."""
    held = [link for link in links if link.state is LinkState.HELD]
    notes = await load_notes(parts, held[0].target) if held else {}
    return [_hold(link, notes.get(link.source_id)) for link in held]


async def check_release(
    parts: HoldParts, target: str, holds: Sequence[Hold], budget: DeletionBudget, *, confirmed: bool
) -> None:
    """Refuse a release that is too large. Releases that were given and not yet used count with it.

    Raises:
        TooManyRemovalsError: more than the budget allows in one window, and not `confirmed`.
        TooManyReleasesError: more than can wait at once.
        StateRowError: the ledger cannot be read.
    """
    removals = {hold.source_id for hold in holds if hold.removes}
    if not removals:
        return
    waiting = waiting_releases(await load_ledger(parts, target), parts.clock.now()) - removals
    if len(removals) + len(waiting) > MAX_RELEASES:
        raise TooManyReleasesError(target, len(waiting))
    allowance = budget.allowance(await owned_users(parts, target))
    if not confirmed and len(removals) + len(waiting) > allowance:
        raise TooManyRemovalsError(target, len(removals), allowance)


async def release_holds(parts: HoldParts, target: str, holds: Sequence[Hold]) -> Released:
    """Let the removals among these holds of a target pass once, and look at all of them again.

    Doing it twice is harmless, which is the way out where the checks could not be sent.

    Raises:
        TooManyReleasesError: more than can wait at once.
        StateRowError: the ledger cannot be changed.
        BusUnavailableError: the releases stand, and some checks were not sent.
    """
    now = parts.clock.now()
    removals = [hold.source_id for hold in holds if hold.removes]

    def change(ledger: Ledger) -> tuple[Ledger, None]:
        try:
            return release(ledger, removals, now), None
        except ValueError as error:
            raise TooManyReleasesError(target, len(waiting_releases(ledger, now))) from error

    if removals:
        await change_ledger(parts, target, change)
    await _check(parts, target, [hold.source_id for hold in holds], now)
    return Released(removals=len(removals), looks=len(holds) - len(removals))


async def revisit_holds(parts: HoldParts, target: str, older_than: timedelta) -> int:
    """Ask for a check of holds older than this, and forget notes of users who are held no more; returns how many.

    For a timer. A hold whose cause is gone ends by the check; a removal goes on waiting for its release. Holds of
    unknown age are looked at each time.

    Raises:
        BusUnavailableError: some checks were not sent; the next round sends them.
    """
    now = parts.clock.now()
    holds = await list_holds(parts, target)
    old = [hold.source_id for hold in holds if hold.since is None or now - hold.since >= older_than]
    await _check(parts, target, old, now)
    held = {hold.source_id for hold in holds}
    for name in SHARDS:
        await change_notes(parts, target, name, lambda notes: _still_of_use(notes, held, now))
    return len(old)


async def revisit_all_holds(parts: HoldParts) -> None:
    """Look again, in every target, at what has waited for a day. For a timer."""
    for target in parts.sync.targets:
        await revisit_holds(parts, target.name, _REVISITED_AFTER)


async def note_holds(
    parts: WithStore, target_name: str, plans: Mapping[str, Plan], links: Mapping[str, Link], now: datetime
) -> None:
    """Note since when and why users are held, for those who were not held for that reason already."""
    fresh: dict[str, dict[str, HoldNote]] = {}
    for user_id, plan in plans.items():
        link = links.get(user_id)
        known = link is not None and link.state is LinkState.HELD and link.reason == plan.reason
        if plan.action is Action.HOLD and not known:
            fresh.setdefault(shard(user_id), {})[user_id] = HoldNote(now, plan.reason, plan.objects)
    for name, notes in fresh.items():
        still_held = {user_id for user_id in notes if user_id in links and links[user_id].state is LinkState.HELD}
        try:
            await change_notes(parts, target_name, name, partial(_with_notes, notes, still_held))
        except StateRowError as error:  # the hold stands all the same; only its date is not known
            _logger.warning("%s: holds could not be noted: %s", target_name, error)


def _with_notes(
    fresh: Mapping[str, HoldNote], still_held: Collection[str], notes: Mapping[str, HoldNote]
) -> dict[str, HoldNote]:
    """The notes with fresh ones. A look that failed meanwhile makes no new hold of an old one: it keeps its date."""
    merged = dict(notes)
    for user_id, note in fresh.items():
        old = notes.get(user_id)
        same = old is not None and user_id in still_held and old.reason == note.reason
        merged[user_id] = replace(note, since=old.since) if same and old is not None else note
    return merged


def _still_of_use(notes: Mapping[str, HoldNote], held: Collection[str], now: datetime) -> dict[str, HoldNote]:
    """Without notes of users who are held no more; a fresh one may be ahead of its link."""
    return {
        user_id: note for user_id, note in notes.items() if user_id in held or now - note.since < timedelta(hours=1)
    }


async def _check(parts: HoldParts, target: str, source_ids: Sequence[str], now: datetime) -> None:
    for start in range(0, len(source_ids), _SENT_AT_A_TIME):
        changes = [
            UserChange(source_id, Reason.RELEASED, Kind.CHECK, target=target)
            for source_id in source_ids[start : start + _SENT_AT_A_TIME]
        ]
        await parts.topic.send([envelope(change, not_before=now, timing=parts.settings.timing) for change in changes])


def _hold(link: Link, note: HoldNote | None) -> Hold:
    if note is None:
        objects = (link.target_id,) if link.target_id is not None else ()
        return Hold(link.target, link.source_id, link.target_id, link.reason or "unknown", None, objects)
    return Hold(link.target, link.source_id, link.target_id, note.reason, note.since, note.objects)
