"""Looking at users in a target tenant: by id, or by everything that may match a person.

Nothing is written here. A look that fails is `UnknownObserved`, never `Absent`. What makes a user a match is
`matching`'s to say; here its criteria become filters, at most as long as Graph takes them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, assert_never
from urllib.parse import quote

from shared.core.fault_sizes import Fault, FaultSize
from shared.core.matching import (
    Collision,
    Comparison,
    Criterion,
    Match,
    NoMatch,
    Person,
    all_criteria,
    choose,
    properties_read,
)
from shared.core.observed import Absent, Ambiguous, Binned, Marker, Observed, Present, UnknownObserved
from shared.graph.answers import object_of, objects_of
from shared.graph.client import ForeignLinkError, GraphRequest
from shared.graph.pages import FOREIGN_LINK, list_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from shared.graph.client import GraphClient, GraphResponse

_ALWAYS_SELECTED = (
    "id",
    "displayName",  # for the provisioning log
    "userPrincipalName",
    "userType",
    "creationType",
    "createdDateTime",
    "accountEnabled",
    "mail",
)

_PAGE: Final = 999  # the most that Graph gives

_CLAUSES_PER_FILTER: Final = 15
"""Of a filter's `or`, Graph takes no more."""


@dataclass(frozen=True, slots=True)
class Sought:
    """One person to look for in a target.

    `addresses` lead to the person when invited, `values` are Graph properties as the target user should hold them;
    both serve matching alone.
    """

    source_id: str
    target_id: str | None = None  # where the link knows it
    addresses: tuple[str, ...] = field(default=(), repr=False)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


