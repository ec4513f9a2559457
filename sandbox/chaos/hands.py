"""The hands of a chaos: they do each deed through the doors that people have, and the troubles through the control API.

Life goes through Graph as an administrator of that tenant. A deed that is refused, or whose object is not there, is
told and left: what the targets should hold is read from the truth at the end, never from the plan.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from sandbox.chaos.deeds import (
    Change,
    CutBus,
    Delete,
    DeleteInTarget,
    EditInTarget,
    Forge,
    Hire,
    Invite,
    Join,
    KillHost,
    Leave,
    Manners,
    Nest,
    Poison,
    ReleaseHolds,
    Report,
    Restore,
    RunTimer,
    StrikeGraph,
    StrikeLogs,
    Unnest,
    WithdrawConsent,
)
from sandbox.chaos.judge import UNFINISHED
from sandbox.story.cloud import NOTIFICATIONS, CallFailedError
from sandbox.story.processes import PartFailedError
from sandbox.story.run import REPLICAS, CommandFailedError
from sandbox.story.topology import TOPIC
from sandbox.tenants.contoso import default_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.chaos.deeds import Deed
    from sandbox.story.run import Sandbox

SOURCE: Final = "source"
SCOPE: Final = "Cross-tenant users"
_TRIES: Final = 6  # of an administrator whose replica has not heard of somebody yet
_WAIT: Final = 0.7  # seconds between them


class Hands:
    """What is done to a running sandbox, and what has to be known of it in the end."""

    def __init__(self, sandbox: Sandbox, marker: str, tell: Callable[[str], None]) -> None:
        """`marker` is the name of the attribute that marks the app's users."""
        self._sandbox = sandbox
        self._cloud = sandbox.cloud
        self._marker = marker
        self._tell = tell
        self._ids: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._host = asyncio.Lock()  # one outage of it at a time
        self._manners = asyncio.Lock()
        self._begun: list[asyncio.Task[None]] = []
        self.guests: dict[str, list[Mapping[str, Any]]] = {}  # invited by hand, as they were, by target
        self.touched: set[str] = set()  # source ids of those whose user was edited or deleted by hand
        self.poisoned = 0

    async def learn(self) -> None:
        """Learn the ids of everybody who is there."""
        for user in await self._cloud.users(SOURCE):
            self._ids.setdefault(str(user["userPrincipalName"]).partition("@")[0], user["id"])
        for group in await self._cloud.groups(SOURCE):
            self._groups[str(group["displayName"])] = group["id"]

    def begin(self, deed: Deed) -> None:
        """Begin a deed; several may be under way."""
        self._begun.append(asyncio.create_task(self._safely(deed)))

    async def end_faults(self) -> None:
        """Wait for what was begun, and let every trouble end: no fault, no odd manners."""
        await asyncio.gather(*self._begun)
        await self._cloud.control("DELETE", "faults")
        await self._monitor("DELETE", "faults")
        await self._cloud.control("POST", "profile", {"notifications": NOTIFICATIONS, "replicas": REPLICAS})

    async def change_again(self, source_id: str, values: Mapping[str, Any]) -> None:
        """Another change of somebody in the source."""
        await self._graph(SOURCE, "PATCH", f"/users/{source_id}", values)

    async def _safely(self, deed: Deed) -> None:
        try:
            await self._do(deed)
        except (CallFailedError, CommandFailedError, PartFailedError, aiohttp.ClientError, OSError) as error:
            self._tell(f"    which was refused: {' '.join(str(error).split())[:160]}")

    async def _do(self, deed: Deed) -> None:  # noqa: PLR0915 - one case for each deed
        match deed:
            case Hire(person, seed, number, group):
                groups = [self._groups[group]] if group else []
                body = {"tenant": SOURCE, "count": 1, "seed": seed, "first": number, "groups": groups}
                [self._ids[person]] = (await self._cloud.control("POST", "users/generate", body))["ids"]
            case Join(person, group):
                await self._add(await self._id(person), self._groups[group])
            case Leave(person, group):
                await self._remove(await self._id(person), self._groups[group])
            case Nest(group):
                await self._add(self._groups[group], self._scope())
            case Unnest(group):
                await self._remove(self._groups[group], self._scope())
            case Change(person, values):
                await self._graph(SOURCE, "PATCH", f"/users/{await self._id(person)}", values)
            case Report(person, manager):
                path = f"/users/{await self._id(person)}/manager/$ref"
                await self._graph(SOURCE, "PUT", path, _reference(await self._id(manager)))
            case Delete(person):
                await self._graph(SOURCE, "DELETE", f"/users/{await self._id(person)}")
            case Restore(person):
                await self._graph(SOURCE, "POST", f"/directory/deletedItems/{await self._id(person)}/restore")
            case Invite(person, target):
                await self._invite(await self._id(person), target)
            case EditInTarget(person, target, values):
                await self._in_target(person, target, "PATCH", values)
            case DeleteInTarget(person, target):
                await self._in_target(person, target, "DELETE", None)
            case RunTimer(function):
                await self._sandbox.run_timer(function)
            case ReleaseHolds():
                await self.release_holds()
            case StrikeGraph(fault):
                await self._cloud.control("POST", "faults", fault)
            case StrikeLogs(fault):
                await self._monitor("POST", "faults", fault)
            case Manners(profile, seconds):
                async with self._manners:
                    await self._cloud.control("POST", "profile", profile)
                    await asyncio.sleep(seconds)
                    await self._cloud.control("POST", "profile", {"notifications": NOTIFICATIONS, "replicas": REPLICAS})
            case Forge(person):
                await self._forge(await self._id(person))
            case Poison(text):
                await self._poison(text)
            case KillHost(seconds):
                async with self._host:
                    await self._restart_host(seconds)
            case CutBus(seconds):
                async with self._host:
                    await self._sandbox.line.cut()
                    await asyncio.sleep(seconds)
                    await self._sandbox.line.mend()
            case WithdrawConsent(target, seconds):
                async with self._host:
                    await self._withdraw(target, seconds)

    # --- the source ---------------------------------------------------------------------------------

    async def _id(self, person: str) -> str:
        """Somebody who is being hired may take a moment."""
        for _ in range(_TRIES):
            if person in self._ids:
                return self._ids[person]
            await asyncio.sleep(_WAIT)
        raise CallFailedError(f"{person} is not there")

    def _scope(self) -> str:
        return self._groups[SCOPE]

    async def _add(self, member: str, group: str) -> None:
        if member not in await self._members(group):
            await self._graph(SOURCE, "POST", f"/groups/{group}/members/$ref", _reference(member))

    async def _remove(self, member: str, group: str) -> None:
        if member in await self._members(group):
            await self._graph(SOURCE, "DELETE", f"/groups/{group}/members/{member}/$ref")

    async def _members(self, group: str) -> list[str]:
        [found] = [one["members"] for one in await self._cloud.groups(SOURCE) if one["id"] == group]
        members: list[str] = found
        return members

    async def _graph(self, tenant: str, method: str, path: str, body: object = None) -> Any:
        """A call of an administrator, who tries again where a replica knows nothing of somebody yet."""
        for left in reversed(range(_TRIES)):
            try:
                return await self._cloud.graph(tenant, method, path, body)
            except CallFailedError as error:
                if left == 0 or ": 404 " not in str(error):
                    raise
            await asyncio.sleep(_WAIT)
        raise AssertionError(method)

    # --- a target -----------------------------------------------------------------------------------

    async def _invite(self, source_id: str, target: str) -> None:
        [person] = [user for user in await self._cloud.users(SOURCE) if user["id"] == source_id]
        body = {"invitedUserEmailAddress": person["mail"], "inviteRedirectUrl": "https://myapplications.microsoft.com"}
        answer = await self._graph(target, "POST", "/invitations", body)
        invited = answer["invitedUser"]["id"]
        held = {user["id"]: user for user in await self._cloud.users(target)}
        if held[invited].get(self._marker) is None:  # or the app was there first
            self.guests.setdefault(target, []).append(held[invited])

    async def _in_target(self, person: str, target: str, method: str, body: object) -> None:
        source_id = await self._id(person)
        ours = [
            user["id"]
            for user in await self._cloud.users(target)
            if str(user.get(self._marker)).endswith(f"/{source_id}")
        ]
        if not ours:
            raise CallFailedError(f"{person} is not in {target} now")
        self.touched.add(source_id)
        await self._graph(target, method, f"/users/{ours[0]}", body)

    # --- an administrator ---------------------------------------------------------------------------

    async def release_holds(self) -> int:
        """Let everybody who is held go on, as an administrator would who has looked; how many that were.

        Whom we invited and never marked, and who left, an administrator deletes in the target, as the hold asks for.
        """
        holds = json.loads(await self._sandbox.administer("holds", "list", "--json"))
        unfinished = [hold for hold in holds if hold["reason"] == UNFINISHED]
        for target, user_id in [(hold["target"], user_id) for hold in unfinished for user_id in hold["objects"]]:
            with suppress(CallFailedError):  # gone already, or refused by a fault: the next round tries again
                await self._cloud.graph(target, "DELETE", f"/users/{user_id}")
        if holds:
            removals = sum(bool(hold["removal"]) for hold in holds)
            await self._sandbox.administer("holds", "release", "--all", "--yes-remove", str(removals))
        return len(holds)

    # --- trouble ------------------------------------------------------------------------------------

    async def _restart_host(self, seconds: float) -> None:
        await self._sandbox.host.kill()
        await asyncio.sleep(seconds)
        await self._sandbox.start_host()

    async def _withdraw(self, target: str, seconds: float) -> None:
        [roles] = [
            consent["roles"]
            for consent in default_document()["consents"]
            if consent["tenant"] == target and consent["app"] == "writer"
        ]
        await self._cloud.control("POST", "consents", {"tenant": target, "app": "writer", "revoke": True})
        try:
            await self._restart_host(0)
            await asyncio.sleep(seconds)
        finally:
            await self._cloud.control("POST", "consents", {"tenant": target, "app": "writer", "roles": roles})
        await self._restart_host(0)

    async def _forge(self, source_id: str) -> None:
        subscriptions = (await self._cloud.control("GET", "subscriptions"))["value"]
        item = {
            "changeType": "updated",
            "clientState": "guessed",
            "resource": f"Users/{source_id}",
            "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": source_id},
            "subscriptionId": subscriptions[0]["id"] if subscriptions else "none",
            "tenantId": self._sandbox.tenants.ready["tenants"][SOURCE]["id"],
        }
        url = f"{self._sandbox.host.ready['url']}/api/notifications"
        async with self._session() as session, session.post(url, json={"value": [item]}) as response:
            await response.read()

    async def _poison(self, text: str) -> None:
        """To the bus itself: whoever sends it has a line of their own."""
        self.poisoned += 1
        async with (
            ServiceBusClient.from_connection_string(self._sandbox.bus.ready["connectionString"]) as client,
            client.get_topic_sender(TOPIC) as sender,
        ):
            await sender.send_messages(ServiceBusMessage(text))

    async def _monitor(self, method: str, path: str, body: object = None) -> Any:
        url = f"{self._sandbox.monitor.ready['control']}/{path}"
        async with self._session() as session, session.request(method, url, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def logged(self, table: str) -> list[Mapping[str, Any]]:
        """The rows of a table of the monitor."""
        rows: list[Mapping[str, Any]] = (await self._monitor("GET", f"tables/{table}/rows"))["value"]
        return rows

    def _session(self) -> aiohttp.ClientSession:
        tls = ssl.create_default_context(cafile=self._sandbox.tenants.ready["ca"])
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls))


def _reference(object_id: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{object_id}"}
