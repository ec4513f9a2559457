"""What the host of a running sandbox uses and has done, as the kernel, its log and the bus tell it.

Nothing is asked of the host itself, so that looking costs it nothing. Linux alone: memory and CPU time are in /proc.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp

from benchmarks.settled import TARGET
from sandbox.story.topology import TOPIC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.story.run import Sandbox

_TICKS: Final = 100  # of CPU time in a second
_KIB: Final = 1024
_HANDED: Final = re.compile(r"New Service Bus message\(s\) on '[^']*/(?P<target>[^'/]+)': (?P<count>\d+)'")
_AT_ONCE: Final = 30_000_000  # characters of a log


def resident(pid: int) -> float:
    """Memory of a process now, in MiB."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    """The most memory that a process had since `forget_peak`, or since its start, in MiB."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let the peak begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def handed_over(sandbox: Sandbox) -> int:
    """How many messages the host has handed to the target's function since the sandbox began, by its log."""
    log = sandbox.log("host").read_text(encoding="utf-8", errors="replace")
    return sum(int(found["count"]) for found in _HANDED.finditer(log) if found["target"] == TARGET)


async def waiting(sandbox: Sandbox) -> Mapping[str, int]:
    """Messages of the target's subscription: active, locked, scheduled and deadLettered."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{sandbox.bus.ready['httpPort']}/entities") as response,
    ):
        entities = (await response.json())["entities"]
    topic = next(entity for entity in entities if entity["path"] == TOPIC)
    [counts] = [each for each in entities if each["path"].lower() == f"{TOPIC}/subscriptions/{TARGET}"]
    return {**counts, "scheduled": counts["scheduled"] + topic["scheduled"]}


def _status(pid: int, name: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the kernel does not tell {name} of process {pid}")
    return round(int(found[1]) / _KIB, 1)
