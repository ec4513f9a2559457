"""People and administrators at work in the tenants: what each event of the plan does there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.tenants.contoso import (
    CROSS_TENANT_USERS_GROUP_ID,
    ENGINEERING_GROUP_ID,
    MARKER,
    MARKETING_GROUP_ID,
    SOURCE_TENANT_ID,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulation.plan import Event
    from simulation.tenants import Tenants

TARGETS: Final = ("emea", "apac")
_OUTSIDE: Final = 0.3  # share of those hired who are in no group
_TEAMS: Final = (ENGINEERING_GROUP_ID, MARKETING_GROUP_ID)
_WORDS: Final = ("Research", "Sales", "Legal", "Field Service", "Åre & Søn", "Finance")
_PROPERTIES: Final = ("department", "jobTitle", "city", "displayName", "officeLocation", "givenName")


class Life:
    """Carries out events; numbers become people, teams and targets here."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants
        self._people: list[str] = sorted(user["id"] for user in self._users("source"))
        self._hired = 0
        self._works: Mapping[str, Callable[[Event], None]] = {
            "joins": self._joins,
            "leaves": self._leaves,
            "joinsTeam": self._joins_team,
            "leavesTeam": self._leaves_team,
            "nested": self._nested,
            "unnested": self._unnested,
            "groupDeleted": self._group_deleted,
            "groupRestored": self._group_restored,
            "hired": self._hire,
            "deleted": self._deleted,
            "restored": self._restored,
            "blocked": self._blocked,
            "unblocked": self._unblocked,
            "changed": self._changed,
            "renamed": self._renamed,
            "managed": self._managed,
            "unmanaged": self._unmanaged,
            "changedInTarget": self._changed_in_target,
            "blockedInTarget": self._blocked_in_target,
            "deletedInTarget": self._deleted_in_target,
            "invitedByHand": self._invited_by_hand,
        }

    def happens(self, event: Event) -> None:
        """Do what an event says."""
        self._works[event.name](event)

    # --- in the source ---

    def _joins(self, event: Event) -> None:
        self._add(CROSS_TENANT_USERS_GROUP_ID, self._person(event.first))

    def _leaves(self, event: Event) -> None:
        self._remove(CROSS_TENANT_USERS_GROUP_ID, self._person(event.first))

    def _joins_team(self, event: Event) -> None:
        self._add(_team(event), self._person(event.first))

    def _leaves_team(self, event: Event) -> None:
        self._remove(_team(event), self._person(event.first))

    def _nested(self, event: Event) -> None:
        self._add(CROSS_TENANT_USERS_GROUP_ID, _team(event))

    def _unnested(self, event: Event) -> None:
        self._remove(CROSS_TENANT_USERS_GROUP_ID, _team(event))

    def _group_deleted(self, event: Event) -> None:
        self._source("DELETE", f"/groups/{_team(event)}")

    def _group_restored(self, event: Event) -> None:
        self._source("POST", f"/directory/deletedItems/{_team(event)}/restore")

    def _hire(self, event: Event) -> None:
        """Into the scoping group, or into none."""
        groups = [CROSS_TENANT_USERS_GROUP_ID] if event.share > _OUTSIDE else []
        self._hired += 1
        body = {"tenant": "source", "count": 1, "seed": event.second, "first": 1000 + self._hired, "groups": groups}
        self._people += self._tenants.control("POST", "users/generate", body | {"managers": False})["ids"]

    def _deleted(self, event: Event) -> None:
        self._source("DELETE", f"/users/{self._person(event.first)}")

    def _restored(self, event: Event) -> None:
        binned = [user["id"] for user in self._users("source", deleted=True)]
        if binned:
            self._source("POST", f"/directory/deletedItems/{sorted(binned)[event.first % len(binned)]}/restore")

    def _blocked(self, event: Event) -> None:
        self._source("PATCH", f"/users/{self._person(event.first)}", {"accountEnabled": False})

    def _unblocked(self, event: Event) -> None:
        blocked = [user["id"] for user in self._users("source") if user.get("accountEnabled") is False]
        if blocked:
            self._source("PATCH", f"/users/{sorted(blocked)[event.first % len(blocked)]}", {"accountEnabled": True})

    def _changed(self, event: Event) -> None:
        self._source("PATCH", f"/users/{self._person(event.first)}", {_property(event): _word(event)})

    def _renamed(self, event: Event) -> None:
        address = f"renamed{event.second}.{event.first}@contoso.com"
        self._source("PATCH", f"/users/{self._person(event.first)}", {"userPrincipalName": address, "mail": address})

    def _managed(self, event: Event) -> None:
        body = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{self._person(event.second)}"}
        self._source("PUT", f"/users/{self._person(event.first)}/manager/$ref", body)

    def _unmanaged(self, event: Event) -> None:
        self._source("DELETE", f"/users/{self._person(event.first)}/manager/$ref")

    # --- in a target, by hand ---

    def _changed_in_target(self, event: Event) -> None:
        self._ours(event, "PATCH", {_property(event): f"{_word(event)} by hand"})

    def _blocked_in_target(self, event: Event) -> None:
        self._ours(event, "PATCH", {"accountEnabled": False})

    def _deleted_in_target(self, event: Event) -> None:
        self._ours(event, "DELETE", None)

    def _invited_by_hand(self, event: Event) -> None:
        wanted = self._person(event.first)
        for user in self._users("source"):
            if user["id"] == wanted and user.get("mail"):
                body = {
                    "invitedUserEmailAddress": user["mail"],
                    "inviteRedirectUrl": "https://myapplications.microsoft.com",
                    "sendInvitationMessage": False,
                }
                self._tenants.administer(_target(event), "POST", "/invitations", body)

    # --- words ---

    def _person(self, number: int) -> str:
        return self._people[number % len(self._people)]

    def _users(self, tenant: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        users = self._tenants.control("GET", f"tenants/{tenant}/users")["value"]
        return [user for user in users if user["deleted"] is deleted]

    def _ours(self, event: Event, method: str, body: dict[str, Any] | None) -> None:
        """Do something by hand to a user of ours in a target."""
        ours = sorted(
            user["id"]
            for user in self._users(_target(event))
            if str(user.get(MARKER) or "").startswith(SOURCE_TENANT_ID)
        )
        if ours:
            self._tenants.administer(_target(event), method, f"/users/{ours[event.first % len(ours)]}", body)

    def _add(self, group: str, member: str) -> None:
        body = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{member}"}
        self._source("POST", f"/groups/{group}/members/$ref", body)

    def _remove(self, group: str, member: str) -> None:
        self._source("DELETE", f"/groups/{group}/members/{member}/$ref")

    def _source(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        self._tenants.administer("source", method, path, body)


def _team(event: Event) -> str:
    return _TEAMS[event.second % len(_TEAMS)]


def _target(event: Event) -> str:
    return TARGETS[event.second % len(TARGETS)]


def _property(event: Event) -> str:
    return _PROPERTIES[event.second % len(_PROPERTIES)]


def _word(event: Event) -> str:
    return f"{_WORDS[event.second % len(_WORDS)]} {int(event.share * 100)}"
