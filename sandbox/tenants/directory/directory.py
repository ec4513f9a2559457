"""One tenant's true state and every way to change it; each change is journalled.

It keeps what must stay true between objects (links end with their objects, names in the bin are
mangled, the bin empties after 30 days). It does not judge callers or payloads: that is Graph's part.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.tenants.clock import timestamp
from sandbox.tenants.directory.keys import index_keys
from sandbox.tenants.directory.model import (
    Change,
    ChangeKind,
    Kind,
    Mutation,
    Presence,
    PutManager,
    PutMember,
    PutObject,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sandbox.tenants.chance import Chance, Lag
    from sandbox.tenants.directory.replicas import Replicas

BIN_SECONDS = 30 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Origin:
    """What Graph does not show of a user: the home account, and who masters or protects the object."""

    home: tuple[str, str] | None = None  # tenant id and object id of the account at home
    redeemed_automatically: bool = False
    exchange_mastered: bool = False
    privileged: bool = False


@dataclass(frozen=True, slots=True)
class _Links:
    groups: tuple[str, ...]
    members: tuple[str, ...]
    manager: str | None
    reports: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    """One write in the making: its journal entries and its mutations."""

    changes: list[Change] = field(default_factory=list)
    mutations: list[Mutation] = field(default_factory=list)


class Directory:
    """Objects and links of one tenant. `listener` is told every change after it happened."""

    def __init__(  # noqa: PLR0917 - one composition root calls it, by position of what it is made from
        self,
        tenant: str,
        replicas: Replicas,
        now: Callable[[], float],
        chance: Chance,
        delta_lag: Lag,
        listener: Callable[[Change], None],
    ) -> None:
        self.tenant = tenant
        self.replicas = replicas
        self.delta_lag = delta_lag
        self.changes: list[Change] = []
        self.origins: dict[str, Origin] = {}
        self.homes: dict[tuple[str, str], str] = {}  # home account -> the newest user made for it
        self._now = now
        self._chance = chance
        self._listener = listener
        self._serial = 0
        self._links: dict[str, _Links] = {}
        self._bin: list[tuple[float, str]] = []

    # --- reading the truth ---------------------------------------------------------------------

    def live(self, object_id: str, kind: Kind | None = None) -> Version | None:
        """The object as it truly is, if it lives."""
        return self.replicas.truth.get(object_id, kind)

    def deleted(self, object_id: str) -> Version | None:
        """The object in the bin."""
        return self.replicas.truth.deleted.get(object_id)

    def named(self, name: str, value: str) -> list[Version]:
        """Live objects with this value of an indexed property, case aside."""
        return self.replicas.truth.by_key(name, value)

    # --- objects -------------------------------------------------------------------------------

    def plant(self, kind: Kind, object_id: str, properties: Mapping[str, Any]) -> Version:
        """Put an object there as if it had always been: no journal entry, all replicas must be levelled."""
        version = self._version(kind, object_id, self._next_serial(), properties)
        self.replicas.truth.apply(PutObject(version, Presence.LIVE))
        return version

    def plant_link(self, mutation: PutMember | PutManager) -> None:
        """Put a link there as if it had always been."""
        self.replicas.truth.apply(mutation)

    def create(self, kind: Kind, properties: Mapping[str, Any], actor: str) -> Version:
        """A new object with a new id."""
        object_id = self._chance.guid(f"object:{self.tenant}")
        version = self._version(kind, object_id, self._next_serial(), properties)
        changed = {name: (None, value) for name, value in properties.items() if value not in (None, [])}
        draft = _Draft(mutations=[PutObject(version, Presence.LIVE)])
        self._note(draft, ChangeKind.CREATE, version, actor, changed)
        self._commit(draft)
        return version

    def update(self, version: Version, values: Mapping[str, Any], actor: str) -> Version:
        """Set properties (None clears); writes nothing and journals nothing where nothing differs."""
        before = version.properties
        changed = {name: (before.get(name), value) for name, value in values.items() if before.get(name) != value}
        if not changed:
            return version
        properties = {**before, **{name: after for name, (_, after) in changed.items()}}
        properties = {name: value for name, value in properties.items() if value is not None}
        new = self._version(version.kind, version.id, version.serial, properties)
        draft = _Draft(mutations=[PutObject(new, Presence.LIVE)])
        self._note(draft, ChangeKind.UPDATE, new, actor, changed)
        self._commit(draft)
        return new

    def soft_delete(self, version: Version, actor: str) -> None:
        """Move the object to the bin; its links end, and are remembered for a restore."""
        truth = self.replicas.truth
        links = _Links(
            groups=tuple(sorted(truth.groups_of(version.id))),
            members=tuple(truth.members(version.id)),
            manager=truth.manager.get(version.id),
            reports=tuple(sorted(truth.reports_of(version.id))),
        )
        now = self._now()
        properties = {**version.properties, "deletedDateTime": timestamp(now)}
        changed: dict[str, tuple[Any, Any]] = {"deletedDateTime": (None, properties["deletedDateTime"])}
        if version.kind is Kind.USER:
            before = version.properties["userPrincipalName"]
            properties["userPrincipalName"] = version.id.replace("-", "") + before
            changed["userPrincipalName"] = (before, properties["userPrincipalName"])
        binned = self._version(version.kind, version.id, version.serial, properties)
        draft = _Draft(mutations=[PutObject(binned, Presence.DELETED)])
        self._note(draft, ChangeKind.DELETE, version, actor, changed)
        self._links[version.id] = links
        self._relink(draft, version.id, links, actor, present=False)
        heapq.heappush(self._bin, (now + BIN_SECONDS, version.id))
        self._commit(draft)

    def restore(self, binned: Version, actor: str) -> Version:
        """Bring an object back from the bin, with the links whose other ends still live."""
        properties = {name: value for name, value in binned.properties.items() if name != "deletedDateTime"}
        changed: dict[str, tuple[Any, Any]] = {"deletedDateTime": (binned.properties["deletedDateTime"], None)}
        if binned.kind is Kind.USER:
            mangled = binned.properties["userPrincipalName"]
            properties["userPrincipalName"] = mangled.removeprefix(binned.id.replace("-", ""))
            changed["userPrincipalName"] = (mangled, properties["userPrincipalName"])
        version = self._version(binned.kind, binned.id, binned.serial, properties)
        draft = _Draft(mutations=[PutObject(version, Presence.LIVE)])
        self._note(draft, ChangeKind.RESTORE, version, actor, changed)
        self._relink(draft, version.id, self._links.pop(version.id), actor, present=True)
        origin = self.origins.get(version.id)
        if origin is not None and origin.home is not None:
            self.homes[origin.home] = version.id
        self._commit(draft)
        return version

    def purge(self, binned: Version, actor: str) -> None:
        """Remove an object from the bin for good."""
        draft = _Draft(mutations=[PutObject(binned, Presence.GONE)])
        self._note(draft, ChangeKind.PURGE, binned, actor)
        self._links.pop(binned.id, None)
        origin = self.origins.pop(binned.id, None)
        if origin is not None and origin.home is not None and self.homes.get(origin.home) == binned.id:
            del self.homes[origin.home]
        self._commit(draft)

    def purge_expired(self) -> None:
        """Purge what has been in the bin for 30 days."""
        now = self._now()
        while self._bin and self._bin[0][0] <= now:
            _, object_id = heapq.heappop(self._bin)
            binned = self.deleted(object_id)
            # An object that was restored and deleted again has a later entry of its own.
            if binned is not None and not any(object_id == other for _, other in self._bin):
                self.purge(binned, "clock")

    # --- links ---------------------------------------------------------------------------------

    def set_manager(self, user: Version, manager: str | None, actor: str) -> None:
        """Set or clear a user's manager; nothing if it is so already."""
        before = self.replicas.truth.manager.get(user.id)
        if before == manager:
            return
        draft = _Draft(mutations=[PutManager(user.id, manager)])
        self._note(draft, ChangeKind.MANAGER, user, actor, {"manager": (before, manager)}, related=manager)
        self._commit(draft)

    def set_member(self, group: Version, member: str, actor: str, *, present: bool) -> None:
        """Add or remove a direct member; nothing if it is so already."""
        if (member in self.replicas.truth.members(group.id)) == present:
            return
        draft = _Draft(mutations=[PutMember(group.id, member, present)])
        kind = ChangeKind.MEMBER_ADDED if present else ChangeKind.MEMBER_REMOVED
        self._note(draft, kind, group, actor, related=member)
        self._commit(draft)

    # --- the inside ----------------------------------------------------------------------------

    def _version(self, kind: Kind, object_id: str, serial: int, properties: Mapping[str, Any]) -> Version:
        kept = {name: value for name, value in properties.items() if value is not None}
        kept["id"] = object_id
        return Version(object_id, kind, serial, kept, index_keys(kind, kept))

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def _relink(self, draft: _Draft, object_id: str, links: _Links, actor: str, *, present: bool) -> None:
        live = self.replicas.truth.live
        for group in links.groups:
            if group in live:
                self._consequence(draft, live[group], object_id, actor, present=present)
        for member in links.members:
            if member in live or not present:
                draft.mutations.append(PutMember(object_id, member, present))
        if links.manager is not None and links.manager in live:
            draft.mutations.append(PutManager(object_id, links.manager if present else None))
        for report in links.reports:
            if report in live and (not present or report not in self.replicas.truth.manager):
                manager = object_id if present else None
                draft.mutations.append(PutManager(report, manager))
                ends = (None, object_id) if present else (object_id, None)
                self._note(
                    draft,
                    ChangeKind.MANAGER,
                    live[report],
                    actor,
                    {"manager": ends},
                    related=manager,
                    consequence=True,
                )

    def _consequence(self, draft: _Draft, group: Version, member: str, actor: str, *, present: bool) -> None:
        draft.mutations.append(PutMember(group.id, member, present))
        kind = ChangeKind.MEMBER_ADDED if present else ChangeKind.MEMBER_REMOVED
        self._note(draft, kind, group, actor, related=member, consequence=True)

    def _note(
        self,
        draft: _Draft,
        kind: ChangeKind,
        version: Version,
        actor: str,
        changed: Mapping[str, tuple[Any, Any]] | None = None,
        *,
        related: str | None = None,
        consequence: bool = False,
    ) -> None:
        now = self._now()
        visible = now + self.delta_lag.draw(self._chance.stream(f"delta:{self.tenant}"))
        earlier = draft.changes or self.changes
        if earlier:  # delta shows a prefix of the journal, so no change is visible before an earlier one
            visible = max(visible, earlier[-1].delta_visible_at)
        draft.changes.append(
            Change(
                sequence=len(self.changes) + len(draft.changes) + 1,
                at=now,
                tenant=self.tenant,
                actor=actor,
                kind=kind,
                object_kind=version.kind,
                object_id=version.id,
                changed=changed or {},
                related=related,
                consequence=consequence,
                delta_visible_at=visible,
            )
        )

    def _commit(self, draft: _Draft) -> None:
        self.replicas.publish(self._now(), draft.mutations)
        self.changes.extend(draft.changes)
        for change in draft.changes:
            self._listener(change)


def changes_between(changes: Sequence[Change], after: int, until: int) -> Iterable[Change]:
    """The journal entries with sequence in (after, until]; sequences count from 1 without gaps."""
    return (changes[position] for position in range(after, min(until, len(changes))))
