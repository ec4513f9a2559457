"""The comparison at the heart of a full cycle: who has to be looked at, in one target.

Fed with the links, then with what the rules want of everybody in the source's scope, then with everybody of ours in
the target, it says who is new, changed, drifted, waiting for a manager, or no longer in scope. It keeps a few words
for each person, never their attributes, so that a hundred thousand of them fit into memory.

    source: in scope, no link                        new
            in scope, another fingerprint            changed
            in scope, up to date                     (compared with the target)
            left alone, or not to be mapped now      nothing
    target: another value than the rules want        drifted
            linked, and not there                    drifted
    links:  a manager is waited for who is there     reference
            grace over, or a retry long overdue      due
            living, and not in the source's lists    leaver: a candidate, to be proven one by one

Every finding is only a reason to look. Nothing here is proof of anything, and nobody is removed because of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from shared.core.decide import CONSISTENCY_HORIZON, Policy
from shared.core.desired import Desired, InScope, OutOfScope, UnknownDesired
from shared.core.fingerprints import Names, fingerprint, names_in
from shared.core.mapping_rules import Drift
from shared.core.model import Link, LinkState
from shared.core.refusals import remembered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Finding(StrEnum):
    """Why somebody has to be looked at."""

    NEW = "new"
    CHANGED = "changed"
    DRIFTED = "drifted"
    REFERENCE = "reference"
    DUE = "due"
    LEAVER = "leaver"

    @property
    def needs_target(self) -> bool:
        """Whether the target has to be looked at, whatever the link says."""
        return self in {Finding.DRIFTED, Finding.DUE}


@dataclass(frozen=True, slots=True)
class Found:
    """One finding."""

    user_id: str  # in the source
    finding: Finding


@dataclass(slots=True)
class Counts:
    """What a comparison came to, for people."""

    in_scope: int = 0
    present: int = 0  # users of ours in the target
    pending_redemption: int = 0  # of these, who never signed in there
    by_finding: dict[Finding, int] = field(default_factory=lambda: dict.fromkeys(Finding, 0))


_LIVING: Final = frozenset({LinkState.ACTIVE, LinkState.DISABLED, LinkState.IMPORTED, LinkState.HELD})
_SETTLED: Final = frozenset({LinkState.ACTIVE, LinkState.DISABLED})

_OVERDUE: Final = timedelta(hours=1)
"""After this a retry's message is taken to be lost."""

STALE_CLAIM: Final = timedelta(minutes=30)
"""A claim that is so old belongs to a worker that is no more, and to a message that never came back."""


