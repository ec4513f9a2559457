"""Looking at users in a target tenant: by id, or by everything that may match a person.

Nothing is written here. A look that fails is `UnknownObserved`, never `Absent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.core.fault_sizes import FaultSize
from shared.core.observed import Absent, Ambiguous, Binned, Marker, Observed, Present, UnknownObserved
from shared.graph.client import GraphRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.graph.client import GraphClient, GraphResponse

_ALWAYS_SELECTED = (
    "id",
    "userPrincipalName",
    "userType",
    "creationType",
    "createdDateTime",
    "accountEnabled",
    "mail",
)


@dataclass(frozen=True, slots=True)
class Sought:
    """One person to look for in a target."""

    source_id: str
    target_id: str | None = None  # where the link knows it
    address: str | None = None
    user_principal_name: str | None = None  # in the source


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
        self, people: Sequence[Sought], *, select: Iterable[str], expand_manager: bool
    ) -> dict[str, Observed]:
        """What the target holds for each person; keys are source ids.

        One request each for those with a target id, two for those without, through `$batch`; one more
        for those whose linked user is not there.
        """
        names = dict.fromkeys((*_ALWAYS_SELECTED, self._marker_attribute, *select))
        query = f"$select={','.join(names)}" + ("&$expand=manager($select=id)" if expand_manager else "")
        linked = [person for person in people if person.target_id is not None]
        unlinked = [person for person in people if person.target_id is None]
        return await self._look_by_id(linked, query) | await self._look_by_match(unlinked, query)

    async def _look_by_id(self, people: Sequence[Sought], query: str) -> dict[str, Observed]:
        answers = await self._client.send_all(
            [GraphRequest("GET", f"/users/{quote(str(person.target_id))}?{query}") for person in people]
        )
        observed: dict[str, Observed] = {}
        gone: list[Sought] = []
        for person, answer in zip(people, answers, strict=True):
            if answer.fault is None:
                observed[person.source_id] = self._present(person, answer.body)
            elif answer.fault.size is FaultSize.GONE:
                gone.append(person)
            else:
                observed[person.source_id] = UnknownObserved(answer.fault)
        return observed | await self._look_in_bin(gone)

    async def _look_in_bin(self, people: Sequence[Sought]) -> dict[str, Observed]:
        answers = await self._client.send_all(
            [GraphRequest("GET", f"/directory/deletedItems/{quote(str(person.target_id))}") for person in people]
        )
        observed: dict[str, Observed] = {}
        for person, answer in zip(people, answers, strict=True):
            if answer.fault is None:
                observed[person.source_id] = Binned(str(person.target_id), self._whose(person, answer.body))
            elif answer.fault.size is FaultSize.GONE:
                observed[person.source_id] = Absent()
            else:
                observed[person.source_id] = UnknownObserved(answer.fault)
        return observed

    async def _look_by_match(self, people: Sequence[Sought], query: str) -> dict[str, Observed]:
        requests = []
        for person in people:
            match = quote(self._filter(person), safe="")
            requests.append(GraphRequest("GET", f"/users?$filter={match}&{query}"))
            requests.append(
                GraphRequest(
                    "GET",
                    f"/directory/deletedItems/microsoft.graph.user?$filter={match}&{query.partition('&')[0]}",
                )
            )
        answers = await self._client.send_all(requests)
        return {
            person.source_id: self._match(person, answers[2 * number], answers[2 * number + 1])
            for number, person in enumerate(people)
        }

    def _filter(self, person: Sought) -> str:
        """Everything that makes a target user a candidate for this person."""
        [(attribute, marker)] = self.marker(person.source_id).items()
        clauses = [f"{attribute} eq {_text(marker)}"]
        for address in dict.fromkeys(filter(None, (person.address, person.user_principal_name))):
            clauses.append(f"mail eq {_text(address)}")
            clauses.append(f"otherMails/any(x:x eq {_text(address)})")
            clauses.append(f"startsWith(userPrincipalName,{_text(external_prefix(address))})")
        return " or ".join(clauses)

    def _match(self, person: Sought, live: GraphResponse, binned: GraphResponse) -> Observed:
        for answer in (live, binned):
            if answer.fault is not None:
                return UnknownObserved(answer.fault)
        candidates = [self._present(person, user) for user in live.body.get("value", ())]
        ours = [user for user in candidates if user.marker is Marker.OURS]
        for found in (ours, candidates):
            if len(found) == 1:
                return found[0]
            if found:
                return Ambiguous(tuple(sorted(user.user_id for user in found)))
        return self._match_in_bin(person, binned.body.get("value", ()))

    def _match_in_bin(self, person: Sought, users: Sequence[Mapping[str, Any]]) -> Observed:
        deleted = [Binned(str(user["id"]), self._whose(person, user)) for user in users]
        ours = [user for user in deleted if user.marker is Marker.OURS]
        # A stranger's deleted twin does not stand in the way of a new user; one that could be ours is brought back.
        possible = ours or [user for user in deleted if user.marker is Marker.NONE]
        if len(possible) == 1:
            return possible[0]
        if possible:
            return Ambiguous(tuple(sorted(user.user_id for user in possible)))
        return Absent()

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


def external_prefix(address: str) -> str:
    """The part of a B2B user's name that Entra makes from the invited address: `ann_contoso.com#EXT#`."""
    return f"{address.replace('@', '_')}#EXT#"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
