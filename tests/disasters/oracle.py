"""Was anybody wronged? The judge of a disaster: it reads the tenants' whole journal, and shares no code with the app.

Every change of every tenant passes by in its order, so at each write of the app it is known who was in scope at
that moment and whose the target user was. Three things are wrong whatever the circumstances: to remove or block
somebody who is in scope and enabled, to change a user of the target who is not ours, and to purge anybody.
"""

from __future__ import annotations

_WRITER = "22222222-aaaa-4000-8000-000000000002"
_GRACE = 60.0
"""Seconds. Proof was true when it was read, and somebody may have come back since: replicas lag by so much."""


class Oracle:
    """Follows the truth from a moment on."""

    def __init__(self, truth, groups, *, scope, marker, source):
        """`truth` holds the live users of each tenant at that moment, `groups` those of the source."""
        self._marker = marker
        self._source = source
        self._scope = scope
        self._people = {user["id"]: user.get("accountEnabled") is not False for user in truth["source"]}
        self._deleted = set()
        self._ruled_out = frozenset()
        self._members = {group["id"]: set(group["members"]) for group in groups}
        self._was_out = {}  # when somebody who is in scope was last seen outside
        self._was_blocked = {}
        self._users = {
            (tenant, user["id"]): dict(user) for tenant, users in truth.items() if tenant != "source" for user in users
        }
        self._made = set()

    def wrongs(self, journal, *, ruled_out=frozenset()):
        """Every wrong in the journal since that moment, in words. To be given each time from the beginning.

        It may be right to remove those who are in `ruled_out`, whatever their groups.
        """
        again = Oracle.__new__(Oracle)
        for name, value in vars(self).items():
            setattr(again, name, _copy(value))
        again._ruled_out = ruled_out
        return again._judge(journal)

    def _judge(self, journal):
        wrongs = []
        for entry in journal:
            if entry["tenant"] == "source":
                self._follow(entry)
                continue
            wrong = self._wrong(entry) if entry["actor"] == _WRITER and not entry["consequence"] else None
            if wrong:
                wrongs.append(f"{entry['tenant']} {entry['objectId']}: {wrong}")
            self._note(entry)
        return wrongs

    # --- the source ---

    def _in_scope(self):
        found, waiting = set(), list(self._scope)
        while waiting:
            member = waiting.pop()
            if member not in found:
                found.add(member)
                waiting += self._members.get(member, ())
        return {user_id for user_id in found if user_id in self._people} - self._deleted - self._ruled_out

    def _follow(self, entry):
        before = self._in_scope()
        subject, related = entry["objectId"], entry["related"]
        match entry["kind"], entry["type"]:
            case ("memberAdded", _) if not entry["consequence"]:
                self._members.setdefault(subject, set()).add(related)
            case ("memberRemoved", _) if not entry["consequence"]:
                self._members.get(subject, set()).discard(related)
            case ("delete" | "purge", "microsoft.graph.user"):
                self._deleted.add(subject)
            case ("restore", "microsoft.graph.user"):
                self._deleted.discard(subject)
            case ("create", "microsoft.graph.user"):
                self._people[subject] = True
            case ("update", _) if "accountEnabled" in entry["changed"]:
                self._people[subject] = entry["changed"]["accountEnabled"]["after"] is not False
                if self._people[subject]:
                    self._was_blocked[subject] = entry["time"]
        for user_id in self._in_scope() - before:
            self._was_out[user_id] = entry["time"]

    # --- a target ---

    def _note(self, entry):
        user = self._users.setdefault((entry["tenant"], entry["objectId"]), {})
        user |= {name: ends["after"] for name, ends in entry["changed"].items()}
        if entry["kind"] == "create":
            self._made.add(entry["objectId"])

    def _wrong(self, entry):
        if entry["kind"] == "create":
            return None
        user = self._users.get((entry["tenant"], entry["objectId"]), {})
        person = self._owner(user.get(self._marker))
        adopted = self._owner(entry["changed"].get(self._marker, {}).get("after"))
        at = entry["time"]
        match entry["kind"]:
            case "purge":
                return "purged"
            case "delete" if person is None:
                return "a user who is not ours was deleted"
            case "delete" if person in self._in_scope() and at - self._was_out.get(person, -_GRACE) >= _GRACE:
                return f"{person} is in scope and was removed"
            case _ if user.get(self._marker) and person is None:
                return f"another installation's user was changed: {sorted(entry['changed'])}"
            case "update" if adopted is not None and person not in {None, adopted}:
                return "one person's user was given to another"
            case _ if person is None and adopted is None and entry["objectId"] not in self._made:
                return f"a user who is not ours was changed: {sorted(entry['changed']) or entry['kind']}"
            case "update" if adopted is not None and person is None and user.get("creationType") != "Invitation":
                return "an internal user was taken over"
            case "update" if entry["changed"].get("accountEnabled", {}).get("after") is False:
                whose = person or adopted
                blocked = not self._people.get(whose, True) or at - self._was_blocked.get(whose, -_GRACE) < _GRACE
                return None if blocked else f"{whose} is enabled and was blocked"
        return None

    def _owner(self, marker):
        """The source user whom a marker of ours names."""
        tenant, _, person = str(marker or "").partition("/")
        return person if tenant == self._source and person else None


def _copy(value):
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return set(value) if isinstance(value, set) else value
