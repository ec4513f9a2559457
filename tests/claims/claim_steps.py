"""The steps of the claim protocol, and everything that can come between them.

What a worker decides, whether a claim is another's, whether a reading has settled, and what a link says afterwards are
the app's own functions. The order of the steps is that of `judge`, `serve` and `apply`, a step for each of their
requests to the store, the source or the target.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from claim_target import carry_out, first_write, seen
from claim_world import (
    CHECK,
    HINT,
    LOOK,
    NOW,
    RETRY,
    Protocol,
    Snapshot,
    Values,
    Worker,
    aged,
    at,
    kept,
    queued,
    without,
)

from shared.app.desire import Draft
from shared.app.inquiry import not_settled
from shared.app.judgement import is_busy
from shared.core.commit import carried_out, failed, with_claim, with_writes
from shared.core.cycle import STALE_CLAIM
from shared.core.decide import Action, Look, decide, look_needed, without_look
from shared.core.desired import Desired, OutOfScope, SourceDeleted, UnknownDesired
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.messages import Timing
from shared.core.model import Claim, Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claim_world import Scenario, User, World

    Step = tuple[str, World]

TIMING: Final = Timing()
_LOST: Final = Fault(FaultSize.TRANSIENT, "lost")
_UNREAD: Final = Fault(FaultSize.TRANSIENT, "unread")
_WRITTEN_ON: Final = {"invite": "remember", "restore": "patch"}
"""The steps of writing that are followed by another one."""


class Steps:
    """The steps of one scenario under one protocol."""

    def __init__(self, scenario: Scenario, protocol: Protocol | None = None) -> None:
        self.scenario = scenario
        self.protocol = protocol or Protocol()

    def after(self, world: World) -> Iterator[Step]:
        """Everything that can happen next; of a worker's choices, the one without a fault comes first."""
        if world.source + 1 < len(self.scenario.wants):
            message = self.scenario.messages[world.source + 1]
            yield "the source changes", queued(world._replace(source=world.source + 1), message)
        if len(world.workers) < 2:
            yield from _takes(world)
        if _is_found(world):
            yield "a full cycle finds the claim", queued(world, CHECK)
        yield from _time(world)
        for place, worker in enumerate(world.workers):
            if place and worker == world.workers[place - 1]:
                continue  # two alike: one of them speaks for both
            name = f"worker [{worker.message}]"
            for what, after in self.work(world, place):
                yield f"{name}: {what}", after._replace(workers=tuple(sorted(after.workers, key=repr)))
            if world.crashes:
                dead = without(world, place)._replace(crashes=world.crashes - 1)
                yield f"{name} dies before: {worker.step}", queued(dead, worker.message)

    def work(self, world: World, place: int) -> Iterator[Step]:
        """The next step of one worker."""
        worker = world.workers[place]
        match worker.step:
            case "read the link":
                yield self._read(world, place, worker)
            case "read the source":
                yield "reads the source", self._heard(world, place, worker, self.scenario.wants[world.source])
                if world.unread:
                    less = world._replace(unread=world.unread - 1)
                    yield "cannot read the source", self._heard(less, place, worker, UnknownDesired(_UNREAD))
            case "claim":
                yield self._claim(world, place, worker)
            case "look and decide":
                yield "looks", self._decide(world, place, worker, world.users)
                for users in dict.fromkeys(snapshot.users for snapshot in world.older):
                    yield "looks at a replica that is behind", self._decide(world, place, worker, users)
            case "remember":
                yield self._remember(world, place, worker)
            case "commit":
                yield self._commit(world, place, worker)
            case "commit without a look":
                assert worker.link is not None
                after, stored = self._store(world, place, worker.link)
                yield "commits without a look", _over(after, place, worker.owes if stored else RETRY)
            case "finish":
                done = without(world, place)
                yield "finishes", queued(done, worker.owes) if worker.owes else done
            case _:
                yield from self._write(world, place, worker)

    # --- judge --------------------------------------------------------------------------------------------------

    def _read(self, world: World, place: int, worker: Worker) -> Step:
        busy = is_busy(world.link, NOW, TIMING.lock)
        if not self.protocol.takes_over:
            busy = world.link is not None and world.link.claim is not None
        if busy and self.protocol.minds_claims:
            return "meets a fresh claim", _over(world, place, RETRY)
        read = worker._replace(before=world.link, fresh=True, now=NOW, step="read the source")
        return "reads the link", at(world, place, read)

    def _heard(self, world: World, place: int, worker: Worker, want: Desired) -> World:
        before = worker.before
        drafts, links = {"s": Draft(want)}, {} if before is None else {"s": before}
        drafts |= not_settled(drafts, links, worker.now, TIMING.second_look)
        want = drafts["s"].desired
        if look_needed(want, before, check=worker.message == CHECK) is not Look.NONE:
            return at(world, place, worker._replace(step="claim", want=want))
        plan = without_look(want, before)
        link = None
        if before is not None and plan.fault is not None:
            link, _ = failed(before, plan.fault, NOW, wrote=False)
        elif before is not None and (before.attempt or before.missing_since):
            link = replace(before, attempt=0, retry_at=None, missing_since=None)
        if plan.fault is not None:
            owes = RETRY
        else:
            owes = LOOK if worker.message in {HINT, RETRY} and self.protocol.second_look else ""
        if link is None:
            return _over(world, place, owes)
        return at(world, place, worker._replace(step="commit without a look", link=kept(link), owes=owes))

    def _claim(self, world: World, place: int, worker: Worker) -> Step:
        link, claim = worker.before or kept(Link("emea", "s")), Claim("worker", worker.now)
        link = with_claim(link, claim) if self.protocol.minds_predecessors else replace(link, claim=claim)
        after, stored = self._store(world, place, link)
        if not stored:
            return "finds the row another's", _over(world, place, RETRY)
        mine = after.workers[place]._replace(step="look and decide", link=link)
        return "claims", at(after, place, mine)

    def _decide(self, world: World, place: int, worker: Worker, users: tuple[User, ...]) -> World:
        before = worker.before
        if before is not None and not self.protocol.observes_again:
            before = replace(before, claim=None)
        assert worker.want is not None
        plan = decide(worker.want, seen(users, before, worker.want), before, self.scenario.policy, worker.now)
        plan = replace(plan, change=replace(plan.change, attributes=Values(plan.change.attributes)))
        mine = worker._replace(plan=plan, step=first_write(plan), target_id=plan.target_id, fault=plan.fault)
        return at(world, place, mine)

    # --- apply --------------------------------------------------------------------------------------------------

    def _write(self, world: World, place: int, worker: Worker) -> Iterator[Step]:
        """A write, and where an answer may be lost, the same write with the worker none the wiser."""
        users, user_id, fault = carry_out(world.users, worker)
        changed = world
        if users != world.users:
            changed = world._replace(users=users)
            if self.scenario.behind:
                changed = changed._replace(older=(*world.older, Snapshot(world.users, NOW)))
        if worker.step == "delete" and not isinstance(worker.want, OutOfScope | SourceDeleted):
            changed = changed._replace(evil="a removal without positive evidence")
        following = _WRITTEN_ON.get(worker.step, "commit") if fault is None else "commit"
        mine = worker._replace(step=following, target_id=user_id, fault=fault)
        yield worker.step, at(changed, place, mine)
        if world.lost:
            target_id = None if worker.step == "invite" else worker.target_id
            mine = worker._replace(step="commit", target_id=target_id, fault=_LOST)
            yield f"{worker.step}, and the answer is lost", at(changed._replace(lost=world.lost - 1), place, mine)

    def _remember(self, world: World, place: int, worker: Worker) -> Step:
        assert worker.link is not None
        link = replace(worker.link, target_id=worker.target_id)
        after, stored = self._store(world, place, link)
        mine = after.workers[place]._replace(step="patch", link=link if stored else worker.link)
        return "remembers whom it invited", at(after, place, mine)

    # --- commit -------------------------------------------------------------------------------------------------

    def _commit(self, world: World, place: int, worker: Worker) -> Step:
        plan, link, want = worker.plan, worker.link, worker.want
        assert plan is not None
        assert link is not None
        assert want is not None
        wrote = plan.action not in {Action.NOTHING, Action.HOLD, Action.RETRY}
        if wrote:
            link = with_writes(link, worker.target_id, worker.fault, began_at=worker.now, now=NOW)
        link = replace(link, claim=None)
        if worker.fault is not None:
            link, _ = failed(link, worker.fault, NOW, wrote=wrote)
        else:
            link = carried_out(link, plan, want, self.scenario.policy, NOW)
        after, stored = self._store(world, place, kept(link))
        what = f"commits {plan.action} ({plan.reason})" if stored else "commits too late"
        return what, _over(after, place, "" if worker.fault is None else RETRY)

    def _store(self, world: World, place: int, link: Link) -> tuple[World, bool]:
        """Compare and set: a row that changed since this worker knew it is left alone."""
        if not world.workers[place].fresh and self.protocol.compare_and_set:
            return world, False
        workers = tuple(worker._replace(fresh=other == place) for other, worker in enumerate(world.workers))
        return world._replace(link=link, workers=workers), True


def _takes(world: World) -> Iterator[Step]:
    deciding = any(worker.step in {"read the source", "claim"} for worker in world.workers)
    for message in sorted(set(world.queue) - ({LOOK} if deciding else set())):
        left = list(world.queue)
        left.remove(message)
        taken = world._replace(queue=tuple(left))
        yield f"a worker takes a {message}", at(taken, len(world.workers), Worker(message))


def _is_found(world: World) -> bool:
    """Whether a claim was left behind for so long that a full cycle has the user checked."""
    claim = world.link.claim if world.link else None
    return claim is not None and not (world.queue or world.workers) and NOW - claim.at >= STALE_CLAIM


def _time(world: World) -> Iterator[Step]:
    """A message lock goes by. A worker who is still there outlived it, and its message is given to another."""
    if world.workers and not world.slow:
        return
    later = aged(world, TIMING.lock)
    for worker in world.workers:
        later = queued(later, worker.message)
    if world.workers:
        later = later._replace(slow=world.slow - 1)
    if later != world:
        yield "a message lock goes by", later


def _over(world: World, place: int, owes: str) -> World:
    """One worker is done but for what it has to send, and for its message."""
    return at(world, place, Worker(world.workers[place].message, "finish", owes=owes))
