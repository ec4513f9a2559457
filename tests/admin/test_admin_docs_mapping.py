"""docs/mapping.md is true: its commands run, its examples are valid, and nothing is missing in its tables."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
from admin_terminal import ROOT
from test_admin_import_schema import SOURCE

from shared.config.sync_file import parse_sync
from shared.config.sync_schema import json_schema
from shared.core.expressions import FUNCTIONS, parse
from shared.core.scoping_tree import Operator

PAGE = (ROOT / "docs/mapping.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^((?:echo .* \| +)?\.venv/bin/python -m admin .*)$", PAGE.replace("\\\n", " "), re.MULTILINE)
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FIRST_CELLS = " ".join(re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE))


@pytest.mark.parametrize("command", [command for command in COMMANDS if " try-mapping " not in command])
def test_a_command_shown_to_an_administrator_runs(command):
    """It ends well and prints something; try-mapping, which needs tenants, has tests of its own."""
    shown = command.replace(".venv/bin/python", shlex.quote(sys.executable))
    done = subprocess.run(shown, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_valid_configuration(example):
    """As it stands, under a source."""
    assert parse_sync(SOURCE + example).targets


def test_the_page_shows_commands_and_examples():
    """The tests above test something."""
    assert len(COMMANDS) >= 5
    assert len(EXAMPLES) >= 2


def test_every_function_is_named_and_no_other():
    """The table of functions and the language are in step."""
    table = PAGE[PAGE.index("| for | functions |") : PAGE.index("Try one without any tenant")]
    assert set(re.findall(r"`(\w+)`", table)) == set(FUNCTIONS)


def test_every_operator_and_every_option_is_named():
    """The tables of operators and options are in step with the code."""
    named = set(re.findall(r"`([^`]+)`", FIRST_CELLS))
    options = json_schema()["$defs"]["Mapping"]["anyOf"][1]["properties"]
    assert {operator.value for operator in Operator} <= named
    assert set(options) <= named


def test_expressions_in_the_text_are_right():
    """Those that stand between the lines."""
    shown = [each for each in re.findall(r"`([A-Z]\w+\(.*?\))`", PAGE) if "[" in each]
    assert shown
    for each in shown:
        parse(each)


def test_reasons_are_those_of_the_code():
    """Every reason that scope and mapping give is explained on the page."""
    code = (ROOT / "shared/app/desire.py").read_text(encoding="utf-8")
    rules = set(re.findall(r'(?:OutOfScope|Frozen)\("(\w+)"', code)) - {"sourceNotFound"}
    faults = set(re.findall(r'"((?:mapping|scopingFilter|inputFilter)(?:Failed|Undecidable))"', code))
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert rules | faults <= named
