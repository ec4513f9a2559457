"""Every world that the claim protocol can come to, breadth first, and the shortest way to one that is wrong."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

from claim_steps import TIMING, Steps
from claim_world import CHECK, CYCLE_HINT, NOW, OLDEST, aged, queued

from shared.core.cycle import Comparison
from shared.core.desired import InScope
from shared.core.model import LinkState

if TYPE_CHECKING:
    from claim_world import Protocol, Scenario, World

DISAGREES: Final = "everything is done, and target or link are wrong"
ENDLESS: Final = "it can never come to an end"

_CYCLES: Final = 2
_STEPS_OF_A_CYCLE: Final = 200


class End(Enum):
    """What an end is, by what the source wants."""

    RIGHT = auto()
    HELD = auto()  # a person is told of it
    WRONG = auto()


class Found(NamedTuple):
    """What an exploration came to: a counterexample is a property and the shortest schedule that breaks it."""

    states: int
    ends: int
    held: int  # ends at which a person has to look
    wrong: int  # ends at which target or link are wrong, and nobody is told
    stays: int = 0  # of these, how many a full cycle does not put right either
    broken: str = ""
    schedule: tuple[str, ...] = ()


def explore(scenario: Scenario, protocol: Protocol | None = None, *, agreement: bool = True) -> Found:
    """Breadth first through every state; the shortest way to the first one that breaks a property.

    At last each state is asked whether an end can still be reached from it: if not, it turns in circles for ever.
    Without `agreement`, an end that is held or wrong is counted and no fault.
    """
    steps = Steps(scenario, protocol)
    worlds = [scenario.start()]
    numbers = {worlds[0]: 0}
    came: list[tuple[int, str]] = [(-1, "")]
    into: list[list[int]] = [[]]
    ends: list[int] = []
    held, wrong = 0, list[int]()
    number = 0
    while number < len(worlds):
        world = worlds[number]
        broken = _fault_of(world)
        if not broken and _is_end(world, scenario):
            ends.append(number)
            end = end_of(world, scenario)
            held += end is End.HELD
            wrong += [number] if end is End.WRONG else []
            broken = DISAGREES if agreement and end is not End.RIGHT else ""
        if broken:
            return Found(len(worlds), len(ends), held, len(wrong), 0, broken, _way(came, number))
        for what, after in steps.after(world):
            next_number = numbers.setdefault(after, len(worlds))
            if next_number == len(worlds):
                worlds.append(after)
                came.append((number, what))
                into.append([])
            into[next_number].append(number)
        number += 1
    stays = sum(not is_put_right(worlds[end], scenario) for end in wrong)
    for number in sorted(set(range(len(worlds))) - _from_where(ends, into)):
        return Found(len(worlds), len(ends), held, len(wrong), stays, ENDLESS, _way(came, number))
    return Found(len(worlds), len(ends), held, len(wrong), stays)


def end_of(world: World, scenario: Scenario) -> End:
    """Whether the target is as the source wants it, and the link says so, or that a person has to look."""
    if _agrees(world, scenario):
        return End.RIGHT
    return End.HELD if world.link is not None and world.link.state is LinkState.HELD else End.WRONG


def _agrees(world: World, scenario: Scenario) -> bool:
    want, link = scenario.wants[-1], world.link
    living = [user for user in world.users if not user.binned]
    if not isinstance(want, InScope):
        return not living and (link is None or (link.claim is None and link.state is LinkState.SOFT_DELETED))
    if link is None or len(living) != 1:
        return False
    said = (link.claim, link.state, link.target_id, link.fingerprint)
    [user] = living
    as_wanted = user.marked and user.value == want.attributes["displayName"]
    return as_wanted and said == (None, LinkState.ACTIVE, user.user_id, want.fingerprint)


def is_put_right(world: World, scenario: Scenario) -> bool:
    """Whether full cycles of later days, with one worker and without faults, end as the source wants it."""
    steps = Steps(scenario)
    for _ in range(_CYCLES):
        world = aged(world, NOW - OLDEST)
        for message in _findings(world, scenario):
            world = queued(world, message)
        for _ in range(_STEPS_OF_A_CYCLE):
            if world.workers:
                _, world = next(steps.work(world, 0))
            elif world.queue:
                _, world = next(step for step in steps.after(aged(world, TIMING.lock)) if step[1].workers)
        if end_of(world, scenario) is not End.WRONG:
            return True
    return False


def _findings(world: World, scenario: Scenario) -> list[str]:
    """The messages of a full cycle: the app's own comparison of the source's list and the target's with the link."""
    links = {} if world.link is None else {"s": world.link}
    comparison = Comparison(scenario.policy, links, NOW, everything=False)
    found = [comparison.source("s", scenario.wants[-1])]
    for user in world.users:
        if user.marked and not user.binned:
            held = {"id": user.user_id, "displayName": user.value}
            found.append(comparison.target("s", held, manages_manager=False))
    found += [*comparison.afterwards(), *comparison.leavers()]
    return [CHECK if one.finding.needs_target else CYCLE_HINT for one in found if one is not None]


def _fault_of(world: World) -> str:
    """The property that a state breaks, if any, whatever the person should be in the end."""
    if world.evil:
        return world.evil
    if len(world.users) > 1:
        return "two target users for one source user"
    return ""


def _is_end(world: World, scenario: Scenario) -> bool:
    """Whether all messages were worked off, no more will come, and nobody claims the link."""
    claimed = world.link is not None and world.link.claim is not None
    idle = not world.queue and not world.workers and not claimed
    return idle and world.source + 1 == len(scenario.wants)


def _from_where(ends: list[int], into: list[list[int]]) -> set[int]:
    """The states from which one of the ends can be reached."""
    reached = set(ends)
    waiting = list(ends)
    while waiting:
        news = set(into[waiting.pop()]) - reached
        reached |= news
        waiting += news
    return reached


def _way(came: list[tuple[int, str]], number: int) -> tuple[str, ...]:
    steps = []
    while number:
        number, what = came[number]
        steps.append(what)
    return tuple(reversed(steps))
