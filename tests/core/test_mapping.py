"""From rules and a user to what the target user should hold."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from shared.core.attributes import source_attributes
from shared.core.expressions import Compat
from shared.core.mapping import (
    DEFAULT_MAPPINGS,
    Apply,
    Drift,
    ManagerClear,
    ManagerSet,
    NotMapped,
    WhenNull,
    attributes_read,
    map_user,
    parse_mappings,
)
from shared.core.scoping import parse_filter

NOW = datetime(2025, 7, 30, 12, tzinfo=UTC)
NESTOR = {
    "id": "42",
    "accountEnabled": True,
    "displayName": "Nestor Wilke",
    "givenName": "Nestor",
    "surname": "Wilke",
    "department": "Operations",
    "businessPhones": ["+1 206 555 0105"],
    "officeLocation": "36/2121",
    "jobTitle": None,
    "manager": {"id": "7"},
}


def rules(raw):
    """The rules of a configuration without faults."""
    found, faults = parse_mappings(raw)
    assert faults == ()
    return found


def apply(raw, user=None, **given):
    """What rules make of a user."""
    return map_user(rules(raw), source_attributes(user or NESTOR), now=NOW, **given)


def test_the_default_mapping_is_entras():
    """Names, phones and office as Graph has them; null is cleared; userType and the address list at creation only."""
    mapped = map_user(DEFAULT_MAPPINGS, source_attributes(NESTOR), now=NOW)
    assert mapped.attributes == {
        "accountEnabled": True,
        "displayName": "Nestor Wilke",
        "givenName": "Nestor",
        "surname": "Wilke",
        "jobTitle": None,
        "department": "Operations",
        "employeeId": None,
        "officeLocation": "36/2121",
        "streetAddress": None,
        "city": None,
        "state": None,
        "postalCode": None,
        "country": None,
        "businessPhones": ["+1 206 555 0105"],
        "preferredLanguage": None,
    }
    assert mapped.on_create == {"userType": "Member", "showInAddressList": True}
    assert mapped.manager == ManagerSet("7")
    assert (mapped.failures, mapped.ignored_object, mapped.redacted) == ((), False, frozenset())


def test_what_the_invitation_makes_is_not_mapped():
    """mail, userPrincipalName and mailNickname of a B2B user are Graph's."""
    assert not {"mail", "userPrincipalName", "mailNickname"} & {mapping.target for mapping in DEFAULT_MAPPINGS}


NULLS = [
    ({}, {"jobTitle": None}, {}),
    ({"whenNull": "clear"}, {"jobTitle": None}, {}),
    ({"whenNull": "keep"}, {}, {}),
    ({"default": "Staff"}, {"jobTitle": None}, {"jobTitle": "Staff"}),
    ({"whenNull": "keep", "default": "Staff"}, {}, {"jobTitle": "Staff"}),
    ({"whenNull": "default", "default": "Staff"}, {"jobTitle": "Staff"}, {"jobTitle": "Staff"}),
    ({"apply": "onCreate"}, {}, {}),
    ({"apply": "onCreate", "default": "Staff"}, {}, {"jobTitle": "Staff"}),
]


@pytest.mark.parametrize(("settings", "attributes", "on_create"), NULLS)
def test_null_does_what_the_rule_says(settings, attributes, on_create):
    """Cleared unless told to keep; a default is for creation, and for updates only if asked."""
    mapped = apply({"jobTitle": {"expression": "[jobTitle]", **settings}})
    assert (mapped.attributes, mapped.on_create) == (attributes, on_create)


def test_an_empty_result_is_null():
    """A directory knows no empty text."""
    assert apply({"jobTitle": "Left([department],0)"}).attributes == {"jobTitle": None}


def test_entras_way_keeps_what_is_gone():
    """Under compat: entra a null never flows."""
    found, _ = parse_mappings({"jobTitle": "[jobTitle]"}, compat=Compat.ENTRA)
    assert map_user(found, source_attributes(NESTOR), now=NOW, compat=Compat.ENTRA).attributes == {}


def test_what_cannot_be_null_is_kept():
    """DisplayName and accountEnabled have to hold something."""
    assert apply({"displayName": "[displayName]"}, {"id": "1"}).attributes == {}


