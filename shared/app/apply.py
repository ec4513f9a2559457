"""From plans to writes: bring users into being, shape them, set their managers; all users of a batch side by side.

Every plan is already decided; this module only carries it out, and says for each user what came of it. It claims
and commits nothing. Attributes that the target refuses by themselves are left out, and named in the outcome.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.core.decide import Action, Plan
from shared.core.fault_sizes import Fault, FaultSize
from shared.graph.faults import refusable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from shared.graph.writes import Invitation, TargetWrites

_YOUNG_WAITS: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds to wait before a user who was just invited is written to: the other replicas have to learn of them."""

_TRIES_WITHOUT_REFUSED: Final = 2
"""Requests after the first: an attribute may be refused for one reason, and another for a second one."""


@dataclass(frozen=True, slots=True)
class Task:
    """One plan to carry out. `invitation` goes with a create whose user does not exist yet."""

    source_id: str
    plan: Plan
    marker: Mapping[str, str]
    invitation: Invitation | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one task. A fault may stand beside a target id: the user was made, and not finished."""

    target_id: str | None
    fault: Fault | None = None
    refused: tuple[str, ...] = ()  # attributes that were not written, while the others were


class Progress(Protocol):
    """Told of users that came into being, before anything else is written to them."""

    def __call__(self, created: Mapping[str, str], /) -> Awaitable[Mapping[str, str]]:
        """`created` maps source ids to target ids; returns those whose target user is somebody else's, with why."""
        ...


class _Board:
    """Where each task stands."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = {task.source_id: task for task in tasks}
        self.outcomes = {task.source_id: Outcome(task.plan.target_id) for task in tasks}

    def open(self, *actions: Action) -> list[Task]:
        """Tasks without a fault so far, of these actions (of any, where none is named)."""
        return [
            task
            for task in self.tasks.values()
            if self.outcomes[task.source_id].fault is None and (not actions or task.plan.action in actions)
        ]

    def target_id(self, task: Task) -> str:
        """The target user of a task that has one."""
        return str(self.outcomes[task.source_id].target_id)

    def record(self, tasks: Sequence[Task], faults: Sequence[Fault | None]) -> None:
        """Note the faults of one stage."""
        for task, fault in zip(tasks, faults, strict=True):
            self.outcomes[task.source_id] = replace(self.outcomes[task.source_id], fault=fault)

    def refuse(self, task: Task, names: Collection[str]) -> None:
        """Note attributes that the target did not take while it took the others."""
        refused = tuple(sorted(names))
        self.outcomes[task.source_id] = replace(self.outcomes[task.source_id], refused=refused)


async def apply(
    tasks: Sequence[Task],
    writes: TargetWrites,
    progress: Progress,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> dict[str, Outcome]:
    """Carry out plans; keys are source ids."""
    board = _Board(tasks)
    await _bring_into_being(board, writes, progress)
    await _restore(board, writes)
    await _shape(board, writes, sleep)
    await _set_managers(board, writes)
    await _remove(board, writes)
    return board.outcomes


async def _bring_into_being(board: _Board, writes: TargetWrites, progress: Progress) -> None:
    new = [task for task in board.open(Action.CREATE) if task.invitation is not None]
    if not new:
        return
    answers = await writes.invite([task.invitation for task in new if task.invitation is not None])
    created: dict[str, str] = {}
    for task, answer in zip(new, answers, strict=True):
        if isinstance(answer, Fault):
            board.outcomes[task.source_id] = Outcome(None, answer)
        else:
            board.outcomes[task.source_id] = Outcome(answer)
            created[task.source_id] = answer
    for source_id, reason in (await progress(created)).items():
        board.outcomes[source_id] = Outcome(None, Fault(FaultSize.CONFLICT, reason))


async def _restore(board: _Board, writes: TargetWrites) -> None:
    tasks = board.open(Action.RESTORE)
    board.record(tasks, await writes.restore([board.target_id(task) for task in tasks]))


async def _shape(board: _Board, writes: TargetWrites, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Write attributes and markers. A user made or restored a moment ago may take some tries."""
    waiting = [task for task in board.open() if task.plan.change.attributes or task.plan.change.mark]
    settled = [task for task in waiting if task.plan.action not in {Action.CREATE, Action.RESTORE}]
    board.record(settled, await _patch(board, writes, settled))
    young = [task for task in waiting if task.plan.action in {Action.CREATE, Action.RESTORE}]
    for wait in _YOUNG_WAITS:
        if not young:
            return
        await sleep(wait)
        faults = await _patch(board, writes, young)
        faults = [_not_there_yet(fault) for fault in faults]
        board.record(young, faults)
        young = [task for task, fault in zip(young, faults, strict=True) if fault and fault.size is FaultSize.YOUNG]


