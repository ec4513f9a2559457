"""The app under test, and the words of the tests."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.app.provision import Received, provision
from shared.app.serve import serve
from shared.core.commands import decode_command
from shared.core.messages import Kind, Reason, UserChange, decode, encode

ROOT = Path(__file__).resolve().parents[2]
NO_LAG = {"count": 2, "medianSeconds": 0, "p99Seconds": 0, "indexMedianSeconds": 0, "indexP99Seconds": 0}
WRITER = "22222222aaaa40008000000000000002"
MARKER = f"extension_{WRITER}_crosstenantSource"
SOURCE_TENANT = "50000000-0000-4000-8000-000000000001"
GROUP = "60000000-0000-4000-8000-000000000001"


class BusClock:
    """The bus's time: real time plus what the test that is running added for the app."""

    def __init__(self):
        self.offset = timedelta()

    def now(self):
        return time.time() + self.offset.total_seconds()


@dataclass
class GivenClock:
    """The app's time: real time plus what the test added; nobody sleeps. The bus, if there is one, goes with it."""

    offset: timedelta = timedelta()
    bus: BusClock | None = None
    slept: list[float] = field(default_factory=list)

    def now(self):
        return datetime.now(UTC) + self.offset

    async def sleep(self, seconds):
        self.slept.append(seconds)

    def advance(self, **by):
        self.offset += timedelta(**by)
        if self.bus is not None:
            self.bus.offset = self.offset


class App:
    """The parts of the app, and the words of the tests."""

    def __init__(self, parts, clock, cloud, bus, tenants):
        self.parts = parts
        self.clock = clock
        self.cloud = cloud
        self.bus = bus
        self.tenants = tenants

    async def serve(self, *user_ids, target="emea", kind=Kind.HINT, reason=Reason.NOTIFICATION):
        """Serve users in one target; returns what has to be sent."""
        changes = [UserChange(user_id, reason, kind, seen_at=self.clock.now()) for user_id in user_ids]
        return await serve(self.parts, self.parts.targets[target], changes)

    def settle_for(self, seconds):
        """Let the source's replicas take their time to agree."""
        timing = replace(self.parts.settings.timing, second_look=timedelta(seconds=seconds))
        self.parts = replace(self.parts, settings=replace(self.parts.settings, timing=timing))

    def allow(self, target="emea", **policy):
        """Change what the administrator allows in a target."""
        hands = self.parts.targets[target]
        allowed = replace(hands.target, policy=replace(hands.target.policy, **policy))
        self.parts = replace(self.parts, targets=self.parts.targets | {target: replace(hands, target=allowed)})

    async def link(self, user_id, target="emea"):
        return (await self.parts.store.get_links(target, [user_id])).get(user_id)

    async def id_of(self, alias, tenant="source"):
        [found] = [user["id"] for user in await self.cloud.users(tenant) if user["userPrincipalName"].startswith(alias)]
        return found

    async def join(self, *aliases, group=GROUP):
        """Put people into the scoping group; returns their ids."""
        ids = [await self.id_of(alias) for alias in aliases]
        for user_id in ids:
            await self.put_in(group, user_id)
        return ids

    async def put_in(self, group, member):
        """Put a user, or a group, into a group."""
        reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{member}"}
        await self.cloud.graph("source", "POST", f"/groups/{group}/members/$ref", reference)

    async def with_manager(self, alias):
        """Put somebody and their manager into the scoping group; returns both ids."""
        people = {user["id"]: user for user in await self.cloud.users("source")}
        [person] = await self.join(alias)
        manager = people[person]["manager"]
        manager = manager["id"] if isinstance(manager, dict) else manager
        await self.join(people[manager]["userPrincipalName"].partition("@")[0])
        return person, manager

    async def leave(self, user_id):
        await self.cloud.graph("source", "DELETE", f"/groups/{GROUP}/members/{user_id}/$ref")

    async def change(self, user_id, tenant="source", **properties):
        await self.cloud.graph(tenant, "PATCH", f"/users/{user_id}", properties)

    async def in_target(self, source_id, target="emea"):
        """The live user of a target that carries our marker for a source user."""
        users = [u for u in await self.cloud.users(target) if u.get(MARKER) == f"{SOURCE_TENANT}/{source_id}"]
        assert len(users) <= 1, "one person, two users"
        return users[0] if users else None

    async def writes(self, target="emea"):
        """How many write requests a target has had; asking for a token is none."""
        counters = (await self.cloud.control("GET", "counters"))["requests"].get(target, {})
        return sum(
            n
            for operation, n in counters.items()
            if not operation.startswith("GET") and "$batch" not in operation and "oauth2" not in operation
        )

    async def reads(self, target="emea"):
        """How many read requests a target has had."""
        counters = (await self.cloud.control("GET", "counters"))["requests"].get(target, {})
        return sum(n for operation, n in counters.items() if operation.startswith("GET"))

    async def messages(self, subscription):
        """What waits in a subscription, taken out: user changes of a target, or commands."""
        await asyncio.sleep(0.1)  # the window of the tests has closed by then
        path = f"user-changes/subscriptions/{subscription}"
        self.bus.broker.advance()
        taken = self.bus.broker.receive(path, 10_000)
        for delivery in taken:
            self.bus.broker.complete(path, delivery.lock_token)
        if subscription == "control":
            orders = [decode_command(delivery.message.body) for delivery in taken]
            return [order.command if order.target is None else order for order in orders]
        return [decode(delivery.message.body) for delivery in taken]

    def drain(self):
        """Leave nothing on the bus for the next test, however far ahead it is due; the bus's time is real again."""
        self.clock.bus.offset += timedelta(days=400)
        self.bus.broker.advance()
        for subscription in ("emea", "apac", "control", "poison"):
            path = f"user-changes/subscriptions/{subscription}"
            for delivery in self.bus.broker.receive(path, 100_000):
                self.bus.broker.complete(path, delivery.lock_token)
        self.clock.bus.offset = timedelta()

    async def work_on(self, *targets):
        """Serve what waits in these targets, until nothing does."""
        for target in targets or ("emea", "apac"):
            while waiting := await self.messages(target):
                await provision(self.parts, target, [Received("m", encode(change).encode()) for change in waiting])

    async def fault(self, **fault):
        """Script a fault of the tenants."""
        await self.cloud.control("POST", "faults", fault)