def test_drops_leave_the_attribute_alone():
    """Neither set nor cleared, and no failure."""
    mapped = apply(
        {
            "jobTitle": "IgnoreFlowIfNullOrEmpty([jobTitle])",
            "department": "IgnoreAttributeFlow",
            "manager": "IgnoreAttributeFlow",
        }
    )
    assert (mapped.attributes, mapped.on_create, mapped.failures) == ({}, {}, ())
    assert mapped.manager == NotMapped()


def test_one_rule_can_leave_the_whole_user_alone():
    """IgnoreObjectFlow."""
    assert apply({"department": 'IIF([department]="Operations",IgnoreObjectFlow,[department])'}).ignored_object


MANAGERS = [
    ("[manager]", NESTOR, ManagerSet("7")),
    ("[manager]", {"id": "1"}, ManagerClear()),
    ({"expression": "[manager]", "whenNull": "keep"}, {"id": "1"}, NotMapped()),
    ('IIF([department]="Operations",[manager],IgnoreAttributeFlow)', {"id": "1"}, NotMapped()),
]


@pytest.mark.parametrize(("rule", "user", "reference"), MANAGERS)
def test_the_manager_is_a_reference_of_its_own_kind(rule, user, reference):
    """Set, cleared, or not ours."""
    mapped = apply({"manager": rule}, user)
    assert mapped.manager == reference
    assert "manager" not in mapped.attributes


def test_a_failing_expression_blocks_its_user_with_a_reason():
    """The other attributes are mapped, but nothing may be written; the reason says where and holds no value."""
    mapped = apply({"jobTitle": 'Append("x",CDate([displayName]))', "department": "[department]"})
    (failure,) = mapped.blocking_failures
    assert (failure.attribute, failure.position) == ("jobTitle", 11)
    assert "Nestor" not in failure.reason
    assert mapped.attributes == {"department": "Operations"}


def test_a_rule_may_be_skipped():
    """SkipOnError leaves the attribute alone and does not block; the failure is still told."""
    mapped = apply({"jobTitle": {"expression": "CDate([displayName])", "skipOnError": True}})
    assert [failure.attribute for failure in mapped.failures] == ["jobTitle"]
    assert mapped.blocking_failures == ()
    assert mapped.attributes == {}


def test_a_value_that_does_not_fit_fails_like_an_expression():
    """Too long, wrong type: a reason, no write."""
    mapped = apply({"employeeId": 'Append([displayName]," of Contoso")', "accountEnabled": "[department]"})
    assert [(failure.attribute, failure.position) for failure in mapped.failures] == [
        ("employeeId", None),
        ("accountEnabled", None),
    ]


def test_redacted_targets_are_named():
    """Whoever logs has to know."""
    assert apply({"employeeId": "Redact([id])", "city": '"x"'}).redacted == {"employeeId"}


def test_random_values_of_one_user_are_the_same_again():
    """An interrupted creation makes the same user; another user, or given randomness, makes another."""
    raw = {"employeeId": {"expression": "RandomString(10,1,0,1,1)", "apply": "onCreate"}}
    mine, again = apply(raw).on_create, apply(raw).on_create
    assert mine == again != apply(raw, {"id": "43"}).on_create
    assert apply(raw, random=Random(1)).on_create == apply(raw, {"id": "43"}, random=Random(1)).on_create


def test_multi_valued_targets_hold_lists():
    """From Split, and from a single value."""
    mapped = apply({"otherMails": 'Split("a@x, b@x",",")', "telephoneNumber": "[telephoneNumber]"})
    assert mapped.attributes == {"otherMails": ["a@x", "b@x"], "businessPhones": ["+1 206 555 0105"]}


def test_settings_are_read():
    """All of them, on an extension of a given type."""
    name = "extension_" + "0a" * 16 + "_badge"
    (rule,) = rules(
        {
            name: {
                "expression": "[accountEnabled]",
                "type": "boolean",
                "apply": "always",
                "drift": "targetWins",
                "whenNull": "default",
                "default": "true",
                "skipOnError": True,
            }
        }
    )
    assert (rule.target, rule.apply, rule.drift, rule.when_null) == (
        name,
        Apply.ALWAYS,
        Drift.TARGET_WINS,
        WhenNull.DEFAULT,
    )
    assert rule.default is True
    assert rule.skip_on_error


