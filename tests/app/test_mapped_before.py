"""What earlier full cycles have mapped is remembered, and nothing is overlooked because of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.app.catch_up import catch_up
from shared.app.desire import draft, selection
from shared.app.full_cycle import full_cycle
from shared.app.mapped_before import MappedBefore
from shared.core.fingerprints import record
from shared.core.messages import Kind
from shared.core.model import StateRow
from shared.core.scoping import parse_filter
from shared.graph.source import Found

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = ("PattiF", "IsaiahL", "MiriamG")


async def settled(app):
    """Three people present in the target, and a cycle that found nothing; returns their ids."""
    ids = await app.join(*PEOPLE)
    await catch_up(app.parts)
    await full_cycle(app.parts)
    await app.work_on()
    app.clock.advance(minutes=20)
    await full_cycle(app.parts)
    assert await asked(app) == {}
    return ids


async def asked(app):
    return {change.user_id: change.kind for change in await app.messages("emea")}


async def known(app, target=None):
    """Of whom the memory says, for a record as the source lists it now, what was applied."""
    target = target or app.parts.targets["emea"].target
    links = {link.source_id: link async for page in app.parts.store.list_links("emea") for link in page}
    memory = await MappedBefore.load(app.parts.store, target, links)
    select = sorted({name for one in app.parts.targets.values() for name in selection(one.target).properties})
    pages = app.parts.source.list_members(target.scope.groups[0], select)
    users = [user async for page in pages for user in page]
    return {user["id"] for user in users if memory.made(user["id"], record(user), links[user["id"]].fingerprint)}


async def test_people_are_remembered_once_they_were_mapped(app):
    """Everybody who is settled, and nobody whose record has changed since."""
    patti, isaiah, miriam = await settled(app)
    assert await known(app) == {patti, isaiah, miriam}
    await app.change(patti, department="Research")
    assert await known(app) == {isaiah, miriam}


async def test_changes_on_either_side_are_found_all_the_same(app):
    """In the source, in the target, and in the link."""
    patti, isaiah, miriam = await settled(app)
    await app.change(patti, department="Research")
    await app.change((await app.in_target(isaiah))["id"], tenant="emea", department="Somewhere else")
    [link] = (await app.parts.store.get_links("emea", [miriam])).values()
    await app.parts.store.write_links([replace(link, fingerprint="of another time")])
    await full_cycle(app.parts)
    assert await asked(app) == {patti: Kind.HINT, isaiah: Kind.CHECK, miriam: Kind.HINT}


async def test_other_rules_remember_nobody(app):
    """A digest of the rules stands with the people; a cycle under new rules maps everybody, and remembers them."""
    ids = await settled(app)
    hands = app.parts.targets["emea"]
    other = replace(hands.target, rules="others")
    assert await known(app, other) == set()
    app.parts = replace(app.parts, targets=app.parts.targets | {"emea": replace(hands, target=other)})
    await full_cycle(app.parts)
    assert await known(app, other) == set(ids)


async def test_rules_that_follow_time_remember_nobody(app):
    """Somebody may leave the scope on a day on which nothing about them changes."""
    await settled(app)
    target = app.parts.targets["emea"].target
    until, faults = parse_filter({"attribute": "employeeHireDate", "operator": "BEFORE", "value": "now + 10d"})
    assert not faults
    assert await known(app, replace(target, scope=replace(target.scope, filter=until))) == set()


async def test_whoever_has_fewer_attributes_than_others_is_not_remembered(app):
    """What the target is compared by is the same for all who are remembered."""
    [patti, *_] = await settled(app)
    target = app.parts.targets["emea"].target
    memory = await MappedBefore.load(app.parts.store, target, {})
    users = {user["id"]: user for user in await app.cloud.users("source")}
    desired = draft(target, Found(users[patti], frozenset({"any"})), None, app.clock.now()).desired
    memory.learn(patti, "record", desired)
    assert memory.made(patti, "record", desired.fingerprint)
    fewer = {name: value for name, value in desired.attributes.items() if name != "department"}
    memory.learn(patti, "record", replace(desired, attributes=fewer))
    assert not memory.made(patti, "record", desired.fingerprint)


@pytest.mark.parametrize("value", ["", "no JSON", "[]", '{"by": 1}', '{"people": {}}'])
async def test_a_row_that_cannot_be_read_is_none(app, value):
    """It is a memory and no more: the next cycle writes it anew."""
    ids = await settled(app)
    for user_id in ids:
        row = await app.parts.store.get_state(f"mapped:emea:{user_id[:2]}")
        await app.parts.store.put_state(StateRow(row.name, value, row.etag))
    assert await known(app) == set()
    await full_cycle(app.parts)
    assert await asked(app) == {}
    assert await known(app) == set(ids)
