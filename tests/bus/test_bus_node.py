"""The JavaScript SDK against the bus: another AMQP library, so that one client's habits do not shape the server."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "node" / "bus_smoke.mjs"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
]


async def test_the_javascript_sdk_works(wire):
    """Every check of the script passes: queues, batches, settlement, schedules, topics, sessions, refusals."""
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        str(SCRIPT),
        wire.server.connection_string,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    checks = [json.loads(line) for line in out.decode().splitlines()]
    assert [each for each in checks if not each["passed"]] == []
    assert (process.returncode, err.decode()) == (0, "")
    assert len(checks) >= 20
