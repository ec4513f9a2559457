"""Fills a new world with what its configuration says was always there: people, groups, old guests.

Planting leaves no trace in the journal and tells no subscriber; replicas are levelled at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.tenants import people
from sandbox.tenants.accounts import guest_properties, internal_properties
from sandbox.tenants.clock import timestamp
from sandbox.tenants.directory.directory import Origin
from sandbox.tenants.directory.model import Kind, PutManager, PutMember, Version
from sandbox.tenants.world import Tenant, World, derived_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.tenants.people import Person
    from sandbox.tenants.wire import JsonObject

_YEAR = 365 * 24 * 3600.0
_HIDDEN = frozenset({"manager", "exchangeMastered", "privileged", "homeTenant", "members"})


def plant(world: World) -> None:
    """Fill every tenant; sources before the guests that were invited from them."""
    for tenant in world.tenants.values():
        config = tenant.config
        crowd = people.contoso() if config.people is None else people.strangers(config.people, world.chance.seed)
        plant_people(world, tenant, crowd)
        for user in config.users:
            if "homeTenant" not in user:
                _plant_user(world, tenant, user)
    for tenant in world.tenants.values():
        for user in tenant.config.users:
            if "homeTenant" in user:
                _plant_guest(world, tenant, user)
        _plant_managers(tenant)
        for group in tenant.config.groups:
            _plant_group(world, tenant, group)
        tenant.directory.replicas.level()


def plant_people(world: World, tenant: Tenant, crowd: Iterable[Person]) -> list[str]:
    """Plant people with their managers and give their ids; the caller levels the replicas."""
    ids: dict[str, str] = {}
    created = timestamp(world.now() - _YEAR)
    for person in crowd:
        object_id = ids[person.alias] = people.person_id(tenant.id, person.alias)
        user = person.user(tenant.config.domain, object_id)
        tenant.directory.plant(Kind.USER, object_id, internal_properties(tenant, user, created))
        if person.manager in ids:
            tenant.directory.plant_link(PutManager(object_id, ids[person.manager]))
    if not ids:
        return []
    if tenant.config.people is None:  # the sample company's people are listed in no order of rank
        for person in people.contoso():
            if person.manager is not None and person.alias in ids and person.manager in ids:
                tenant.directory.plant_link(PutManager(ids[person.alias], ids[person.manager]))
    return list(ids.values())


def hire(world: World, tenant: Tenant, crowd: Iterable[Person], groups: list[Version], actor: str) -> list[str]:
    """Create people as true changes, with managers and memberships, and give their ids."""
    directory = tenant.directory
    made: dict[str, Version] = {}
    for person in crowd:
        values = person.user(tenant.config.domain, "")
        del values["id"]
        properties = internal_properties(tenant, values, timestamp(world.now()))
        user = made[person.alias] = directory.create(Kind.USER, properties, actor)
        if person.manager is not None:
            directory.set_manager(user, made[person.manager].id, actor)
        for group in groups:
            directory.set_member(group, user.id, actor, present=True)
    return [user.id for user in made.values()]


def _plant_user(world: World, tenant: Tenant, user: JsonObject) -> None:
    values = {name: value for name, value in user.items() if name not in _HIDDEN}
    object_id = values.setdefault("id", derived_id(tenant.id, f"user:{user['userPrincipalName']}"))
    properties = internal_properties(tenant, values, timestamp(world.now() - _YEAR))
    tenant.directory.plant(Kind.USER, object_id, properties)
    tenant.directory.origins[object_id] = Origin(
        exchange_mastered=bool(user.get("exchangeMastered")), privileged=bool(user.get("privileged"))
    )


def _plant_guest(world: World, tenant: Tenant, user: JsonObject) -> None:
    values = {name: value for name, value in user.items() if name not in _HIDDEN}
    home = world.tenants[user["homeTenant"]]
    found = home.directory.named("mail", user["mail"])
    object_id = values.setdefault("id", derived_id(tenant.id, f"guest:{user['mail']}"))
    base = guest_properties(
        tenant, user["mail"], home.config.domain, timestamp(world.now() - _YEAR), values.get("userType", "Guest")
    )
    tenant.directory.plant(Kind.USER, object_id, {**base, "externalUserState": "Accepted", **values})
    origin = (home.id, found[0].id) if found else None
    tenant.directory.origins[object_id] = Origin(home=origin, privileged=bool(user.get("privileged")))
    if origin is not None:
        tenant.directory.homes[origin] = object_id


def _plant_managers(tenant: Tenant) -> None:
    for user in tenant.config.users:
        manager: Any = user.get("manager")
        if manager is None:
            continue
        boss, report = _named(tenant, str(manager)), _named(tenant, user["userPrincipalName"])
        if boss is not None and report is not None:
            tenant.directory.plant_link(PutManager(report.id, boss.id))


def _plant_group(world: World, tenant: Tenant, group: JsonObject) -> None:
    values = {name: value for name, value in group.items() if name not in _HIDDEN}
    object_id = values.setdefault("id", derived_id(tenant.id, f"group:{group['displayName']}"))
    defaults = {
        "createdDateTime": timestamp(world.now() - _YEAR),
        "mailEnabled": False,
        "securityEnabled": True,
        "mailNickname": group["displayName"].replace(" ", ""),
        "groupTypes": [],
    }
    tenant.directory.plant(Kind.GROUP, object_id, {**defaults, **values})
    members = group.get("members", [])
    everyone = tenant.directory.replicas.truth.after(Kind.USER, 0)
    ids = [user.id for user in everyone] if members == "*" else [_member_id(tenant, name) for name in members]
    for member in ids:
        tenant.directory.plant_link(PutMember(object_id, member, present=True))


def _member_id(tenant: Tenant, name: str) -> str:
    found = _named(tenant, name)
    return name if found is None else found.id


def _named(tenant: Tenant, name: str) -> Version | None:
    found = tenant.directory.named("userPrincipalName", name) or tenant.directory.named("displayName", name)
    return found[0] if found else None
