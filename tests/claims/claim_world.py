"""A small world for the claim protocol: one person, one target, two workers, and everything that can go wrong.

All of it is values, so that a world can be left and come back to, and two that are alike are one. Times are kept
relative to `NOW`: time passes by ageing, down to `OLDEST`, beyond which no decision tells two times apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from shared.core.decide import CONSISTENCY_HORIZON, Policy
from shared.core.desired import InScope
from shared.core.fingerprints import fingerprint, names_in

if TYPE_CHECKING:
    from shared.core.decide import Plan
    from shared.core.desired import Desired
    from shared.core.fault_sizes import Fault
    from shared.core.model import Link

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
OLDEST: Final = NOW - timedelta(minutes=40)

HINT: Final = "hint"
CYCLE_HINT: Final = "full cycle's hint"
CHECK: Final = "check"
RETRY: Final = "retry"
LOOK: Final = "second look"
"""Of a message that saw nothing to do. It comes a minute later: whoever had read the source before it has claimed."""


class Values(dict[str, Any]):
    """A mapping that can be part of a world."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


class User(NamedTuple):
    """A user of the target."""

    user_id: str
    value: str | None
    marked: bool
    binned: bool
    created: datetime


class Snapshot(NamedTuple):
    """The target as it was until a write, and as a replica that is behind still shows it."""

    users: tuple[User, ...]
    until: datetime


class Worker(NamedTuple):
    """A worker at one message; `step` is what it does next."""

    message: str
    step: str = "read the link"
    now: datetime = NOW  # when its pass began
    before: Link | None = None  # the link as it was read
    fresh: bool = False  # whether the row is still as this worker knows it
    want: Desired | None = None
    link: Link | None = None  # the link as this worker claimed it
    plan: Plan | None = None
    target_id: str | None = None
    fault: Fault | None = None
    owes: str = ""  # the message to send at the end


class World(NamedTuple):
    """Everything that is shared, and what may still go wrong."""

    source: int  # which of the scenario's wants the source says now
    queue: tuple[str, ...]
    link: Link | None
    users: tuple[User, ...]
    older: tuple[Snapshot, ...]
    workers: tuple[Worker, ...]
    crashes: int
    lost: int
    unread: int
    slow: int
    evil: str = ""  # the property that the last step broke


@dataclass(frozen=True)
class Protocol:
    """The rules under test; the defaults are the app's, anything else is a defect put in on purpose."""

    compare_and_set: bool = True
    minds_claims: bool = True
    takes_over: bool = True
    observes_again: bool = True
    minds_predecessors: bool = True
    second_look: bool = True


@dataclass(frozen=True)
class Scenario:
    """What the source says in turn, each with its message, and where the target and the link stand before."""

    name: str
    wants: tuple[Desired, ...]
    messages: tuple[str, ...] = (HINT, HINT)  # the first is there at the start; the other comes with the change
    link: Link | None = None
    users: tuple[User, ...] = ()
    crashes: int = 0
    lost: int = 0  # answers of the target to writes
    unread: int = 0  # readings of the source that fail
    behind: bool = False  # whether a look may show the target as it was before writes of the last minutes
    slow: int = 0  # how often a worker may outlive its claim
    policy: Policy = field(default_factory=Policy)

    def start(self) -> World:
        """The world before the first message is taken."""
        waiting = self.messages if len(self.wants) == 1 else self.messages[:1]
        faults = (self.crashes, self.lost, self.unread, self.slow)
        return World(0, tuple(sorted(waiting)), self.link and kept(self.link), self.users, (), (), *faults)


def wanted(value: str) -> InScope:
    """The person in scope, with one attribute."""
    attributes = Values(displayName=value)
    return InScope("nestor@contoso.com", attributes, Values(), fingerprint(attributes, names_in(attributes)))


def kept(link: Link) -> Link:
    """A link without what no decision asks for, and with no count that could grow for ever."""
    return replace(link, applied=Values(), reason=None, attempt=min(link.attempt, 1), retry_at=None)


def queued(world: World, message: str) -> World:
    """The world with one more message."""
    return world._replace(queue=tuple(sorted((*world.queue, message))))


def at(world: World, place: int, worker: Worker) -> World:
    """The world with one worker changed, or added."""
    return world._replace(workers=(*world.workers[:place], worker, *world.workers[place + 1 :]))


def without(world: World, place: int) -> World:
    """The world with one worker less."""
    return world._replace(workers=world.workers[:place] + world.workers[place + 1 :])


def aged(world: World, by: timedelta) -> World:
    """The world after a while in which nothing happened."""

    def old(time: datetime) -> datetime:
        return max(OLDEST, time - by)

    def old_link(link: Link | None) -> Link | None:
        if link is None:
            return None
        claim = link.claim and replace(link.claim, at=old(link.claim.at))
        names = ("changed_at", "missing_since", "leaving_since")
        return replace(
            link, claim=claim, **{name: time and old(time) for name in names for time in [getattr(link, name)]}
        )

    def old_users(users: tuple[User, ...]) -> tuple[User, ...]:
        return tuple(user._replace(created=old(user.created)) for user in users)

    older = [Snapshot(old_users(one.users), old(one.until)) for one in world.older]
    return world._replace(
        link=old_link(world.link),
        users=old_users(world.users),
        older=tuple(one for one in older if NOW - one.until < CONSISTENCY_HORIZON),
        workers=tuple(
            worker._replace(now=old(worker.now), before=old_link(worker.before), link=old_link(worker.link))
            for worker in world.workers
        ),
    )
