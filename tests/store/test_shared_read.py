"""One read for all who ask at the same time, and each as fresh as if it were theirs alone."""

from __future__ import annotations

import asyncio

from shared.store.shared_read import SharedRead


class Shelf:
    """Something to read, at its own pace: each read says which one it is, and ends when it is let."""

    def __init__(self):
        self.reads = 0
        self.open = asyncio.Event()

    async def read(self):
        self.reads += 1
        number = self.reads
        await self.open.wait()
        return number


async def asked(shared, times):
    """So many who have asked and wait."""
    tasks = [asyncio.create_task(shared.get()) for _ in range(times)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_those_who_ask_during_a_read_share_the_next_one():
    """Never the one that is under way: it may have begun before what they ask about was written."""
    shelf = Shelf()
    shared = SharedRead(shelf.read)
    first = await asked(shared, 1)
    later = await asked(shared, 50)
    shelf.open.set()
    assert await asyncio.gather(*first, *later) == [1] + [2] * 50
    assert await shared.get() == 3


async def test_one_who_gives_up_takes_it_from_no_other():
    """The read goes on for the rest."""
    shelf = Shelf()
    shared = SharedRead(shelf.read)
    impatient, patient = await asked(shared, 2)
    impatient.cancel()
    await asyncio.sleep(0)
    shelf.open.set()
    assert await patient == 1
    assert impatient.cancelled()


async def test_a_read_that_fails_fails_for_all_who_shared_it_and_for_nobody_else():
    """The next one tries again."""
    answers = iter([OSError("away"), "there"])

    async def read():
        await asyncio.sleep(0)
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    shared = SharedRead(read)
    tasks = await asked(shared, 3)
    assert [type(each) for each in await asyncio.gather(*tasks, return_exceptions=True)] == [OSError] * 3
    assert await shared.get() == "there"
