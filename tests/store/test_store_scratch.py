"""A scratch on top of a store: what is below shows through until it is overwritten, and stays as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest_asyncio

from shared.core.model import Link, LinkState, StateRow
from shared.store import Conflict, Written
from shared.store.scratch import ScratchStore
from shared.store.sqlite import SQLiteStore


@pytest_asyncio.fixture
async def below(tmp_path):
    """A store with two links and a state row."""
    store = SQLiteStore(tmp_path / "links.sqlite3")
    await store.write_links(
        [
            Link("emea", "nestor", LinkState.ACTIVE, "nestor-in-emea"),
            Link("emea", "adele", LinkState.NEW, manager_source_id="miriam"),
        ]
    )
    await store.put_state(StateRow("cursor", "1"))
    yield store
    await store.close()


async def rows(store):
    """All links and the state row, for comparison."""
    links = [link async for page in store.list_links("emea") for link in page]
    return sorted((link.source_id, link.etag, link) for link in links), await store.get_state("cursor")


async def test_what_is_below_shows_through(below):
    """Every way of asking finds it."""
    scratch = ScratchStore(below)
    assert set(await scratch.get_links("emea", ["nestor", "adele", "nobody"])) == {"nestor", "adele"}
    assert [
        link.source_id for link in (await scratch.find_by_target_user("emea", ["nestor-in-emea"])).popitem()[1]
    ] == ["nestor"]
    assert await scratch.find_by_manager("emea", ["miriam"]) == {"miriam": ("adele",)}
    assert (await scratch.count_links("emea"))[LinkState.ACTIVE] == 1
    assert (await scratch.get_state("cursor")).value == "1"


async def test_what_is_written_hides_what_is_below_and_leaves_it_alone(below):
    """In every way of asking; counts follow, and the store below holds what it held."""
    before = await rows(below)
    scratch = ScratchStore(below)
    links = await scratch.get_links("emea", ["nestor", "adele"])
    outcomes = await scratch.write_links(
        [
            replace(links["nestor"], state=LinkState.SOFT_DELETED, target_id="another"),
            replace(links["adele"], manager_source_id=None),
            Link("emea", "patti", LinkState.ACTIVE, "patti-in-emea", manager_source_id="miriam"),
        ]
    )
    assert all(isinstance(outcome, Written) for outcome in outcomes)
    row = await scratch.get_state("cursor")
    assert isinstance(await scratch.put_state(replace(row, value="2")), Written)
    assert await scratch.find_by_target_user("emea", ["nestor-in-emea"]) == {}
    assert await scratch.find_by_manager("emea", ["miriam"]) == {"miriam": ("patti",)}
    counts = await scratch.count_links("emea")
    assert (counts[LinkState.ACTIVE], counts[LinkState.SOFT_DELETED], counts[LinkState.NEW]) == (1, 1, 1)
    assert len([link async for page in scratch.list_links("emea", page_size=1) for link in page]) == 3
    assert (await scratch.get_state("cursor")).value == "2"
    assert await rows(below) == before


async def test_a_row_that_somebody_changed_below_is_a_conflict(below):
    """Compare-and-set goes by the etag that was read."""
    scratch = ScratchStore(below)
    stale = (await scratch.get_links("emea", ["nestor"]))["nestor"]
    await below.write_links([replace(stale, reason="changed")])
    assert await scratch.write_links([stale]) == (Conflict(),)


async def test_closing_a_scratch_leaves_the_store_below_open(below):
    """It is somebody else's."""
    await ScratchStore(below).close()
    assert await below.get_state("cursor") is not None
