"""`python -m admin export-schema`, and the way out and back: what Entra can express comes back as it was."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
import yaml
from admin_terminal import ROOT
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_admin_import_schema import DEFAULT, SAMPLES, SOURCE

from admin.__main__ import admin
from shared.config.sync_file import parse_sync
from shared.config.sync_writer import TargetIdentity, target_part, write_part
from shared.core.scoping import Filter, InScope, evaluate_filter
from shared.core.scoping_tree import All
from shared.core.synchronization_schema import Outcome, Report
from shared.core.synchronization_schema_export import RulesOfTarget, export_schema
from shared.core.synchronization_schema_import import import_schema
from shared.core.synchronization_schema_reading import read_schema
from shared.core.synchronization_schema_scope import groups_of

TENANT, GROUP = "e0000000-0000-4000-8000-000000000002", "60000000-0000-4000-8000-000000000001"
SOURCE_ID = "50000000-0000-4000-8000-000000000001"
LEAST = {"name": "emea", "tenantId": TENANT, "scope": {"groups": [GROUP]}}


def target_of(**settings):
    part = {**copy.deepcopy(LEAST), **settings}
    return parse_sync(SOURCE + yaml.safe_dump({"targets": [part]})).targets[0]


def exported(target):
    """The schema, and subject to reason of what differs and of what cannot be."""
    schema, lines = export_schema(
        RulesOfTarget(
            name=target.name,
            source_tenant_id=SOURCE_ID,
            target_tenant_id=target.tenant.tenant_id,
            mappings=target.mappings,
            filter=target.scope.filter,
            input_filter=target.scope.input_filter,
            policy=target.policy,
            compat=target.compat,
        )
    )
    parts = {outcome: {line.subject: line.why for line in lines if line.outcome is outcome} for outcome in Outcome}
    return schema, parts[Outcome.DIFFERS], parts[Outcome.CANNOT]


def reimported(schema):
    """The target that an import makes of a schema."""
    rules = import_schema(read_schema(json.dumps(schema).encode()))
    part = target_part(TargetIdentity("emea", TENANT, (GROUP,)), rules)
    return parse_sync(SOURCE + write_part(part, "")).targets[0]


def users_of(schema):
    return schema["synchronizationRules"][0]["objectMappings"][0]


def mapping_of(schema, name):
    return next((m for m in users_of(schema)["attributeMappings"] if m["targetAttributeName"] == name), None)


def in_order(target):
    """The order of mappings has no meaning."""
    return replace(target, mappings=tuple(sorted(target.mappings, key=lambda mapping: mapping.target)))


# --- there and back -----------------------------------------------------------------------------------------------

MAPPINGS = {
    "displayName": [
        'Append([displayName], " (Contoso \\"US\\")")',
        {"expression": "[displayName]", "default": "Nobody"},
    ],
    "department": ['IIF([country]="US", [department], "Foreign")', {"expression": "[department]", "apply": "onCreate"}],
    "companyName": ['"Contoso"', "[companyName]", 'Switch([city], , "Rome", "Contoso Italia")'],
    "employeeType": ["Mid([employeeId], 1, 2)", {"expression": '"C"', "apply": "onCreate", "default": "E"}],
    "extensionAttribute1": ["[extensionAttribute2]", 'Join(",", [surname], [givenName])'],
    "mobile": ['Replace([mobile], , "[()\\\\s-]+", , "", , )'],
    "telephoneNumber": ["[telephoneNumber]", {"expression": "[telephoneNumber]", "default": "0"}],
    "showInAddressList": ['"true"', {"expression": '"false"', "apply": "onCreate"}],
    "userType": ['"Guest"', 'IIF([department]="Sales", "Guest", "Member")'],
    "mail": ["[mail]"],
    f"extension_{'0' * 32}_away": [{"expression": "Not([accountEnabled])", "type": "boolean"}],
}
UNMAPPED = ["jobTitle", "manager", "telephoneNumber", "officeLocation", "accountEnabled"]
CLAUSES = st.one_of(
    st.builds(
        lambda attribute, operator, values: {"attribute": attribute, "operator": operator, "values": values},
        st.sampled_from(["department", "city", "extensionAttribute3", "telephoneNumber"]),
        st.sampled_from(["EQUALS", "NOT EQUALS", "Includes", "ENDS_WITH", "REGEX MATCH", "NOT REGEX MATCH"]),
        st.lists(st.sampled_from(["Sales", "a b", "x"]), min_size=1, max_size=2),
    ),
    st.builds(
        lambda attribute, operator: {"attribute": attribute, "operator": operator},
        st.sampled_from(["department", "accountEnabled", "mail"]),
        st.sampled_from(["IS NULL", "IS NOT NULL", "IS TRUE", "IS FALSE"]),
    ),
    st.builds(
        lambda operator, number: {"attribute": "employeeId", "operator": operator, "value": number},
        st.sampled_from(["Greater_Than", "Greater_Than_OR_EQUALS", "&", "!&"]),
        st.integers(0, 64),
    ),
)
FILTERS = st.none() | st.lists(
    st.builds(
        lambda name, clauses: {"name": name, "clauses": clauses}, st.sampled_from("ABC"), st.lists(CLAUSES, min_size=1)
    ),
    min_size=1,
    max_size=3,
).map(lambda groups: {"groups": groups})


@st.composite
def targets(draw):
    """Targets of which every setting is one that Entra has."""
    names = draw(st.sets(st.sampled_from(sorted(MAPPINGS))))
    keep = draw(st.booleans())
    return target_of(
        compat="entra",
        scope={"groups": [GROUP], "filter": draw(FILTERS), "inputFilter": draw(FILTERS)},
        mappings={name: draw(st.sampled_from(MAPPINGS[name])) for name in sorted(names)},
        unmapped=sorted(set(draw(st.lists(st.sampled_from(UNMAPPED)))) - names),
        deprovision=dict.fromkeys(("outOfScope", "sourceDeleted"), "keep" if keep else "softDelete"),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(targets())
def test_what_entra_can_express_comes_back_as_it_was(target):
    """Export, then import: the same mappings, filters and policy; and nothing is called impossible."""
    schema, _, cannot = exported(target)
    assert cannot == {}
    assert in_order(reimported(schema)) == in_order(target)


@pytest.mark.parametrize("sample", ["default.json", "customised.json"])
def test_an_imported_schema_says_the_same_after_export(sample):
    """Import, export, import: the second import is the first."""
    first = reimported(json.loads((SAMPLES / sample).read_text(encoding="utf-8")))
    assert in_order(reimported(exported(first)[0])) == in_order(replace(first, matching=("mail", "userPrincipalName")))


def test_entras_default_schema_comes_back_mapping_by_mapping():
    """Target, expression, type, flow, default and priority of each attribute that Entra maps by default."""
    schema, _, _ = exported(reimported(DEFAULT))
    wanted = DEFAULT["synchronizationRules"][0]["objectMappings"][1]["attributeMappings"]
    found = {mapping["targetAttributeName"]: mapping for mapping in users_of(schema)["attributeMappings"]}
    assert found == {mapping["targetAttributeName"]: mapping for mapping in wanted}


# --- what Entra lacks ---------------------------------------------------------------------------------------------


def test_the_shape_is_entras_and_ids_do_not_change():
    """The same rules give the same file."""
    schema, _, _ = exported(target_of())
    assert schema == exported(target_of())[0]
    assert schema["id"].startswith(f"Azure2Azure.{SOURCE_ID.replace('-', '')}.")
    assert set(schema) == set(DEFAULT)
    assert set(schema["synchronizationRules"][0]) == set(DEFAULT["synchronizationRules"][0])
    users = users_of(schema)
    assert (users["enabled"], users["flowTypes"]) == (True, "Add, Update, Delete")
    assert mapping_of(schema, "alternativeSecurityIds")["matchingPriority"] == 1


def test_names_are_those_of_entras_schema():
    """In targets, sources and clauses."""
    target = target_of(
        mappings={"mobilePhone": "ToLower([officeLocation])", "otherMails": "[mail]"},
        scope={"groups": [GROUP], "filter": {"attribute": "officeLocation", "operator": "EQUALS", "value": "Rome"}},
    )
    schema, _, _ = exported(target)
    source = mapping_of(schema, "mobile")["source"]
    assert source["expression"] == "ToLower([physicalDeliveryOfficeName])"
    assert source["parameters"][0]["value"]["name"] == "physicalDeliveryOfficeName"
    [group] = users_of(schema)["scope"]["groups"]
    assert group["clauses"][0]["sourceOperandName"] == "physicalDeliveryOfficeName"


def test_the_tree_repeats_the_expression():
    """Arguments by name, repeated ones numbered, empty ones left out, Replace's by their old names."""
    target = target_of(
        mappings={
            "city": 'Switch([city], "x", "a", "1", "b", "2")',
            "state": 'Replace([state], "a", , , "b", , )',
            "country": 'IIF([country] = "US", "x", [country])',
        }
    )
    schema, _, _ = exported(target)

    def keys(name):
        return [parameter["key"] for parameter in mapping_of(schema, name)["source"]["parameters"]]

    assert keys("city") == ["source", "defaultValue", "key1", "value1", "key2", "value2"]
    assert keys("state") == ["source", "Find", "Replacement"]
    condition = mapping_of(schema, "country")["source"]["parameters"][0]
    assert (condition["key"], condition["value"]["expression"]) == ("condition", '[country] = "US"')


