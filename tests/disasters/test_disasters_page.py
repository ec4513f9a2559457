"""docs/disasters.md and the disasters are in step, and their judge sees what is wrong."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from running_app import MARKER, SOURCE_TENANT
from stage import FEW

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent
ENRICO = "e1000000-0000-4000-8000-000000000001"


def played() -> list[tuple[str, str, str]]:
    """The disasters in the code: file, first sentence, name of the test."""
    found = []
    for file in sorted(FOLDER.glob("test_*_disasters.py")):
        for item in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(item, ast.AsyncFunctionDef) and item.name.startswith("test_"):
                sentence = (ast.get_docstring(item) or "").splitlines()[0].removesuffix(".")
                found.append((file.name, sentence, item.name))
    return found


def told() -> list[tuple[str, str, str]]:
    """The disasters on the page."""
    found, file = [], ""
    for line in (ROOT / "docs/disasters.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"In \[(test_\w+\.py)\]", line):
            file = heading[1]
        elif row := re.match(r"\| (.+?) \| .+ \| .+ \| `(test_\w+)` \|$", line):
            found.append((file, row[1], row[2]))
    return found


def test_the_page_and_the_disasters_are_in_step():
    """Each disaster stands on the page with its sentence and its test, and no other."""
    assert sorted(told()) == sorted(played())


def test_there_are_at_least_twenty():
    """Named ones; the variants of each are not counted."""
    assert len({name for _, _, name in played()}) >= 20


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("removes", "is in scope and was removed"),
        ("blocks", "is enabled and was blocked"),
        ("purges", "purged"),
        ("deletes a stranger", "a user who is not ours was deleted"),
        ("changes a stranger", "a user who is not ours was changed"),
        ("takes over", "an internal user was taken over"),
        ("changes another's", "another installation's user was changed"),
        ("gives away", "one person's user was given to another"),
    ],
)
async def test_the_judge_sees_every_wrong(stage, deed, said):
    """Each is done with the app's own hands, behind its back."""
    people = await stage.company(*FEW)
    stage.advance(hours=1)
    users = await stage.target_users(people)
    patti, isaiah = users[people[0]], users[people[1]]
    writes = stage.parts.targets["emea"].writes
    match deed:
        case "removes":
            await writes.soft_delete([patti])
        case "blocks":
            await writes.update([(patti, {"accountEnabled": False})])
        case "purges":
            stage.set_in_directory(patti, "emea", city="Rome")
            directory = stage.tenants.cloud.world.tenants["emea"].directory
            await stage.cloud.graph("emea", "DELETE", f"/users/{patti}")
            directory.purge(directory.deleted(patti), "22222222-aaaa-4000-8000-000000000002")
        case "deletes a stranger":
            await writes.soft_delete([ENRICO])
        case "changes a stranger":
            await writes.update([(ENRICO, {"city": "Rome"})])
        case "takes over":
            await writes.update([(ENRICO, {MARKER: f"{SOURCE_TENANT}/{people[0]}"})])
        case "changes another's":
            await stage.change(patti, tenant="emea", **{MARKER: "99999999-0000-4000-8000-000000000001/x"})
            await writes.update([(patti, {"city": "Rome"})])
        case "gives away":
            await writes.update([(isaiah, {MARKER: f"{SOURCE_TENANT}/{people[0]}"})])
    with pytest.raises(AssertionError, match=said):
        await stage.unharmed()
