"""The JSON Schema of sync.yaml: in step with the code, and never stricter than the validation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from test_config_sync_file import BAD, GROUP, LEAST, document

from shared.config.sync_file import parse_sync
from shared.config.sync_schema import json_schema
from shared.core.attributes import PROPERTIES
from shared.core.scoping_tree import Operator

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = Draft202012Validator(json_schema())
CLAUSE = {"attribute": "department", "operator": "EQUALS", "value": "Sales"}
ENTRA = {"sourceOperandName": "department", "operatorName": "EQUALS", "targetOperand": {"values": ["Sales"]}}
GOOD = [
    LEAST,
    document(compat="entra", cloud="public", users={"type": "Guest"}, unmapped=["telephoneNumber"], matching=[]),
    document(deprovision={"outOfScope": "keep", "sourceDeleted": "disable"}, matching=["employeeId"]),
    document(mappings={"city": "[city]", "state": {"expression": "[state]", "whenNull": "default", "default": "WA"}}),
    document(mappings={f"extension_{'0' * 32}_away": {"expression": "[accountEnabled]", "type": "boolean"}}),
    document(mappings={"otherMails": {"expression": "[otherMails]", "default": ["a@b.c"], "skipOnError": True}}),
    document(
        scope={"groups": [GROUP.replace("-", "")], "filter": {"groups": [{"name": "n", "clauses": [CLAUSE, ENTRA]}]}}
    ),
    document(
        scope={"allUsers": True, "filter": [CLAUSE], "inputFilter": {"any": [CLAUSE, {"not": {"all": [CLAUSE]}}]}}
    ),
    document(
        scope={"allUsers": True, "filter": {**CLAUSE, "operator": "equals"}, "inputFilter": {"clauses": [CLAUSE]}}
    ),
    document(
        scope={"allUsers": True, "filter": {"attribute": "employeeHireDate", "operator": "BEFORE", "value": "now+14d"}}
    ),
    document(
        scope={"allUsers": True, "filter": {"attribute": "accountEnabled", "operator": "EQUALS", "values": [True, 1]}}
    ),
]
NOT_SEEN = {  # what no schema of shapes can see
    "poison", "control", "grace for nobody", "source's tenant",
    "clouds apart", "nobody in scope", "two scopes", "function", "constant",
    "unmapped, mapped", "said twice", "filter's attribute", "operator", "two of one name", "hidden attribute",
}  # fmt: skip


def test_the_file_for_editors_is_made_from_the_code():
    """`python -m admin schema > docs/sync.schema.json` brings it into step."""
    assert json.loads((ROOT / "docs/sync.schema.json").read_text(encoding="utf-8")) == json_schema()


def test_it_is_a_json_schema():
    """Of the draft that it names."""
    Draft202012Validator.check_schema(json_schema())


def test_the_projects_own_file_fits():
    """sync.yaml is what editors show first."""
    VALIDATOR.validate(yaml.safe_load((ROOT / "sync.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("number", range(len(GOOD)))
def test_what_the_validation_takes_the_schema_takes(number):
    """An editor that marks what is right teaches people to ignore it."""
    parse_sync(yaml.safe_dump(GOOD[number]))
    VALIDATOR.validate(GOOD[number])


@pytest.mark.parametrize("name", sorted(set(BAD) - NOT_SEEN))
def test_what_is_misspelled_the_schema_refuses(name):
    """Names, choices and shapes; all else is the validation's."""
    assert not VALIDATOR.is_valid(BAD[name][0])


def test_editors_are_offered_every_attribute_and_operator():
    """Both spellings of an attribute that may be written, and Entra's operators with ours."""
    defined = json_schema()["$defs"]
    names = {name for each in PROPERTIES.values() if each.writable for name in (each.name, each.entra) if name}
    assert set(defined["Mappings"]["properties"]) == names
    assert defined["Clause"]["properties"]["operator"]["anyOf"][0]["enum"] == [each.value for each in Operator]
