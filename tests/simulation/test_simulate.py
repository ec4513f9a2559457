"""Simulated life and trouble end with everything right, each time in the same way; and the judge sees what is not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.cli import read, save
from simulation.plan import DAY, Event, is_trouble, plan

ROOT = Path(__file__).resolve().parents[2]
JOINS = Event(3600.0, "joins", 3, 0, 0.5)
LOG_FORGETS = Event(7200.0, "logForgets", 0, 0, 0.0)


def simulate(*arguments):
    """What the command says, and its exit code."""
    command = [sys.executable, "-m", "sandbox", "simulate", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode


def test_a_few_days_of_life_and_trouble_end_with_everything_right():
    """A short range of the seeds of which `make soak` has the long one."""
    said, code = simulate("--seeds", "1-4", "--days", 1)
    assert code == 0, said
    assert "4 seeds of 1 days" in said


NESTED = [Event(3600.0 * (1 + hour), name, 5, 0, 0.5) for hour, name in enumerate(("nested", "unnested", "nested"))]


def test_at_rest_everything_is_right_without_any_full_cycle(tmp_path):
    """Of a team that comes back into the scope, for one. Trouble, and whatever is done by hand, is left out."""
    schedule = tmp_path / "schedule.json"
    by_hand = Event(10_000.0, "deletedInTarget", 1, 0, 0.5)
    save(schedule, 1, 0.2, [*NESTED, by_hand, Event(10_001.0, "subscriptionsLost", 0, 0, 0.5)])
    said, code = simulate("--calm", "--schedule", schedule)
    assert code == 0, said
    assert re.search(r"3 events, [1-9]\d* writes", said)


def test_nobody_is_removed_within_the_grace_days(tmp_path):
    """Whoever leaves is blocked, and whoever comes back is let in again; the rest are removed a day later."""
    schedule = tmp_path / "schedule.json"
    save(schedule, 1, 0.2, NESTED[:2])
    said, code = simulate("--grace-days", 1, "--schedule", schedule)
    assert code == 0, said
    said, code = simulate("--grace-days", 1, "--calm")
    assert code == 2
    assert "play one of the two" in said


def test_a_seed_replays_to_the_byte():
    """Each line has a digest of all that happened in the tenants, with its times; in another process it is the same."""
    first, _ = simulate("--seeds", "7", "--days", 0.5)
    again, _ = simulate("--seeds", "7-8", "--days", 0.5, "--jobs", 2)
    [line] = re.findall(r"^seed 7: .*$", first, re.MULTILINE)
    assert line in again.splitlines()


def test_what_nobody_can_survive_is_seen_and_cut_down_to_its_cause(tmp_path):
    """A log that forgets what it had acknowledged: events are missing, and somebody has to have joined before."""
    chance = [event for event in plan(1, 0.2) if not is_trouble(event) and event.name not in {"joins", "hired"}]
    schedule = tmp_path / "schedule.json"
    save(schedule, 1, 0.2, sorted([JOINS, LOG_FORGETS, *chance[:6]], key=lambda event: event.at))
    said, code = simulate("--schedule", schedule)
    assert code == 1
    assert re.search(r"\d+ events of the provisioning log were lost", said)
    _, _, needed = read(ROOT / ".sandbox/simulation-1.json")
    assert needed == [JOINS, LOG_FORGETS]
    save(schedule, 1, 0.2, [JOINS])
    said, code = simulate("--schedule", schedule)
    assert code == 0, said


@pytest.mark.parametrize("seeds", ["7-3", "one"])
def test_a_range_that_is_none_is_refused_in_words(seeds):
    """Naming what would be one."""
    said, code = simulate("--seeds", seeds)
    assert code == 2
    assert "is no range of seeds; write 1-100, or 7 for one" in said


def test_a_plan_names_everything_that_can_happen():
    """Over some weeks each kind of life and of trouble is drawn; what is planted for the judge never is."""
    drawn = {event.name for seed in range(20) for event in plan(seed, 7)}
    assert "logForgets" not in drawn
    assert {"killed", "held", "consentWithdrawn", "graphLosesAnswers", "forged", "groupDeleted"} <= drawn
    assert all(event.at <= 7 * DAY + 1800 for event in plan(1, 7))
