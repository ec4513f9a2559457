"""`python -m admin import-schema`: an export of Entra's as the part of a target, and the report of what was lost."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml
from admin_terminal import ROOT
from click.testing import CliRunner

from admin.__main__ import admin
from shared.config.faults import ConfigurationError
from shared.config.sync_file import parse_sync
from shared.core.decide import OutOfScopeAction
from shared.core.mapping import map_user
from shared.core.mapping_rules import Apply, WhenNull, default_mappings
from shared.core.synchronization_schema_import import COMPAT

SAMPLES = Path(__file__).parent / "samples"
DEFAULT = json.loads((SAMPLES / "default.json").read_text(encoding="utf-8"))
GIVEN = ("--tenant-id", "e0000000-0000-4000-8000-000000000002", "--group", "60000000-0000-4000-8000-000000000001")
SOURCE = "source: {tenantId: 50000000-0000-4000-8000-000000000001}\n"


def run(*arguments, content=None):
    """The result of the command, in this process."""
    return CliRunner().invoke(admin, ["import-schema", *map(str, arguments)], input=content)


def imported(schema, *arguments):
    """The target, and the report's three parts by subject."""
    content = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    done = run("-", "--json", *(arguments or GIVEN), content=content)
    assert done.exit_code == 0, done.stderr
    return parse_sync(SOURCE + done.stdout).targets[0], json.loads(done.stderr)


def changed(**mapping):
    """The default schema with further keys of its mapping of users."""
    schema = copy.deepcopy(DEFAULT)
    schema["synchronizationRules"][0]["objectMappings"][1] |= mapping
    return schema


def with_mapping(**mapping):
    """The default schema with one attribute mapping more, in place of an earlier one of the same target."""
    schema = copy.deepcopy(DEFAULT)
    users = schema["synchronizationRules"][0]["objectMappings"][1]
    kept = [
        each for each in users["attributeMappings"] if each["targetAttributeName"] != mapping["targetAttributeName"]
    ]
    users["attributeMappings"] = [*kept, {"flowType": "Always", "matchingPriority": 0, "defaultValue": None, **mapping}]
    return schema


def source(expression, kind="Function", name=None, parameters=()):
    return {"expression": expression, "name": name, "type": kind, "parameters": list(parameters)}


def subjects(report, part):
    return {line["subject"] for line in report[part]}


def why(report, part, subject):
    return " | ".join(line["why"] for line in report[part] if line["subject"] == subject)


def rule(target, name):
    return next((each for each in target.mappings if each.target == name), None)


# --- the two samples ----------------------------------------------------------------------------------------------


def test_entras_default_schema_gives_entras_default_mapping():
    """What is written beside the default mapping is what Entra writes beside it; nothing is lost."""
    target, report = imported(DEFAULT)
    own = {each.target for each in target.mappings} - {each.target for each in default_mappings(COMPAT)}
    assert own == {"mail", "mailNickname"}
    assert {each.when_null for each in target.mappings} == {WhenNull.KEEP}
    assert rule(target, "showInAddressList").apply is Apply.ALWAYS
    assert rule(target, "userType").apply is Apply.ON_CREATE
    assert target.scope.filter is target.scope.input_filter is None
    assert target.policy.out_of_scope is OutOfScopeAction.SOFT_DELETE
    assert report["cannot"] == []


def test_the_template_against_external_users_is_dropped_with_an_explanation():
    """Both clauses are named, with what is instead."""
    _, report = imported(DEFAULT)
    assert "SMS" in why(report, "differs", 'alternativeSecurityIds EQUALS "None"')
    assert why(report, "differs", 'userState NOT EQUALS "PendingAcceptance"')


def test_a_customised_schema_is_taken_whole():
    """A German portal, a disabled Delete, expressions, filters of both kinds: each ends where it belongs."""
    target, report = imported((SAMPLES / "customised.json").read_bytes())
    assert target.policy.out_of_scope is target.policy.source_deleted is OutOfScopeAction.KEEP
    assert target.matching == ("mail",)
    assert target.scope.filter.attributes == {"department", "mail", "employeeId"}
    assert target.scope.input_filter.attributes == {"accountEnabled"}
    assert rule(target, "jobTitle").default == "Employee"
    assert rule(target, "onPremisesExtensionAttributes.extensionAttribute2").apply is Apply.ON_CREATE
    assert rule(target, "extension_0123456789abcdef0123456789abcdef_onLeave").written.type.value == "true or false"
    assert rule(target, "officeLocation") is rule(target, "city") is rule(target, "country") is None
    assert subjects(report, "cannot") == {"Group to Group", "targetAddress", "city", "country"}
    assert "expected PCase\n    PCas([city])\n    ^" in why(report, "cannot", "city")
    assert "[preferredLanguage]" in why(report, "differs", "preferredLanguage")


