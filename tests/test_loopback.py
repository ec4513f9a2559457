"""Nothing of the sandbox listens to anybody but this machine."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "tenants": (),
    "bus": ("--config", "sandbox/servicebus.json"),
    "host": ("--settings", "local.settings.sample.json"),
    "monitor": (),
}


def answers(address, port):
    """Whether somebody accepts a connection at an address of this machine."""
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("part", PARTS)
def test_a_part_listens_on_127_0_0_1_alone(part):
    """Every port that it names: who listened on all addresses would answer at 127.0.0.2 too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", part, *PARTS[part], "--port", "0", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        ready = process.stdout.readline()
        assert isinstance(json.loads(ready), dict)
        ports = {int(port) for port in re.findall(r'(?:localhost:|127\.0\.0\.1:|"\w*[pP]ort": )(\d+)', ready)}
        assert ports
        for port in ports:
            assert answers("127.0.0.1", port), port
            assert not answers("127.0.0.2", port), port
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of the machine")
def test_who_listens_on_all_addresses_is_found_out():
    """The test above tests something."""
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - that is what it is about
        assert answers("127.0.0.2", server.getsockname()[1])