FAULTS = [
    ({"departmnt": "[department]"}, "departmnt", "expected department"),
    ({"alternativeSecurityIds": "[mail]"}, "alternativeSecurityIds", "links"),
    ({"proxyAddresses": "[proxyAddresses]"}, "proxyAddresses", "cannot be written"),
    ({"department": "[departmnt]"}, "department.expression", "expected department"),
    ({"department": "[netId]"}, "department.expression", "cannot be read"),
    ({"department": 'Apend("a","b")'}, "department.expression", "expected Append\n    Apend"),
    ({"department": 7}, "department", "in quotes"),
    ({"department": {}}, "department.expression", "in quotes"),
    ({"department": {"expression": "[city]", "when_null": "keep"}}, "department.when_null", "no setting"),
    ({"department": {"expression": "[city]", "whenNull": "drop"}}, "department.whenNull", "clear, keep, default"),
    ({"department": {"expression": "[city]", "apply": "ObjectAddOnly"}}, "department.apply", "always, onCreate"),
    ({"department": {"expression": "[city]", "drift": 1}}, "department.drift", "repair, report, targetWins"),
    ({"department": {"expression": "[city]", "skipOnError": "no"}}, "department.skipOnError", "true or false"),
    ({"department": {"expression": "[city]", "type": "boolean"}}, "department.type", "directory extensions"),
    ({"department": {"expression": "[city]", "whenNull": "default"}}, "department.default", "is needed"),
    ({"department": {"expression": "[city]", "default": "x" * 65}}, "department.default", "at most 64"),
    ({"department": {"expression": "[city]", "default": {}}}, "department.default", "must be"),
    ({"department": f'"{"x" * 65}"'}, "department.expression", "the constant is 65 characters long"),
    ({"userType": '"member"'}, "userType.expression", "Guest, Member"),
    ({"accountEnabled": '"yes"'}, "accountEnabled.expression", "neither true nor false"),
    ({"displayName": {"expression": "[mail]", "whenNull": "clear"}}, "displayName.whenNull", "cannot be cleared"),
    ({"employeeId": "Guid()"}, "employeeId.apply", "expected onCreate"),
    ({"manager": {"expression": "[manager]", "apply": "onCreate"}}, "manager", "applied always"),
    ({"mobile": "[city]", "mobilePhone": "[state]"}, "mobilePhone", "mobile writes the same attribute"),
]


@pytest.mark.parametrize(("raw", "path", "message"), FAULTS)
def test_a_fault_has_a_path_and_says_what_would_be_right(raw, path, message):
    """Every way in which a rule can be wrong without a user."""
    found, faults = parse_mappings(raw)
    assert [fault.path for fault in faults] == [path]
    assert message in faults[0].message
    assert len(found) == (1 if len(raw) > 1 else 0)


def test_all_faults_come_at_once():
    """Those of one rule and those of several."""
    raw = {"nope": {"expression": "(", "apply": "x"}, "city": "Left([city])", "state": "[state]"}
    found, faults = parse_mappings(raw)
    assert [fault.path for fault in faults] == ["nope", "nope.expression", "nope.apply", "city.expression"]
    assert [mapping.target for mapping in found] == ["state"]


def test_the_message_of_an_expression_shows_the_caret():
    """Under the position, in the line that is wrong."""
    _, (fault,) = parse_mappings({"city": 'Join("-",[city], Nope("x"))'})
    *_, line, mark = fault.message.splitlines()
    assert line[mark.index("^") :].startswith("Nope")


def test_all_attributes_that_rules_and_filter_read_are_named():
    """What select_for needs."""
    scope, _ = parse_filter({"attribute": "country", "operator": "EQUALS", "value": "DE"})
    assert attributes_read(rules({"city": "Join([city],[state])"}), scope) == {"city", "state", "country"}
    assert attributes_read(rules({"city": '"x"'})) == frozenset()
