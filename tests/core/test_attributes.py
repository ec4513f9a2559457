"""The table of user attributes: names, what is read, what is written, what fits."""

from __future__ import annotations

import pytest

from shared.core.attributes import (
    PROPERTIES,
    PropertyType,
    complaint,
    find,
    observed_attributes,
    select_for,
    source_attributes,
    to_graph,
)
from shared.core.fitting import Misfit, fit

EXTENSION = "extension_" + "0a" * 16 + "_badge"
SCHEMA_NAMES = {
    "surname": "surname",
    "telephoneNumber": "businessPhones",
    "mobile": "mobilePhone",
    "physicalDeliveryOfficeName": "officeLocation",
    "facsimileTelephoneNumber": "faxNumber",
    "extensionAttribute1": "onPremisesExtensionAttributes.extensionAttribute1",
    "extensionAttribute15": "onPremisesExtensionAttributes.extensionAttribute15",
    "objectId": "id",
    "displayName": "displayName",
    EXTENSION: EXTENSION,
}


@pytest.mark.parametrize(("entra", "graph"), SCHEMA_NAMES.items())
def test_a_name_of_entras_schema_finds_graphs_property(entra, graph):
    """The same property under either name."""
    assert find(entra).name == graph
    assert find(graph) == find(entra)


@pytest.mark.parametrize("name", ["extensionAttribute16", "extension_12_x", "Department", "netId", "", "manager.id"])
def test_other_names_are_no_attributes(name):
    """Names are case-sensitive; a directory extension carries its application's id."""
    assert find(name) is None
    assert complaint(name)


def test_a_complaint_names_what_was_meant_or_why_there_is_none():
    """By case, by likeness, or by the reason that Graph hides it."""
    assert "department" in complaint("Department")
    assert "jobTitle" in complaint("jobtitel")
    assert "links" in complaint("netId")
    assert complaint("telephoneNumber") is None


def test_only_what_is_mapped_is_read_and_the_identity_always():
    """Parts select their whole; the manager is expanded, not selected; hidden attributes are not asked for."""
    selection = select_for(["department", "telephoneNumber", "extensionAttribute3", "extensionAttribute4", "netId"])
    identity = {"id", "accountEnabled", "mail", "userPrincipalName", "userType"}
    assert set(selection.properties) == identity | {"department", "businessPhones", "onPremisesExtensionAttributes"}
    assert len(set(selection.properties)) == len(selection.properties)
    assert not selection.manager
    assert select_for(["manager"]).manager
    assert "manager" not in select_for(["manager"]).properties
    assert "deletedDateTime" in select_for(["IsSoftDeleted"]).properties


def test_a_source_user_is_held_under_both_names():
    """Flat, with "" and [] as null, the manager as an id, unknown properties kept."""
    held = source_attributes(
        {
            "@odata.context": "x",
            "id": "1",
            "department": "",
            "mobilePhone": "7",
            "businessPhones": ["1", "2"],
            "proxyAddresses": [],
            "onPremisesExtensionAttributes": {"extensionAttribute2": "b", "extensionAttribute3": ""},
            "employeeOrgData": None,
            "manager": {"@odata.type": "#microsoft.graph.user", "id": "boss"},
            EXTENSION: "gold",
        }
    )
    assert held["objectId"] == held["id"] == "1"
    assert (held["department"], held["proxyAddresses"]) == (None, None)
    assert (held["mobile"], held["telephoneNumber"], held["businessPhones"]) == ("7", "1", ["1", "2"])
    assert held["extensionAttribute2"] == held["onPremisesExtensionAttributes.extensionAttribute2"] == "b"
    assert held["extensionAttribute3"] is None
    assert (held["manager"], held[EXTENSION], held["IsSoftDeleted"]) == ("boss", "gold", False)
    assert not [name for name in held if name.startswith("@")]


@pytest.mark.parametrize("user", [{"@removed": {"reason": "changed"}}, {"deletedDateTime": "2024-01-01T00:00:00Z"}])
def test_a_deleted_user_is_soft_deleted(user):
    """IsSoftDeleted is derived: Graph has no such property."""
    assert source_attributes(user)["IsSoftDeleted"] is True