def test_importing_gives_the_same_users():
    """The attributes that Entra would write for Nestor, worked out by hand."""
    target, _ = imported((SAMPLES / "customised.json").read_bytes())
    user = {
        "id": "1", "displayName": "Nestor Wilke", "givenName": "Nestor", "surname": "Wilke", "mail": "n@contoso.com",
        "accountEnabled": True, "country": "DE", "department": "Sales", "extensionAttribute1": "C", "jobTitle": None,
        "mobile": "+1 (206) 555-0106", "usageLocation": "DE", "manager": None, "companyName": None, "employeeId": "7",
    }  # fmt: skip
    mapped = map_user(target.mappings, user, now=None, compat=target.compat)
    assert mapped.failures == ()
    assert mapped.attributes == {
        "accountEnabled": True, "displayName": "Nestor Wilke (Contoso US)", "givenName": "Nestor", "surname": "Wilke",
        "mail": "n@contoso.com", "department": "Foreign Sales", "employeeId": "7", "employeeType": "Contractor",
        "mobilePhone": "+12065550106", "preferredLanguage": "DE", "userType": "Guest",
    }  # fmt: skip
    assert mapped.on_create == {
        "jobTitle": "Employee",
        "onPremisesExtensionAttributes.extensionAttribute2": "Synchronized",
        "showInAddressList": False,
    }


# --- parts --------------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_and_the_names_of_things_do_not_matter():
    """The portal writes a mark; rules, directories and mappings have had several names."""
    schema = copy.deepcopy(DEFAULT)
    rules = schema["synchronizationRules"][0]
    rules |= {"name": "x", "sourceDirectoryName": "a", "targetDirectoryName": "b"}
    rules["objectMappings"][1]["name"] = "Benutzer"
    rules["objectMappings"].reverse()
    target, _ = imported(b"\xef\xbb\xbf" + json.dumps(schema).encode())
    assert target == imported(DEFAULT)[0]


def test_a_mapping_that_was_removed_is_left_alone():
    """Not replaced by the default mapping."""
    schema = copy.deepcopy(DEFAULT)
    users = schema["synchronizationRules"][0]["objectMappings"][1]
    gone = {"jobTitle", "manager", "telephoneNumber"}
    users["attributeMappings"] = [
        each for each in users["attributeMappings"] if each["targetAttributeName"] not in gone
    ]
    target, report = imported(schema)
    assert rule(target, "jobTitle") is rule(target, "manager") is rule(target, "businessPhones") is None
    assert gone <= subjects(report, "taken")


@pytest.mark.parametrize(
    ("mapping", "part", "said"),
    [
        ({"source": source("[mobile]"), "flowType": "ValueAddOnly"}, "differs", "ValueAddOnly has no counterpart"),
        ({"source": source("[mobile]"), "flowBehavior": "FlowAlways"}, "differs", "FlowAlways"),
        ({"source": source("[mobile]"), "exportMissingReferences": True}, "differs", "once they are there"),
        ({"source": source("[surname]", "Attribute", "mobile")}, "differs", "the tree says [mobile]"),
        ({"source": source("ToLower([mobile])", "Function", "ToUpper")}, "differs", "the tree says ToUpper"),
        ({"source": source("ToLower([mobile])", "Function", "ToLower")}, "differs", "0 arguments, the expression 1"),
        (
            {"source": source('Append([mobile],"x")', "Function", "Append",
                [{"key": "source", "value": source("[city]", "Attribute", "city")},
                 {"key": "suffix", "value": source('"x"', "Constant", "x")}])},
            "differs", "gives Append [city]",
        ),
        ({"source": source("n/a", "Constant", "n/a")}, "differs", "not in quotes"),
        ({"source": source(None, "Attribute", "mobile")}, "differs", "was missing"),
        ({"source": source(None, "Function", "ToLower")}, "cannot", "has no expression"),
        ({"source": source("[netId]")}, "cannot", "Graph does not show"),
        ({"source": source("RandomString(8,1,1,1,1)")}, "cannot", "another value every time"),
        ({"source": source("[mobile]"), "defaultValue": "x" * 65}, "cannot", "at most 64"),
        ({"source": None}, "taken", "left alone"),
        ({"source": None, "defaultValue": "none"}, "differs", "given at creation"),
    ],
)  # fmt: skip
def test_what_differs_of_a_mapping_is_said_with_its_reason(mapping, part, said):
    """One line names the attribute and why."""
    _, report = imported(with_mapping(targetAttributeName="mobile", **mapping))
    assert said in why(report, part, "mobile")