class Comparison:
    """One target's comparison. `everything` looks at held and leaving people too, as after a change of the rules."""

    def __init__(self, policy: Policy, links: Mapping[str, Link], now: datetime, *, everything: bool) -> None:
        """`links` are all links of the target by source id, as they were when the cycle began."""
        self._policy = policy
        self._links = links
        self._now = now
        self._everything = everything
        self._seen: set[str] = set()  # whatever the lists say of them: not to be looked for as leavers
        self._wanted: dict[str, Names] = {}  # up to date as far as the source goes: what the target is compared by
        self._but_for: dict[str, str] = {}  # the fingerprint wanted of those whose target may hold some as it likes
        self._target_wins = frozenset(name for name, drift in policy.drift.items() if drift is Drift.TARGET_WINS)
        self._found: set[str] = set()
        self.counts = Counts()

    def has_seen(self, user_id: str) -> bool:
        """Whether the source's lists have shown this user before: somebody may be in several groups."""
        return user_id in self._seen

    def source(self, user_id: str, desired: Desired) -> Found | None:
        """Take in one user of the source's lists, once."""
        if isinstance(desired, OutOfScope):
            return None  # a leaver, if there is a link
        self._seen.add(user_id)
        if not isinstance(desired, InScope):  # frozen, or not to be mapped: who has a link is retried by themselves
            fails = isinstance(desired, UnknownDesired) and user_id not in self._links
            return self._tell(user_id, Finding.CHANGED) if fails else None
        self.counts.in_scope += 1
        link = self._links.get(user_id)
        if link is None:
            return self._tell(user_id, Finding.NEW) if desired.enabled else None
        if self._is_waiting(link):
            return self._tell(user_id, Finding.DUE) if self._is_due(link) else None
        if link.fingerprint != desired.fingerprint or link.state not in _SETTLED:
            return self._tell(user_id, Finding.CHANGED)
        left = self._left(link)
        names = self._wanted[user_id] = names_in(desired.attributes, without=left)
        if left:
            self._but_for[user_id] = fingerprint(desired.attributes, names)
        return None

    def applied(self, user_id: str) -> str | None:
        """The fingerprint of all that was last applied to somebody who is settled; None where there is more to say."""
        link = self._links.get(user_id)
        if link is None or self._is_waiting(link) or link.state not in _SETTLED or self._left(link):
            return None
        return link.fingerprint

    def as_applied(self, user_id: str, names: Names) -> None:
        """Take in one user of the source's lists of whom the rules want what was `applied`, under these names."""
        self._seen.add(user_id)
        self.counts.in_scope += 1
        self._wanted[user_id] = names

    def manager(self, user_id: str, manager_id: str | None) -> Found | None:
        """Take in who somebody's manager is, where the source's lists could say so."""
        if user_id not in self._wanted or user_id in self._found:
            return None
        link = self._links[user_id]
        wanted = self._links.get(manager_id) if manager_id is not None else None
        target_id = wanted.target_id if wanted is not None and wanted.state in _SETTLED else None
        waits_for = manager_id if target_id is None else None
        if (link.manager_target_id, link.manager_source_id) == (target_id, waits_for):
            return None
        return self._tell(user_id, Finding.CHANGED)

    def target(self, user_id: str, user: Mapping[str, Any], *, manages_manager: bool) -> Found | None:
        """Take in one user of ours in the target; `user` is Graph's JSON, with the manager expanded."""
        self.counts.present += 1
        self.counts.pending_redemption += user.get("externalUserState") == "PendingAcceptance"
        link, names = self._links.get(user_id), self._wanted.pop(user_id, None)
        if names is None or link is None or user_id in self._found:
            return None
        if link.target_id != user.get("id"):
            return self._tell(user_id, Finding.DRIFTED)
        if link.changed_at is not None and self._now - link.changed_at < CONSISTENCY_HORIZON:
            return None  # the list may be older than our own write
        manager = user.get("manager")
        holds = manager.get("id") if isinstance(manager, dict) else None
        if manages_manager and holds != link.manager_target_id:
            return self._tell(user_id, Finding.DRIFTED)
        if fingerprint(user, names) != self._but_for.get(user_id, link.fingerprint):
            return self._tell(user_id, Finding.DRIFTED)
        return None

    def afterwards(self) -> Iterator[Found]:
        """What shows once both lists were read to their ends, but for leavers."""
        for user_id in self._wanted:
            link = self._links[user_id]
            recent = link.changed_at is not None and self._now - link.changed_at < CONSISTENCY_HORIZON
            if user_id not in self._found and not recent:
                yield self._tell(user_id, Finding.DRIFTED)
        for user_id, link in self._links.items():
            manager = self._links.get(link.manager_source_id) if link.manager_source_id is not None else None
            if manager is not None and manager.state in _SETTLED and user_id not in self._found:
                yield self._tell(user_id, Finding.REFERENCE)

    def leavers(self) -> list[Found]:
        """Everybody with a living link whom the source's lists did not show: candidates for a proof, no more."""
        return [
            self._tell(user_id, Finding.LEAVER)
            for user_id, link in self._links.items()
            if user_id not in self._seen and self._may_leave(link)
        ]

    def _may_leave(self, link: Link) -> bool:
        if self._is_waiting(link):
            return self._is_due(link)
        if link.state not in _LIVING and not (link.state is LinkState.NEW and link.target_id is not None):
            return False
        return link.leaving_since is None or self._everything or self._grace_is_over(link)

    def _grace_is_over(self, link: Link) -> bool:
        grace = self._policy.grace
        return bool(grace and link.leaving_since and self._now - link.leaving_since >= grace)

    def _is_waiting(self, link: Link) -> bool:
        """Whether somebody else will look at this user: a worker, a retry, or the timer for holds."""
        return link.claim is not None or link.retry_at is not None or link.state is LinkState.HELD

    def _is_due(self, link: Link) -> bool:
        if link.claim is not None:
            return self._now - link.claim.at >= STALE_CLAIM
        if link.retry_at is not None:
            return self._everything or self._now - link.retry_at >= _OVERDUE
        return self._everything

    def _left(self, link: Link) -> frozenset[str]:
        """Attributes that the target may hold as it likes."""
        if not (self._target_wins or link.drifted or link.reason):
            return self._target_wins
        return self._target_wins.union(link.drifted, remembered(link.reason))

    def _tell(self, user_id: str, finding: Finding) -> Found:
        self._found.add(user_id)
        self.counts.by_finding[finding] += 1
        return Found(user_id, finding)


def is_plausible(in_scope: int, before: int | None) -> bool:
    """Whether a pass over the source found about as many people as the one before it.

    Fewer by more than a tenth (and by more than ten) may be a list that was cut short without a word. Then nobody is
    even looked at as a leaver; if the next pass finds the same again, it is believed.
    """
    return before is None or before - in_scope <= max(10, before * 0.1)
