"""What two tenants have to allow each other, as entries of Entra's cross-tenant access settings.

Each side has one entry for the other tenant. The target lets the source's people in without asking them: invitations
are redeemed by themselves, and, where it wants to, the multifactor authentication of their own tenant counts. The
source lets them go in the same way. What an entry holds beside that is nobody's business here, and stays. What it
leaves open, the tenant's default settings say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CONSENT: Final = "automaticUserConsentSettings"
_TRUST: Final = "inboundTrust"


class Side(StrEnum):
    """Whose settings these are."""

    TARGET = "target"
    SOURCE = "source"


COLLABORATION: Final = {Side.TARGET: "b2bCollaborationInbound", Side.SOURCE: "b2bCollaborationOutbound"}
_REDEMPTION: Final = {Side.TARGET: "inboundAllowed", Side.SOURCE: "outboundAllowed"}


class Reach(StrEnum):
    """Whom B2B collaboration lets pass."""

    EVERYBODY = "everybody"
    SOME = "some"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that is to be another. `before` is None where it was never set, and Entra's default holds: off."""

    title: str
    property: str  # of Graph's entry, and
    part: str  # of that property
    before: bool | None
    after: bool


def in_effect(entry: Mapping[str, Any] | None, default: Mapping[str, Any]) -> dict[str, Any]:
    """An entry (Graph's JSON; None where there is none yet) with the default's properties where it has none."""
    return {**default, **{name: value for name, value in (entry or {}).items() if value is not None}}


def needed(entry: Mapping[str, Any], side: Side, *, trust_mfa: bool = False, undo: bool = False) -> list[Setting]:
    """The settings of an entry, as it is in effect, that have to be changed."""
    wanted = [("Redeem invitations automatically", _CONSENT, _REDEMPTION[side])]
    if trust_mfa and side is Side.TARGET:
        wanted.append(("Trust the multifactor authentication of the source", _TRUST, "isMfaAccepted"))
    settings = [
        Setting(title, name, member, (entry.get(name) or {}).get(member), not undo) for title, name, member in wanted
    ]
    return [setting for setting in settings if bool(setting.before) is not setting.after]


def body(entry: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """What to send to Graph: the properties that change, with their other parts as they are in effect."""
    changed: dict[str, Any] = {}
    for setting in settings:
        held = changed.get(setting.property) or entry.get(setting.property) or {}
        changed[setting.property] = {**held, setting.part: setting.after}
    return changed


def reach(entry: Mapping[str, Any], side: Side) -> Reach:
    """Whom an entry, as it is in effect, lets pass by B2B collaboration."""
    users = (entry.get(COLLABORATION[side]) or {}).get("usersAndGroups") or {}
    everybody = any(str(each.get("target")) == "AllUsers" for each in users.get("targets") or ())
    if not users or (everybody and users.get("accessType") == "allowed"):
        return Reach.EVERYBODY
    return Reach.NOBODY if everybody and users.get("accessType") == "blocked" else Reach.SOME


def blocks(entry: Mapping[str, Any], side: Side) -> bool:
    """Whether an entry, as it is in effect, keeps everybody of the other tenant out (or in): nothing else helps."""
    return reach(entry, side) is Reach.NOBODY