@pytest.mark.parametrize(
    ("target", "expression", "part"),
    [
        ("alternativeSecurityIds", "[netId]", "cannot"),
        ("IsSoftDeleted", 'Switch([IsSoftDeleted], , "False", "True")', "cannot"),
        ("IsSoftDeleted", "[IsSoftDeleted]", "taken"),
        ("userPrincipalName", 'Append([mailNickname], "@contoso.com")', "cannot"),
        ("userPrincipalName", "[userPrincipalName]", "differs"),
    ],
)
def test_what_something_else_takes_the_place_of_is_said(target, expression, part):
    """Links, decisions and the invitation do what Entra needs mappings for."""
    _, report = imported(with_mapping(targetAttributeName=target, source=source(expression)))
    assert target in subjects(report, part)


def test_matching_attributes_keep_their_order():
    """The lowest number first; a hidden id and what holds no text cannot be matched by."""
    schema = copy.deepcopy(DEFAULT)
    for mapping in schema["synchronizationRules"][0]["objectMappings"][1]["attributeMappings"]:
        mapping["matchingPriority"] = {"employeeId": 2, "mail": 1, "accountEnabled": 3}.get(
            mapping["targetAttributeName"], 0
        )
    target, report = imported(schema)
    assert target.matching == ("mail", "employeeId")
    assert "matching by accountEnabled" in subjects(report, "cannot")


@pytest.mark.parametrize(
    ("mapping", "subject"),
    [
        ({"flowTypes": "Update, Delete"}, "flowTypes Add"),
        ({"flowTypes": "Add"}, "flowTypes Update"),
        ({"enabled": False}, "enabled"),
        ({"scope": {"categoryFilterGroups": [{"name": "x", "clauses": []}]}}, "category filter"),
    ],
)
def test_what_cannot_be_switched_off_is_reported(mapping, subject):
    """Nobody is surprised by a creation that Entra would not have made."""
    assert subject in subjects(imported(changed(**mapping))[1], "cannot")


def test_containers_and_group_filters_are_reported():
    """They limit who is synchronized, and have no counterpart."""
    schema = copy.deepcopy(DEFAULT)
    schema["synchronizationRules"][0] |= {
        "containerFilter": {"includedContainers": []},
        "groupFilter": {"includedGroups": ["x"]},
    }
    lines = [line for line in imported(schema)[1]["cannot"] if line["subject"] == "container or group filter"]
    assert [line["path"] for line in lines] == ["synchronizationRules[0].groupFilter"]


def clause(attribute, operator, *values):
    return {"sourceOperandName": attribute, "operatorName": operator, "targetOperand": {"values": list(values)}}


def test_a_clause_that_cannot_be_taken_stays_and_the_part_is_refused_until_somebody_decides():
    """To drop it would let people in, or put them out."""
    scope = {"groups": [{"name": "n", "clauses": [clause("sid", "EQUALS", "x"), clause("city", "EQUALS", "Rome")]}]}
    done = run("-", *GIVEN, content=json.dumps(changed(scope=scope)).encode())
    assert done.exit_code == 0
    assert 'sid EQUALS "x"' in done.stderr
    with pytest.raises(ConfigurationError, match=r"scope\.filter\.groups\[0\]\.clauses\[0\]: \[sid\]"):
        parse_sync(SOURCE + done.stdout)


def test_the_templates_clauses_alone_let_everybody_through():
    """An alternative that nobody fails makes the others idle, and the report says so."""
    template = DEFAULT["synchronizationRules"][0]["objectMappings"][1]["scope"]["inputFilterGroups"]
    scope = {"inputFilterGroups": [*template, {"name": "Rome", "clauses": [clause("city", "EQUALS", "Rome")]}]}
    target, report = imported(changed(scope=scope))
    assert target.scope.input_filter is None
    assert 'filter "Filter external users"' in subjects(report, "differs")


def test_an_operator_without_a_value_takes_none():
    """Entra may leave an empty one there."""
    scope = {"groups": [{"name": None, "clauses": [clause("city", "IS NOT NULL", "")]}]}
    target, _ = imported(changed(scope=scope))
    assert target.scope.filter.rule.parts[0].parts[0].values == ()