async def _patch(board: _Board, writes: TargetWrites, tasks: Sequence[Task]) -> list[Fault | None]:
    """Update users, leaving out in further requests what was refused."""
    bodies = {task.source_id: _properties(task) for task in tasks}
    first = faults = await _update(board, writes, tasks, bodies)
    for _ in range(_TRIES_WITHOUT_REFUSED):
        lighter = []
        for task in tasks:
            body, fault = bodies[task.source_id], faults[task.source_id]
            without = refusable(fault, body) if fault is not None else frozenset()
            if without:
                bodies[task.source_id] = {name: value for name, value in body.items() if name not in without}
                lighter.append(task)
        faults = faults | await _update(board, writes, lighter, bodies)
    for task in tasks:
        refused = _properties(task).keys() - bodies[task.source_id].keys()
        if refused and faults[task.source_id] is None:
            board.refuse(task, refused)
            if "accountEnabled" in refused and _is_about_sign_in(task.plan):
                faults[task.source_id] = first[task.source_id]
    return [faults[task.source_id] for task in tasks]


async def _update(
    board: _Board, writes: TargetWrites, tasks: Sequence[Task], bodies: Mapping[str, Mapping[str, Any]]
) -> dict[str, Fault | None]:
    """One request for each user of whom something is left to write."""
    written = [task for task in tasks if bodies[task.source_id]]
    answers = await writes.update([(board.target_id(task), bodies[task.source_id]) for task in written])
    return dict.fromkeys([task.source_id for task in tasks]) | {
        task.source_id: fault for task, fault in zip(written, answers, strict=True)
    }


async def _set_managers(board: _Board, writes: TargetWrites) -> None:
    setting = [task for task in board.open() if task.plan.change.set_manager is not None]
    faults = await writes.set_managers([(board.target_id(task), str(task.plan.change.set_manager)) for task in setting])
    board.record(setting, [_not_there_yet(fault) for fault in faults])
    clearing = [task for task in board.open() if task.plan.change.clear_manager]
    board.record(clearing, await writes.clear_managers([board.target_id(task) for task in clearing]))


async def _remove(board: _Board, writes: TargetWrites) -> None:
    tasks = board.open(Action.SOFT_DELETE)
    faults = await writes.soft_delete([board.target_id(task) for task in tasks])
    board.record(tasks, [None if fault and fault.size is FaultSize.GONE else fault for fault in faults])


def _properties(task: Task) -> dict[str, Any]:
    return {**task.plan.change.attributes, **(task.marker if task.plan.change.mark else {})}


def _is_about_sign_in(plan: Plan) -> bool:
    """Somebody who ought to be blocked and is not must stay in sight: that is more than a warning."""
    blocks = plan.change.attributes.get("accountEnabled") is False
    return blocks or plan.action in {Action.ENABLE, Action.DISABLE}


def _not_there_yet(fault: Fault | None) -> Fault | None:
    """A user we know to exist, and a replica that does not know it yet."""
    if fault is not None and fault.size is FaultSize.GONE:
        return replace(fault, size=FaultSize.YOUNG)
    return fault
