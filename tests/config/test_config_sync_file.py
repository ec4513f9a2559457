"""sync.yaml: what is right becomes types, what is wrong is named with its path, all of it at once."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from shared.config.faults import ConfigurationError
from shared.config.sync_file import parse_sync, read_sync_file
from shared.core.decide import OutOfScopeAction
from shared.core.expressions import Compat
from shared.core.mapping_rules import DEFAULT_MAPPINGS, Apply, Drift, WhenNull

SOURCE = "50000000-0000-4000-8000-000000000001"
EMEA = "e0000000-0000-4000-8000-000000000002"
APAC = "a0000000-0000-4000-8000-000000000003"
GROUP = "60000000-0000-4000-8000-000000000001"
LEAST = {
    "source": {"tenantId": SOURCE},
    "targets": [{"name": "emea", "tenantId": EMEA, "scope": {"groups": [GROUP]}}],
}


def document(**target):
    """The least sync.yaml, with more settings of its target."""
    made = copy.deepcopy(LEAST)
    made["targets"][0] |= target
    return made


def parsed(made):
    return parse_sync(yaml.safe_dump(made))


def target_of(**target):
    return parsed(document(**target)).targets[0]


def faults_of(text):
    """Path and message of each fault."""
    with pytest.raises(ConfigurationError) as refused:
        parse_sync(text)
    return {(fault.path, fault.message) for fault in refused.value.faults}


def rule(target, name):
    [found] = [each for each in target.mappings if each.target == name]
    return found


# --- what is right ------------------------------------------------------------------------------------------------


def test_the_least_file_gives_entras_default_mapping():
    """Nothing said means Entra's defaults: Member, in address lists, soft delete, adoption by mail and name."""
    target = target_of()
    assert {each.target for each in target.mappings} == {each.target for each in DEFAULT_MAPPINGS}
    assert rule(target, "userType").expression.text == '"Member"'
    assert target.compat is Compat.FIXED
    assert target.matching == ("mail", "userPrincipalName")
    assert target.policy.out_of_scope is target.policy.source_deleted is OutOfScopeAction.SOFT_DELETE
    assert target.scope.filter is target.scope.input_filter is None


def test_every_option_of_a_mapping_is_read():
    """Expression, apply, whenNull, default, drift, skipOnError, type."""
    target = target_of(
        mappings={
            "companyName": '"Contoso"',
            "jobTitle": {"expression": "[jobTitle]", "whenNull": "default", "default": "Employee", "drift": "report"},
            "mobile": {"expression": "[mobile]", "apply": "onCreate", "skipOnError": True},
            f"extension_{'0' * 32}_away": {"expression": "[accountEnabled]", "type": "boolean"},
        }
    )
    title, mobile = rule(target, "jobTitle"), rule(target, "mobilePhone")
    assert (title.when_null, title.default, title.drift) == (WhenNull.DEFAULT, "Employee", Drift.REPORT)
    assert (mobile.apply, mobile.skip_on_error) == (Apply.ON_CREATE, True)
    assert rule(target, "companyName").when_null is WhenNull.CLEAR
    assert len(target.mappings) == len(DEFAULT_MAPPINGS) + 3


def test_compat_entra_keeps_what_is_gone_in_default_and_own_mappings():
    """It is one decision for a whole target."""
    target = target_of(compat="entra", mappings={"companyName": "[companyName]"})
    assert target.compat is Compat.ENTRA
    assert {each.when_null for each in target.mappings} == {WhenNull.KEEP}


def test_what_is_unmapped_is_left_alone_by_either_name():
    """Graph's name and Entra's mean the same attribute."""
    held = {each.target for each in target_of(unmapped=["officeLocation", "telephoneNumber", "userType"]).mappings}
    assert {each.target for each in DEFAULT_MAPPINGS} - held == {"officeLocation", "businessPhones", "userType"}


def test_both_filters_are_read():
    """Each with the attributes that it looks at."""
    clause = {"attribute": "department", "operator": "EQUALS", "value": "Sales"}
    scope = target_of(
        scope={"allUsers": True, "filter": clause, "inputFilter": {"not": {**clause, "attribute": "city"}}}
    ).scope
    assert scope.filter.attributes == {"department"}
    assert scope.input_filter.attributes == {"city"}


