"""What the documentation says of the code is true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.story.topology import service_bus_topology

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
HOST_SETTINGS = {"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"}  # read by the Functions host, not by us
AZURE_SETTINGS = {"WEBSITE_HOSTNAME"}  # set by Azure itself


def settings_read() -> set[str]:
    """Names of the settings that the code reads, from the code."""
    text = (ROOT / "shared/config/settings.py").read_text(encoding="utf-8")
    names = set(re.findall(r'reader\.\w+\(\s*"(\w+)"', text)) | set(re.findall(r'self\.optional\("(\w+)"\)', text))
    function_app = (ROOT / "function_app.py").read_text(encoding="utf-8")
    return (names | set(re.findall(r"%(\w+)%", function_app))) - AZURE_SETTINGS


def test_every_setting_stands_in_the_sample_and_no_other():
    """local.settings.sample.json and the code are in step."""
    assert settings_read() == set(SAMPLE) - HOST_SETTINGS


def test_every_setting_is_documented_and_no_other():
    """docs/settings.md and the code are in step."""
    documented = set(
        re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/settings.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert documented == settings_read()


def commands(page: str) -> list[str]:
    """Commands of the app's own terminal shown on a page, each in one line."""
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(r"^(?:\$ )?((?:echo .* \| +)?\.venv/bin/python -m admin .*?)(?:\s+#.*)?$", text, re.MULTILINE)


@pytest.mark.parametrize("command", commands("README.md"))
def test_commands_of_the_readme_run(command):
    """A command shown to an administrator ends well."""
    shown = command.replace(".venv/bin/python", sys.executable)
    done = subprocess.run(shown, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.returncode == 0, done.stderr
    assert done.stdout


PARTS = re.findall(
    r"^\.venv/bin/python -m (sandbox (?:tenants|bus|host|monitor)\b.*?)(?:\s+#.*)?$", README, re.MULTILINE
)


@pytest.mark.parametrize("command", PARTS)
def test_each_part_of_the_sandbox_starts_alone_as_the_readme_says(command):
    """On a free port; it says when it is ready, and stops when it is told to."""
    words = re.sub(r"--port \d+", "", command).split()
    process = subprocess.Popen(
        [sys.executable, "-m", *words, "--port", "0", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert isinstance(json.loads(process.stdout.readline()), dict)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_example_of_the_bus_is_what_the_app_needs():
    """sandbox/servicebus.json has the topic and a subscription for each target of the example."""
    example = json.loads((ROOT / "sandbox/servicebus.json").read_text(encoding="utf-8"))
    assert example == service_bus_topology(["emea", "apac"], 300)


def test_the_readme_shows_commands():
    """The test above tests something."""
    assert len(commands("README.md")) >= 2
    assert len(PARTS) == 4


@pytest.mark.parametrize(
    "page",
    sorted(
        str(path.relative_to(ROOT)) for path in ROOT.glob("**/*.md") if not {".venv", "node_modules"} & set(path.parts)
    ),
)
def test_links_between_pages_lead_somewhere(page):
    """A relative link names a file that is there."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / page).parent / link).exists(), link


@pytest.mark.parametrize("named", re.findall(r"`(tests/[\w/]+\.py::\w+)`", (ROOT / "docs/threat-model.md").read_text()))
def test_what_the_threat_model_promises_has_its_test(named):
    """Every test that the page names is there."""
    file, _, name = named.partition("::")
    assert re.search(rf"def {name}\(", (ROOT / file).read_text(encoding="utf-8"))