class TargetDirectory:
    """One target tenant, read only."""

    def __init__(self, client: GraphClient, *, marker_attribute: str, source_tenant_id: str) -> None:
        """`marker_attribute` is the directory extension of the writer app that names the source user."""
        self._client = client
        self._marker_attribute = marker_attribute
        self._source_tenant_id = source_tenant_id

    def marker(self, source_id: str) -> dict[str, str]:
        """The property that marks a target user as ours, for one source user."""
        return {self._marker_attribute: f"{self._source_tenant_id}/{source_id}"}

    async def look(
        self, people: Sequence[Sought], *, select: Iterable[str], expand_manager: bool, precedence: Sequence[str] = ()
    ) -> dict[str, Observed]:
        """What the target holds for each person; keys are source ids.

        One request each for those with a target id, two for those without, through `$batch`; one more
        for those whose linked user is not there, and two more for every 15 criteria beyond the first.
        `precedence` names the attributes that match people without a target id, in order.
        """
        names = dict.fromkeys((*_ALWAYS_SELECTED, self._marker_attribute, *properties_read(precedence), *select))
        query = f"$select={','.join(names)}" + ("&$expand=manager($select=id)" if expand_manager else "")
        linked = [person for person in people if person.target_id is not None]
        unlinked = [person for person in people if person.target_id is None]
        return await self._look_by_id(linked, query) | await self._look_by_match(unlinked, query, precedence)

    async def reach(self) -> Fault | None:
        """Why the tenant's users cannot be read at all; None where they can."""
        return await self._read_any("id")

    async def roles(self) -> frozenset[str] | Fault:
        """The permissions that the writer app has now."""
        return await self._client.roles()

    async def knows_marker(self) -> Fault | None:
        """Why users cannot be read with the marker's property; None where they can."""
        return await self._read_any(f"id,{self._marker_attribute}")

    async def list_owned(self, select: Iterable[str]) -> AsyncIterator[Sequence[tuple[str, Mapping[str, Any]]]]:
        """Everybody who carries our marker, with the id of the source user, as pages of 999 in Graph's JSON.

        Raises:
            ListFailedError: not everybody could be read.
        """
        names = dict.fromkeys(("id", "accountEnabled", "externalUserState", self._marker_attribute, *select))
        prefix = f"{self._source_tenant_id}/"
        request = GraphRequest(
            "GET",
            f"/users?$filter=startsWith({self._marker_attribute},'{prefix}')"
            f"&$select={','.join(names)}&$expand=manager($select=id)&$top={_PAGE}",
        )
        async for page in list_pages(self._client, request, "users of ours in the target"):
            markers = [str(user.get(self._marker_attribute)) for user in page]
            yield [
                (marker.removeprefix(prefix), user)
                for marker, user in zip(markers, page, strict=True)
                if marker.startswith(prefix)
            ]

    async def _read_any(self, select: str) -> Fault | None:
        answer = objects_of(await self._client.send(GraphRequest("GET", f"/users?$select={select}&$top=1")))
        return answer if isinstance(answer, Fault) else None

    async def _look_by_id(self, people: Sequence[Sought], query: str) -> dict[str, Observed]:
        answers = await self._client.send_all(
            [GraphRequest("GET", f"/users/{quote(str(person.target_id))}?{query}") for person in people]
        )
        observed: dict[str, Observed] = {}
        gone: list[Sought] = []
        for person, answer in zip(people, answers, strict=True):
            user = object_of(answer, str(person.target_id))
            if not isinstance(user, Fault):
                observed[person.source_id] = self._present(person, user)
            elif user.size is FaultSize.GONE:
                gone.append(person)
            else:
                observed[person.source_id] = UnknownObserved(user)
        return observed | await self._look_in_bin(gone)

    async def _look_in_bin(self, people: Sequence[Sought]) -> dict[str, Observed]:
        answers = await self._client.send_all(
            [GraphRequest("GET", f"/directory/deletedItems/{quote(str(person.target_id))}") for person in people]
        )
        observed: dict[str, Observed] = {}
        for person, answer in zip(people, answers, strict=True):
            user = object_of(answer, str(person.target_id))
            if not isinstance(user, Fault):
                observed[person.source_id] = Binned(str(person.target_id), self._whose(person, user))
            elif user.size is FaultSize.GONE:
                observed[person.source_id] = Absent()
            else:
                observed[person.source_id] = UnknownObserved(user)
        return observed

    async def _look_by_match(
        self, people: Sequence[Sought], query: str, precedence: Sequence[str]
    ) -> dict[str, Observed]:
        requests: list[GraphRequest] = []
        shares: list[int] = []  # how many filters each person takes, each asked of the living and of the bin
        for sought in people:
            filters = _filters(all_criteria(self._person(sought), precedence))
            shares.append(len(filters))
            requests += [GraphRequest("GET", f"/users?$filter={text}&{query}") for text in filters]
            select = query.partition("&")[0]
            requests += [
                GraphRequest("GET", f"/directory/deletedItems/microsoft.graph.user?$filter={text}&{select}")
                for text in filters
            ]
        answers = iter(await self._client.send_all(requests))
        observed: dict[str, Observed] = {}
        for sought, share in zip(people, shares, strict=True):
            live = await self._all_of(itertools.islice(answers, share))
            binned = await self._all_of(itertools.islice(answers, share))
            observed[sought.source_id] = self._match(sought, live, binned, precedence)
        return observed

    async def _all_of(self, answers: Iterable[GraphResponse]) -> list[Mapping[str, Any]] | Fault:
        """The users of some answers, each once, with the pages that follow; the fault of the first that failed."""
        users: dict[str, Mapping[str, Any]] = {}
        for first in list(answers):
            answer = first
            while True:
                page = objects_of(answer)
                if isinstance(page, Fault):
                    return page
                users.update({str(user["id"]): user for user in page})
                link = answer.body.get("@odata.nextLink")
                if link is None:
                    break
                try:
                    answer = await self._client.follow(link)
                except ForeignLinkError:
                    return FOREIGN_LINK
        return list(users.values())

    def _person(self, sought: Sought) -> Person:
        [(attribute, marker)] = self.marker(sought.source_id).items()
        return Person(attribute, marker, sought.addresses, sought.values)

    def _match(
        self,
        sought: Sought,
        live: list[Mapping[str, Any]] | Fault,
        binned: list[Mapping[str, Any]] | Fault,
        precedence: Sequence[str],
    ) -> Observed:
        if isinstance(live, Fault):
            return UnknownObserved(live)
        if isinstance(binned, Fault):
            return UnknownObserved(binned)
        person = self._person(sought)
        choice = choose(person, live, precedence)
        match choice:
            case Match() | Collision():
                [user] = [user for user in live if user["id"] == choice.user_id]
                return replace(self._present(sought, user), collides=isinstance(choice, Collision))
            case Ambiguous():
                return choice
            case NoMatch():
                pass
            case _:
                assert_never(choice)
        # A stranger's deleted twin does not stand in the way of a new user; one that could be ours is brought back.
        possible = [user for user in binned if self._whose(sought, user) is not Marker.ANOTHER]
        choice = choose(person, possible, precedence)
        match choice:
            case Match() | Collision():
                [user] = [user for user in possible if user["id"] == choice.user_id]
                return Binned(choice.user_id, self._whose(sought, user), collides=isinstance(choice, Collision))
            case Ambiguous():
                return choice
            case NoMatch():
                return Absent()
            case _:
                assert_never(choice)

    def _present(self, person: Sought, user: Mapping[str, Any]) -> Present:
        manager = user.get("manager")
        created = user.get("createdDateTime")
        return Present(
            user_id=str(user["id"]),
            marker=self._whose(person, user),
            external=user.get("creationType") == "Invitation" or "#EXT#" in str(user.get("userPrincipalName")),
            attributes=user,
            manager_id=manager.get("id") if isinstance(manager, dict) else None,
            created_at=datetime.fromisoformat(created) if isinstance(created, str) else None,
        )

    def _whose(self, person: Sought, user: Mapping[str, Any]) -> Marker:
        value = user.get(self._marker_attribute)
        if not value:
            return Marker.NONE
        return Marker.OURS if value == self.marker(person.source_id)[self._marker_attribute] else Marker.ANOTHER


def _filters(criteria: Sequence[Criterion]) -> list[str]:
    """The criteria as `$filter` values, ready for an address: any one of them is enough."""
    clauses = [_clause(criterion) for criterion in criteria]
    chunks = [clauses[start : start + _CLAUSES_PER_FILTER] for start in range(0, len(clauses), _CLAUSES_PER_FILTER)]
    return [quote(" or ".join(chunk), safe="") for chunk in chunks]


def _clause(criterion: Criterion) -> str:
    name = criterion.name.replace(".", "/")
    # OData knows one character with a meaning inside a text: the quote that ends it.
    text = "'" + criterion.value.replace("'", "''") + "'"
    match criterion.comparison:
        case Comparison.EQUALS:
            return f"{name} eq {text}"
        case Comparison.STARTS_WITH:
            return f"startsWith({name},{text})"
        case Comparison.CONTAINS:
            return f"{name}/any(x:x eq {text})"
        case _:
            assert_never(criterion.comparison)
