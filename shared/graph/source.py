"""Reading people from the source tenant: one by one, with proof, and in long lists.

A list finds candidates; what becomes of one is decided by a reading of that person alone. The answers keep apart what
must not be confused: a user who was read, one whose deleted item was read, one that could not be found, and one that
could not be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.core.fault_sizes import Fault, FaultSize
from shared.graph.answers import object_of, objects_of, texts_of
from shared.graph.client import GraphRequest
from shared.graph.pages import list_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from shared.graph.client import GraphClient, GraphResponse

_PAGE = 999  # the most that Graph gives
_GROUPS_PER_CHECK = 20  # of checkMemberGroups


@dataclass(frozen=True, slots=True)
class Found:
    """The user, and which of the groups asked about they belong to, directly or through nested groups."""

    user: Mapping[str, Any]  # Graph's JSON
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Deleted:
    """The user's deleted item was read: proof that they were deleted."""

    user: Mapping[str, Any] = field(default_factory=dict, repr=False)  # Graph's JSON


@dataclass(frozen=True, slots=True)
class Missing:
    """Neither the user nor a deleted item is there: perhaps purged, perhaps on another replica."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Some answer failed, so nothing is known."""

    fault: Fault


SourceReading = Found | Deleted | Missing | Unreadable


class SourceDirectory:
    """The source tenant, read only."""

    def __init__(self, client: GraphClient) -> None:
        """`client` holds the reader app's credential for the source tenant."""
        self._client = client

    async def roles(self) -> frozenset[str] | Fault:
        """The permissions that the reader app has now."""
        return await self._client.roles()

    async def read_users(
        self, user_ids: Sequence[str], *, select: Iterable[str], expand_manager: bool, groups: Sequence[str]
    ) -> dict[str, SourceReading]:
        """Read users with the properties in `select`, and their membership in `groups`.

        Two requests a user and 20 groups, through `$batch`; two more for those who are gone.
        """
        query = f"?$select={','.join(select)}" + ("&$expand=manager($select=id)" if expand_manager else "")
        requests: list[GraphRequest] = []
        for user_id in user_ids:
            requests.append(GraphRequest("GET", f"/users/{quote(user_id)}{query}"))
            for start in range(0, len(groups), _GROUPS_PER_CHECK):
                body = {"groupIds": list(groups[start : start + _GROUPS_PER_CHECK])}
                requests.append(GraphRequest("POST", f"/users/{quote(user_id)}/checkMemberGroups", body))
        answers = await self._client.send_all(requests)
        each = len(requests) // len(user_ids) if user_ids else 1
        readings = {
            user_id: _reading(user_id, answers[number * each], answers[number * each + 1 : (number + 1) * each])
            for number, user_id in enumerate(user_ids)
        }
        gone = [user_id for user_id, reading in readings.items() if isinstance(reading, Missing)]
        return readings | await self._read_deleted(gone)

    async def find_users(self, name: str) -> list[Mapping[str, Any]] | Fault:
        """Live users with this user principal name or mail address, in Graph's JSON; the first page is enough."""
        text = "'" + name.replace("'", "''") + "'"
        criteria = quote(f"userPrincipalName eq {text} or mail eq {text}", safe="")
        select = "id,displayName,userPrincipalName,mail"
        return objects_of(await self._client.send(GraphRequest("GET", f"/users?$filter={criteria}&$select={select}")))

    async def list_members(self, group_id: str, select: Iterable[str]) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Everybody in a group and the groups in it, as pages of 999 in Graph's JSON, without managers.

        Raises:
            ListFailedError: not everybody could be read.
        """
        request = GraphRequest(
            "GET",
            f"/groups/{quote(group_id)}/transitiveMembers/microsoft.graph.user"
            f"?$select={','.join(select)}&$count=true&$top={_PAGE}",
            headers={"ConsistencyLevel": "eventual"},  # a list by type is answered by the index alone
        )
        async for page in list_pages(self._client, request, "members of a scoping group"):
            yield page

    async def list_users(
        self, select: Iterable[str], *, expand_manager: bool
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Everybody in the tenant, as pages of 999 in Graph's JSON.

        Raises:
            ListFailedError: not everybody could be read.
        """
        expand = "&$expand=manager($select=id)" if expand_manager else ""
        request = GraphRequest("GET", f"/users?$select={','.join(select)}{expand}&$top={_PAGE}")
        async for page in list_pages(self._client, request, "users of the source"):
            yield page

    async def group_names(self, groups: Sequence[str]) -> dict[str, str]:
        """Display names of groups by id, for people; a group that cannot be read is left out."""
        answers = await self._client.send_all(
            [GraphRequest("GET", f"/groups/{quote(group)}?$select=id,displayName") for group in groups]
        )
        found = {group: object_of(answer, group) for group, answer in zip(groups, answers, strict=True)}
        return {
            group: str(item.get("displayName") or group) for group, item in found.items() if not isinstance(item, Fault)
        }

    async def groups_exist(self, groups: Sequence[str]) -> bool:
        """Whether every one of `groups` was read just now. False as soon as one is missing or unreadable."""
        answers = await self._client.send_all(
            [GraphRequest("GET", f"/groups/{quote(group)}?$select=id") for group in groups]
        )
        found = [object_of(answer, group) for group, answer in zip(groups, answers, strict=True)]
        return not any(isinstance(item, Fault) for item in found)

    async def _read_deleted(self, user_ids: Sequence[str]) -> dict[str, SourceReading]:
        answers = await self._client.send_all(
            [GraphRequest("GET", f"/directory/deletedItems/{quote(user_id)}") for user_id in user_ids]
        )
        found = {user_id: object_of(answer, user_id) for user_id, answer in zip(user_ids, answers, strict=True)}
        return {user_id: _failed(item) if isinstance(item, Fault) else Deleted(item) for user_id, item in found.items()}


def _reading(user_id: str, user: GraphResponse, memberships: Sequence[GraphResponse]) -> SourceReading:
    found = object_of(user, user_id)
    if isinstance(found, Fault):
        return _failed(found)
    groups: set[str] = set()
    for membership in memberships:
        some = texts_of(membership)
        if isinstance(some, Fault):  # the user was there a moment ago, so a 404 here is a lagging replica
            return Unreadable(some)
        groups.update(some)
    return Found(found, frozenset(groups))


def _failed(fault: Fault) -> SourceReading:
    return Missing() if fault.size is FaultSize.GONE else Unreadable(fault)
