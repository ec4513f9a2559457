"""`init`: a few questions, and a sync.yaml that is right."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from running_app import GROUP, SOURCE_TENANT

from admin.validate import validate
from shared.config.sync_file import read_sync_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMEA = "e0000000-0000-4000-8000-000000000002"
APAC = "a0000000-0000-4000-8000-000000000003"


async def answered(terminal, file, *answers, more=()):
    """Exit code, standard output and error of init, with these lines typed."""
    return await terminal("init", "--file", file, *more, given="\n".join(answers) + "\n")


async def test_domains_and_ids_become_a_file_that_is_right(terminal, tmp_path):
    """The second target takes the group of the first where nothing else is typed."""
    file = tmp_path / "new.yaml"
    typed = ("contoso.com", "emea", EMEA, GROUP, "apac", APAC.upper(), "", "")
    code, out, err = await answered(terminal, file, *typed)
    assert code == 0, out + err
    sync = read_sync_file(file)
    assert sync.source.tenant_id == SOURCE_TENANT
    assert [(each.name, each.tenant.tenant_id, each.scope.groups) for each in sync.targets] == [
        ("emea", EMEA, (GROUP,)),
        ("apac", APAC, (GROUP,)),
    ]


async def test_json_is_all_that_standard_output_has(terminal, tmp_path):
    """The questions go to standard error. `validate` says as JSON what is right, or wrong and where."""
    file = tmp_path / "new.yaml"
    code, out, err = await answered(terminal, file, SOURCE_TENANT, "emea", EMEA, GROUP, "", more=("--json",))
    assert (code, "Source tenant" in err) == (0, True)
    assert json.loads(out)["targets"] == [{"name": "emea", "tenantId": EMEA, "scope": {"groups": [GROUP]}}]
    done = CliRunner().invoke(validate, [str(file), "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"file": str(file), "targets": ["emea"], "faults": []})
    file.write_text(file.read_text().replace(GROUP, "the group"))
    done = CliRunner().invoke(validate, [str(file), "--json"])
    assert done.exit_code == 2
    assert json.loads(done.stdout)["faults"][0]["path"].startswith("targets[0].scope")


async def test_a_wrong_answer_is_asked_again_and_says_why(terminal, tmp_path):
    """A domain that nobody has, and an id that is none."""
    file = tmp_path / "new.yaml"
    typed = ("nobody.example", "contoso", "contoso.com", "emea", EMEA, "the group", GROUP, "")
    code, out, err = await answered(terminal, file, *typed)
    assert code == 0, out + err
    assert "no tenant has the domain nobody.example" in out + err
    assert (out + err).count("an object id is a GUID") == 2
    assert read_sync_file(file).targets[0].scope.groups == (GROUP,)


async def test_a_file_that_is_there_is_not_written_over(terminal, tmp_path):
    """Unless somebody says so."""
    file = tmp_path / "new.yaml"
    file.write_text("mine")
    typed = (SOURCE_TENANT, "emea", EMEA, GROUP, "")
    code, _, err = await answered(terminal, file, *typed)
    assert code == 1
    assert "--force" in err
    assert file.read_text() == "mine"
    code, _, _ = await answered(terminal, file, *typed, more=("--force",))
    assert code == 0
    assert read_sync_file(file).target("emea").tenant.tenant_id == EMEA


async def test_what_no_file_may_say_is_not_written(terminal, tmp_path):
    """A name that Azure would not take."""
    file = tmp_path / "new.yaml"
    code, _, err = await answered(terminal, file, SOURCE_TENANT, "Middle East", EMEA, GROUP, "")
    assert code == 2
    assert "nothing was written" in err
    assert not file.exists()
