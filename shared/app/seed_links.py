"""Links seeded by a person, as when another tool is replaced: each is verified before it is written.

Nothing is written to Graph here. A seeded link says which target user is to be adopted, and a check is sent, so that
the way every change takes puts the marker on it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from shared.core.messages import Kind, Reason, UserChange, envelope
from shared.core.model import Link, LinkState
from shared.core.observed import Absent, Ambiguous, Binned, Marker, Present, UnknownObserved
from shared.graph.source import Deleted, Found, Missing, Unreadable
from shared.graph.target import Sought
from shared.store.protocol import Written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.app.parts import Parts
    from shared.core.observed import Observed
    from shared.graph.source import SourceReading

_AT_A_TIME: Final = 100  # lines


@dataclass(frozen=True, slots=True)
class Seed:
    """One line: this source user is that user of the target. Object ids in their canonical form."""

    source_id: str
    target_id: str


class Seeded(StrEnum):
    """What became of one seed; all but the first two are refusals."""

    LINKED = "linked"
    ALREADY_LINKED = "alreadyLinked"
    TWICE_IN_FILE = "twiceInFile"
    SOURCE_USER_NOT_FOUND = "sourceUserNotFound"
    SOURCE_UNREADABLE = "sourceUnreadable"
    TARGET_USER_NOT_FOUND = "targetUserNotFound"
    TARGET_USER_DELETED = "targetUserDeleted"
    TARGET_UNREADABLE = "targetUnreadable"
    INTERNAL_USER = "internalUser"
    ANOTHER_INSTALLATION = "anotherInstallation"
    LINKED_TO_ANOTHER_USER = "linkedToAnotherUser"  # the source user, to another target user
    TWO_SOURCE_USERS = "twoSourceUsers"  # the target user, to another source user
    CHANGED_MEANWHILE = "changedMeanwhile"  # a worker is at this user: import the line again

    @property
    def refused(self) -> bool:
        """Whether the seed was not taken."""
        return self not in {Seeded.LINKED, Seeded.ALREADY_LINKED}


async def seed_links(parts: Parts, target: str, seeds: Sequence[Seed], *, dry_run: bool) -> list[Seeded]:
    """Verify seeds and write the links of those that hold; the answers stand in the order of the seeds.

    A dry run writes no link and sends nothing.

    Raises:
        StoreUnavailable, BusUnavailableError: some may have been written; seeding them again is harmless.
    """
    sources = Counter(seed.source_id for seed in seeds)
    targets = Counter(seed.target_id for seed in seeds)
    answers: list[Seeded] = []
    for start in range(0, len(seeds), _AT_A_TIME):
        chunk = seeds[start : start + _AT_A_TIME]
        single = [seed for seed in chunk if sources[seed.source_id] == 1 and targets[seed.target_id] == 1]
        found = await _seed(parts, target, single, dry_run=dry_run)
        answers += [found.get(seed, Seeded.TWICE_IN_FILE) for seed in chunk]
    return answers


async def _seed(parts: Parts, target: str, seeds: Sequence[Seed], *, dry_run: bool) -> dict[Seed, Seeded]:
    links = await parts.store.get_links(target, [seed.source_id for seed in seeds])
    owners = await parts.store.find_by_target_user(target, [seed.target_id for seed in seeds])
    answers = {
        seed: _by_links(seed, links.get(seed.source_id), owners.get(seed.target_id, ())) or Seeded.LINKED
        for seed in seeds
    }
    new = [seed for seed, answer in answers.items() if answer is Seeded.LINKED]
    readings = await parts.source.read_users(
        [seed.source_id for seed in new], select=("id",), expand_manager=False, groups=()
    )
    observed = await parts.targets[target].directory.look(
        [Sought(seed.source_id, seed.target_id) for seed in new], select=(), expand_manager=False
    )
    for seed in new:
        answers[seed] = _by_source(readings[seed.source_id]) or _by_target(observed[seed.source_id])
    if not dry_run:
        right = [seed for seed in new if answers[seed] is Seeded.LINKED]
        answers |= await _write(parts, target, right, links)
    # A link that a crash of an earlier import left without its check is checked as well.
    waiting = [seed for seed, answer in answers.items() if not answer.refused]
    if waiting and not dry_run:
        await _send_checks(parts, target, waiting)
    return answers


def _by_links(seed: Seed, link: Link | None, owners: Sequence[Link]) -> Seeded | None:
    if any(owner.source_id != seed.source_id for owner in owners):
        return Seeded.TWO_SOURCE_USERS
    if link is not None and link.claim is not None:
        return Seeded.CHANGED_MEANWHILE
    if link is None or link.target_id is None:
        return None
    if link.target_id != seed.target_id:
        return Seeded.LINKED_TO_ANOTHER_USER
    return None if link.state in {LinkState.NEW, LinkState.HELD} else Seeded.ALREADY_LINKED


def _by_source(reading: SourceReading) -> Seeded | None:
    match reading:
        case Found():
            return None
        case Deleted() | Missing():
            return Seeded.SOURCE_USER_NOT_FOUND
        case Unreadable():
            return Seeded.SOURCE_UNREADABLE


def _by_target(observed: Observed) -> Seeded:
    match observed:
        case Absent():
            return Seeded.TARGET_USER_NOT_FOUND
        case Binned():
            return Seeded.TARGET_USER_DELETED
        case UnknownObserved() | Ambiguous():
            return Seeded.TARGET_UNREADABLE
        case Present(marker=Marker.ANOTHER):
            return Seeded.ANOTHER_INSTALLATION
        case Present(marker=Marker.NONE, external=False):
            return Seeded.INTERNAL_USER
        case Present():
            return Seeded.LINKED


async def _write(parts: Parts, target: str, seeds: Sequence[Seed], links: Mapping[str, Link]) -> dict[Seed, Seeded]:
    rows = [
        replace(
            links.get(seed.source_id) or Link(target, seed.source_id),
            state=LinkState.IMPORTED,
            target_id=seed.target_id,
            fingerprint=None,
            reason="imported",
        )
        for seed in seeds
    ]
    written = await parts.store.write_links(rows)
    return {
        seed: Seeded.LINKED if isinstance(outcome, Written) else Seeded.CHANGED_MEANWHILE
        for seed, outcome in zip(seeds, written, strict=True)
    }


async def _send_checks(parts: Parts, target: str, seeds: Sequence[Seed]) -> None:
    now = parts.clock.now()
    await parts.topic.send(
        [
            envelope(
                UserChange(seed.source_id, Reason.REFERENCE, Kind.CHECK, target=target),
                not_before=now,
                timing=parts.settings.timing,
            )
            for seed in seeds
        ]
    )
