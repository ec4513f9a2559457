"""Was anybody wronged? The judge of a disaster: it reads the tenants' whole journal, and shares no code with the app.

Every change of every tenant passes by in its order, so at each write of the app it is known who was in scope at
that moment and whose the target user was. Three things are wrong whatever the circumstances: to remove or block
somebody who is in scope and enabled, to change a user of the target who is not ours, and to purge anybody. With grace
days, so is to remove somebody before they are over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    Json = Mapping[str, Any]

SOURCE: Final = "source"
WRITER_APP_ID: Final = "22222222-aaaa-4000-8000-000000000002"
_BY_ENTRA: Final = "proxyAddresses"
"""No app can write it: Entra changes it, and mail with it, where an invitation by a new address finds its user."""

_GRACE: Final = 60.0
"""Seconds. Proof was true when it was read, and somebody may have come back since: replicas lag by so much."""


@dataclass(frozen=True, slots=True)
class Oracle:
    """The truth at a moment, from which on everything is followed.

    `truth` holds the live users of each tenant at that moment, `groups` those of the source with their members;
    `scope` are ids of groups, `marker` is the name of the attribute that marks our users, and `writer` the app that
    the journal names for what the app under judgement wrote, and `grace` are the seconds that the rules leave between
    leaving and removal.
    """

    truth: Mapping[str, Iterable[Json]]
    groups: Iterable[Json]
    scope: Collection[str]
    marker: str
    source: str  # tenant id
    writer: str = WRITER_APP_ID
    grace: float = 0.0

    def wrongs(self, journal: Iterable[Json], *, ruled_out: Collection[str] = ()) -> list[str]:
        """Every wrong in the journal since that moment, in words. To be given each time from the beginning.

        It may be right to remove those who are in `ruled_out`, whatever their groups.
        """
        return _Hearing(self, frozenset(ruled_out)).hear(journal)


@dataclass(slots=True)
class _Hearing:
    """One reading of a journal."""

    oracle: Oracle
    ruled_out: frozenset[str]
    people: dict[str, bool] = field(init=False)  # enabled or not, by source id
    members: dict[str, set[str]] = field(init=False)
    users: dict[tuple[str, str], dict[str, Any]] = field(init=False)  # of the targets
    deleted: set[str] = field(init=False, default_factory=set)  # users and groups of the source
    was_out: dict[str, float] = field(init=False, default_factory=dict)  # when somebody in scope was last seen outside
    left: dict[str, float] = field(init=False, default_factory=dict)
    was_blocked: dict[str, float] = field(init=False, default_factory=dict)
    made: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Begin with the truth of the first moment."""
        truth = self.oracle.truth
        self.people = {user["id"]: user.get("accountEnabled") is not False for user in truth[SOURCE]}
        self.members = {group["id"]: set(group["members"]) for group in self.oracle.groups}
        self.users = {
            (tenant, user["id"]): dict(user) for tenant, users in truth.items() if tenant != SOURCE for user in users
        }

    def hear(self, journal: Iterable[Json]) -> list[str]:
        wrongs = []
        for entry in journal:
            if entry["tenant"] == SOURCE:
                self._follow(entry)
                continue
            ours = entry["actor"] == self.oracle.writer and not entry["consequence"]
            wrong = self._wrong(entry) if ours else None
            if wrong:
                wrongs.append(f"{entry['tenant']} {entry['objectId']}: {wrong}")
            self._note(entry)
        return wrongs

    # --- the source ---

    def _in_scope(self) -> set[str]:
        found: set[str] = set()
        waiting = list(self.oracle.scope)
        while waiting:
            member = waiting.pop()
            if member not in found:
                found.add(member)
                waiting += () if member in self.deleted else self.members.get(member, ())
        return {user_id for user_id in found if user_id in self.people} - self.deleted - self.ruled_out

    def _follow(self, entry: Json) -> None:
        before = self._in_scope()
        subject, related = entry["objectId"], entry["related"]
        match entry["kind"], entry["type"]:
            case ("memberAdded", _):
                self.members.setdefault(subject, set()).add(related)
            case ("memberRemoved", _):
                self.members.get(subject, set()).discard(related)
            case ("delete" | "purge", _):
                self.deleted.add(subject)
            case ("restore", _):
                self.deleted.discard(subject)
                # A group comes back with those of its members who are there. All else is told of one by one.
                self.members.get(subject, set()).difference_update(self.deleted)
            case ("create", "microsoft.graph.user"):
                self.people[subject] = True
            case ("update", _) if "accountEnabled" in entry["changed"]:
                self.people[subject] = entry["changed"]["accountEnabled"]["after"] is not False
                if self.people[subject]:
                    self.was_blocked[subject] = entry["time"]
        now, at = self._in_scope(), float(entry["time"])
        self.was_out.update(dict.fromkeys(now - before, at))
        self.left.update(dict.fromkeys(before - now, at))

    # --- a target ---

    def _note(self, entry: Json) -> None:
        user = self.users.setdefault((entry["tenant"], entry["objectId"]), {})
        user |= {name: ends["after"] for name, ends in entry["changed"].items()}
        if entry["kind"] == "create":
            self.made.add(entry["objectId"])

    def _wrong(self, entry: Json) -> str | None:
        if entry["kind"] == "create":
            return None
        user = self.users.get((entry["tenant"], entry["objectId"]), {})
        person = self._owner(user.get(self.oracle.marker))
        adopted = self._owner(entry["changed"].get(self.oracle.marker, {}).get("after"))
        at = entry["time"]
        match entry["kind"]:
            case "purge":
                return "purged"
            case "delete" if person is None:
                return "a user who is not ours was deleted"
            case "delete" if person in self._in_scope() and not self._recently(self.was_out, person, at):
                return f"{person} is in scope and was removed"
            case "delete" if at - self.left.get(str(person), 0.0) < self.oracle.grace:
                return f"{person} was removed within the grace days"
            case "update" if _BY_ENTRA in entry["changed"]:
                return None
            case _ if user.get(self.oracle.marker) and person is None:
                return f"another installation's user was changed: {sorted(entry['changed'])}"
            case "update" if adopted is not None and person not in {None, adopted}:
                return "one person's user was given to another"
            case _ if person is None and adopted is None and entry["objectId"] not in self.made:
                return f"a user who is not ours was changed: {sorted(entry['changed']) or entry['kind']}"
            case "update" if adopted is not None and person is None and user.get("creationType") != "Invitation":
                return "an internal user was taken over"
            case "update" if entry["changed"].get("accountEnabled", {}).get("after") is False:
                whose = person or adopted
                blocked = not self.people.get(str(whose), True) or self._recently(self.was_blocked, whose, at)
                gone = whose not in self._in_scope() or self._recently(self.was_out, whose, at)
                return None if blocked or gone else f"{whose} is enabled and was blocked"
        return None

    @staticmethod
    def _recently(times: Mapping[str, float], person: str | None, at: float) -> bool:
        return person is not None and at - times.get(person, -_GRACE) < _GRACE

    def _owner(self, marker: object) -> str | None:
        """The source user whom a marker of ours names."""
        tenant, _, person = str(marker or "").partition("/")
        return person if tenant == self.oracle.source and person else None