@pytest.mark.parametrize(
    ("name", "entry", "part", "said"),
    [
        ("city", {"expression": "[city]", "whenNull": "clear", "drift": "report"}, "differs", "drift: report"),
        ("city", {"expression": "[state]"}, "differs", "whenNull: clear"),
        ("city", {"expression": "[city]", "whenNull": "default", "default": "x"}, "differs", "whenNull: default"),
        ("city", {"expression": "[city]", "drift": "targetWins", "whenNull": "keep"}, "differs", "drift: targetWins"),
        ("city", {"expression": "[city]", "skipOnError": True, "whenNull": "keep"}, "differs", "skipOnError"),
        ("city", "Trim([city])", "cannot", "no function Trim"),
        ("city", 'IIF(And([city]="a", [state]="b"), "1", "2")', "cannot", "no function And"),
        ("city", '[city] & "x"', "cannot", "join by &"),
        ("otherMails", "[otherMails]", "cannot", "cannot write it"),
        ("employeeOrgData.costCenter", "[city]", "cannot", "cannot write it"),
        (f"extension_{'0' * 32}_x", {"expression": "[otherMails]", "type": "stringList"}, "cannot", "several values"),
    ],
)
def test_what_entra_cannot_do_for_an_attribute_is_said(name, entry, part, said):
    """And what it cannot write is not in the schema."""
    schema, differs, cannot = exported(target_of(mappings={name: entry}))
    assert said in {"differs": differs, "cannot": cannot}[part][name]
    assert (mapping_of(schema, name) is None) == (part == "cannot")


