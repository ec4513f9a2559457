"""check: a preflight of everything that the app needs, on both sides, as lines that pass, fail, or cannot be known.

It asks Graph, the store and the bus with the app's own identity, and changes nothing. Each line that does not pass says
what to do. How the app has been doing since is another matter: `status`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from shared.app.subscriptions import RESOURCES
from shared.bus.errors import BusUnavailableError
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.reason_words import words_for
from shared.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.app.parts import Parts, TargetParts

READER: Final = frozenset({"User.Read.All", "Group.Read.All"})
WRITER: Final = frozenset({"User.Invite.All", "User.ReadWrite.All"})
_BROADER: Final = {
    "User.Read.All": {"User.ReadWrite.All", "Directory.Read.All"},
    "Group.Read.All": {"Directory.Read.All"},
}
_PASSES: Final = frozenset({FaultSize.TRANSIENT, FaultSize.THROTTLED})
_WAIT: Final = "after a consent, tokens of before live on for an hour"


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
    fix: str = ""  # where it did not pass


async def check(parts: Parts) -> AsyncIterator[Line]:
    """Check everything, one line after the other; nothing that fails ends it."""
    yield await _store(parts)
    for name in (*parts.targets, "control"):
        yield await _bus(parts, name)
    yield _permissions("source", READER, await parts.source.roles())
    async for line in _groups(parts):
        yield line
    yield await _subscriptions(parts)
    for hands in parts.targets.values():
        async for line in _target(hands):
            yield line


async def _store(parts: Parts) -> Line:
    what = "the store answers"
    try:
        await parts.store.get_state("check")
    except StoreError as error:
        return Line("app", what, Verdict.FAIL, str(error), "see STORE_URL, and the app's role on the storage account")
    return Line("app", what, Verdict.PASS)


async def _bus(parts: Parts, subscription: str) -> Line:
    what = f"the topic's subscription {subscription} can be read"
    try:
        await parts.topic.waiting(subscription)
    except BusUnavailableError as error:
        fix = "run azd up, which makes a subscription for each target; see the app's role on the namespace"
        return Line("app", what, Verdict.FAIL, str(error), fix)
    return Line("app", what, Verdict.PASS)


def _permissions(where: str, needed: frozenset[str], held: frozenset[str] | Fault) -> Line:
    app = "reader" if needed is READER else "writer"
    what = f"the {app} app may sign in, with its permissions"
    fix = f"consent to the {app} app as docs/deploy.md says; {_WAIT}"
    if isinstance(held, Fault):
        return _failed(where, what, held, fix)
    missing = sorted(each for each in needed if each not in held and not _BROADER.get(each, set()) & held)
    if missing:
        return Line(where, what, Verdict.FAIL, f"without {', '.join(missing)}", fix)
    return Line(where, what, Verdict.PASS, ", ".join(sorted(held)))


async def _groups(parts: Parts) -> AsyncIterator[Line]:
    groups = list(dict.fromkeys(group for hands in parts.targets.values() for group in hands.target.scope.groups))
    names = await parts.source.group_names(groups)
    for group in groups:
        what = f"scoping group {group} can be read"
        if group in names:
            yield Line("source", what, Verdict.PASS, names[group])
        else:
            fix = "correct its id in sync.yaml, or restore it; see the permissions above"
            yield Line("source", what, Verdict.FAIL, "not found, or not to be read", fix)


async def _subscriptions(parts: Parts) -> Line:
    what = "changes are told by notifications"
    try:
        records = await parts.store.get_subscriptions()
    except StoreError:
        return Line("source", what, Verdict.UNKNOWN, "the store does not answer", "see above")
    alive = [each for each in records if each.expires_at is not None and each.expires_at > parts.clock.now()]
    if len(alive) < len(RESOURCES):
        fix = "wait a quarter of an hour for keep_subscriptions; then see NOTIFICATION_URL and the app's log"
        return Line("source", what, Verdict.FAIL, f"{len(alive)} of {len(RESOURCES)} subscriptions live", fix)
    until = min(str(each.expires_at) for each in alive)
    return Line("source", what, Verdict.PASS, f"both subscriptions live until {until[:16]}")


async def _target(hands: TargetParts) -> AsyncIterator[Line]:
    name = hands.target.name
    yield _permissions(name, WRITER, await hands.directory.roles())
    reached = await hands.directory.reach()
    what = "users can be read"
    yield Line(name, what, Verdict.PASS) if reached is None else _failed(name, what, reached, "")
    what = "the marker's property is known"
    marker = await hands.directory.knows_marker()
    if marker is None:
        yield Line(name, what, Verdict.PASS)
    elif reached is not None:
        yield Line(name, what, Verdict.UNKNOWN, "users cannot be read", "see above")
    else:
        fix = "python -m admin register adds the extension attribute crosstenantSource to the writer app"
        yield _failed(name, what, marker, fix)
    yield Line(
        name,
        "invitations are redeemed automatically",
        Verdict.UNKNOWN,
        "the app may not read cross-tenant access settings",
        f"python -m admin onboard target {name} and python -m admin onboard source show and set them; a change takes"
        " up to an hour",
    )


def _failed(where: str, what: str, fault: Fault, fix: str) -> Line:
    """Trouble that passes is no answer."""
    words = words_for(fault.code)
    verdict = Verdict.UNKNOWN if fault.size in _PASSES else Verdict.FAIL
    return Line(where, what, verdict, f"{fault.code}: {words.reason}", fix or words.advice or "try again")
