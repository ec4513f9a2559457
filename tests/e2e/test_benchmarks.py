"""The benchmarks of cost, small: what is counted holds at any size. Times are the full benchmarks' affair."""

from __future__ import annotations

import asyncio

from benchmarks import against_script, ingest, page, profiles, targets


async def test_the_script_and_the_product_bring_the_same_people_and_the_product_asks_less():
    """Both targets are right; writes are the same, since each is needed; round trips are not."""
    *chapters, end = await against_script.measure(25, runs=1)
    assert end.met, end.line()
    create, update, unchanged = (figure.measured for figure in chapters)
    assert create["product.writes"] == create["script.writes"]
    assert update["product.writes"] == update["script.writes"] == 1
    assert unchanged["product.writes"] == unchanged["script.writes"] == 0
    assert all(each["product.roundTrips"] < each["script.roundTrips"] for each in (create, update, unchanged))


async def test_every_notification_is_taken():
    """Alone in a POST, with others, and as many POSTs at a time as possible."""
    figures = await ingest.measure(per_second=200, seconds=1)
    assert [figure.name for figure in figures] == ["ingest.1", "ingest.10", "ingest.100", "ingest.most"]
    assert [(figure.measured["notifications"], figure.measured["refused"]) for figure in figures] == [(200, 0)] * 4


async def test_several_targets_get_what_one_does():
    """An invitation and an update for each in each, and Graph's quota refuses nothing."""
    for figure in await targets.measure(5, [1, 3]):
        counted = {name: figure.measured[name] for name in ("writes", "throttled", "wrong")}
        assert counted == {name: figure.expected[name] for name in counted}, figure.line()


async def test_a_page_is_read_whole_by_both():
    """The models are what costs, so a few users will do."""
    figure = await asyncio.to_thread(page.measure, 20, 1)
    assert figure.users == 20


async def test_profiles_are_written(tmp_path):
    """One text for each of the dearest paths, with functions of the app in it."""
    await asyncio.to_thread(profiles.profile, 20, 100, 100, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["creates.txt", "cycle.txt", "ingest.txt"]
    assert all("function calls" in file.read_text(encoding="utf-8") for file in tmp_path.iterdir())