@pytest.mark.parametrize(
    ("deprovision", "flows", "subject"),
    [
        ({"outOfScope": "disable", "sourceDeleted": "disable"}, "Add, Update", "deprovision disable"),
        ({"outOfScope": "keep"}, "Add, Update", "deprovision"),
    ],
)
def test_what_entra_cannot_do_with_leavers_never_becomes_a_deletion(deprovision, flows, subject):
    """Where in doubt, Delete is off."""
    schema, _, cannot = exported(target_of(deprovision=deprovision))
    assert users_of(schema)["flowTypes"] == flows
    assert subject in cannot


@pytest.mark.parametrize(
    "rule",
    [
        {"not": {"attribute": "city", "operator": "EQUALS", "value": "x"}},
        {"attribute": "employeeHireDate", "operator": "BEFORE", "value": "now"},
        {"attribute": "userType", "operator": "EQUALS", "value": "Member"},
        {"attribute": "proxyAddresses", "operator": "Includes", "value": "x"},
        {"all": [{"any": [{"attribute": "city", "operator": "EQUALS", "value": str(n)} for n in range(11)]}] * 2},
        {"all": [{"attribute": "city", "operator": "IS NULL"}, {"not": {"attribute": "city", "operator": "IS TRUE"}}]},
        {"any": [{"attribute": "city", "operator": "IS NULL"}, {"not": {"attribute": "city", "operator": "IS TRUE"}}]},
    ],
)
@pytest.mark.parametrize("setting", ["filter", "inputFilter"])
def test_a_filter_that_entra_cannot_say_switches_the_mapping_off(setting, rule):
    """Without it everybody would be let in; with another, people would be deleted."""
    schema, _, cannot = exported(target_of(scope={"groups": [GROUP], setting: rule}))
    assert users_of(schema)["enabled"] is False
    assert {f"scope.{setting}", "enabled"} <= set(cannot)


