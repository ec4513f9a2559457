"""One chaos: the company joins, the plan is played, the trouble ends, and everything is judged.

Nothing is waited for while the plan is played. What is right is asked once, at the end, when the app has had its time.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from sandbox.chaos import judge
from sandbox.chaos.hands import SCOPE, SOURCE, Hands
from sandbox.chaos.oracle import Oracle
from sandbox.chaos.plan import Beginning, plan
from sandbox.story.expectation import Expectation
from sandbox.story.run import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.story.run import Sandbox

    Json = Mapping[str, Any]

_PATIENCE: Final = 780.0
"""Seconds that the app has, once all trouble is over: for ten minutes after a write no replica is believed that does
not show it, and a quarantine's probes wait five."""
_JOINING: Final = 90.0  # seconds that the company may take to join
_LOOK_EVERY: Final = 2.0
_ADMINISTRATOR_EVERY: Final = 20.0
_CYCLE_EVERY: Final = 60.0
_TELL_EVERY: Final = 10.0
_STAY_OUT: Final = 7  # people of the company who are in no group at first, and may be invited by hand


@dataclass(slots=True)
class Chaos:
    """One chaos on a running sandbox; `tell` is given each line of what happens."""

    sandbox: Sandbox
    seed: int
    seconds: float
    people: int
    tell: Callable[[str], None]
    _hands: Hands = field(init=False)
    _marker: str = field(init=False)
    _before: dict[str, list[Json]] = field(init=False, default_factory=dict)
    _oracle: Oracle = field(init=False)
    _began_at: float = field(init=False, default=0.0)

    async def run(self) -> list[str]:
        """Play it; returns every wrong, in words."""
        self._marker = f"extension_{self.sandbox.writer_id.replace('-', '')}_crosstenantSource"
        self._hands = Hands(self.sandbox, self._marker, self.tell)
        beginning = await self._begin()
        events = plan(self.seed, self.seconds, beginning)
        self._say(f"{len(events)} events are planned for {self.seconds:g} s")
        started = time.monotonic()
        for event in events:
            await asyncio.sleep(max(0.0, started + event.at - time.monotonic()))
            self._say(event.words)
            self._hands.begin(event.deed)
        await asyncio.sleep(max(0.0, started + self.seconds - time.monotonic()))
        await self._hands.end_faults()
        self._say("all trouble is over; the app has its time")
        return await self._settle()

    # --- before -------------------------------------------------------------------------------------

    async def _begin(self) -> Beginning:
        """The company, made up to size, joins; the plan begins when it is there."""
        cloud = self.sandbox.cloud
        body = {"tenant": SOURCE, "count": self.people, "seed": self.seed, "baseline": True, "managers": False}
        await cloud.control("POST", "users/generate", body)
        await self._hands.learn()
        users, groups = await cloud.users(SOURCE), await cloud.groups(SOURCE)
        aliases = {user["id"]: str(user["userPrincipalName"]).partition("@")[0] for user in users}
        targets = self.sandbox.tenant_names()
        truth = {name: await cloud.users(name) for name in (SOURCE, *targets)}
        self._before = {target: list(truth[target]) for target in targets}
        [scope] = [group["id"] for group in groups if group["displayName"] == SCOPE]
        self._oracle = Oracle(
            truth, groups, scope=[scope], marker=self._marker,
            source=self.sandbox.tenants.ready["tenants"][SOURCE]["id"], writer=self.sandbox.writer_id,
        )  # fmt: skip
        out = set(random.Random(f"{self.seed}:chaos:beginning").sample(sorted(aliases.values()), _STAY_OUT))
        joining = [user_id for user_id, alias in aliases.items() if alias not in out]
        self._began_at = time.monotonic()
        await self._join(joining, scope)
        self._say(f'{len(joining)} people join "{SCOPE}"')
        until = time.monotonic() + _JOINING
        while await self._differences() and time.monotonic() < until:
            await asyncio.sleep(_LOOK_EVERY / 2)
        await self.sandbox.run_timer("catch_up")
        members = {
            str(group["displayName"]): [aliases[member] for member in group["members"] if member in aliases]
            for group in await cloud.groups(SOURCE)
        }
        return Beginning(list(aliases.values()), members, SCOPE, targets)

    async def _join(self, people: Sequence[str], group: str) -> None:
        for person in people:
            reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{person}"}
            await self.sandbox.cloud.graph(SOURCE, "POST", f"/groups/{group}/members/$ref", reference)

    # --- after --------------------------------------------------------------------------------------

    async def _settle(self) -> list[str]:
        """Let the app and its administrator finish; returns what is wrong when all is right, or patience ends."""
        await self._move_the_touched()
        until = time.monotonic() + _PATIENCE
        cycle_at = administrator_at = tell_at = 0.0
        while True:
            now = time.monotonic()
            if now >= cycle_at:
                await self._timers("keep_subscriptions", "catch_up", "full_cycle")
                cycle_at = now + _CYCLE_EVERY
            wrongs = await self._differences()
            if (not wrongs or now >= administrator_at) and now < until:
                administrator_at = now + _ADMINISTRATOR_EVERY
                await self._administer()
            if not wrongs or now >= until:
                wrongs += await self._stuck()
            if not wrongs or now >= until:
                wrongs += await self._untold()
            if not wrongs or now >= until:
                return wrongs + self._oracle.wrongs(await self._journal())
            if now >= tell_at:
                self._say(f"not yet: {wrongs[0]}" + (f", and {len(wrongs) - 1} more" if wrongs[1:] else ""))
                tell_at = now + _TELL_EVERY
            await asyncio.sleep(_LOOK_EVERY)

    async def _move_the_touched(self) -> None:
        """Those whose user was edited or deleted by hand in a target change once more in the source.

        Within ten minutes of its own write the app takes what the target shows for a replica that is behind, so drift
        so soon after a write is repaired by the first full cycle after that, or, as here, with the next change.
        """
        here = {user["id"] for user in await self.sandbox.cloud.users(SOURCE)}
        for number, source_id in enumerate(sorted(self._hands.touched & here)):
            await self._hands.change_again(source_id, {"officeLocation": f"{number}/{self.seed}"})

    async def _timers(self, *functions: str) -> None:
        for function in functions:
            try:
                await self.sandbox.run_timer(function)
            except aiohttp.ClientError as error:
                self._say(f"the timer {function} could not be run: {error}")

    async def _administer(self) -> None:
        """What an administrator does when trouble is over: retry who failed, and release who is held."""
        try:
            await self.sandbox.administer("escrow", "retry", "--all")
            released = await self._hands.release_holds()
        except CommandFailedError as error:
            self._say(f"the administrator was refused: {' '.join(str(error).split())[:160]}")
            return
        if released:
            self._say(f"an administrator releases {released} who are held")

    # --- judging ------------------------------------------------------------------------------------

    async def _differences(self) -> list[str]:
        """Every target against what it should hold now."""
        people = await self._in_scope()
        wrongs: list[str] = []
        for target, before in self._before.items():
            everybody = (await self.sandbox.cloud.control("GET", f"tenants/{target}/users"))["value"]
            live = [user for user in everybody if not user.get("deletedDateTime")]
            marked = {str(user.get(self._marker)).rpartition("/")[2] for user in live}
            # Whoever is blocked before they ever had a user gets none, and keeps the one they have.
            wanted = {
                source_id: person
                for source_id, person in people.items()
                if person.get("accountEnabled") is not False or source_id in marked
            }
            # A guest who was adopted is ours, and leaves with their person.
            gone = {user["id"] for user in everybody if user.get("deletedDateTime") and user.get(self._marker)}
            guests = self._hands.guests.get(target, [])
            earlier = [user for user in [*before, *guests] if user["id"] not in gone]
            found = Expectation(self._marker, self._oracle.source, wanted).compare(earlier, live)
            for kind in ("missing", "unexpected", "different"):
                wrongs += [f"{target}: {kind}: {line}" for line in getattr(found, kind)]
            wrongs += [f"{target}: {wrong}" for wrong in judge.doubled(live, self._marker)]
        return wrongs

    async def _in_scope(self) -> dict[str, Json]:
        groups = {group["id"]: group for group in await self.sandbox.cloud.groups(SOURCE) if not group["deleted"]}
        found: set[str] = set()
        waiting = list(self._oracle.scope)
        while waiting:
            member = waiting.pop()
            if member not in found:
                found.add(member)
                waiting += groups[member]["members"] if member in groups else []
        return {user["id"]: user for user in await self.sandbox.cloud.users(SOURCE) if user["id"] in found}

    async def _stuck(self) -> list[str]:
        try:
            holds = json.loads(await self.sandbox.administer("holds", "list", "--json"))
            status = json.loads(await self.sandbox.administer("status", "--json", may_refuse=True))
        except CommandFailedError as error:
            return [str(error)]
        url = f"http://127.0.0.1:{self.sandbox.bus.ready['httpPort']}/entities"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            entities = (await response.json())["entities"]
        wrongs = judge.stuck(status, holds)
        return wrongs + judge.left_behind(entities, poisoned=self._hands.poisoned, targets=len(self._before))

    async def _journal(self) -> list[Json]:
        """Everything that happened in the tenants."""
        entries: list[Json] = (await self.sandbox.cloud.control("GET", "journal"))["value"]
        return entries

    async def _untold(self) -> list[str]:
        """What nobody was told of; what it was judged by is kept with the logs.

        A removal without an answer is told of by the look that finds it done, ten minutes later: a read of a target may
        be older than our own last write to it.
        """
        journal = await self._journal()
        rows = await self._hands.logged("CrosstenantProvisioning_CL")
        for name, found in (("journal", journal), ("provisioning-log", rows)):
            file = self.sandbox.folder / f"{name}.jsonl"
            file.write_text("".join(f"{json.dumps(one, default=str)}\n" for one in found), encoding="utf-8")
        return judge.unlogged(journal, rows, marker=self._marker, writer=self.sandbox.writer_id)

    def _say(self, line: str) -> None:
        self.tell(f"{time.monotonic() - self._began_at:7.1f}  {line}" if self._began_at else line)
