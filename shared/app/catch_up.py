"""catch_up: what notifications missed, from delta of the source's users and of the groups that decide about scope.

    cursor ──▶ a page of changes ──▶ hints on the topic ──▶ cursor moved ──▶ the next page

A cursor moves only after the hints of its page were taken, so a crash repeats a page and loses none. The groups that
are followed are the scoping groups and every group below them; one that comes in is followed from then on, and its
members are hinted at. Where delta cannot go on (a token expired, a group below the scope was deleted), a full cycle
is asked for. Nobody is removed because of what delta says.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from shared.app.commands import command
from shared.app.configuration import notice_configuration
from shared.app.cursors import (
    USERS,
    Cursor,
    group_cursor_name,
    load_cursor,
    load_cycle,
    load_group_cursors,
    save_cursor,
    was_tried,
)
from shared.app.desire import selection
from shared.app.leases import Lease, LeaseLostError, take
from shared.app.operations import tell
from shared.core.commands import Command
from shared.core.messages import Reason, UserChange, envelope
from shared.core.operation_event import OperationEvent, OperationKind, OperationReason, Severity
from shared.graph.changes import GROUPS_PER_CURSOR, is_expired
from shared.graph.pages import ListFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from shared.app.parts import Parts
    from shared.graph.changes import ChangedGroups

_logger = logging.getLogger(__name__)

_LEASE_LIFE: Final = timedelta(minutes=5)


@dataclass(slots=True)
class CaughtUp:
    """What a catch-up came to. `full_cycle` says why one is asked for; empty where none is."""

    users: int = 0
    groups: int = 0
    sent: int = 0
    requests: int = 0
    full_cycle: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


async def catch_up(parts: Parts) -> CaughtUp | None:
    """Follow the source's changes to their end; None where another worker is at it.

    Raises:
        StoreError, BusUnavailableError: it could not go on; the next one begins where this one got to.
    """
    lease = await take(parts.store, parts.clock, "catchUp", _LEASE_LIFE)
    if lease is None:
        return None
    run = _CatchUp(parts, lease)
    try:
        with parts.tracing.work("catch up"):
            await run.follow()
    except LeaseLostError:
        _logger.warning("catch-up: another worker took over")
    finally:
        await lease.give_back()
    return run.done


class _CatchUp:
    def __init__(self, parts: Parts, lease: Lease) -> None:
        self._parts = parts
        self._lease = lease
        self._now = parts.clock.now()
        self._id = uuid4().hex
        self.done = CaughtUp()

    async def follow(self) -> None:
        """Users, groups, and what follows from the configuration."""
        await notice_configuration(self._parts)
        await self._users()
        await self._groups()
        await self._rules()
        if self.done.full_cycle:
            _logger.info("catch-up asks for a full cycle: %s", ", ".join(self.done.full_cycle))
            await command(self._parts, Command.FULL_CYCLE)
        await self._tell()

    # --- users ----------------------------------------------------------------------------------------------------

    async def _users(self) -> None:
        names = {name for hands in self._parts.targets.values() for name in selection(hands.target).properties}
        if any(selection(hands.target).manager for hands in self._parts.targets.values()):
            names.add("manager")
        select = sorted(names)
        cursor = await load_cursor(self._parts.store, USERS)
        try:
            if cursor is None or cursor.follows != ",".join(select):
                await self._begin_users(select, cursor, "noCursor" if cursor is None else "rulesChanged")
                return
            async for page in self._parts.changes.users(cursor.link):
                self.done.requests += 1
                self.done.users += len(page.user_ids)
                await self._hint(page.user_ids)
                cursor = await self._move(cursor, page.link)
        except ListFailedError as error:
            if cursor is not None and is_expired(error):
                await self._begin_users(select, cursor, "cursorExpired")
            else:
                self._failed(error)

    async def _begin_users(self, select: Sequence[str], old: Cursor | None, why: str) -> None:
        """From now on; what was before is the full cycle's."""
        try:
            link = await self._parts.changes.users_now(select)
        except ListFailedError as error:
            self._failed(error)
            return
        self.done.requests += 1
        etag = old.etag if old else None
        await self._save(Cursor(USERS, link, ",".join(select), self._now, self._now, etag=etag))
        self.done.full_cycle.append(why)

    # --- groups ---------------------------------------------------------------------------------------------------

    async def _groups(self) -> None:
        cursors = await load_group_cursors(self._parts.store)
        followed = {group for cursor in cursors for group in cursor.ids}
        roots = dict.fromkeys(group for hands in self._parts.targets.values() for group in hands.target.scope.groups)
        try:
            for cursor in cursors:
                await self._follow_groups(cursor, followed, roots)
            missing = [root for root in roots if root not in followed]
            if missing:  # what is in them already is the full cycle's
                await self._follow_more(missing, followed, hint=False)
                self.done.full_cycle.append("scopingGroupNew")
        except ListFailedError as error:
            self._failed(error)

    async def _follow_groups(self, cursor: Cursor, followed: set[str], roots: Iterable[str]) -> None:
        try:
            async for page in self._parts.changes.groups(cursor.link):
                self.done.requests += 1
                await self._hint(page.user_ids)
                await self._nested(page, followed, roots)
                cursor = await self._move(cursor, page.link)
        except ListFailedError as error:
            if not is_expired(error):
                raise
            whole = self._parts.changes.groups_whole(cursor.ids)
            await self._save(replace(cursor, link=whole, since=self._now, at=self._now))
            self.done.full_cycle.append("cursorExpired")

    async def _nested(self, page: ChangedGroups, followed: set[str], roots: Iterable[str]) -> None:
        """Groups below the scope that came or went, and their members with them."""
        self.done.groups += len(page.added_groups) + len(page.left_groups) + len(page.deleted)
        back = [group for group in page.added_groups if group in followed]
        await self._follow_more([group for group in page.added_groups if group not in followed], followed, hint=True)
        for group in (*back, *page.left_groups):
            await self._hint_members(group)
        for group in page.deleted:
            if group in roots:
                await tell(self._parts, [_group_gone(group, self._now)])
            elif group in followed:  # who was in it is not to be had any more
                self.done.full_cycle.append("nestedGroupDeleted")

    async def _follow_more(self, groups: Sequence[str], followed: set[str], *, hint: bool) -> None:
        """Follow these groups and every group below them, from all of their members on; circles end where they began.

        The first round of a delta shows all members as the directory knows them, while lists by type come from an
        index that lags.
        """
        waiting = list(groups)
        number = len(await load_group_cursors(self._parts.store)) if waiting else 0
        while waiting:
            ids, waiting = tuple(waiting[:GROUPS_PER_CURSOR]), waiting[GROUPS_PER_CURSOR:]
            followed.update(ids)
            link = self._parts.changes.groups_whole(ids)
            async for page in self._parts.changes.groups(link):
                self.done.requests += 1
                if hint:
                    await self._hint(page.user_ids)
                waiting += [group for group in page.added_groups if group not in followed and group not in waiting]
                link = page.link
            await self._save(Cursor(group_cursor_name(number), link, "members", self._now, self._now, ids))
            number += 1

    async def _hint_members(self, group: str) -> None:
        try:
            async for page in self._parts.changes.all_members(group):
                self.done.requests += 1
                await self._hint(page)
        except ListFailedError as error:
            if not is_expired(error):
                raise
            self.done.full_cycle.append("nestedGroupDeleted")  # it was deleted as it left

    # --- the rest -------------------------------------------------------------------------------------------------

    async def _rules(self) -> None:
        """Rules that no full cycle has compared with are a reason for one."""
        for name, hands in self._parts.targets.items():
            record = await load_cycle(self._parts.store, name)
            compared = record is not None and record.rules == hands.target.rules
            if not compared and not await was_tried(self._parts.store, name, hands.target.rules, self._now):
                self.done.full_cycle.append(f"{name}: {'neverCompared' if record is None else 'rulesChanged'}")

    async def _hint(self, user_ids: Sequence[str]) -> None:
        now = self._parts.clock.now()
        changes = [UserChange(user_id, Reason.CATCH_UP, seen_at=now, cycle_id=self._id) for user_id in user_ids]
        timing = self._parts.settings.timing
        await self._parts.topic.send([envelope(change, not_before=now, timing=timing) for change in changes])
        self.done.sent += len(changes)

    async def _move(self, cursor: Cursor, link: str) -> Cursor:
        """Move a cursor on, after what it passed was sent."""
        await self._lease.extend()
        return await self._save(replace(cursor, link=link, at=self._parts.clock.now()))

    async def _save(self, cursor: Cursor) -> Cursor:
        saved = await save_cursor(self._parts.store, cursor)
        if saved is None:
            raise LeaseLostError(cursor.name)
        return saved

    def _failed(self, error: ListFailedError) -> None:
        _logger.warning("catch-up: %s", error)
        self.done.failures.append(str(error))

    async def _tell(self) -> None:
        """Silence where nothing happened: most catch-ups find nothing."""
        done = self.done
        if not (done.users or done.groups or done.failures):
            return
        kind = OperationKind.CATCH_UP_FAILED if done.failures else OperationKind.CATCH_UP_FINISHED
        event = OperationEvent(
            kind,
            self._now,
            severity=Severity.WARNING if done.failures else Severity.INFORMATION,
            reason_code=OperationReason.LIST_FAILED if done.failures else "",
            description="; ".join(done.failures) + " The next catch-up goes on from there." if done.failures else "",
            cycle_id=self._id,
            duration=self._parts.clock.now() - self._now,
            counts={"users": done.users, "groups": done.groups, "sent": done.sent, "requests": done.requests},
        )
        await tell(self._parts, [event])


def _group_gone(group: str, now: datetime) -> OperationEvent:
    return OperationEvent(
        OperationKind.SCOPE_SUSPENDED,
        now,
        severity=Severity.ERROR,
        reason_code=OperationReason.SCOPING_GROUP_UNKNOWN,
        description=f"The scoping group {group} was deleted in the source. Nobody is removed for it. Restore it, or"
        " take it out of sync.yaml and accept that.",
        actions=("remove",),
    )