LEAVES = st.builds(
    lambda attribute, operator: {"attribute": attribute, "operator": operator, "value": "x"},
    st.sampled_from(["city", "state", "country"]),
    st.sampled_from(["EQUALS", "NOT EQUALS", "STARTS_WITH"]),
) | st.sampled_from(
    [{"not": {"attribute": "city", "operator": "IS NULL"}}, {"not": {"attribute": "city", "operator": "IS NOT NULL"}}]
)
TREES = st.recursive(
    LEAVES,
    lambda below: st.builds(
        lambda key, parts: {key: parts}, st.sampled_from(["all", "any"]), st.lists(below, min_size=1, max_size=3)
    ),
    max_leaves=6,
)
USERS = st.fixed_dictionaries({name: st.sampled_from([None, "x", "xy", "y"]) for name in ("city", "state", "country")})


@settings(max_examples=80, deadline=None)
@given(TREES, st.lists(USERS, min_size=1, max_size=6))
def test_a_tree_that_was_flattened_lets_the_same_people_through(tree, people):
    """`all` and `any` become Entra's alternatives, exactly."""
    target = target_of(scope={"groups": [GROUP], "filter": tree})
    schema, _, _ = exported(target)
    again = reimported(schema).scope.filter
    for person in people:
        before, after = (evaluate_filter(each, person, now=None) for each in (target.scope.filter, again))
        assert isinstance(before, InScope) == isinstance(after, InScope)


def test_a_filter_without_clauses_lets_everybody_through_there_too():
    """It becomes a filter without clauses."""
    assert groups_of(Filter(All(()), frozenset()), "filter", Report()) == [{"name": "Filter 1", "clauses": []}]


# --- the command --------------------------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(admin, ["export-schema", *map(str, arguments)])


def test_the_schema_goes_to_standard_output_and_the_report_to_standard_error():
    """So that one can be sent into a file and the other read."""
    done = run("--target", "emea", "--sync", ROOT / "sync.yaml", "--json")
    assert done.exit_code == 0
    assert mapping_of(json.loads(done.stdout), "companyName")["source"]["type"] == "Constant"
    assert set(json.loads(done.stderr)) == {"taken", "differs", "cannot"}
    assert run("--target", "emea", "--sync", ROOT / "sync.yaml").stderr.startswith("Taken (")


def test_the_only_target_need_not_be_named(tmp_path):
    """Where there is one, it is meant."""
    path = tmp_path / "sync.yaml"
    path.write_text(SOURCE + yaml.safe_dump({"targets": [LEAST]}))
    assert run("--sync", path).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sync", ROOT / "sync.yaml"), "--target: name one of emea, apac"),
        (("--sync", ROOT / "sync.yaml", "--target", "x"), "--target: name one of emea, apac"),
        (("--sync", "/nowhere.yaml"), "cannot be read"),
    ],
)
def test_a_wrong_target_or_file_ends_with_2(arguments, message):
    """The message says what would be right."""
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
