"""The day that the sandbox plays: what happens to whom, in the source tenant, as an administrator would do it.

A chapter makes changes through Graph and says whose they were. What should come of them is the oracle's
affair; that the day waits for each chapter to arrive before the next begins is the runner's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from sandbox.story.cloud import Cloud

GROUP_NAME: Final = "Cross-tenant users"
SOURCE: Final = "source"
_BATCH: Final = 20

_LATER: Final = frozenset({"NestorW", "AdeleV"})  # those who do not join with the others
_BLOCKED: Final = "LeeG"
_DELETED: Final = "RaulR"
_LEAVER: Final = "AlexW"


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one person, and when Graph had taken it (seconds since the epoch)."""

    person: str  # source object id
    at: float


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the day. The latencies of single changes are measured, those of a load are not."""

    title: str
    play: Callable[[], Awaitable[Sequence[Change]]]
    single: bool = True


class Day:
    """Contoso's day."""

    def __init__(self, cloud: Cloud, *, extra_people: int, seed: int) -> None:
        """`extra_people` join with the company, made up from `seed`."""
        self._cloud = cloud
        self._extra_people = extra_people
        self._seed = seed
        self._ids: dict[str, str] = {}
        self._group = ""

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
