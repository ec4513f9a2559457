"""What both stores promise, each promise once. Nothing here knows which store it is talking to."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from shared.core.model import Claim, Link, LinkState, StateRow, SubscriptionRecord
from shared.store import Conflict, TooLarge, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.store import Store

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


def users(count: int) -> list[Link]:
    """Return new links, `user-0000` and on."""
    return [Link("emea", f"user-{number:04}") for number in range(count)]


async def write(store: Store, *links: Link) -> list[Link]:
    """Write links that must all be accepted; return them with their new etags."""
    outcomes = await store.write_links(links)
    assert all(isinstance(outcome, Written) for outcome in outcomes)
    return [replace(link, etag=outcome.etag) for link, outcome in zip(links, outcomes, strict=True)]


async def listed(store: Store, target: str, *, page_size: int = 1000) -> list[Sequence[Link]]:
    """Return the pages of a whole listing."""
    return [page async for page in store.list_links(target, page_size=page_size)]


async def test_absent_link(store: Store):
    """A user without link is absent."""
    assert await store.get_links("emea", ["nobody"]) == {}


async def test_no_ids(store: Store):
    """Asking for no links gives none."""
    assert await store.get_links("emea", []) == {}


async def test_round_trip(store: Store):
    """A link comes back as it was written with the etag that was acknowledged."""
    link = Link(
        "emea",
        "nestor",
        state=LinkState.HELD,
        target_id="nestor-in-emea",
        fingerprint="f1",
        claim=Claim("worker-7", NOON),
        was_new=True,
        manager_source_id="miriam",
        reason="ambiguousMatch",
        attempt=3,
        retry_at=NOON + timedelta(hours=1),
        changed_at=NOON - timedelta(days=1),
        missing_since=datetime(2026, 11, 23, 14, 0, tzinfo=timezone(timedelta(hours=2))),
        unlogged=('{"name": "Nestor Wïlke 🙂"}', "{}"),
    )
    [written] = await write(store, link)
    read = (await store.get_links("emea", ["nestor"]))["nestor"]
    assert read == link
    assert read.etag == written.etag


async def test_round_trip_of_little(store: Store):
    """A link that says little comes back as well."""
    await write(store, Link("emea", "nestor"))
    assert await store.get_links("emea", ["nestor"]) == {"nestor": Link("emea", "nestor")}


async def test_repeated_ids(store: Store):
    """Repeated ids are answered once."""
    await write(store, *users(3))
    assert len(await store.get_links("emea", ["user-0000", "user-0002", "user-0000"])) == 2


async def test_update_replaces(store: Store):
    """An update replaces the whole link."""
    [first] = await write(store, Link("emea", "a", target_id="x", fingerprint="f", reason="r", attempt=2))
    await write(store, Link("emea", "a", etag=first.etag))
    assert (await store.get_links("emea", ["a"]))["a"] == Link("emea", "a")


async def test_create_conflicts(store: Store):
    """A new link conflicts with one that is there."""
    await write(store, Link("emea", "a", fingerprint="kept"))
    assert await store.write_links([Link("emea", "a", fingerprint="new")]) == (Conflict(),)
    assert (await store.get_links("emea", ["a"]))["a"].fingerprint == "kept"


async def test_outdated_etag(store: Store):
    """An outdated etag conflicts."""
    [first] = await write(store, Link("emea", "a"))
    await write(store, replace(first, fingerprint="second"))
    assert await store.write_links([replace(first, fingerprint="third")]) == (Conflict(),)
    assert (await store.get_links("emea", ["a"]))["a"].fingerprint == "second"


async def test_unchanged_write(store: Store):
    """Writing the same again with the new etag is no conflict."""
    [link] = await write(store, Link("emea", "a", target_id="x", unlogged=("{}",)))
    for _ in range(3):
        [link] = await write(store, link)


async def test_etag_without_row(store: Store):
    """An etag of a link that is not there conflicts."""
    [first] = await write(store, Link("emea", "a"))
    assert await store.write_links([Link("emea", "b", etag=first.etag)]) == (Conflict(),)
    assert await store.get_links("emea", ["b"]) == {}


async def test_foreign_etag(store: Store):
    """An etag that no store gave conflicts."""
    await write(store, Link("emea", "a"))
    assert await store.write_links([Link("emea", "a", etag="made up")]) == (Conflict(),)


async def test_empty_batch(store: Store):
    """An empty batch is fine."""
    assert await store.write_links([]) == ()


async def test_batch_with_conflicts(store: Store):
    """In a batch of a thousand only the conflicting links are refused."""
    before = await write(store, *users(1000))
    overtaken = {link.source_id for link in before[::37]}
    await write(store, *(replace(link, fingerprint="other") for link in before[::37]))

    outcomes = await store.write_links(
        [replace(link, fingerprint="mine", target_id=f"t-{link.source_id}") for link in before]
    )

    assert len(outcomes) == 1000
    refused = {link.source_id for link, outcome in zip(before, outcomes, strict=True) if isinstance(outcome, Conflict)}
    assert refused == overtaken
    after = await store.get_links("emea", [link.source_id for link in before])
    for link, outcome in zip(before, outcomes, strict=True):
        stored = after[link.source_id]
        if isinstance(outcome, Written):
            assert (stored.fingerprint, stored.etag) == ("mine", outcome.etag)
        else:
            assert stored.fingerprint == "other"


async def test_batch_of_conflicts(store: Store):
    """A batch that another worker took first conflicts as a whole."""
    before = await write(store, *users(60))
    await write(store, *(replace(link, fingerprint="other") for link in before))
    assert set(await store.write_links(before)) == {Conflict()}


async def test_two_writers(store: Store, open_again: Callable[[], Store]):
    """Of two writers, exactly one wins each link."""
    before = await write(store, *users(60))
    other = open_again()
    mine, theirs = await asyncio.gather(
        store.write_links([replace(link, fingerprint="mine") for link in before]),
        other.write_links([replace(link, fingerprint="theirs") for link in reversed(before)]),
    )
    await other.close()
    after = await store.get_links("emea", [link.source_id for link in before])
    for link, one, two in zip(before, mine, reversed(theirs), strict=True):
        assert {type(one), type(two)} == {Written, Conflict}
        assert after[link.source_id].fingerprint == ("mine" if isinstance(one, Written) else "theirs")


async def test_two_creators(store: Store, open_again: Callable[[], Store]):
    """Of two who create the same links, exactly one wins each."""
    other = open_again()
    mine, theirs = await asyncio.gather(store.write_links(users(30)), other.write_links(users(30)))
    await other.close()
    for one, two in zip(mine, theirs, strict=True):
        assert {type(one), type(two)} == {Written, Conflict}


async def test_link_twice_in_a_batch(store: Store):
    """A batch that names a link twice is refused before anything is written."""
    with pytest.raises(ValueError, match="twice"):
        await store.write_links([Link("emea", "b"), Link("emea", "a"), Link("emea", "a", attempt=1)])
    assert await store.get_links("emea", ["a", "b"]) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        Link("emea", ""),
        Link("", "a"),
        Link("emea", "x" * 81),
        Link("emea", "a", target_id="ü" * 41),
        Link("emea", "a", manager_source_id=""),
        Link("emea", "a", retry_at=datetime(2026, 1, 1)),  # noqa: DTZ001 - the point of the case
    ],
)
async def test_unstorable_link(store: Store, wrong: Link):
    """A link that cannot be stored is refused before anything is written."""
    with pytest.raises(ValueError, match=r"bytes long|without zone"):
        await store.write_links([Link("emea", "b"), wrong])
    assert await store.get_links("emea", ["b"]) == {}


async def test_awkward_ids(store: Store):
    """Ids may hold any character and are compared exactly."""
    ids = ["a/b", "a\\b", "a#b", "a?b", "a%b", "a'b", "a:b", "a;b", "a=2Fb", "a b", "ab", "aB", "ü", "🙂", "\x01\x7f"]
    ids += ["x" * 80, "\x1f" * 80]
    links = [Link("e:m", one, target_id=one, manager_source_id=one, unlogged=("{}",)) for one in ids]
    await write(store, *links)
    assert await store.get_links("e:m", ids) == {link.source_id: link for link in links}
    assert {link.source_id for link in await store.list_unlogged("e:m", 100)} == set(ids)
    assert await store.find_by_target_user("e:m", ids) == {link.source_id: (link,) for link in links}
    assert await store.find_by_manager("e:m", ids) == {one: (one,) for one in ids}
    assert await store.get_links("e", ids) == {}


async def test_listing(store: Store):
    """Listing gives every link of the target once in pages of the size asked for."""
    await write(store, *users(100), *(Link("apac", f"user-{number:04}") for number in range(5)))
    pages = await listed(store, "emea", page_size=3)
    assert all(0 < len(page) <= 3 for page in pages)
    assert sorted(link.source_id for page in pages for link in page) == [link.source_id for link in users(100)]
    assert sum(len(page) for page in await listed(store, "apac")) == 5
    assert await listed(store, "nowhere") == []


async def test_listed_link_written_back(store: Store):
    """A listed link can be written back."""
    await write(store, Link("emea", "a", target_id="x", unlogged=("{}",)))
    [[link]] = await listed(store, "emea")
    assert await store.get_links("emea", ["a"]) == {"a": link}
    await write(store, replace(link, unlogged=()))


async def test_listing_left_early(store: Store):
    """A listing can be left early and links written meanwhile."""
    await write(store, *users(20))
    async with aclosing(store.list_links("emea", page_size=2)) as pages:
        async for page in pages:
            await write(store, *(replace(link, fingerprint="seen") for link in page))
            break
    seen = [
        link for link in (await store.get_links("emea", [u.source_id for u in users(20)])).values() if link.fingerprint
    ]
    assert 1 <= len(seen) <= 2


@pytest.mark.parametrize("page_size", [0, 1001])
async def test_wrong_page_size(store: Store, page_size: int):
    """A page size no store can keep is refused."""
    with pytest.raises(ValueError, match="page_size"):
        await listed(store, "emea", page_size=page_size)


async def test_counting(store: Store):
    """Links are counted by state and target."""
    await write(
        store,
        *users(4),
        *(Link("emea", f"held-{number}", state=LinkState.HELD) for number in range(3)),
        Link("apac", "a", state=LinkState.ACTIVE),
    )
    none = dict.fromkeys(LinkState, 0)
    assert await store.count_links("emea") == none | {LinkState.NEW: 4, LinkState.HELD: 3}
    assert await store.count_links("apac") == none | {LinkState.ACTIVE: 1}
    assert await store.count_links("nowhere") == none


async def test_unlogged_until_cleared(store: Store):
    """Events stay listed until they are cleared."""
    silent, owing = await write(store, Link("emea", "silent"), Link("emea", "owing", unlogged=("{}", "{}")))
    assert await store.list_unlogged("emea", 10) == [owing]
    [owing] = await write(store, replace(owing, unlogged=("{}",)))
    assert await store.list_unlogged("emea", 10) == [owing]
    [owing] = await write(store, replace(owing, unlogged=()))
    assert await store.list_unlogged("emea", 10) == []
    await write(store, replace(owing, unlogged=("{}",)), replace(silent, unlogged=("{}",)))
    assert {link.source_id for link in await store.list_unlogged("emea", 10)} == {"silent", "owing"}
    assert await store.list_unlogged("apac", 10) == []


async def test_unlogged_cleared_from_listing(store: Store):
    """A listed event can be cleared with what the listing returned."""
    await write(store, Link("emea", "a", target_id="x", manager_source_id="m", unlogged=("{}",)))
    [link] = await store.list_unlogged("emea", 10)
    await write(store, replace(link, unlogged=()))
    assert await store.list_unlogged("emea", 10) == []


async def test_unlogged_after_conflict(store: Store):
    """A conflicting clearing leaves the events listed."""
    [link] = await write(store, Link("emea", "a", unlogged=("1",)))
    await write(store, replace(link, unlogged=("1", "2")))
    assert await store.write_links([replace(link, unlogged=())]) == (Conflict(),)
    [still] = await store.list_unlogged("emea", 10)
    assert still.unlogged == ("1", "2")


async def test_unlogged_limit(store: Store):
    """No more events are listed than asked for."""
    await write(store, *(replace(link, unlogged=("{}",)) for link in users(50)))
    assert len(await store.list_unlogged("emea", 7)) == 7
    assert len(await store.list_unlogged("emea", 1000)) == 50
    with pytest.raises(ValueError, match="limit"):
        await store.list_unlogged("emea", 0)


async def test_by_target_user(store: Store):
    """A link is found by its present target user only."""
    [link] = await write(store, Link("emea", "a", target_id="first"))
    assert await store.find_by_target_user("emea", ["first", "second"]) == {"first": (link,)}
    [link] = await write(store, replace(link, target_id="second"))
    assert await store.find_by_target_user("emea", ["first", "second"]) == {"second": (link,)}
    [link] = await write(store, replace(link, target_id=None))
    assert await store.find_by_target_user("emea", ["first", "second"]) == {}
    [link] = await write(store, replace(link, target_id="first"))
    assert await store.find_by_target_user("emea", ["first", "second"]) == {"first": (link,)}
    assert await store.find_by_target_user("apac", ["first"]) == {}


async def test_by_target_user_written_back(store: Store):
    """A link found by its target user can be written back."""
    await write(store, Link("emea", "a", target_id="x"))
    found = await store.find_by_target_user("emea", ["x"])
    await write(store, *found["x"])


async def test_two_links_to_one_user(store: Store):
    """Two links to one target user are both found."""
    await write(store, Link("emea", "a", target_id="x"), Link("emea", "b", target_id="x"))
    found = await store.find_by_target_user("emea", ["x", "x"])
    assert {link.source_id for link in found["x"]} == {"a", "b"}


async def test_refused_link_not_found(store: Store):
    """A refused link is not found by what it would have said."""
    await write(store, Link("emea", "a", target_id="x", manager_source_id="m"))
    refused = Link("emea", "a", target_id="y", manager_source_id="n", unlogged=("{}",))
    assert await store.write_links([refused]) == (Conflict(),)
    assert await store.find_by_target_user("emea", ["y"]) == {}
    assert await store.find_by_manager("emea", ["n"]) == {}
    assert await store.list_unlogged("emea", 10) == []


async def test_by_manager(store: Store):
    """Links that wait for a manager are found until they no longer wait."""
    waiting = [replace(link, manager_source_id="miriam") for link in users(120)]
    written = await write(store, *waiting, Link("emea", "other", manager_source_id="megan"))
    found = await store.find_by_manager("emea", ["miriam", "megan", "nobody"])
    assert {manager: len(reports) for manager, reports in found.items()} == {"miriam": 120, "megan": 1}
    await write(store, *(replace(link, manager_source_id=None) for link in written[:119]))
    assert await store.find_by_manager("emea", ["miriam"]) == {"miriam": ("user-0119",)}


async def test_long_events(store: Store):
    """Long events are kept whole."""
    link = Link("emea", "a", unlogged=tuple(f'{{"n": {n}, "name": "ü"}}' + "x" * 20_000 for n in range(20)))
    await write(store, link)
    assert (await store.get_links("emea", ["a"]))["a"].unlogged == link.unlogged


async def test_link_too_long(store: Store):
    """A link too long for any store is refused alone and keeps its row."""
    [link] = await write(store, Link("emea", "a", fingerprint="kept"))
    outcomes = await store.write_links([Link("emea", "b"), replace(link, unlogged=("x" * 600_000,))])
    assert isinstance(outcomes[0], Written)
    assert isinstance(outcomes[1], TooLarge)
    assert outcomes[1].length > outcomes[1].limit
    assert (await store.get_links("emea", ["a"]))["a"].fingerprint == "kept"


async def test_batch_of_long_links(store: Store):
    """A batch of long links is written whole."""
    links = [replace(link, unlogged=('"' * 50_000,)) for link in users(60)]
    await write(store, *links)
    assert len(await store.list_unlogged("emea", 100)) == 60


async def test_restart(store: Store, open_again: Callable[[], Store]):
    """What was acknowledged is there for the next process."""
    [link] = await write(store, Link("emea", "a", target_id="x", manager_source_id="m", unlogged=("{}",)))
    await store.put_state(StateRow("cursor", "1"))
    await store.put_subscription(SubscriptionRecord("/users", "secret", "https://example.org"))
    await store.close()
    restarted = open_again()
    assert await restarted.get_links("emea", ["a"]) == {"a": link}
    assert await restarted.list_unlogged("emea", 10) == [link]
    assert await restarted.find_by_target_user("emea", ["x"]) == {"x": (link,)}
    assert await restarted.find_by_manager("emea", ["m"]) == {"m": ("a",)}
    assert await restarted.get_state("cursor") == StateRow("cursor", "1")
    assert len(await restarted.get_subscriptions()) == 1
    await restarted.close()


async def test_state_row(store: Store):
    """A state row is compared and set."""
    assert await store.get_state("cursor") is None
    first = await store.put_state(StateRow("cursor", '{"delta": "1"}'))
    assert isinstance(first, Written)
    assert await store.put_state(StateRow("cursor", "2")) == Conflict()
    second = await store.put_state(StateRow("cursor", "2", etag=first.etag))
    assert isinstance(second, Written)
    assert await store.put_state(StateRow("cursor", "3", etag=first.etag)) == Conflict()
    assert await store.put_state(StateRow("other", "3", etag=second.etag)) == Conflict()
    row = await store.get_state("cursor")
    assert row == StateRow("cursor", "2")
    assert row.etag == second.etag


async def test_lease(store: Store, open_again: Callable[[], Store]):
    """Of many who take a lease, exactly one gets it."""
    other = open_again()
    outcomes = await asyncio.gather(
        *(one.put_state(StateRow("lease", str(number))) for number, one in enumerate([store, other] * 8))
    )
    await other.close()
    [winner] = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Written)]
    assert await store.get_state("lease") == StateRow("lease", str(winner))


async def test_long_state_value(store: Store):
    """A long state value is kept to the letter and one too long is refused."""
    value = '["ü🙂 \\u00fc"]\n' * 8_000
    assert isinstance(await store.put_state(StateRow("/groups/{id}?#", value)), Written)
    assert await store.get_state("/groups/{id}?#") == StateRow("/groups/{id}?#", value)
    assert isinstance(await store.put_state(StateRow("long", "x" * 600_000)), TooLarge)
    assert await store.get_state("long") is None


@pytest.mark.parametrize("name", ["", "x" * 161])
async def test_wrong_name(store: Store, name: str):
    """A name that cannot be a key is refused."""
    with pytest.raises(ValueError, match="bytes long"):
        await store.put_state(StateRow(name, "1"))
    with pytest.raises(ValueError, match="bytes long"):
        await store.put_subscription(SubscriptionRecord(name, "s", "https://example.org"))


async def test_subscription_life(store: Store):
    """A subscription is recorded completed and removed."""
    assert await store.get_subscriptions() == []
    planned = SubscriptionRecord("/users", "secret", "https://example.org/api")
    first = await store.put_subscription(planned)
    assert isinstance(first, Written)
    assert await store.put_subscription(planned) == Conflict()
    made = replace(planned, subscription_id="s1", expires_at=NOON, etag=first.etag)
    assert isinstance(await store.put_subscription(made), Written)
    assert isinstance(await store.put_subscription(replace(planned, resource="/groups")), Written)
    assert await store.get_subscriptions() == [replace(planned, resource="/groups"), made]
    await store.delete_subscription("/users")
    await store.delete_subscription("/users")
    assert [record.resource for record in await store.get_subscriptions()] == ["/groups"]


async def test_subscription_made_again(store: Store):
    """An etag from before a removal conflicts with a record made after it."""
    record = SubscriptionRecord("/users", "secret", "https://example.org/api")
    first = await store.put_subscription(record)
    await store.delete_subscription("/users")
    assert isinstance(await store.put_subscription(record), Written)
    assert isinstance(first, Written)
    assert await store.put_subscription(replace(record, etag=first.etag)) == Conflict()


async def test_closing(open_again: Callable[[], Store]):
    """Closing twice, or a store that was never used, is fine."""
    unused = open_again()
    await unused.close()
    await unused.close()
