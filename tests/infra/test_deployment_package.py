"""What azd takes from this folder to Azure, and where it puts it."""

from __future__ import annotations

import pathspec
import yaml
from bicep_deployment import ROOT, deploy

IGNORED = pathspec.GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())
APP = {"function_app.py", "host.json", "requirements.txt", "shared", "sync.yaml"}


def test_the_package_holds_the_app_and_nothing_else():
    """Of all that lies in the folder, tracked or not, these go to Azure."""
    taken = {entry.name for entry in ROOT.iterdir() if not IGNORED.match_file(entry.name + "/" * entry.is_dir())}
    assert taken == APP


def test_all_of_shared_goes_and_no_bytecode_of_this_machine():
    """Every module of the app is in the package; caches of another Python are not."""
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "shared").rglob("*") if path.is_file()]
    taken = set(IGNORED.match_files(files, negate=True))
    assert taken == {name for name in files if "__pycache__" not in name}
    assert "shared/app/compose.py" in taken


def test_what_appears_tomorrow_stays_at_home():
    """The file names what is taken, so that a new folder or a local secret is not deployed by accident."""
    for name in ("local.settings.json", ".env", "notes/people.csv", "sandbox/story/run.py", "tests/test_docs.py"):
        assert IGNORED.match_file(name), name


def test_azd_finds_the_app_by_its_tag():
    """The service of azure.yaml and the tag of the function app have one name."""
    (service,) = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["services"].items()
    name, described = service
    assert deploy().one("Microsoft.Web/sites").body["tags"]["azd-service-name"] == name
    assert (described["host"], described["language"], described["project"]) == ("function", "python", ".")


def test_everything_carries_the_environment_s_tag():
    """By this tag azd finds, and removes, what it made."""
    taggable = [resource for resource in deploy(premium=True).resources if "tags" in resource.body]
    assert len(taggable) >= 10
    assert all(resource.body["tags"]["azd-env-name"] == "test" for resource in taggable)
