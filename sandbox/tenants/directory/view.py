"""One replica's picture of the directory, with the indexes that make reading it fast.

A view only ever applies mutations; it decides nothing, checks nothing and knows no time. The truth of
a tenant is a view too: the one that gets every mutation at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING

from sandbox.tenants.directory.model import Kind, Mutation, Presence, PutManager, PutMember, PutObject, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NOTHING: dict[str, None] = {}
_NOBODY: frozenset[str] = frozenset()


class View:
    """Live and deleted objects, memberships and managers, as one replica sees them."""

    def __init__(self) -> None:
        self.live: dict[str, Version] = {}
        self.deleted: dict[str, Version] = {}
        self.manager: dict[str, str] = {}
        self._reports: dict[str, set[str]] = {}
        self._members: dict[str, dict[str, None]] = {}
        self._member_of: dict[str, set[str]] = {}
        self._order: dict[Kind, list[int]] = {kind: [] for kind in Kind}
        self._by_serial: dict[int, str] = {}
        # property -> lower-case value -> one id, or several
        self._index: dict[str, dict[str, str | set[str]]] = {}

    def copy(self) -> View:
        """A view that shares the versions and nothing else."""
        twin = View()
        twin.live = dict(self.live)
        twin.deleted = dict(self.deleted)
        twin.manager = dict(self.manager)
        twin._reports = {k: set(v) for k, v in self._reports.items()}
        twin._members = {k: dict(v) for k, v in self._members.items()}
        twin._member_of = {k: set(v) for k, v in self._member_of.items()}
        twin._order = {k: list(v) for k, v in self._order.items()}
        twin._by_serial = dict(self._by_serial)
        twin._index = {
            name: {k: v if isinstance(v, str) else set(v) for k, v in entries.items()}
            for name, entries in self._index.items()
        }
        return twin

    # --- reading -----------------------------------------------------------------------------

    def get(self, object_id: str, kind: Kind | None = None) -> Version | None:
        """The live object, if there is one of this kind."""
        version = self.live.get(object_id)
        return version if version is not None and (kind is None or version.kind is kind) else None

    def by_key(self, name: str, value: str) -> list[Version]:
        """Live objects whose property `name` has this value, letters' case aside."""
        entry = self._index.get(name, {}).get(value.lower())
        if entry is None:
            return []
        ids = (entry,) if isinstance(entry, str) else sorted(entry)
        return [self.live[object_id] for object_id in ids if object_id in self.live]

    def after(self, kind: Kind, serial: int) -> Iterator[Version]:
        """Live objects of a kind in list order, from the first one behind `serial`."""
        order = self._order[kind]
        for position in range(bisect_right(order, serial), len(order)):
            yield self.live[self._by_serial[order[position]]]

    def count(self, kind: Kind) -> int:
        """How many live objects of a kind there are."""
        return len(self._order[kind])

    def members(self, group: str) -> dict[str, None]:
        """Ids of direct members in the order they came (the keys); not to be changed."""
        return self._members.get(group, _NOTHING)

    def groups_of(self, object_id: str) -> set[str] | frozenset[str]:
        """Ids of groups that hold this object directly; not to be changed."""
        return self._member_of.get(object_id, _NOBODY)

    def reports_of(self, user: str) -> set[str] | frozenset[str]:
        """Ids of the users whose manager this is; not to be changed."""
        return self._reports.get(user, _NOBODY)

    def transitive_members(self, group: str) -> dict[str, None]:
        """Ids of all objects in this group and the groups in it, cycles allowed; the group itself not."""
        found: dict[str, None] = {}
        waiting = [group]
        while waiting:
            for member in self.members(waiting.pop()):
                if member not in found and member != group:
                    found[member] = None
                    if member in self._members:
                        waiting.append(member)
        return found

    def transitive_groups(self, object_id: str) -> set[str]:
        """Ids of all groups that hold this object directly or through other groups."""
        found: set[str] = set()
        waiting = [object_id]
        while waiting:
            for group in self.groups_of(waiting.pop()):
                if group not in found and group in self.live:
                    found.add(group)
                    waiting.append(group)
        return found

    # --- applying ----------------------------------------------------------------------------

    def apply_all(self, mutations: Iterable[Mutation]) -> None:
        """Apply mutations in order."""
        for mutation in mutations:
            self.apply(mutation)

    def apply(self, mutation: Mutation) -> None:
        """Apply one mutation."""
        match mutation:
            case PutObject(version, presence):
                self._put_object(version, presence)
            case PutMember(group, member, present):
                self._put_member(group, member, present=present)
            case PutManager(user, manager):
                self._put_manager(user, manager)

    def _put_object(self, version: Version, presence: Presence) -> None:
        before = self.live.get(version.id)
        if before is not None:
            self._unindex(before)
        match presence:
            case Presence.LIVE:
                if before is None:
                    self._enter(version)
                self.live[version.id] = version
                self.deleted.pop(version.id, None)
                self._enter_keys(version)
            case Presence.DELETED:
                if before is not None:
                    self._leave(before)
                self.deleted[version.id] = version
            case Presence.GONE:
                if before is not None:
                    self._leave(before)
                self.deleted.pop(version.id, None)

    def _enter(self, version: Version) -> None:
        order = self._order[version.kind]
        if not order or version.serial > order[-1]:
            order.append(version.serial)
        else:
            insort(order, version.serial)
        self._by_serial[version.serial] = version.id

    def _leave(self, version: Version) -> None:
        order = self._order[version.kind]
        del order[bisect_left(order, version.serial)]
        del self._by_serial[version.serial]
        del self.live[version.id]

    def _enter_keys(self, version: Version) -> None:
        for name, value in version.keys:
            entries = self._index.setdefault(name, {})
            held = entries.get(value)
            if held is None:
                entries[value] = version.id
            elif isinstance(held, set):
                held.add(version.id)
            elif held != version.id:
                entries[value] = {held, version.id}

    def _unindex(self, version: Version) -> None:
        for name, value in version.keys:
            entries = self._index[name]
            held = entries.get(value)
            if isinstance(held, set):
                held.discard(version.id)
                if not held:
                    del entries[value]
            elif held == version.id:
                del entries[value]

    def _put_member(self, group: str, member: str, *, present: bool) -> None:
        if present:
            self._members.setdefault(group, {})[member] = None
            self._member_of.setdefault(member, set()).add(group)
        else:
            self._members.get(group, {}).pop(member, None)
            self._member_of.get(member, set()).discard(group)

    def _put_manager(self, user: str, manager: str | None) -> None:
        before = self.manager.pop(user, None)
        if before is not None:
            self._reports[before].discard(user)
        if manager is not None:
            self.manager[user] = manager
            self._reports.setdefault(manager, set()).add(user)
