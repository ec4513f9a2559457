"""The configuration: all faults at once, and the default cloud as it is documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner
from tenants_driver import Driver

from sandbox.tenants import ConfigError, default_config, load, parse
from sandbox.tenants.cli import tenants
from sandbox.tenants.contoso import default_document
from sandbox.tenants.people import contoso, strangers

if TYPE_CHECKING:
    from pathlib import Path


def broken() -> dict[str, Any]:
    document = default_document()
    document["tenants"][0]["tenantId"] = "not a guid"
    document["tenants"][1]["people"] = "everyone"
    document["tenants"][1]["users"][0]["colour"] = "blue"
    document["tenants"][2]["name"] = "emea"
    document["apps"][0]["homeTenant"] = "nowhere"
    del document["apps"][1]["name"]
    document["apps"][1]["extensionProperties"][0]["dataType"] = "Text"
    document["consents"][0]["roles"] = ["User.Read.Everything"]
    document["replicas"] = {"median": 1, "staleWriteShare": 2}
    document["invitations"] = {"softDeletedTwin": "maybe", "policyDelaySeconds": -1}
    document["tokens"] = {"consentDelaySeconds": "soon"}
    document["extra"] = 1
    return document


FAULTS = [
    "tenants[0].tenantId: must be a GUID",
    "tenants[1].people: must be contoso, none or a number",
    "tenants[1].users[0].colour: is not a property of a user",
    "tenants: name emea stands twice",
    "apps[0].homeTenant: there is no tenant named nowhere",
    "apps[1].name: is missing",
    "apps[1].extensionProperties[0].dataType: must be one of String",
    "consents[0].roles: User.Read.Everything is not",
    "replicas.median: is not a known key",
    "replicas.staleWriteShare: must be between 0 and 1",
    "invitations.softDeletedTwin: must be one of newObject, refuse",
    "invitations.policyDelaySeconds: must be between 0",
    "tokens.consentDelaySeconds: must be a number",
    "extra: is not a known key",
]


def test_every_fault_is_named_at_once_with_its_path() -> None:
    """One run of the editor is enough."""
    with pytest.raises(ConfigError) as caught:
        parse(broken())
    for fault in FAULTS:
        assert any(line.startswith(fault) for line in caught.value.faults), fault


def test_a_wrong_file_ends_the_command_with_2_and_the_faults(tmp_path: Path) -> None:
    """On standard error, with the file's name."""
    path = tmp_path / "cloud.yaml"
    path.write_text(yaml.safe_dump(broken()))
    result = CliRunner().invoke(tenants, ["--config", str(path)])
    assert result.exit_code == 2
    for fault in FAULTS:
        assert fault in result.stderr


@pytest.mark.parametrize("text", ["tenants: [", "- a list", "", "\x00"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever it is."""
    path = tmp_path / "cloud.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load(path)


def test_the_default_cloud_can_be_written_to_a_file_and_read_again(tmp_path: Path) -> None:
    """It is nothing but a document."""
    path = tmp_path / "cloud.yaml"
    path.write_text(yaml.safe_dump(default_document()))
    assert load(path) == default_config()


def test_the_sample_company_has_25_people_under_one_president() -> None:
    """Distinct names and numbers; every manager is one of them; chains end."""
    people = {person.alias: person for person in contoso()}
    assert len(people) == 25
    assert len({person.employee_id for person in people.values()}) == 25
    for person in people.values():
        steps, boss = 0, person
        while boss.manager is not None:
            boss, steps = people[boss.manager], steps + 1
        assert (boss.alias, steps < 6) == ("PattiF", True)


def test_planted_managers_are_those_of_the_list() -> None:
    """Whatever the list's order."""
    truth = Driver().truth("source")
    by_alias = {user["mailNickname"]: user for user in truth.values()}
    for person in contoso():
        manager = by_alias[person.alias]["manager"]
        assert (None if manager is None else truth[manager]["mailNickname"]) == person.manager


def test_strangers_are_distinct_repeatable_and_led_by_someone_before_them() -> None:
    """Two calls with one seed go on where the first ended."""
    crowd = list(strangers(500, seed=1))
    assert crowd == list(strangers(500, seed=1))
    more = list(strangers(500, seed=1, first=500))
    everyone = crowd + more
    assert len({person.alias for person in everyone}) == len({person.employee_id for person in everyone}) == 1000
    seen: set[str] = set()
    for person in crowd:
        assert person.manager is None or person.manager in seen
        seen.add(person.alias)
    assert all(person.alias.isascii() and "'" not in person.alias for person in crowd)


def test_a_tenant_can_be_filled_with_any_number_of_strangers() -> None:
    """And a group with all of them."""
    document = default_document()
    document["tenants"][1] |= {"people": 50, "groups": [{"displayName": "All", "members": "*"}]}
    cloud = Driver(document)
    assert len(cloud.truth("emea")) == 54
    [group] = cloud.control("GET", "tenants/emea/groups").body["value"]
    assert len(group["members"]) == 54
