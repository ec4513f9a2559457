"""Where the processor's time goes on the three dearest paths: people who are created, a full cycle, notifications.

Writes one text a path into dist/profiles: the 25 functions with the most CPU time of their own, with what was called
from them beside it. cProfile makes every call dearer, so the texts tell proportions; times are the other benchmarks'.

    python -m benchmarks.profiles [--users 1000] [--settled 10000] [--notifications 10000] [--folder dist/profiles]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pstats
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import ingest
from benchmarks.against_script import running
from benchmarks.cycles import settled_in
from benchmarks.probes import PROFILE_FILE, ROOT, python, trusting

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES: Final = 25
_PER_SECOND: Final = 1000.0


async def creates(users: int) -> None:
    """So many people from Graph's notifications into one target."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as run:
            await run.join(users)
            await run.probe("hints")


async def cycle(users: int) -> None:
    """A full cycle among so many people that finds nothing to do."""
    with tempfile.TemporaryDirectory() as tls_folder:
        async with settled_in(Path(tls_folder), users) as (folder, _, ready):
            for _ in range(2):  # the first one maps everybody, the second is what every day costs
                trust = trusting(ready["ca"])
                await python("-m", "benchmarks.cycle_probe", "cycle", str(folder), environment=trust)


async def notifications(count: int) -> None:
    """So many notifications, one in a POST."""
    await ingest.measure_one(1, _PER_SECOND, count / _PER_SECOND)


@contextmanager
def _profile(name: str, folder: Path) -> Iterator[None]:
    """Have the probes write a profile, and tell it."""
    with tempfile.NamedTemporaryFile() as file:
        os.environ[PROFILE_FILE] = file.name
        yield
        del os.environ[PROFILE_FILE]
        text = folder / f"{name}.txt"
        with text.open("w", encoding="utf-8") as stream:
            stats = pstats.Stats(file.name, stream=stream)
            stats.strip_dirs().sort_stats(pstats.SortKey.TIME).print_stats(_LINES)
    print(text)


def profile(users: int, settled: int, count: int, folder: Path) -> None:
    """All three, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with _profile("creates", folder):
        asyncio.run(creates(users))
    with _profile("cycle", folder):
        asyncio.run(cycle(settled))
    with _profile("ingest", folder):
        asyncio.run(notifications(count))


def main() -> None:
    """Profile all three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--settled", type=int, default=10_000)
    parser.add_argument("--notifications", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, default=ROOT / "dist" / "profiles")
    options = parser.parse_args()
    profile(options.users, options.settled, options.notifications, options.folder)


if __name__ == "__main__":
    main()
