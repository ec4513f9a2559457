"""check, as an administrator of one tenant sees it: policies, consent and quota, read and never changed.

What the app itself may read is `check`'s; what the policies should say is `core.preflight`'s to judge. What Entra does
not show to this administrator is unknown, and says whom to ask; the rest is told all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.app.administrator import RefusedError, Rights, WrongTenantError
from shared.app.consent import consent
from shared.app.onboard import access_settings
from shared.core.access_policy import COLLABORATION, Side, in_effect
from shared.core.preflight import (
    DOMAINS,
    INVITING,
    ROOM,
    ROOM_ELSEWHERE,
    SIGNED_IN,
    Line,
    Verdict,
    collaborates,
    collaboration_title,
    consent_title,
    consented,
    domains,
    may_invite,
    redeemed,
    redemption_title,
    room,
    unseen,
)
from shared.core.registrations import READER, WRITER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from shared.app.administrator import Administrator
    from shared.core.registrations import Registration

RIGHTS: Final = Rights(
    "the policies, the consent or the size",
    "Global Reader",
    ("Policy.Read.All", "Organization.Read.All", "Application.Read.All"),
)

_SOURCE: Final = "source"
_APPS: Final = {READER.setting: "reader", WRITER.setting: "writer"}
_AGAIN: Final = "run this again"


@dataclass(frozen=True, slots=True)
class Seen:
    """What an administrator saw of one tenant."""

    lines: list[Line]
    missing: list[str] | None = None  # what the app is not consented to, in words; None: that could not be seen


def unseen_target(name: str) -> list[Line]:
    """The lines that `see_target` would say more about."""
    return unseen(name, _target_titles(), f"as its administrator: python -m admin check target {name}")


def unseen_source(targets: Iterable[str]) -> list[Line]:
    """The lines that `see_source` would say more about."""
    return unseen(_SOURCE, _source_titles(targets), "as its administrator: python -m admin check source")


async def see_target(administrator: Administrator, name: str, source_id: str, writer: str | None) -> Seen:
    """Look at a target; `writer` is the writer app's client id, where it is known."""
    lines = await _signed_in(administrator, name)
    if lines[0].verdict is not Verdict.PASS:
        return Seen([*lines, *unseen(name, _target_titles(), "see above")])
    missing, line = await _consent(administrator, name, WRITER, writer, _consent_to_writer(name, writer))
    fix = f"python -m admin onboard target {name}"
    lines += [line, *await _access(administrator, name, "the source", source_id, Side.TARGET, fix)]
    lines += await _told(name, [INVITING], _inviting(administrator, name))
    lines.append(domains(name))
    lines += await _told(name, [ROOM], _room(administrator, name), ROOM_ELSEWHERE)
    return Seen(lines, missing)


async def see_source(administrator: Administrator, targets: Mapping[str, str], reader: str | None) -> Seen:
    """Look at the source; `targets` are tenant ids by name, `reader` is the reader app's client id, where known."""
    lines = await _signed_in(administrator, _SOURCE)
    if lines[0].verdict is not Verdict.PASS:
        return Seen([*lines, *unseen(_SOURCE, _source_titles(targets), "see above")])
    missing, line = await _consent(administrator, _SOURCE, READER, reader, "python -m admin register")
    lines.append(line)
    for name, tenant_id in targets.items():
        fix = "python -m admin onboard source"
        lines += await _access(administrator, _SOURCE, name, tenant_id, Side.SOURCE, fix)
    return Seen(lines, missing)


def _consent_to_writer(name: str, writer: str | None) -> str:
    return f"python -m admin onboard target {name} --writer {writer or 'CLIENT_ID'}"


def _target_titles() -> list[str]:
    access = (redemption_title(Side.TARGET, ""), collaboration_title(Side.TARGET, ""))
    return [consent_title(_APPS[WRITER.setting]), *access, INVITING, DOMAINS, ROOM]


def _source_titles(targets: Iterable[str]) -> list[str]:
    titles = [consent_title(_APPS[READER.setting])]
    for name in targets:
        titles += [redemption_title(Side.SOURCE, name), collaboration_title(Side.SOURCE, name)]
    return titles


async def _signed_in(administrator: Administrator, where: str) -> list[Line]:
    try:
        await administrator.check_tenant()
    except (WrongTenantError, RefusedError) as error:
        return [Line(where, SIGNED_IN, Verdict.FAIL, str(error), _AGAIN)]
    return [Line(where, SIGNED_IN, Verdict.PASS)]


async def _told(where: str, titles: list[str], lines: Awaitable[list[Line]], fix: str = _AGAIN) -> list[Line]:
    """Lines, or why they cannot be told."""
    try:
        return await lines
    except RefusedError as error:
        return unseen(where, titles, fix, str(error))


async def _consent(
    administrator: Administrator, where: str, registration: Registration, client_id: str | None, fix: str
) -> tuple[list[str] | None, Line]:
    app = _APPS[registration.setting]
    if client_id is None:
        where_known = f"run this where {registration.setting} is set, or name a local.settings.json with --settings"
        [line] = unseen(where, [consent_title(app)], where_known, "the app's client id is not known here")
        return None, line
    try:
        missing = await consent(administrator, registration, client_id, act=False)
    except RefusedError as error:
        [line] = unseen(where, [consent_title(app)], _AGAIN, str(error))
        return None, line
    return missing, consented(where, app, missing, fix)


async def _access(  # noqa: PLR0917 - one line for each
    administrator: Administrator, where: str, partner: str, partner_id: str, side: Side, fix: str
) -> list[Line]:
    async def lines() -> list[Line]:
        held, default = await access_settings(administrator, partner_id)
        entry = in_effect(held, default)
        by_default = (held or {}).get(COLLABORATION[side]) is None
        return [
            redeemed(where, partner, side, entry, fix),
            collaborates(where, partner, side, entry, by_default=by_default),
        ]

    return await _told(where, [redemption_title(side, partner), collaboration_title(side, partner)], lines())


async def _inviting(administrator: Administrator, where: str) -> list[Line]:
    return [may_invite(where, await administrator.found("/policies/authorizationPolicy") or {})]


async def _room(administrator: Administrator, where: str) -> list[Line]:
    """Only the beta version tells; whatever it says beside a number is no answer."""
    found = await administrator.found("/organization?$select=id,directorySizeQuota", version="beta") or {}
    [organization] = found.get("value") or [{}]
    return [room(where, organization.get("directorySizeQuota"))]
