"""The day that the sandbox plays: what happens to whom, in the source tenant, as an administrator would do it.

A chapter makes changes through Graph and says whose they were. What should come of them is the oracle's
affair; that the day waits for each chapter to arrive before the next begins is the player's. Once somebody makes a
mistake, and the administrator mends it with the commands that an administrator has.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.story.cloud import NOTIFICATIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from sandbox.story.run import Sandbox

GROUP_NAME: Final = "Cross-tenant users"
SOURCE: Final = "source"
_BATCH: Final = 20

_LATER: Final = frozenset({"NestorW", "AdeleV"})  # those who do not join with the others
_BLOCKED: Final = "LeeG"
_DELETED: Final = "RaulR"
_LEAVER: Final = "AlexW"
_TAKEN_OUT: Final = ("MiriamG", "IsaiahL", "MeganB", "CameronW", "LynneR", "ChristieC", "LidiaH", "JohannaL")
_PUT_BACK: Final = 3  # of those who are held
_SHARE: Final = 0.1  # of the people in a target, which may leave in a day before somebody has to look
_HOLDS_TAKE: Final = 60  # seconds, at most, until a mass removal is held, and
_CYCLE_TAKES: Final = 60  # until a full cycle is over


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one person, and when Graph had taken it (seconds since the epoch)."""

    person: str  # source object id
    at: float


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the day. The latencies of single changes are measured, those of a load are not.

    `arrived` waits for what should come of a chapter, and says it, where that is not that all targets are right.
    """

    title: str
    play: Callable[[], Awaitable[Sequence[Change]]]
    single: bool = True
    arrived: Callable[[], Awaitable[str]] | None = None


class Day:
    """Contoso's day."""

    def __init__(self, sandbox: Sandbox, *, extra_people: int, seed: int) -> None:
        """`extra_people` join with the company, made up from `seed`."""
        self._sandbox = sandbox
        self._cloud = sandbox.cloud
        self._extra_people = extra_people
        self._seed = seed
        self._ids: dict[str, str] = {}
        self._group = ""
        self._taken_out: list[str] = []
        self._cycles: dict[str, Any] = {}

    async def prepare(self) -> None:
        """Learn who is there."""
        if self._extra_people:
            # Without managers, who are Contoso's own people's: each would be one write more.
            body = {
                "tenant": SOURCE,
                "count": self._extra_people,
                "seed": self._seed,
                "baseline": True,
                "managers": False,
            }
            await self._cloud.control("POST", "users/generate", body)
        people = await self._cloud.users(SOURCE)
        self._ids = {str(user["userPrincipalName"]).partition("@")[0]: user["id"] for user in people}
        [self._group] = [
            group["id"] for group in await self._cloud.groups(SOURCE) if group["displayName"] == GROUP_NAME
        ]

    def chapters(self) -> Sequence[Chapter]:
        """The chapters, in their order."""
        joining = len(self._ids) - len(_LATER)
        return (
            Chapter(f'{joining} people join the group "{GROUP_NAME}"', self._company_joins, single=False),
            Chapter("Nestor Wilke joins them", self._nestor_joins),
            Chapter(
                "Nestor changes department; Adele, whom an old script had invited to EMEA, joins and is adopted; "
                "Lee is blocked; Raul is deleted; Alex leaves the group",
                self._things_change,
            ),
            Chapter("Alex comes back, and Raul is restored: the same objects in the targets", self._two_return),
            Chapter("Diego moves to Oslo, and the notification is lost: catch-up finds him", self._notification_lost),
            Chapter(
                f"By mistake, {self._many()} people are taken out of the group at once",
                self._many_leave,
                single=False,
                arrived=self._held,
            ),
            Chapter(
                f"An administrator looks, puts {_PUT_BACK} of them back, and releases the others",
                self._released,
                single=False,
            ),
            Chapter(
                "In the night, a full cycle compares everybody on both sides",
                self._night,
                single=False,
                arrived=self._compared,
            ),
        )

    async def in_scope(self) -> dict[str, Mapping[str, Any]]:
        """Who should be in every target now, from the ground truth: live, in the group, and once seen enabled.

        Somebody blocked before they ever had a user in a target gets none; the story blocks nobody that early.
        """
        members = {
            member
            for group in await self._cloud.groups(SOURCE)
            if group["id"] == self._group
            for member in group["members"]
        }
        return {user["id"]: user for user in await self._cloud.users(SOURCE) if user["id"] in members}

    async def _company_joins(self) -> Sequence[Change]:
        return await self._join([user_id for name, user_id in self._ids.items() if name not in _LATER])

    async def _nestor_joins(self) -> Sequence[Change]:
        return await self._join([self._ids["NestorW"]])

    async def _things_change(self) -> Sequence[Change]:
        nestor, lee, raul, alex = (self._ids[name] for name in ("NestorW", _BLOCKED, _DELETED, _LEAVER))
        changes = [await self._did(nestor, "PATCH", f"/users/{nestor}", {"department": "Future Products"})]
        changes += await self._join([self._ids["AdeleV"]])
        changes.append(await self._did(lee, "PATCH", f"/users/{lee}", {"accountEnabled": False}))
        changes.append(await self._did(raul, "DELETE", f"/users/{raul}"))
        changes.append(await self._did(alex, "DELETE", f"/groups/{self._group}/members/{alex}/$ref"))
        return changes

    async def _two_return(self) -> Sequence[Change]:
        raul, alex = self._ids[_DELETED], self._ids[_LEAVER]
        await self._did(raul, "POST", f"/directory/deletedItems/{raul}/restore")
        return await self._join([alex, raul])

    async def _notification_lost(self) -> Sequence[Change]:
        """Nothing tells the app; its timer, which runs every five minutes, is run now."""
        await self._cloud.control("POST", "profile", {"notifications": {"lossShare": 1.0}})
        diego = self._ids["DiegoS"]
        changes = [await self._did(diego, "PATCH", f"/users/{diego}", {"city": "Oslo"})]
        await self._cloud.control("POST", "profile", {"notifications": NOTIFICATIONS})
        await asyncio.sleep(self._sandbox.options.settle)  # for the source's replicas
        await self._sandbox.run_timer("catch_up")
        return changes

    def _many(self) -> int:
        """More than the budget of any target lets go in a day."""
        return len(_TAKEN_OUT) + int(_SHARE * self._extra_people)

    async def _many_leave(self) -> Sequence[Change]:
        made_up = [user_id for name, user_id in self._ids.items() if "." in name]
        named = [self._ids[name] for name in _TAKEN_OUT]
        self._taken_out = (named + made_up)[: self._many()]
        return [
            await self._did(person, "DELETE", f"/groups/{self._group}/members/{person}/$ref")
            for person in self._taken_out
        ]

    async def _held(self) -> str:
        """Wait until everybody who was taken out is either gone, within the budget, or held."""
        async with asyncio.timeout(_HOLDS_TAKE):
            while True:
                holds = await self._holds()
                said = []
                for target in self._sandbox.tenant_names():
                    held = {hold["sourceId"] for hold in holds if hold["target"] == target}
                    gone = len(self._taken_out) - len(held & set(self._taken_out))
                    if not held or await self._still_there(target) != len(held):
                        break
                    said.append(f"{target}: {gone} removed, {len(held)} held")
                else:
                    return "; ".join(said)
                await asyncio.sleep(1)

    async def _released(self) -> Sequence[Change]:
        """Those who come back are simply there again; the others go, and a person has said how many."""
        holds = await self._holds()
        back = sorted({hold["sourceId"] for hold in holds})[:_PUT_BACK]
        changes = await self._join(back)
        async with asyncio.timeout(_HOLDS_TAKE):
            while any(hold["sourceId"] in back for hold in holds):
                await asyncio.sleep(1)
                holds = await self._holds()
        await self._sandbox.administer("holds", "release", "--all", "--yes-remove", str(len(holds)))
        return changes

    async def _night(self) -> Sequence[Change]:
        self._cycles = await self._last_cycles()
        await self._sandbox.run_timer("full_cycle")
        return ()

    async def _compared(self) -> str:
        """Wait until the cycle is over in every target, and let the app tell how things stand in the end."""
        async with asyncio.timeout(_CYCLE_TAKES):
            while True:
                cycles = await self._last_cycles()
                if all(cycles[target] and cycles[target] != before for target, before in self._cycles.items()):
                    break
                await asyncio.sleep(1)
        await self._sandbox.run_timer("catch_up")
        counts = {target: cycle["counts"] for target, cycle in cycles.items()}
        return "; ".join(
            f"{target}: {found['inScope']} in scope, {found['present']} present, {found['sent']} to be looked at"
            for target, found in counts.items()
        )

    async def _last_cycles(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self._sandbox.administer("cycle", "list", "--json"))
        return found

    async def _holds(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = json.loads(await self._sandbox.administer("holds", "list", "--json"))
        return found

    async def _still_there(self, target: str) -> int:
        """How many of those who were taken out are still in a target, by the marker that names them."""
        markers = [str(value) for user in await self._cloud.users(target) for value in user.values()]
        return sum(any(marker.endswith(f"/{person}") for marker in markers) for person in self._taken_out)

    async def _join(self, people: Iterable[str]) -> list[Change]:
        """Add people to the group. A restored user may be in it still."""
        [group] = [group for group in await self._cloud.groups(SOURCE) if group["id"] == self._group]
        missing = [person for person in people if person not in set(group["members"])]
        changes: list[Change] = []
        for start in range(0, len(missing), _BATCH):
            chunk = missing[start : start + _BATCH]
            requests = [
                {
                    "id": person,
                    "method": "POST",
                    "url": f"/groups/{self._group}/members/$ref",
                    "headers": {"Content-Type": "application/json"},
                    "body": {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{person}"},
                }
                for person in chunk
            ]
            answer = await self._cloud.graph(SOURCE, "POST", "/$batch", {"requests": requests})
            refused = [item for item in answer["responses"] if item["status"] >= 300]
            if refused:
                raise RuntimeError(f"people could not join the group: {refused[:3]}")
            changes += [Change(person, time.time()) for person in chunk]
        return changes

    async def _did(self, person: str, method: str, path: str, body: object = None) -> Change:
        await self._cloud.graph(SOURCE, method, path, body)
        return Change(person, time.time())
