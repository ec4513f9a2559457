"""Trouble, made up: what the cloud does to an app on a bad day. Each is a rule with a weight; a seed chooses.

Nothing here is rarer than in the cloud, and much is more frequent: a day of bad luck in minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.chaos.deeds import CutBus, Forge, KillHost, Manners, Poison, StrikeGraph, StrikeLogs, WithdrawConsent
from sandbox.story.cloud import NOTIFICATIONS
from sandbox.tenants.contoso import READER_APP_ID, WRITER_APP_ID

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from sandbox.chaos.deeds import Trouble

Told = tuple["Trouble", str]

_BATCH: Final = r"POST /\$batch"
_WRITES: Final = (
    "POST /invitations",
    "PATCH /users/{id}",
    "DELETE /users/{id}",
    "PUT /users/{id}/manager/$ref",
    "POST /directory/deletedItems/{id}/restore",
)
_READS: Final = "GET /users.*|POST /users/{id}/checkMember.*|GET /groups.*|GET /directory.*"
_LOGIN: Final = "POST /{tenant}/oauth2/v2.0/token"


def trouble(chance: random.Random, targets: Sequence[str], people: Sequence[str]) -> Told:
    """One trouble."""
    rules: Sequence[tuple[int, Callable[[], Told]]] = (
        (6, lambda: _throttled(chance, targets)),
        (6, lambda: _fails(chance, targets)),
        (8, lambda: _answer_lost(chance, targets)),
        (5, lambda: _spoiled(chance, targets)),
        (5, lambda: _source_fails(chance)),
        (2, lambda: _slow(chance, targets)),
        (2, lambda: _login_fails(chance)),
        (5, lambda: _notifications(chance)),
        (3, lambda: _replicas(chance)),
        (2, lambda: _forged(chance, people)),
        (1, lambda: _poisoned(chance)),
        (5, lambda: _logs(chance)),
    )
    [rule] = chance.choices([rule for _, rule in rules], [weight for weight, _ in rules])
    return rule()


def outage(chance: random.Random, targets: Sequence[str], *, consent: bool) -> Told:
    """A trouble that takes something away as a whole; one at a time. `consent`: whether that may be it."""
    kind = chance.choice(["host", "host", "bus", "consent" if consent else "bus"])
    seconds = round(chance.uniform(1.0, 6.0), 1)
    match kind:
        case "host":
            return KillHost(seconds), f"SIGKILL of the Functions host, away for {seconds} s"
        case "bus":
            return CutBus(seconds), f"every connection to the bus is dropped, and none is taken for {seconds} s"
        case _:
            target = chance.choice(targets)
            words = f"{target} withdraws its consent for {seconds} s, and the host is killed before and after"
            return WithdrawConsent(target, seconds), words


def _struck(app: str, words: str, **fault: Any) -> Told:
    return StrikeGraph({"app": app, **fault}), words


def _throttled(chance: random.Random, targets: Sequence[str]) -> Told:
    target, count = chance.choice(targets), chance.randint(1, 4)
    operation = chance.choice([*_WRITES, _READS, _BATCH])
    wait = chance.choice([None, 1, 2, 5])
    headers = {} if wait is None else {"Retry-After": str(wait)}
    told = "without Retry-After" if wait is None else f"with Retry-After {wait}"
    words = f"{target} throttles {count} times {_short(operation)} {told}"
    return _struck(
        WRITER_APP_ID, words, tenant=target, operation=operation, status=429, code="TooManyRequests", headers=headers,
        count=count,
    )  # fmt: skip


def _fails(chance: random.Random, targets: Sequence[str]) -> Told:
    target, count = chance.choice(targets), chance.randint(1, 3)
    operation, status = chance.choice([*_WRITES, _READS, _BATCH]), chance.choice([500, 502, 503, 504])
    words = f"{target} answers {count} times {_short(operation)} with {status}"
    return _struck(WRITER_APP_ID, words, tenant=target, operation=operation, status=status, count=count)


def _answer_lost(chance: random.Random, targets: Sequence[str]) -> Told:
    target, count, operation = chance.choice(targets), chance.randint(1, 2), chance.choice(_WRITES)
    losses: Sequence[tuple[str, dict[str, Any]]] = (("504", {"status": 504}), ("a reset", {"reset": True}))
    how, loss = chance.choice(losses)
    words = f"{target} loses the answer to {count} times {_short(operation)} after the write: {how}"
    return _struck(WRITER_APP_ID, words, tenant=target, operation=operation, apply=True, count=count, **loss)


def _spoiled(chance: random.Random, targets: Sequence[str]) -> Told:
    target, count = chance.choice(targets), chance.randint(1, 2)
    kinds: Sequence[tuple[str, dict[str, Any]]] = (
        ("cuts the answer to", {"cutBodyAt": chance.randint(1, 400)}),
        ("resets", {"reset": True}),
        ("answers with a page of HTML to", {"status": 200, "body": "html"}),
        ("answers with a 502 page to", {"status": 502, "body": "html"}),
        ("answers with nothing to", {"status": 200, "body": "empty"}),
    )
    how, fault = chance.choice(kinds)
    return _struck(
        WRITER_APP_ID, f"{target} {how} {count} times a batch", tenant=target, operation=_BATCH, count=count, **fault
    )


def _source_fails(chance: random.Random) -> Told:
    kinds: Sequence[tuple[str, dict[str, Any]]] = (
        ("503", {"status": 503}),
        ("429", {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "2"}}),
        ("half of it", {"cutBodyAt": chance.randint(1, 400)}),
        ("a page of HTML", {"status": 200, "body": "html"}),
        ("a 404 that is not true", {"status": 404, "code": "Request_ResourceNotFound"}),
        ("an empty list", {"answer": {"value": []}}),
    )
    how, fault = chance.choice(kinds)
    operation, count = chance.choice([_READS, _BATCH]), chance.randint(1, 2)
    words = f"the source answers {count} times {_short(operation)} with {how}"
    return _struck(READER_APP_ID, words, tenant="source", operation=operation, count=count, **fault)


def _slow(chance: random.Random, targets: Sequence[str]) -> Told:
    target, seconds = chance.choice(targets), round(chance.uniform(1, 4), 1)
    words = f"{target} takes {seconds} s for each of 3 batches"
    return _struck(WRITER_APP_ID, words, tenant=target, operation=_BATCH, delaySeconds=seconds, count=3)


def _login_fails(chance: random.Random) -> Told:
    status, body = chance.choice([503, 500]), chance.choice(["json", "html"])
    words = f"the login service answers 2 times with {status} ({body})"
    return StrikeGraph({"operation": _LOGIN, "status": status, "body": body, "count": 2}), words


def _notifications(chance: random.Random) -> Told:
    kinds: Sequence[tuple[str, dict[str, Any]]] = (
        ("all notifications are lost", {"lossShare": 1.0}),
        ("half of the notifications are lost", {"lossShare": 0.5}),
        ("all notifications come twice", {"duplicateShare": 1.0}),
        ("notifications are late, and in no order", {"medianSeconds": 4.0, "tailSeconds": 15.0}),
    )
    how, manners = chance.choice(kinds)
    seconds = round(chance.uniform(3, 10), 1)
    return Manners({"notifications": {**NOTIFICATIONS, **manners}}, seconds), f"{how} for {seconds} s"


def _replicas(chance: random.Random) -> Told:
    seconds = round(chance.uniform(3, 10), 1)
    slow = {"count": 3, "medianSeconds": 2.0, "p99Seconds": 8.0, "staleWriteShare": 0.3}
    return Manners({"replicas": slow}, seconds), f"replicas lag by seconds for {seconds} s"


def _forged(chance: random.Random, people: Sequence[str]) -> Told:
    person = chance.choice(people)
    return Forge(person), f"a forged notification names {person}"


def _poisoned(chance: random.Random) -> Told:
    text = chance.choice(["{", "[]", '{"v": 99}', "no JSON", '{"v": 1, "userId": "x"}'])
    return Poison(text), f"a message that nobody can read gets onto the topic: {text}"


def _logs(chance: random.Random) -> Told:
    count = chance.randint(1, 4)
    kinds: Sequence[tuple[str, dict[str, Any]]] = (
        ("answer 503", {"status": 503}),
        ("answer 500", {"status": 500}),
        ("throttle", {"status": 429, "retryAfter": 1}),
        ("take the rows and answer 503", {"status": 503, "keeps": True}),
        ("hang up", {"status": 503, "drops": True}),
        ("take the rows and hang up", {"status": 503, "keeps": True, "drops": True}),
    )
    how, fault = chance.choice(kinds)
    return StrikeLogs({"endpoint": "logs", "count": count, **fault}), f"the logs {how}, {count} times"


def _short(operation: str) -> str:
    return {_BATCH: "a batch", _READS: "a read"}.get(operation, operation)
