"""The stage that disasters are played on: the app's own parts, the sandbox's tenants, and one time for both.

Graph is spoken to over the wire with the real SDKs. The topic stands here as a few lines, since its messages are
due in hours that nobody wants to wait for: duplicate detection, scheduled messages, one queue a target, and batches
that come again when their worker raised or died.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
from datetime import UTC, datetime, timedelta

from given_topic import TARGETS, Topic
from running_app import GROUP, MARKER, SOURCE_TENANT

from sandbox.chaos.judge import unlogged
from sandbox.chaos.oracle import Oracle
from sandbox.story.expectation import Expectation
from sandbox.tenants.directory.model import Kind as ObjectKind
from shared.app.compose import build
from shared.app.control import control
from shared.app.ingest import ingest
from shared.app.parts import Clock
from shared.app.provision import provision
from shared.bus.errors import BusUnavailableError
from shared.core.commands import CONTROL
from shared.core.messages import Kind, Reason, UserChange, envelope
from shared.core.model import LinkState, SubscriptionRecord
from shared.telemetry.json_lines import JsonLines
from shared.telemetry.log_sink import LogTable

FEW = ("PattiF", "IsaiahL", "MiriamG", "PradeepG")
TEN = (*FEW, "JoniS", "HenriettaM", "DiegoS", "GradyA", "DebraB", "ChristieC")

_CLIENT_STATE = "the-state"
_RECORDS = [
    SubscriptionRecord(resource, _CLIENT_STATE, "https://localhost:1/api/notifications", f"subscription-{resource}")
    for resource in ("/users", "/groups")
]


class WorkerDied(BaseException):
    """A worker process that is gone from one moment to the next: no `except Exception` sees it."""


class Stage:
    """The app at work, the hands of the administrators, and the oracle."""

    def __init__(self, settings, cloud, tenants, folder, targets=TARGETS):
        self.settings = settings
        self.targets = targets
        self.cloud = cloud
        self.tenants = tenants
        self.time = tenants.cloud.clock
        self.told = io.StringIO()
        self.topic = Topic(self.now, targets)
        self.parts = None
        self.ruled_out = frozenset()
        self._folder = folder
        self._sync_files = itertools.count()
        self.store = lambda store: store  # what a new process makes of its store

    # --- time and processes ---------------------------------------------------------------------

    def now(self):
        return datetime.fromtimestamp(self.time.now(), UTC)

    def advance(self, **by):
        self.time.advance(timedelta(**by).total_seconds())

    async def _sleep(self, seconds):
        self.time.advance(seconds)

    async def restart(self, sync=None):
        """A new process on the same store, with another sync.yaml if one is given: fresh tokens, no memory."""
        if sync is not None:
            file = self._folder / f"sync-{next(self._sync_files)}.yaml"
            file.write_text(json.dumps(sync), encoding="utf-8")
            self.settings = dataclasses.replace(self.settings, sync_file=file)
        if self.parts is not None:
            await self.parts.close()
        parts = build(self.settings, Clock(self.now, self._sleep))
        await parts.topic.close()
        self.parts = dataclasses.replace(
            parts, topic=self.topic, store=self.store(parts.store), log=JsonLines(self.told)
        )
        if not await self.parts.store.get_subscriptions():
            for record in _RECORDS:
                await self.parts.store.put_subscription(record)

    async def begin(self):
        """Remember everything as it is now: from here on nobody may be wronged."""
        self.before = {target: await self.cloud.users(target) for target in self.targets}
        journal = await self.cloud.control("GET", "journal")
        self._begun_at = journal["last"]
        truth = {name: await self.cloud.users(name) for name in ("source", *self.targets)}
        self._oracle = Oracle(
            truth, await self.cloud.groups("source"), scope=self._scope_groups(), marker=MARKER, source=SOURCE_TENANT
        )

    def _scope_groups(self):
        return {group for target in self.parts.sync.targets for group in target.scope.groups}

    async def work(self, *, targets=None, **within):
        """Let the app work on whatever comes due for its targets within this time."""
        targets = targets or self.targets
        until = self.now() + timedelta(**within)
        while (due := self.topic.next_due((*targets, CONTROL))) is not None and due <= until:
            self.time.advance(max(0.0, (due - self.now()).total_seconds()))
            for target in targets:
                await self._deliver(target)
            for message in self.topic.take(CONTROL):
                await control(self.parts, message.message_id, message.body)
        self.time.advance(max(0.0, (until - self.now()).total_seconds()))

    async def _deliver(self, target):
        batch = self.topic.take(target)
        if not batch:
            return
        try:
            await provision(self.parts, target, batch)
        except BusUnavailableError:
            again = self.now() + timedelta(seconds=1)
        except WorkerDied:
            again = self.now() + self.settings.timing.lock
            self.store = lambda store: store
            await self.restart()
        else:
            return
        for message in batch:
            self.topic.put(target, again, message)

    # --- what happens ---------------------------------------------------------------------------

    async def id_of(self, alias, tenant="source"):
        [found] = [user["id"] for user in await self.cloud.users(tenant) if user["userPrincipalName"].startswith(alias)]
        return found

    async def add(self, *user_ids, group=GROUP):
        """Put people into a group of the source, unheard."""
        for user_id in user_ids:
            reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{user_id}"}
            await self.cloud.graph("source", "POST", f"/groups/{group}/members/$ref", reference)

    async def remove(self, *user_ids, group=GROUP):
        """Take people out of a group of the source, unheard."""
        for user_id in user_ids:
            await self.cloud.graph("source", "DELETE", f"/groups/{group}/members/{user_id}/$ref")

    async def change(self, user_id, tenant="source", **properties):
        await self.cloud.graph(tenant, "PATCH", f"/users/{user_id}", properties)

    def set_in_directory(self, user_id, tenant="source", **properties):
        """Change what Graph would not let anybody write, as a synchronization from elsewhere might."""
        directory = self.tenants.cloud.world.tenants[tenant].directory
        directory.update(directory.live(user_id, ObjectKind.USER), properties, "test")

    async def company(self, *aliases):
        """People join and are there, as they should be, in every target; their ids."""
        ids = [await self.id_of(alias) for alias in aliases or FEW]
        await self.joins(*ids)
        await self.work(minutes=3)
        await self.right()
        return ids

    async def joins(self, *user_ids):
        await self.add(*user_ids)
        await self.tell(*user_ids)

    async def leaves(self, *user_ids):
        await self.remove(*user_ids)
        await self.tell(*user_ids)

    async def deletes(self, *user_ids):
        for user_id in user_ids:
            await self.cloud.graph("source", "DELETE", f"/users/{user_id}")
        await self.tell(*user_ids)

    async def tell(self, *user_ids):
        """Graph notifies us that something about these users changed."""
        await self.notify(*[_item("/users", "#Microsoft.Graph.User", id=user_id) for user_id in user_ids])

    async def tell_members(self, *, added=(), removed=(), group=GROUP):
        """Graph notifies us of members of a group, and of nothing else."""
        members = [{"id": user_id} for user_id in added]
        members += [{"id": user_id, "@removed": "deleted"} for user_id in removed]
        await self.notify(_item("/groups", "#Microsoft.Graph.Group", **{"id": group, "members@delta": members}))

    async def notify(self, *items):
        reply = await ingest(self.parts, json.dumps({"value": items}).encode())
        assert reply.status == 202, reply

    async def check(self, *user_ids, **fields):
        """A person asks for a look at users, and at what the targets hold of them."""
        changes = [user_change(user_id, **fields) for user_id in user_ids]
        await self.topic.send(
            [envelope(change, not_before=self.now(), timing=self.settings.timing) for change in changes]
        )

    async def fault(self, **fault):
        await self.cloud.control("POST", "faults", fault)

    async def over(self):
        """The end of every scripted fault."""
        await self.cloud.control("DELETE", "faults")

    # --- what is there --------------------------------------------------------------------------

    async def link(self, user_id, target="emea"):
        return (await self.parts.store.get_links(target, [user_id])).get(user_id)

    async def states(self, user_ids, target="emea"):
        links = await self.parts.store.get_links(target, list(user_ids))
        return [links[user_id].state for user_id in user_ids]

    async def in_target(self, source_id, target="emea"):
        """The live user of a target that carries our marker for a source user."""
        users = [u for u in await self.cloud.users(target) if u.get(MARKER) == f"{SOURCE_TENANT}/{source_id}"]
        assert len(users) <= 1, "one person, two users"
        return users[0] if users else None

    async def present(self, user_ids, target="emea"):
        """Those of the source users who have a live user in the target."""
        return [user_id for user_id in user_ids if await self.in_target(user_id, target) is not None]

    async def all_present(self, user_ids):
        """Whether all of them have a live user in every target."""
        return all([await self.present(user_ids, target) == list(user_ids) for target in self.targets])

    async def target_users(self, user_ids, target="emea"):
        """Ids of the target users, by source id."""
        return {user_id: (await self.in_target(user_id, target) or {}).get("id") for user_id in user_ids}

    async def writes(self, target="emea"):
        return (await self.cloud.control("GET", "counters"))["writes"].get(target, 0)

    async def unharmed(self):
        """Nobody was wronged so far: no wrong removal, no wrong block, no foreign touch.

        The judge knows groups and no filters: people whom a filter rules out are in `ruled_out`.
        """
        journal = (await self.cloud.control("GET", f"journal?after={self._begun_at}"))["value"]
        wrongs = self._oracle.wrongs(journal, ruled_out=self.ruled_out)
        assert not wrongs, wrongs

    async def told_of(self):
        """Every write so far has its event in the provisioning log."""
        journal = (await self.cloud.control("GET", f"journal?after={self._begun_at}"))["value"]
        lines = [line.partition(" ") for line in self.told.getvalue().splitlines()]
        rows = [json.loads(row) for table, _, row in lines if table == LogTable.PROVISIONING]
        wrongs = unlogged(journal, rows, marker=MARKER)
        assert not wrongs, wrongs

    async def right(self, *, but=(), targets=None):
        """All of every target is as it should be, nothing was done wrong on the way, and nobody waits.

        `but` are people in scope who are held on purpose, and have no user; `targets` are those that are looked at.
        """
        await self.unharmed()
        await self.told_of()
        people = await self._in_scope()
        expectation = Expectation(
            MARKER, SOURCE_TENANT, {user_id: user for user_id, user in people.items() if user_id not in but}
        )
        for target in targets or self.targets:
            comparison = expectation.compare(self.before[target], await self.cloud.users(target))
            assert comparison.right, f"{target}: {comparison}"
            links = [link async for page in self.parts.store.list_links(target) for link in page]
            assert [link for link in links if link.claim is not None] == []
            waiting = {link.source_id for link in links if link.state is LinkState.HELD}
            assert waiting <= set(but), "held without a reason"

    async def _in_scope(self):
        users = {user["id"]: user for user in await self.cloud.users("source")}
        groups = {group["id"]: group for group in await self.cloud.groups("source") if not group["deleted"]}
        found, waiting = set(), [group for group in self._scope_groups() if group in groups]
        while waiting:
            member = waiting.pop()
            if member not in found:
                found.add(member)
                waiting += groups[member]["members"] if member in groups else []
        return {user_id: user for user_id, user in users.items() if user_id in found}


def user_change(user_id, **fields):
    return UserChange(user_id, **{"reason": Reason.RELEASED, "kind": Kind.CHECK} | fields)


def _item(resource, kind, **data):
    """One item of a notification, as Graph sends it."""
    return {
        "changeType": "updated",
        "clientState": _CLIENT_STATE,
        "resource": resource,
        "resourceData": {"@odata.type": kind, **data},
        "subscriptionId": f"subscription-{resource}",
        "tenantId": SOURCE_TENANT,
    }
