"""How much of Graph's write quota is used while work waits: many people join at once, and have to be in one target.

Graph allows 3,000 writes in 150 s for the app in the target; the sandbox's tenants count, and refuse what is more. The
share is of 20 writes a second, from the first write to the last. A write was carried out when the target's journal has
it; one that a replica refused because it did not know the new user yet is told apart, though it takes its part of the
quota. Prints a line of JSON and ends with 1 where the figure is not met. A small run tells little of the share: it
begins with what the app had saved up.

    python -m benchmarks.write_quota [--users 5000]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Final

from benchmarks.figure import Figure
from benchmarks.newcomers import Newcomers, product_times, running_sandbox
from benchmarks.settled import TARGET

_QUOTA_PER_SECOND: Final = 20.0  # 3,000 writes in 150 s
_USED: Final = 0.9
_WRITES_PER_PERSON: Final = 2  # the invitation, and the attributes
_REFUSED_PER_PERSON: Final = 0.5  # at most: most people are known to every replica when they are first written to


async def measure(users: int) -> Figure:
    """Let so many people join."""
    async with running_sandbox(product_times()) as sandbox:
        newcomers = Newcomers(sandbox)
        await newcomers.join(users)
        wrong = await newcomers.arrive()
        throttled = await newcomers.throttled()
        attempts = (await newcomers.counters())["writes"][TARGET] - throttled
        times = [entry["time"] for entry in await newcomers.journal(TARGET)]
    seconds = max(times) - min(times)
    return Figure(
        "writeQuota",
        users,
        {
            "quotaUsed": _USED,
            "writes": _WRITES_PER_PERSON * users,
            "refusedByReplicas": _REFUSED_PER_PERSON * users,
            "throttled": 0,
            "wrong": 0,
        },
        {
            "quotaUsed": round(attempts / (_QUOTA_PER_SECOND * seconds), 3),
            "writes": len(times),
            "refusedByReplicas": attempts - len(times),
            "throttled": throttled,
            "wrong": wrong,
        },
        seconds,
        exact=frozenset({"writes"}),
        at_least=frozenset({"quotaUsed"}),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=5_000)
    figure = asyncio.run(measure(parser.parse_args().users))
    print(figure.line())
    sys.exit(0 if figure.met else 1)


if __name__ == "__main__":
    main()
