"""What a target should hold, from the story alone: the oracle.

It knows Contoso's rules in its own words (the group, the attributes that follow, the marker) and the source's
ground truth. It shares no code with the app, so that neither can excuse the other's mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Json = Mapping[str, Any]

_FOLLOWING: Final = (
    "accountEnabled", "displayName", "givenName", "surname", "jobTitle", "department", "employeeId", "officeLocation",
    "streetAddress", "city", "state", "postalCode", "country", "businessPhones", "preferredLanguage",
)  # fmt: skip
_COMPANY: Final = "Contoso US"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One target against what it should hold. The lists name people by mail address."""

    expected: int
    actual: int
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    different: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the target holds exactly what it should."""
        return not (self.missing or self.unexpected or self.different)


@dataclass(frozen=True, slots=True)
class Expectation:
    """The people who should be in every target, and how."""

    marker: str  # name of the extension attribute
    source_tenant_id: str
    people: Mapping[str, Json] = field(default_factory=dict)  # source users by id, from the ground truth

    def compare(self, before: Iterable[Json], now: Iterable[Json]) -> Comparison:
        """Compare a target's live users with what should be there.

        `before` is what the target held before the story: its own people, who must not have been touched, and
        guests invited by hand, who may have been adopted.
        """
        live = list(now)
        by_marker: dict[str, list[Json]] = {}
        for user in live:
            by_marker.setdefault(str(user.get(self.marker) or ""), []).append(user)
        earlier = {user["id"]: user for user in before}
        target_ids = {
            source_id: found[0]["id"]
            for source_id in self.people
            if (found := by_marker.get(f"{self.source_tenant_id}/{source_id}"))
        }
        missing: list[str] = []
        different: list[str] = []
        accounted: set[str] = set()
        for source_id, person in self.people.items():
            found = by_marker.get(f"{self.source_tenant_id}/{source_id}", [])
            if not found:
                missing.append(_name(person))
                continue
            accounted.add(found[0]["id"])
            wrong = self._differences(person, found[0], target_ids, adopted=found[0]["id"] in earlier)
            if wrong:
                different.append(f"{_name(person)}: {', '.join(wrong)}")
        unexpected: list[str] = []
        for user in live:
            if user["id"] in accounted:
                continue
            if user["id"] not in earlier:
                unexpected.append(_name(user))
            elif changed := _touched(earlier[user["id"]], user):
                different.append(f"{_name(user)} (not ours): {', '.join(changed)}")
        unexpected += [_name(user) for user_id, user in earlier.items() if user_id not in {u["id"] for u in live}]
        untouched = sum(user_id not in accounted for user_id in earlier)
        return Comparison(
            expected=len(self.people) + untouched,
            actual=len(live),
            missing=tuple(sorted(missing)),
            unexpected=tuple(sorted(unexpected)),
            different=tuple(sorted(different)),
        )

    def _differences(self, person: Json, user: Json, target_ids: Mapping[str, str], *, adopted: bool) -> list[str]:
        wrong = [name for name in _FOLLOWING if not _same(person.get(name), user.get(name))]
        if user.get("companyName") != _COMPANY:
            wrong.append("companyName")
        if not adopted and user.get("userType") != "Member":
            wrong.append("userType")
        manager = _manager_id(person)
        if (target_ids.get(manager) if manager else None) != _manager_id(user):
            wrong.append("manager")
        return wrong


def _name(user: Json) -> str:
    return str(user.get("mail") or user.get("userPrincipalName") or user["id"])


def _manager_id(user: Json) -> str | None:
    manager = user.get("manager")
    if isinstance(manager, dict):
        manager = manager.get("id")
    return manager if isinstance(manager, str) else None


def _same(wanted: object, held: object) -> bool:
    return (wanted or None) == (held or None) if not isinstance(wanted, bool) else wanted is held


def _touched(before: Json, now: Json) -> list[str]:
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