# --- the command --------------------------------------------------------------------------------------------------


def broken(path, value):
    """The default schema with another value at a path of keys and numbers."""
    schema = copy.deepcopy(DEFAULT)
    place = schema
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(schema).encode()


USERS = ("synchronizationRules", 0, "objectMappings", 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe{", "(file): is not UTF-8 at byte 0"),
        (b"{", "(file): is not JSON: "),
        (b"[" * 100_000, "(file): has too many values inside one another"),
        (b"[]", "(root): must be an object, is a list"),
        (b"{}", "synchronizationRules: must be a list, is missing"),
        (b'{"synchronizationRules": [1]}', "synchronizationRules[0]: must be an object, is a number"),
        (b'{"synchronizationRules": []}', "synchronizationRules: has no object mapping from User to User"),
        (broken((*USERS, "sourceObjectName"), "Group"), "has no object mapping from User to User"),
        (broken((*USERS, "targetObjectName"), None), "objectMappings[1].targetObjectName: must be a text, is missing"),
        (broken((*USERS, "enabled"), "yes"), "objectMappings[1].enabled: must be true or false, is a text"),
        (broken((*USERS, "scope"), []), "objectMappings[1].scope: must be an object, is a list"),
        (
            broken((*USERS, "attributeMappings", 3, "targetAttributeName"), 5),
            "attributeMappings[3].targetAttributeName: must be a text",
        ),
        (
            broken((*USERS, "attributeMappings", 3, "matchingPriority"), "1"),
            "[3].matchingPriority: must be a whole number",
        ),
        (broken((*USERS, "attributeMappings", 3, "source"), "[city]"), "[3].source: must be an object, is a text"),
        (broken((*USERS, "attributeMappings", 3, "source", "expression"), {}), "[3].source.expression: must be a text"),
        (
            broken((*USERS, "scope", "inputFilterGroups", 0, "clauses", 1, "targetOperand"), {"values": "x"}),
            "scope.inputFilterGroups[0].clauses[1].targetOperand.values: must be a list of texts",
        ),
    ],
)
def test_a_wrong_file_ends_with_2_and_the_path_in_its_json(content, message):
    """And writes nothing."""
    done = run("-", content=content)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_tree_without_end_is_refused():
    """Deeper than any expression."""
    tree = source("[city]")
    for _ in range(300):
        tree = source("ToLower([city])", "Function", "ToLower", [{"key": "source", "value": tree}])
    done = run("-", content=json.dumps(with_mapping(targetAttributeName="city", source=tree)).encode())
    assert done.exit_code == 2
    assert "functions inside one another" in done.stderr


def test_a_file_that_is_not_there_ends_with_2(tmp_path):
    """It is named."""
    done = run(tmp_path / "nowhere.json")
    assert (done.exit_code, "nowhere.json: cannot be read" in done.stderr) == (2, True)


def test_what_no_schema_holds_is_left_to_fill_in():
    """Without a tenant and groups the part is refused, and the report says what is missing."""
    done = run(SAMPLES / "default.json", "--json", "--target", "emea")
    assert {"tenantId", "scope.groups"} == subjects(json.loads(done.stderr), "cannot")
    with pytest.raises(ConfigurationError) as refused:
        parse_sync(SOURCE + done.stdout)
    assert {fault.path for fault in refused.value.faults} == {"targets[0].tenantId", "targets[0].scope"}


def test_part_and_report_go_where_they_are_sent(tmp_path):
    """A file each, and nothing anywhere else."""
    out, report = tmp_path / "part.yaml", tmp_path / "report.txt"
    done = run(SAMPLES / "default.json", "--out", out, "--report", report, "--all-users")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert yaml.safe_load(out.read_text())["targets"][0]["scope"] == {"allUsers": True}
    text = report.read_text()
    assert [line.split(" (")[0] for line in text.splitlines() if line and line[0] != " "] == [
        "Taken",
        "Differs",
        "Cannot be",
    ]
    done = run(SAMPLES / "default.json", "--out", out, "--report", "-")
    assert done.stdout.startswith("Taken (")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--report", "-"), "cannot both go to standard output"),
        (("--target", "EMEA"), "is no name"),
        (("--out", ROOT / "sync.yaml"), "is a whole configuration"),
        (("--out", "/nowhere/part.yaml"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_ends_with_2(arguments, message):
    """The message says what; a whole sync.yaml is never replaced by a part."""
    done = run(SAMPLES / "default.json", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