def test_leaving_and_being_deleted_are_decided_apart():
    """Each has its own action."""
    policy = target_of(deprovision={"outOfScope": "disable", "sourceDeleted": "keep"}).policy
    assert (policy.out_of_scope, policy.source_deleted) == (OutOfScopeAction.DISABLE, OutOfScopeAction.KEEP)


def test_people_may_be_matched_by_any_attribute_that_holds_texts():
    """In the order given; nobody is adopted when there are none."""
    target = target_of(matching=["employeeId", "mail"])
    assert (target.matching, target.policy.adopt) == (("employeeId", "mail"), True)
    assert target_of(matching=[]).policy.adopt is False


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    """Editors of Windows write one."""
    path = tmp_path / "sync.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + yaml.safe_dump(LEAST).encode())
    assert read_sync_file(path).target("emea").name == "emea"


# --- what is wrong ------------------------------------------------------------------------------------------------

BAD = {
    "no target": ({"source": LEAST["source"], "targets": []}, "targets", "at least 1 item"),
    "no name": (document(name=None), "targets[0].name", "valid string"),
    "name": (document(name="Emea"), "targets[0].name", "small letter"),
    "poison": (document(name="poison"), "targets[0].name", "poison messages"),
    "control": (document(name="control"), "targets[0].name", "commands to the app"),
    "grace for nobody": (
        document(deprovision={"outOfScope": "disable", "sourceDeleted": "keep", "graceDays": 7}),
        "targets[0].deprovision",
        "goes with softDelete",
    ),
    "source's tenant": (document(tenantId=SOURCE.upper()), "targets[0].tenantId", "is the source's"),
    "tenant id": (document(tenantId="contoso.com"), "targets[0].tenantId", "GUID"),
    "cloud": (document(cloud="gov"), "targets[0].cloud", "'usgov'"),
    "clouds apart": (document(cloud="china"), "targets[0].cloud", "do not cross clouds"),
    "compat": (document(compat="Entra"), "targets[0].compat", "'fixed' or 'entra'"),
    "unknown setting": (document(mapping={}), "targets[0].mapping", "expected mappings"),
    "nobody in scope": (document(scope={}), "targets[0].scope", "name the groups"),
    "two scopes": (document(scope={"groups": [GROUP], "allUsers": True}), "targets[0].scope", "not both"),
    "group": (document(scope={"groups": [GROUP, "Sales"]}), "targets[0].scope.groups[1]", "GUID"),
    "user type": (document(users={"type": "member"}), "targets[0].users.type", "'Member' or 'Guest'"),
    "deprovision": (
        document(deprovision={"outOfScope": "delete"}),
        "targets[0].deprovision.outOfScope",
        "'softDelete'",
    ),
    "no mappings": (document(mappings=["displayName"]), "targets[0].mappings", "must hold settings"),
    "attribute": (document(mappings={"departmnt": "[city]"}), "targets[0].mappings.departmnt", "expected department"),
    "read only": (
        document(mappings={"userPrincipalName": "[mail]"}),
        "targets[0].mappings.userPrincipalName",
        "cannot be",
    ),
    "function": (document(mappings={"city": "PCas([city])"}), "targets[0].mappings.city.expression", "expected PCase"),
    "null": (document(mappings={"city": None}), "targets[0].mappings.city", "must be an expression"),
    "constant": (document(mappings={"city": f'"{"x" * 200}"'}), "targets[0].mappings.city.expression", "at most 128"),
    "option": (
        document(mappings={"city": {"expression": "[city]", "when": 1}}),
        "targets[0].mappings.city.when",
        "whenNull",
    ),
    "unmapped": (document(unmapped=["mail"]), "targets[0].unmapped[0]", "not in the default mapping"),
    "unmapped, near": (document(unmapped=["department", "cty"]), "targets[0].unmapped[1]", "expected city"),
    "unmapped, mapped": (
        document(unmapped=["mobile", "city"], mappings={"city": "[state]"}),
        "targets[0].unmapped[1]",
        "keep one",
    ),
    "said twice": (
        document(users={"type": "Guest"}, mappings={"userType": '"Member"'}),
        "targets[0].mappings.userType",
        "keep one of the two",
    ),
    "matching": (document(matching=["mail", "accountEnabled"]), "targets[0].matching[1]", "does not hold texts"),
    "matching, unknown": (document(matching=["emploeeId"]), "targets[0].matching[0]", "expected employeeId"),
    "filter's attribute": (
        document(scope={"allUsers": True, "filter": {"all": [{"attribute": "dept", "operator": "IS NULL"}]}}),
        "targets[0].scope.filter.all[0]",
        "is no attribute of a user",
    ),
    "hidden attribute": (
        document(scope={"allUsers": True, "inputFilter": {"attribute": "netId", "operator": "IS NULL"}}),
        "targets[0].scope.inputFilter",
        "Graph does not show",
    ),
    "operator": (
        document(scope={"allUsers": True, "inputFilter": {"attribute": "city", "operator": "EQUAL", "value": "x"}}),
        "targets[0].scope.inputFilter",
        "expected EQUALS",
    ),
    "two of one name": (
        {**LEAST, "targets": [LEAST["targets"][0], {**LEAST["targets"][0], "tenantId": APAC}]},
        "targets[1].name",
        "an earlier target",
    ),
    "nothing": (None, "targets", "is missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_fault_has_a_path_and_says_what_would_be_right(name):
    """One table of what administrators get wrong."""
    made, path, message = BAD[name]
    found = faults_of(yaml.safe_dump(made))
    assert [text for at, text in found if at == path and message in text], found


def test_every_fault_comes_at_once():
    """One file with a fault in every part names all of them, however wrong the other parts are."""
    first = document(
        name="Emea",
        tenantId="x",
        compat="x",
        scope={"groups": ["x"], "filter": {"attribute": "x", "operator": "x"}, "inputFilter": []},
        matching=["x"],
        mappings={"displayName": "Apend([displayName])", "x": "[y]"},
        unmapped=["x"],
        deprovision={"x": "y"},
        x=1,
    )["targets"][0]
    second = {"name": "b", "tenantId": EMEA, "scope": {"allUsers": True}}
    made = {"source": {"tenantId": "x"}, "targets": [first, second, second]}
    paths = {path for path, _ in faults_of(yaml.safe_dump(made))}
    assert paths == {
        "source.tenantId",
        "targets[0].name",
        "targets[0].tenantId",
        "targets[0].compat",
        "targets[0].scope.groups[0]",
        "targets[0].scope.filter",
        "targets[0].matching[0]",
        "targets[0].mappings.displayName.expression",
        "targets[0].mappings.x",
        "targets[0].mappings.x.expression",
        "targets[0].unmapped[0]",
        "targets[0].deprovision.x",
        "targets[0].x",
        "targets[2].name",
        "targets[2].tenantId",
    }


def test_an_expression_is_shown_with_a_caret_under_the_fault():
    """Path, message, expression, caret."""
    [(path, message)] = faults_of(yaml.safe_dump(document(mappings={"city": 'Append([city], Nope("x"))'})))
    assert path == "targets[0].mappings.city.expression"
    _, text, caret = message.splitlines()
    assert text.strip() == 'Append([city], Nope("x"))'
    assert text[caret.index("^") :].startswith("Nope")


def test_a_setting_that_stands_twice_is_a_fault():
    """Plain YAML would take the last one and say nothing."""
    text = yaml.safe_dump(document(mappings={"city": "[city]"})).replace(
        "city: '[city]'", "city: '[city]'\n    city: '[state]'"
    )
    [(path, message)] = faults_of(text)
    assert path.startswith("(line ")
    assert "city stands here again" in message


@pytest.mark.parametrize("text", ["a: [", "\x00", "- 1: {", "a: 2020-13-45", "{" * 3000])
def test_what_is_no_yaml_is_one_fault(text):
    """And nothing escapes."""
    [(path, message)] = faults_of(text)
    assert path == "(file)"
    assert message.startswith("is not YAML")


@pytest.mark.parametrize("text", ["", "[]", "text", "targets: 1", "targets: [1, null]", "source: []"])
def test_yaml_of_another_shape_is_faults(text):
    """Nothing escapes."""
    assert faults_of(text)


def test_a_file_that_is_not_there_is_a_fault():
    """It names the file."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml"):
        read_sync_file(Path("/nowhere.yaml"))
