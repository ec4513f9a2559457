"""check: a preflight of everything that the app needs, on both sides, as lines that pass, fail, or cannot be known.

It asks Graph, the store, the bus and the log with the app's own identity, and changes nothing. What only an
administrator of a tenant can see is `check_tenant`'s. Each line that does not pass says what to do, and how long to
wait where waiting helps. How the app has been doing since is another matter: `status`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.app.check_tenant import unseen_source, unseen_target
from shared.app.subscriptions import RESOURCES
from shared.bus.errors import BusUnavailableError
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.preflight import Line, Verdict, unseen
from shared.core.reason_words import words_for
from shared.store.errors import StoreError
from shared.telemetry.log_sink import LogTable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.app.parts import Parts, TargetParts
    from shared.telemetry.log_sink import Refusal

READER: Final = frozenset({"User.Read.All", "Group.Read.All"})
WRITER: Final = frozenset({"User.Invite.All", "User.ReadWrite.All"})
_BROADER: Final = {
    "User.Read.All": {"User.ReadWrite.All", "Directory.Read.All"},
    "Group.Read.All": {"Directory.Read.All"},
}
_PASSES: Final = frozenset({FaultSize.TRANSIENT, FaultSize.THROTTLED})
_WAIT: Final = "a consent takes up to an hour to be in effect"
_GROUP: Final = "--resource-group $(azd env get-value AZURE_RESOURCE_GROUP)"


async def check(parts: Parts) -> AsyncIterator[Line]:
    """Check everything, one line after the other; nothing that fails ends it."""
    yield await _store(parts)
    for name in (*parts.targets, "control"):
        yield await _bus(parts, name)
    async for line in _logs(parts):
        yield line
    async for line in check_source(parts):
        yield line
    for line in unseen_source(parts.targets):
        yield line
    for name in parts.targets:
        async for line in check_target(parts, name):
            yield line
        for line in unseen_target(name):
            yield line


async def check_source(parts: Parts, missing: list[str] | None = None) -> AsyncIterator[Line]:
    """What the app sees of the source; `missing` is what an administrator says that it is not consented to."""
    fix = "python -m admin register"
    yield _permissions("source", READER, await parts.source.roles(), missing, fix)
    async for line in _groups(parts):
        yield line
    yield await _subscriptions(parts)


async def check_target(parts: Parts, name: str, missing: list[str] | None = None) -> AsyncIterator[Line]:
    """What the app sees of a target; `missing` as above."""
    hands = parts.targets[name]
    fix = f"python -m admin onboard target {name} --writer {parts.settings.writer_client_id}"
    yield _permissions(name, WRITER, await hands.directory.roles(), missing, fix)
    async for line in _users(hands):
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


async def _logs(parts: Parts) -> AsyncIterator[Line]:
    if parts.settings.logs_ingestion_endpoint is None:
        yield Line("app", "the logs are taken", Verdict.PASS, "as lines on standard error: LOGS_RULE_ID is not set")
        return
    for table in LogTable:
        yield _log(table, await parts.log.refusal(table))
    workspace = "--workspace-name $(azd env get-value LOG_ANALYTICS_WORKSPACE)"
    tables = f"az monitor log-analytics workspace table list {_GROUP} {workspace} --output table"
    workbook = f"az resource list {_GROUP} --resource-type Microsoft.Insights/workbooks --output table"
    cannot = "the app may send to the workspace, and not look into it"
    for line in (
        *unseen("app", ["the tables of the logs are there"], f"as somebody who may: {tables}", cannot),
        *unseen("app", ["the workbook is there"], f"as somebody who may: {workbook}", cannot),
    ):
        yield line


def _log(table: LogTable, refusal: Refusal | None) -> Line:
    """What an upload of no rows came to. Azure documents 403 and its wait; that an array may be empty, nowhere."""
    what = f"rows of {table} are taken"
    if refusal is None:
        return Line("app", what, Verdict.PASS, "an upload without rows was")
    found = "the service did not answer" if refusal.status is None else f"{refusal.status} {refusal.code}".strip()
    settings = "LOGS_INGESTION_ENDPOINT and LOGS_RULE_ID name another rule than the one of azd up; run it again"
    match refusal.status:
        case 401 | 403:
            fix = (
                "the app's identity needs Monitoring Metrics Publisher on the data collection rule, which azd up gives"
                " it; a role takes up to 30 minutes to be in effect"
            )
            return Line("app", what, Verdict.FAIL, found, fix)
        case 404:
            return Line("app", what, Verdict.FAIL, found, settings)
        case 400 if "stream" in refusal.code.lower():
            return Line("app", what, Verdict.FAIL, found, settings)
        case 400:
            fix = "nothing, where rows arrive: it may be that the service takes no empty upload"
            return Line("app", what, Verdict.UNKNOWN, found, fix)
        case _:
            return Line("app", what, Verdict.UNKNOWN, found, "try again; rows are kept until they are taken")


def _permissions(
    where: str, needed: frozenset[str], held: frozenset[str] | Fault, missing: list[str] | None, consent: str
) -> Line:
    """Whether the token has the permissions; an administrator knows whether a consent is missing, or is only young."""
    app = "reader" if needed is READER else "writer"
    what = f"the {app} app may sign in, with its permissions"
    side = "source" if needed is READER else f"target {where}"
    if missing is None:
        told = f"python -m admin check {side} tells as its administrator whether it is missing or only young"
        fix = f"consent to the {app} app: {consent}; {_WAIT}: {told}"
    elif missing:
        fix = f"consent to the {app} app: {consent}; {_WAIT}"
    else:
        fix = f"wait, and check again: it is consented to, and not in effect yet; {_WAIT}"
    if isinstance(held, Fault):
        if missing == []:
            fix += "; where waiting does not help: docs/deploy.md, The federation"
        return _failed(where, what, held, fix)
    lacking = sorted(each for each in needed if each not in held and not _BROADER.get(each, set()) & held)
    if lacking:
        return Line(where, what, Verdict.FAIL, f"without {', '.join(lacking)}", fix)
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


async def _users(hands: TargetParts) -> AsyncIterator[Line]:
    name = hands.target.name
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


def _failed(where: str, what: str, fault: Fault, fix: str) -> Line:
    """Trouble that passes is no answer."""
    words = words_for(fault.code)
    verdict = Verdict.UNKNOWN if fault.size in _PASSES else Verdict.FAIL
    return Line(where, what, verdict, f"{fault.code}: {words.reason}", fix or words.advice or "try again")
