"""Lines of a preflight, and what to make of a tenant's policies as an administrator reads them.

Graph tells what a policy says, and not since when; Entra acts on a change some time later. So whoever passes is told
how long that takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from shared.core.access_policy import Reach, Side, needed, reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SIGNED_IN: Final = "an administrator is signed in"
INVITING: Final = "an app may invite"
DOMAINS: Final = "the source's mail domains may be invited"
ROOM: Final = "the tenant has room for more users"
ROOM_ELSEWHERE: Final = "ask for it in Graph Explorer: /beta/organization?$select=directorySizeQuota"

_POLICY_WAIT: Final = "Entra takes 15 to 60 minutes to act on a change"
_CROSS_TENANT: Final = "Entra, External Identities, Cross-tenant access settings"
_COLLABORATION: Final = "Entra, External Identities, External collaboration settings"
_MEMBERS_INVITE: Final = frozenset({"everyone", "adminsGuestInvitersAndAllMembers"})
_NO_APP_INVITES: Final = frozenset({"none", "adminsAndGuestInviters"})
_GUEST_ROLES: Final = {
    "a0b1b346-4d3e-4e8b-98f8-753987be4970": "guests may see what members may",
    "10dae51f-b6af-4016-8d66-8c2a99b929b3": "guests may see little of the directory",
    "2af84b1e-32c8-42b7-82bc-daa82404023b": "guests may see themselves alone",
}
_NEARLY_FULL: Final = 0.9


class Verdict(StrEnum):
    """How a line ends."""

    PASS = "pass"  # noqa: S105  no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was checked."""

    where: str  # "source", a target's name, or "app"
    what: str
    verdict: Verdict
    found: str = ""
    fix: str = ""  # where it did not pass, or is about to


def redemption_title(side: Side, partner: str) -> str:
    """What a tenant's line on automatic redemption is called."""
    return (
        "invitations are redeemed automatically"
        if side is Side.TARGET
        else f"invitations to {partner} are redeemed automatically"
    )


def collaboration_title(side: Side, partner: str) -> str:
    """What a tenant's line on B2B collaboration is called."""
    return f"B2B collaboration lets people {'in from the source' if side is Side.TARGET else f'go to {partner}'}"


def consent_title(app: str) -> str:
    """What the line on an app registration's consent is called."""
    return f"the {app} app is consented to"


def unseen(where: str, titles: Iterable[str], fix: str, found: str = "only an administrator can see it") -> list[Line]:
    """Lines that nobody looked at who may."""
    return [Line(where, title, Verdict.UNKNOWN, found, fix) for title in titles]


def consented(where: str, app: str, missing: list[str], fix: str) -> Line:
    """Whether an app registration is consented to; `missing` says in words what is not."""
    if missing:
        return Line(where, consent_title(app), Verdict.FAIL, f"still to do: {', '.join(missing)}", fix)
    return Line(where, consent_title(app), Verdict.PASS)


def redeemed(where: str, partner: str, side: Side, entry: Mapping[str, Any], fix: str) -> Line:
    """Whether an entry of cross-tenant access settings, as it is in effect, redeems invitations automatically."""
    title = redemption_title(side, partner)
    if needed(entry, side):
        return Line(where, title, Verdict.FAIL, "off", f"{fix}; {_POLICY_WAIT}")
    return Line(where, title, Verdict.PASS, f"on; if that was changed within the last hour, wait: {_POLICY_WAIT}")


def collaborates(where: str, partner: str, side: Side, entry: Mapping[str, Any], *, by_default: bool) -> Line:
    """Whether an entry, as it is in effect, lets people pass; `by_default` where the default settings say it."""
    title, whose = collaboration_title(side, partner), "default settings" if by_default else "settings"
    direction = "inbound" if side is Side.TARGET else "outbound"
    match reach(entry, side):
        case Reach.EVERYBODY:
            return Line(where, title, Verdict.PASS)
        case Reach.NOBODY:
            fix = f"allow it for {partner}: {_CROSS_TENANT}, {direction}, B2B collaboration; {_POLICY_WAIT}"
            return Line(where, title, Verdict.FAIL, f"the {whose} block everybody", fix)
        case Reach.SOME:
            fix = f"see that everybody in scope is among them: {_CROSS_TENANT}, {direction}, B2B collaboration"
            return Line(where, title, Verdict.UNKNOWN, f"the {whose} let some people pass, and others not", fix)


def may_invite(where: str, policy: Mapping[str, Any]) -> Line:
    """Whether the guest invite settings (Graph's authorizationPolicy) let an app invite, which is no administrator."""
    who = str(policy.get("allowInvitesFrom"))
    fix = f"let members invite, or everyone: {_COLLABORATION}, Guest invite settings"
    if who in _NO_APP_INVITES:
        return Line(where, INVITING, Verdict.FAIL, f"allowInvitesFrom is {who}", fix)
    if who not in _MEMBERS_INVITE:
        return Line(where, INVITING, Verdict.UNKNOWN, f"allowInvitesFrom is {who}, which is unknown here", fix)
    guests = _GUEST_ROLES.get(str(policy.get("guestUserRoleId")).lower())
    return Line(where, INVITING, Verdict.PASS, f"allowInvitesFrom is {who}" + (f"; {guests}" if guests else ""))


def domains(where: str) -> Line:
    """Graph has the lists of allowed and blocked domains in beta alone, behind a permission of their own."""
    fix = f"see that the source's mail domains are not refused: {_COLLABORATION}, Collaboration restrictions"
    return Line(where, DOMAINS, Verdict.UNKNOWN, "Graph does not tell in its version 1.0", fix)


def room(where: str, quota: object) -> Line:
    """Whether the directory's quota (Graph's directorySizeQuota) leaves room for more objects."""
    used, total = (quota.get("used"), quota.get("total")) if isinstance(quota, dict) else (None, None)
    if not isinstance(used, int) or not isinstance(total, int) or total <= 0:
        return Line(where, ROOM, Verdict.UNKNOWN, "Graph does not tell", ROOM_ELSEWHERE)
    found = f"{used:,} of {total:,} objects are used"
    fix = "purge what is in the bin and not needed, or ask Microsoft's support for a larger quota"
    if used >= total:
        return Line(where, ROOM, Verdict.FAIL, found, fix)
    if used >= total * _NEARLY_FULL:
        return Line(where, ROOM, Verdict.PASS, f"{found}, which is nearly all", fix)
    return Line(where, ROOM, Verdict.PASS, found)
