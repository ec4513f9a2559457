"""A small world for the claim protocol: one person, one target, two workers, and everything that can go wrong.

What a worker decides, whether a claim is another's, whether a reading has settled, and what a link says afterwards are
the app's own functions. The order of the steps is that of `judge` and `serve`; the stores around them are values, so
that every order of the steps of two workers can be tried. Times are kept relative to `NOW`: time passes by ageing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from shared.app.desire import Draft
from shared.app.inquiry import _not_settled
from shared.app.judgement import _is_busy
from shared.core.commit import carried_out, failed
from shared.core.cycle import _STALE_CLAIM
from shared.core.decide import CONSISTENCY_HORIZON, Action, Look, Plan, Policy, decide, look_needed, without_look
from shared.core.desired import Desired, InScope, OutOfScope, SourceDeleted, UnknownDesired
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.messages import Timing
from shared.core.model import Claim, Link, LinkState
from shared.core.observed import Absent, Ambiguous, Binned, Marker, Observed, Present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.core.difference import Change

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
OLDEST: Final = NOW - timedelta(minutes=40)
"""Older than anything that a decision tells apart."""

TIMING: Final = Timing()
_PARTS: Final = SimpleNamespace(settings=SimpleNamespace(timing=TIMING))
_LOST: Final = Fault(FaultSize.TRANSIENT, "lost")
_UNREAD: Final = Fault(FaultSize.TRANSIENT, "unread")

DISAGREES: Final = "everything is done, and target or link are wrong"
ENDLESS: Final = "it can never come to an end"

HINT: Final = "hint"
CHECK: Final = "check"
RETRY: Final = "retry"
LOOK: Final = "second look"
"""Of a hint that saw nothing to do. It comes a minute later: whoever had read the source before it has claimed."""


class _Frozen(dict[str, Any]):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


class User(NamedTuple):
    """A user of the target."""

    user_id: str
    value: str | None
    marked: bool
    binned: bool
    created: datetime


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

    source: int
    queue: tuple[str, ...]
    link: Link | None
    users: tuple[User, ...]
    older: tuple[User, ...] | None  # as a replica may still show them
    written: datetime  # when the two parted
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
    lost: int = 0
    unread: int = 0
    behind: bool = False  # whether a look may show the target as it was before the last write
    slow: int = 0  # how often a worker may outlive its claim
    policy: Policy = field(default_factory=Policy)


class Found(NamedTuple):
    """What an exploration came to: a counterexample is a property and the shortest schedule that breaks it."""

    states: int
    ends: int
    wrong: int  # ends at which target or link are wrong
    broken: str = ""
    schedule: tuple[str, ...] = ()


def wanted(value: str) -> InScope:
    """The person in scope, with one attribute."""
    return InScope("nestor@contoso.com", _Frozen(displayName=value), _Frozen(), f"fingerprint of {value}")


class Model:
    """The steps of one scenario under one protocol."""

    def __init__(self, scenario: Scenario, protocol: Protocol | None = None) -> None:
        self.scenario = scenario
        self.protocol = protocol or Protocol()

    def start(self) -> World:
        """The world before the first message is taken."""
        scenario = self.scenario
        link = None if scenario.link is None else _kept(scenario.link)
        faults = (scenario.crashes, scenario.lost, scenario.unread, scenario.slow)
        waiting = scenario.messages if len(scenario.wants) == 1 else scenario.messages[:1]
        return World(0, tuple(sorted(waiting)), link, scenario.users, None, OLDEST, (), *faults)

    def steps(self, world: World) -> Iterator[tuple[str, World]]:
        """Everything that can happen next."""
        if world.source + 1 < len(self.scenario.wants):
            message = self.scenario.messages[world.source + 1]
            yield "the source changes", _queued(world._replace(source=world.source + 1), message)
        if len(world.workers) < 2:
            deciding = any(worker.step in {"read the source", "claim"} for worker in world.workers)
            for message in sorted(set(world.queue) - ({LOOK} if deciding else set())):
                left = list(world.queue)
                left.remove(message)
                taken = world._replace(queue=tuple(left))
                yield f"a worker takes a {message}", _at(taken, len(world.workers), Worker(message))
        if self._is_found(world):
            yield "a full cycle finds the claim", _queued(world, CHECK)
        yield from self._time(world)
        for place, worker in enumerate(world.workers):
            if place and worker == world.workers[place - 1]:
                continue  # two alike: one of them speaks for both
            for what, after in self._work(world, place, worker):
                yield f"worker {_name(worker)}: {what}", after._replace(workers=tuple(sorted(after.workers, key=repr)))
            if world.crashes:
                others = world.workers[:place] + world.workers[place + 1 :]
                dead = world._replace(workers=others, crashes=world.crashes - 1)
                yield f"worker {_name(worker)} dies before: {worker.step}", _queued(dead, worker.message)

    def _is_found(self, world: World) -> bool:
        """Whether a claim was left behind for so long that a full cycle has the user checked."""
        claim = world.link.claim if world.link else None
        return claim is not None and not (world.queue or world.workers) and NOW - claim.at >= _STALE_CLAIM

    def _time(self, world: World) -> Iterator[tuple[str, World]]:
        """A message lock goes by. A worker who is still there outlived it, and its message is given to another."""
        if world.workers and not world.slow:
            return
        aged = _aged(world, TIMING.lock)
        for worker in world.workers:
            aged = _queued(aged, worker.message)
        if world.workers:
            aged = aged._replace(slow=world.slow - 1)
        if aged != world:
            yield "a message lock goes by", aged

    # --- the life of a change -----------------------------------------------------------------------------------

    def _work(self, world: World, place: int, worker: Worker) -> Iterator[tuple[str, World]]:
        match worker.step:
            case "read the link":
                yield self._read(world, place, worker)
            case "read the source":
                yield from self._source(world, place, worker)
            case "claim":
                claim = Claim("worker", worker.now)
                link = replace(worker.before or _kept(Link("emea", "s")), claim=claim)
                after, stored = self._store(world, place, link)
                if stored:
                    mine = after.workers[place]._replace(step="look and decide", link=link, target_id=link.target_id)
                    yield "claims", _at(after, place, mine)
                else:
                    yield "finds the row another's", _at(world, place, _over(worker, RETRY))
            case "look and decide":
                yield "looks", self._decide(world, place, worker, world.users)
                if self.scenario.behind and world.older is not None and NOW - world.written < CONSISTENCY_HORIZON:
                    yield "looks at a replica that is behind", self._decide(world, place, worker, world.older)
            case "remember":
                assert worker.link is not None
                link = replace(worker.link, target_id=worker.target_id)
                after, _ = self._store(world, place, link)
                mine = after.workers[place]._replace(step="patch", link=link)
                yield "remembers whom it invited", _at(after, place, mine)
            case "commit":
                yield self._commit(world, place, worker)
            case "commit without a look":
                assert worker.link is not None
                after, _ = self._store(world, place, worker.link)
                yield "commits without a look", _at(after, place, _over(worker, worker.owes))
            case "finish":
                others = world.workers[:place] + world.workers[place + 1 :]
                done = world._replace(workers=others)
                yield "finishes", _queued(done, worker.owes) if worker.owes else done
            case _:
                yield from self._write(world, place, worker)

    def _read(self, world: World, place: int, worker: Worker) -> tuple[str, World]:
        mine = worker._replace(before=world.link, fresh=True, now=NOW)
        busy = _is_busy(world.link, _PARTS, NOW)
        if not self.protocol.takes_over:
            busy = world.link is not None and world.link.claim is not None
        if busy and self.protocol.minds_claims:
            return "meets a fresh claim", _at(world, place, _over(worker, RETRY))
        return "reads the link", _at(world, place, mine._replace(step="read the source"))

    def _source(self, world: World, place: int, worker: Worker) -> Iterator[tuple[str, World]]:
        yield "reads the source", self._heard(world, place, worker, self.scenario.wants[world.source])
        if world.unread:
            less = world._replace(unread=world.unread - 1)
            yield "cannot read the source", self._heard(less, place, worker, UnknownDesired(_UNREAD))

    def _heard(self, world: World, place: int, worker: Worker, want: Desired) -> World:
        before = worker.before
        links = {} if before is None else {"s": before}
        want = _not_settled({"s": Draft(want)}, links, worker.now, TIMING.second_look).get("s", Draft(want)).desired
        if look_needed(want, before, check=worker.message == CHECK) is not Look.NONE:
            return _at(world, place, worker._replace(step="claim", want=want))
        plan = without_look(want, before)
        link = None
        if before is not None and plan.fault is not None:
            link, _ = failed(before, plan.fault, NOW, wrote=False)
        elif before is not None and plan.fault is None and (before.attempt or before.missing_since):
            link = replace(before, attempt=0, retry_at=None, missing_since=None)
        if link is None:
            second = LOOK if worker.message == HINT and self.protocol.second_look else ""
            return _at(world, place, _over(worker, second if plan.fault is None else RETRY))
        owes = "" if plan.fault is None else RETRY
        mine = worker._replace(step="commit without a look", link=_kept(link), owes=owes)
        return _at(world, place, mine)

    def _decide(self, world: World, place: int, worker: Worker, users: tuple[User, ...]) -> World:
        before = worker.before
        if before is not None and not self.protocol.observes_again:
            before = replace(before, claim=None)
        assert worker.want is not None
        plan = decide(worker.want, _seen(users, worker.before, worker.want), before, self.scenario.policy, worker.now)
        frozen = replace(plan.change, attributes=_Frozen(plan.change.attributes))
        mine = worker._replace(plan=replace(plan, change=frozen), step=_first_write(plan), fault=plan.fault)
        return _at(world, place, mine)

    def _write(self, world: World, place: int, worker: Worker) -> Iterator[tuple[str, World]]:
        """A write, and where an answer may be lost, the same write with the worker none the wiser."""
        assert worker.plan is not None
        users, user_id, fault = _carry_out(world.users, worker)
        changed = world
        if users != world.users:
            changed = world._replace(users=users)
            if self.scenario.behind:
                changed = changed._replace(older=world.users, written=NOW)
        if worker.step == "delete" and not isinstance(worker.want, OutOfScope | SourceDeleted):
            changed = changed._replace(evil="a removal without positive evidence")
        following = "commit"
        if fault is None:
            following = {"invite": "remember", "restore": "patch"}.get(worker.step, "commit")
        mine = worker._replace(step=following, target_id=user_id, fault=fault)
        yield worker.step, _at(changed, place, mine)
        if world.lost:
            target_id = None if worker.step == "invite" else worker.target_id
            mine = worker._replace(step="commit", target_id=target_id, fault=_LOST)
            yield f"{worker.step}, and the answer is lost", _at(changed._replace(lost=world.lost - 1), place, mine)

    def _commit(self, world: World, place: int, worker: Worker) -> tuple[str, World]:
        plan, link, want = worker.plan, worker.link, worker.want
        assert plan is not None
        assert link is not None
        assert want is not None
        if plan.action not in {Action.NOTHING, Action.HOLD, Action.RETRY}:
            link = replace(link, target_id=worker.target_id, changed_at=NOW)
        link = replace(link, claim=None)
        if worker.fault is not None:
            link, _ = failed(link, worker.fault, NOW, wrote=plan.action is not Action.RETRY)
        else:
            link = carried_out(link, plan, want, self.scenario.policy, NOW)
        after, stored = self._store(world, place, _kept(link))
        what = f"commits {plan.action} ({plan.reason})" if stored else "commits too late"
        return what, _at(after, place, _over(worker, "" if worker.fault is None else RETRY))

    def _store(self, world: World, place: int, link: Link) -> tuple[World, bool]:
        """Compare and set: a row that changed since this worker knew it is left alone."""
        if not world.workers[place].fresh and self.protocol.compare_and_set:
            return world, False
        workers = tuple(worker._replace(fresh=at == place) for at, worker in enumerate(world.workers))
        return world._replace(link=link, workers=workers), True

    # --- what must hold -----------------------------------------------------------------------------------------

    def fault_of(self, world: World) -> str:
        """The property that a state breaks, if any, whatever the person should be in the end."""
        if world.evil:
            return world.evil
        if len(world.users) > 1:
            return "two target users for one source user"
        return ""

    def is_end(self, world: World) -> bool:
        """Whether all messages were worked off, no more will come, and nobody claims the link."""
        claimed = world.link is not None and world.link.claim is not None
        idle = not world.queue and not world.workers and not claimed
        return idle and world.source + 1 == len(self.scenario.wants)

    def agrees(self, world: World) -> bool:
        """Whether the target is as the source wants it, and the link says so."""
        want, link = self.scenario.wants[-1], world.link
        living = [user for user in world.users if not user.binned]
        if not isinstance(want, InScope):
            return not living and (link is None or (link.claim is None and link.state is LinkState.SOFT_DELETED))
        if link is None or len(living) != 1:
            return False
        said = (link.claim, link.state, link.target_id, link.fingerprint)
        [user] = living
        as_wanted = user.marked and user.value == want.attributes["displayName"]
        return as_wanted and said == (None, LinkState.ACTIVE, user.user_id, want.fingerprint)


def explore(scenario: Scenario, protocol: Protocol | None = None, *, agreement: bool = True) -> Found:
    """Breadth first through every state; the shortest way to the first one that breaks a property.

    At last each state is asked whether an end can still be reached from it: if not, it turns in circles for ever.
    Without `agreement`, an end at which target or link are wrong is counted and no fault.
    """
    model = Model(scenario, protocol)
    worlds = [model.start()]
    numbers = {worlds[0]: 0}
    came: list[tuple[int, str]] = [(-1, "")]
    into: list[list[int]] = [[]]
    ends: list[int] = []
    wrong = at = 0
    while at < len(worlds):
        world = worlds[at]
        broken = model.fault_of(world)
        if not broken and model.is_end(world):
            ends.append(at)
            if not model.agrees(world):
                wrong += 1
                broken = DISAGREES if agreement else ""
        if broken:
            return Found(len(worlds), len(ends), wrong, broken, _way(came, at))
        for what, after in model.steps(world):
            number = numbers.setdefault(after, len(worlds))
            if number == len(worlds):
                worlds.append(after)
                came.append((at, what))
                into.append([])
            into[number].append(at)
        at += 1
    ending = set(ends)
    waiting = list(ends)
    while waiting:
        news = set(into[waiting.pop()]) - ending
        ending |= news
        waiting += news
    for number in range(len(worlds)):
        if number not in ending:
            return Found(len(worlds), len(ends), wrong, ENDLESS, _way(came, number))
    return Found(len(worlds), len(ends), wrong)


def _way(came: list[tuple[int, str]], at: int) -> tuple[str, ...]:
    steps = []
    while at:
        at, what = came[at]
        steps.append(what)
    return tuple(reversed(steps))


def _name(worker: Worker) -> str:
    return f"[{worker.message}]"


def _at(world: World, place: int, worker: Worker) -> World:
    return world._replace(workers=(*world.workers[:place], worker, *world.workers[place + 1 :]))


def _over(worker: Worker, owes: str) -> Worker:
    return Worker(worker.message, "finish", owes=owes)


def _queued(world: World, message: str) -> World:
    return world._replace(queue=tuple(sorted((*world.queue, message))))


def _kept(link: Link) -> Link:
    """A link without what no decision asks for, and with no count that could grow for ever."""
    return replace(link, applied=_Frozen(), reason=None, attempt=min(link.attempt, 1), retry_at=None)


def _first_write(plan: Plan) -> str:
    match plan.action:
        case Action.CREATE if plan.target_id is None:
            return "invite"
        case Action.RESTORE:
            return "restore"
        case Action.SOFT_DELETE:
            return "delete"
        case Action.NOTHING | Action.HOLD | Action.RETRY:
            return "commit"
        case _:
            return "patch"


def _seen(users: tuple[User, ...], link: Link | None, want: Desired) -> Observed:
    """What a look shows: the linked user by id, or else whoever has the marker or the address."""
    if link is not None and link.target_id is not None:
        users = tuple(user for user in users if user.user_id == link.target_id)
    elif not isinstance(want, InScope):  # no address is known of somebody who leaves
        users = tuple(user for user in users if user.marked)
    living = [user for user in users if not user.binned]
    found = living or list(users)
    if not found:
        return Absent()
    if len(found) > 1:
        return Ambiguous(tuple(user.user_id for user in found))
    [user] = found
    marker = Marker.OURS if user.marked else Marker.NONE
    if user.binned:
        return Binned(user.user_id, marker)
    attributes = _Frozen(displayName=user.value, accountEnabled=True)
    return Present(user.user_id, marker, external=True, attributes=attributes, created_at=user.created)


def _carry_out(users: tuple[User, ...], worker: Worker) -> tuple[tuple[User, ...], str | None, Fault | None]:
    """The users after a write, the user it was about, and the fault. An address that is known invites nobody new."""
    plan = worker.plan
    assert plan is not None
    if worker.step == "invite":
        living = [user for user in users if not user.binned]
        if living:
            return users, living[0].user_id, None
        new = User(f"t{len(users) + 1}", None, marked=False, binned=False, created=NOW)
        return (*users, new), new.user_id, None
    user_id = worker.target_id if plan.action is Action.CREATE and plan.target_id is None else plan.target_id
    binned = worker.step == "restore"
    if not any(user.user_id == user_id and user.binned is binned for user in users):
        size = FaultSize.YOUNG if plan.action in {Action.CREATE, Action.RESTORE} else FaultSize.GONE
        return users, user_id, None if worker.step == "delete" else Fault(size, "notFound")
    after = tuple(_written(user, worker.step, plan.change) if user.user_id == user_id else user for user in users)
    return after, user_id, None


def _written(user: User, step: str, change: Change) -> User:
    if step in {"restore", "delete"}:
        return user._replace(binned=step == "delete")
    return user._replace(value=change.attributes.get("displayName", user.value), marked=user.marked or change.mark)


def _aged(world: World, by: timedelta) -> World:
    def old(at: datetime) -> datetime:
        return max(OLDEST, at - by)

    def old_link(link: Link | None) -> Link | None:
        if link is None:
            return None
        claim = link.claim and replace(link.claim, at=old(link.claim.at))
        names = ("changed_at", "missing_since", "leaving_since")
        times = {name: at and old(at) for name in names for at in [getattr(link, name)]}
        return replace(link, claim=claim, **times)

    workers = tuple(
        worker._replace(now=old(worker.now), before=old_link(worker.before), link=old_link(worker.link))
        for worker in world.workers
    )
    users = tuple(user._replace(created=old(user.created)) for user in world.users)
    written = old(world.written)
    older = None
    if world.older is not None and NOW - written < CONSISTENCY_HORIZON:
        older = tuple(user._replace(created=old(user.created)) for user in world.older)
    return world._replace(
        link=old_link(world.link), users=users, older=older, written=written if older else OLDEST, workers=workers
    )
