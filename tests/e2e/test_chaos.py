"""A short chaos on the whole sandbox, by the command that anybody would type."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_chaos_of_a_few_seconds_ends_with_everything_right():
    """People come, change and go while a host is killed, answers are lost and logs are away."""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "chaos", "--seed", "2", "--minutes", "0.25", "--people", "10"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Seed 2, 0.25 minutes: everything is right." in done.stdout
    assert len(re.findall(r"^ +\d+\.\d  ", done.stdout, re.MULTILINE)) > 10