def test_absent_is_null():
    """No manager, no extension attributes: null, not missing."""
    held = observed_attributes({"id": "1"}, ["manager", "onPremisesExtensionAttributes.extensionAttribute1"])
    assert held == {"manager": None, "onPremisesExtensionAttributes.extensionAttribute1": None}


def test_a_body_is_nested_as_graph_wants_it():
    """Lists, parts of complex properties, nulls; never the manager."""
    body = to_graph(
        {
            "department": None,
            "businessPhones": ["1"],
            "otherMails": None,
            "onPremisesExtensionAttributes.extensionAttribute1": "a",
            "onPremisesExtensionAttributes.extensionAttribute2": None,
            "manager": "boss",
            EXTENSION: "gold",
        }
    )
    assert body == {
        "department": None,
        "businessPhones": ["1"],
        "otherMails": [],
        "onPremisesExtensionAttributes": {"extensionAttribute1": "a", "extensionAttribute2": None},
        EXTENSION: "gold",
    }


def test_what_graph_takes_as_a_whole_is_sent_whole():
    """Graph nulls the part of employeeOrgData that a request leaves out."""
    held = {"employeeOrgData.division": "d", "employeeOrgData.costCenter": "c", "department": "x"}
    assert to_graph(held, only=["employeeOrgData.division"]) == {
        "employeeOrgData": {"division": "d", "costCenter": "c"}
    }
    assert to_graph(held, only=["department"]) == {"department": "x"}
    assert to_graph(held, only=[]) == {}


FITS = [
    ("department", "Sales", "Sales"),
    ("department", "", None),
    ("department", None, None),
    ("department", 42, "42"),
    ("department", True, "True"),
    ("department", ["one"], "one"),
    ("department", "x" * 64, "x" * 64),
    ("accountEnabled", True, True),
    ("accountEnabled", "False", False),
    ("accountEnabled", "TRUE", True),
    ("businessPhones", "1", ["1"]),
    ("businessPhones", ["1"], ["1"]),
    ("businessPhones", [""], None),
    ("businessPhones", [], None),
    ("otherMails", ["a", "", "b"], ["a", "b"]),
    ("userType", "Guest", "Guest"),
    ("employeeLeaveDateTime", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(("name", "value", "held"), FITS)
def test_a_value_is_taken_as_the_property_holds_it(name, value, held):
    """Numbers become text, `True` a boolean, one value a list of one, "" null."""
    assert fit(PROPERTIES[name], value) == held


MISFITS = [
    ("department", "x" * 65, "65 characters long, at most 64"),
    ("employeeId", 12345678901234567, "17 characters long, at most 16"),
    ("department", ["a", "b"], "several values"),
    ("department", {"a": "b"}, "several values"),
    ("accountEnabled", "yes", "neither true nor false"),
    ("accountEnabled", 1, "neither true nor false"),
    ("businessPhones", ["1", "2"], "has 2 values, at most 1"),
    ("businessPhones", ["x" * 65], "at most 64"),
    ("userType", "member", "is none of Guest, Member"),
    ("usageLocation", "USA", "at most 2"),
]


@pytest.mark.parametrize(("name", "value", "reason"), MISFITS)
def test_a_value_that_does_not_fit_is_told_why_without_the_value(name, value, reason):
    """The reason has lengths and limits, no personal data."""
    misfit = fit(PROPERTIES[name], value)
    assert isinstance(misfit, Misfit)
    assert reason in misfit.reason


def test_a_directory_extension_has_the_type_it_is_said_to_have():
    """Text of at most 256 characters unless told otherwise."""
    assert isinstance(fit(find(EXTENSION), "x" * 257), Misfit)
    assert fit(find(EXTENSION, extension_type=PropertyType.BOOLEAN), "true") is True


def test_no_two_properties_share_a_name():
    """A name, Graph's or Entra's, means one property."""
    names = [each.name for each in PROPERTIES.values()] + [each.entra for each in PROPERTIES.values() if each.entra]
    assert len(names) == len(set(names))
