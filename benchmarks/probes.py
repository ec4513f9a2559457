"""Measured work in processes of its own: CPU time and peak memory are then that work's and nobody else's.

The same processes write profiles, where `benchmarks.profiles` asks them to.
"""

from __future__ import annotations

import asyncio
import cProfile
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).resolve().parent.parent
PROFILE_FILE: Final = "PROFILE_FILE"
"""The variable that names where a probe writes the profile of what it measures."""


async def python(*arguments: str, environment: Mapping[str, str] | None = None) -> bytes:
    """What a process prints. Whatever is large has one of its own: a child begins with its parent's peak memory.

    Raises:
        RuntimeError: it failed, with the end of what it said.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=pipe, stderr=pipe
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{err.decode()[-2000:]}")
    return out


def trusting(authority: str) -> Mapping[str, str]:
    """The environment of a process that trusts the tenants' throw-away authority, a PEM file."""
    return {"SSL_CERT_FILE": authority, "REQUESTS_CA_BUNDLE": authority}


@contextmanager
def profiled() -> Iterator[None]:
    """What is measured. Where a profile is asked for, one is written, of CPU time."""
    file = os.environ.get(PROFILE_FILE)
    if file is None:
        yield
        return
    with cProfile.Profile(time.process_time) as profile:
        yield
    profile.dump_stats(file)
