"""What changed in the source since a cursor: delta of users and of groups, as ids.

A delta round says who is worth a look. Nothing in it is trusted further: entries repeat, come late, and may say that
somebody was removed who was not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.core.fault_sizes import FaultSize
from shared.graph.client import GraphRequest
from shared.graph.pages import DeltaPage, ListFailedError, delta_pages, list_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from shared.graph.client import GraphClient

GROUPS_PER_CURSOR: Final = 50
"""Ids that one delta query can be filtered by."""

_USER: Final = "#microsoft.graph.user"
_GROUP: Final = "#microsoft.graph.group"


@dataclass(frozen=True, slots=True)
class ChangedUsers:
    """One page of users/delta: whom to look at, and the link that goes on."""

    user_ids: tuple[str, ...]
    link: str


@dataclass(frozen=True, slots=True)
class ChangedGroups:
    """One page of groups/delta."""

    user_ids: tuple[str, ...]  # members who came or went
    added_groups: tuple[str, ...]  # nested groups that came
    left_groups: tuple[str, ...]  # nested groups that went: their members may have gone with them
    deleted: tuple[str, ...]  # followed groups that are gone
    link: str


class SourceChanges:
    """Delta of the source tenant, with the reader app."""

    def __init__(self, client: GraphClient) -> None:
        """`client` holds the reader app's credential for the source tenant."""
        self._client = client

    async def users_now(self, select: Iterable[str]) -> str:
        """A cursor for changes of users from now on; only changes of these properties are followed.

        Raises:
            ListFailedError: there is none to be had at the moment.
        """
        first = f"{self._client.root}/users/delta?$deltatoken=latest&$select={','.join(select)}"
        async for page in delta_pages(self._client, first, "users/delta"):
            link = page.link
        return link

    def groups_whole(self, group_ids: Sequence[str]) -> str:
        """A link that begins with all members of at most 50 groups, and goes on with their changes."""
        ids = "%20or%20".join([f"id%20eq%20'{group_id}'" for group_id in group_ids])
        return f"{self._client.root}/groups/delta?$select=id,members&$filter={ids}"

    async def users(self, link: str) -> AsyncIterator[ChangedUsers]:
        """The pages of a round. ListFailedError: `is_expired` tells a cursor that is of no use any more."""
        async for page in delta_pages(self._client, link, "users/delta"):
            yield ChangedUsers(tuple(dict.fromkeys(str(item["id"]) for item in page.items)), page.link)

    async def groups(self, link: str) -> AsyncIterator[ChangedGroups]:
        """The pages of a round, as `users`."""
        async for page in delta_pages(self._client, link, "groups/delta"):
            yield _changed_groups(page)

    async def all_members(self, group_id: str) -> AsyncIterator[Sequence[str]]:
        """The users in a group and the groups in it, as pages of ids.

        Raises:
            ListFailedError: they could not all be read.
        """
        request = GraphRequest(
            "GET",
            f"/groups/{group_id}/transitiveMembers/microsoft.graph.user?$select=id&$count=true&$top=999",
            headers={"ConsistencyLevel": "eventual"},
        )
        async for page in list_pages(self._client, request, "members of a nested group"):
            yield [str(user["id"]) for user in page]


def is_expired(error: ListFailedError) -> bool:
    """Whether a cursor is of no use any more: 410, or the 400 that Graph answers an old or unknown token with."""
    sizes = {FaultSize.CONFLICT, FaultSize.USER, FaultSize.GONE}
    return error.fault.size in sizes and error.fault.code != "InsufficientRights"


def _changed_groups(page: DeltaPage) -> ChangedGroups:
    users: dict[str, None] = {}
    added: dict[str, None] = {}
    left: dict[str, None] = {}
    deleted: dict[str, None] = {}
    for group in page.items:
        if "@removed" in group:
            deleted[str(group["id"])] = None
        for member in _members(group):
            match str(member.get("@odata.type", "")).lower():
                case kind if kind == _GROUP:
                    (left if "@removed" in member else added)[str(member["id"])] = None
                case kind if kind in {_USER, ""}:
                    users[str(member["id"])] = None
                case _:  # devices, contacts, service principals
                    pass
    return ChangedGroups(tuple(users), tuple(added), tuple(left), tuple(deleted), page.link)


def _members(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    members = group.get("members@delta")
    if not isinstance(members, list):
        return []
    return [member for member in members if isinstance(member, dict) and isinstance(member.get("id"), str)]
