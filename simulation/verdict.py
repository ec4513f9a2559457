"""What was wrong in the end, or on the way there; empty where all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.chaos.judge import doubled, unlogged
from sandbox.chaos.oracle import Oracle
from sandbox.story.expectation import Expectation
from sandbox.tenants.contoso import CROSS_TENANT_USERS_GROUP_ID, MARKER, SOURCE_TENANT_ID, WRITER_APP_ID
from shared.core.model import LinkState
from shared.core.provisioning_event import read_event
from simulation.life import TARGETS

if TYPE_CHECKING:
    from simulation.region import Region

    Json = dict[str, Any]


class Judge:
    """Remembers how it was in the beginning."""

    def __init__(self, region: Region, grace: float = 0.0) -> None:
        self._region = region
        self._before = {target: self._users(target) for target in TARGETS}
        self._oracle = Oracle(
            {name: self._users(name) for name in ("source", *TARGETS)},
            self._groups(),
            scope={CROSS_TENANT_USERS_GROUP_ID},
            marker=MARKER,
            source=SOURCE_TENANT_ID,
            grace=grace,
        )
        self._from = region.tenants.control("GET", "journal")["last"]

    async def wrongs(self) -> list[str]:
        """Every wrong, in words."""
        journal = self.journal()
        found = [*self._oracle.wrongs(journal), *self._region.cloud.defects, *self._region.failed()]
        for target in TARGETS:
            found += self._different(target, journal)
            found += await self._links(target)
            found += self._untold(target)
            found += [f"{target}: {wrong}" for wrong in doubled(self._users(target), MARKER)]
        found += unlogged(journal, self._region.cloud.log.provisioning().values(), marker=MARKER)
        if dead := self._region.cloud.bus.dead():
            found.append(f"{dead} messages are dead-lettered")
        return found

    def journal(self) -> list[Json]:
        """What happened in all tenants."""
        entries: list[Json] = self._region.tenants.control("GET", f"journal?after={self._from}")["value"]
        return entries

    def _different(self, target: str, journal: list[Json]) -> list[str]:
        now = self._users(target)
        ids = {user["id"]: str(user.get(MARKER) or "").partition("/")[2] for user in now}
        there = set(ids.values())
        # Somebody who is blocked is made in a target when they are not any more.
        people = {key: user for key, user in self._in_scope().items() if user["accountEnabled"] or key in there}
        by_hand = [entry for entry in journal if entry["tenant"] == target and entry["actor"] != WRITER_APP_ID]
        made = {entry["objectId"] for entry in by_hand if entry["kind"] == "create"}
        changed = {entry["objectId"] for entry in by_hand if entry["kind"] == "update"}
        before = {user["id"]: user for user in self._before[target]}
        # Whoever was invited by hand, or was there and was changed by hand, is there as we found them, or adopted.
        before |= {user["id"]: user for user in now if user["id"] in made | (changed & before.keys())}
        for entry in journal:
            given = entry["changed"].get(MARKER, {}).get("after") if entry["tenant"] == target else None
            if given and (entry["objectId"] not in ids or given.partition("/")[2] not in people):
                before.pop(entry["objectId"], None)  # adopted, and gone with the person, who may be back as another
        managers = self._managers_by_consequence(target, journal)
        for user in now:  # whom somebody blocked in the target stays blocked there
            source_id = ids[user["id"]]
            if source_id in people and user["id"] in self._blocked_by_hand(target, journal):
                people[source_id] = {**people[source_id], "accountEnabled": user["accountEnabled"]}
            if source_id in people and user["id"] in managers:
                people[source_id] = {**people[source_id], "manager": ids.get(managers[user["id"]])}
        expectation = Expectation(MARKER, SOURCE_TENANT_ID, people)
        compared = expectation.compare(before.values(), now)
        return [
            f"{target}: {kind}: {who}"
            for kind in ("missing", "unexpected", "different")
            for who in getattr(compared, kind)
        ]

    @staticmethod
    def _managers_by_consequence(target: str, journal: list[Json]) -> dict[str, str]:
        """Managers who came back last of all with a user whom we restored: the next full cycle looks at the reports."""
        last = {
            entry["objectId"]: entry for entry in journal if entry["tenant"] == target and entry["kind"] == "manager"
        }
        return {
            user_id: entry["related"] for user_id, entry in last.items() if entry["consequence"] and entry["related"]
        }

    def _blocked_by_hand(self, target: str, journal: list[Json]) -> set[str]:
        return {
            entry["objectId"]
            for entry in journal
            if entry["tenant"] == target and entry["actor"] != WRITER_APP_ID and "accountEnabled" in entry["changed"]
        }

    async def _links(self, target: str) -> list[str]:
        links = [link async for page in self._region.cloud.store.list_links(target) for link in page]
        found = [f"{target}: {link.source_id} is still claimed" for link in links if link.claim is not None]
        found += [
            f"{target}: {link.source_id} is held: {link.reason}" for link in links if link.state is LinkState.HELD
        ]
        return found + [f"{target}: an event of {link.source_id} was never sent" for link in links if link.unlogged]

    def _untold(self, target: str) -> list[str]:
        promised = {read_event(text).event_id for text in self._region.cloud.promised[target]}
        lost = promised - self._region.cloud.log.provisioning().keys()
        return [f"{target}: {len(lost)} events of the provisioning log were lost"] if lost else []

    def _users(self, tenant: str) -> list[Json]:
        users = self._region.tenants.control("GET", f"tenants/{tenant}/users")["value"]
        return [user for user in users if not user["deleted"]]

    def _groups(self) -> list[Json]:
        groups: list[Json] = self._region.tenants.control("GET", "tenants/source/groups")["value"]
        return groups

    def _in_scope(self) -> dict[str, Json]:
        users = {user["id"]: user for user in self._users("source")}
        members = {group["id"]: group["members"] for group in self._groups() if not group["deleted"]}
        found: set[str] = set()
        waiting = [CROSS_TENANT_USERS_GROUP_ID]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += members.get(one, [])
        return {user_id: user for user_id, user in users.items() if user_id in found}
