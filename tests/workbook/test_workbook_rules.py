"""The workbook is one that Azure can open, that names no resource, and that explains itself where it is empty."""

from __future__ import annotations

import re

import pytest
from workbook_items import ITEMS, PARAMETERS, STEPS, TEXT, WORKBOOK

from infra.workbooks.build import WORKSPACE, outputs

MOST_CHARACTERS = 131_072  # that Bicep loads from one file
MOST_QUERIES = 40  # of a workbook, by the best practices of Azure's own gallery
LARGE_QUERY = 12_000  # characters; the advice is most of the largest

TEXT_STEP, QUERY_STEP, PARAMETER_STEP, LINK_STEP, GROUP_STEP = 1, 3, 9, 11, 12
VISUALIZATIONS = {"tiles", "table", "timechart"}


@pytest.mark.parametrize("path", sorted(outputs()), ids=lambda path: path.name)
def test_what_is_made_is_what_is_committed(path):
    """`python -m infra.workbooks.build` changes nothing."""
    assert path.read_text(encoding="utf-8") == outputs()[path]


def test_the_root_is_a_notebook():
    """The version and schema that Azure looks for, and a place for the workspace's id."""
    assert set(WORKBOOK) == {"version", "items", "fallbackResourceIds", "$schema"}
    assert WORKBOOK["version"] == "Notebook/1.0"
    assert WORKBOOK["fallbackResourceIds"] == [WORKSPACE]
    assert WORKBOOK["$schema"].endswith("/schema/workbook.json")


def test_it_can_be_loaded():
    """Bicep refuses larger files, and the gallery's rules count queries."""
    assert len(TEXT) < MOST_CHARACTERS
    queries = len(STEPS) + sum("query" in parameter for parameter in PARAMETERS)
    assert queries <= MOST_QUERIES
    assert max(len(step["content"]["query"]) for step in STEPS.values()) <= LARGE_QUERY


def test_no_resource_is_named():
    """A template with the id of somebody's subscription works for them alone."""
    assert "/subscriptions/" not in TEXT
    assert "fromTemplateId" not in TEXT
    assert TEXT.count(WORKSPACE) == 1


def test_every_item_is_of_a_known_kind_with_its_version():
    """Each kind says its version, as the schema wants it."""
    versions = {
        QUERY_STEP: "KqlItem/1.0",
        PARAMETER_STEP: "KqlParameterItem/1.0",
        LINK_STEP: "LinkItem/1.0",
        GROUP_STEP: "NotebookGroup/1.0",
    }
    for item in ITEMS:
        assert item["type"] in {TEXT_STEP, *versions}
        assert item["content"].get("version") == versions.get(item["type"])


def test_every_step_has_a_name_of_its_own():
    """Not one that the editor made up."""
    names = [item["name"] for item in ITEMS]
    assert len(names) == len(set(names))
    assert not [name for name in names if re.match(r"(text|query|link|group|metrics|parameters) - \d+", name)]


def test_ids_are_unique():
    """Of parameters and links."""
    links = [link for item in ITEMS if item["type"] == LINK_STEP for link in item["content"]["links"]]
    ids = [one["id"] for one in (*PARAMETERS, *links)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter["name"])
def test_a_parameter_is_labelled_and_described(parameter):
    """And a choice offers "All", as the value that the queries know."""
    assert re.fullmatch(r"[A-Za-z]\w*", parameter["name"])
    assert parameter["label"]
    assert parameter["description"].endswith(".")
    if parameter["type"] == 2:
        assert parameter["multiSelect"]
        assert (parameter["quote"], parameter["delimiter"]) == ("'", ",")
        assert parameter["value"] == ["value::all"]
        assert parameter["typeSettings"]["selectAllValue"] == "*"
        assert ("query" in parameter) != ("jsonData" in parameter)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_step_explains_itself_when_it_is_empty(name):
    """A title, and a sentence for no rows; Logs of a workspace; one time or the other."""
    content = STEPS[name]["content"]
    assert content["title"]
    assert re.fullmatch(r"[A-Z].+\.", content["noDataMessage"], re.DOTALL)
    assert (content["queryType"], content["resourceType"]) == (0, "microsoft.operationalinsights/workspaces")
    assert content["visualization"] in VISUALIZATIONS
    assert ("timeContextFromParameter" in content) != ("timeContext" in content)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_query_that_looks_back_by_itself_is_given_that_much_time(name):
    """A query cannot see behind the time that the step grants, whatever it asks for."""
    content = STEPS[name]["content"]
    longest = max((int(days) for days in re.findall(r"ago\((\d+)d\)", content["query"])), default=0)
    granted = content.get("timeContext", {}).get("durationMs", 0) // 86_400_000
    if name != "overview-targets":  # an older quarantine is a note on a tile there, and Targets has it
        assert longest == granted


def test_a_person_whom_nobody_knows_is_told_what_to_try():
    """In the place where the person would stand."""
    message = STEPS["person-candidates"]["content"]["noDataMessage"]
    assert message.startswith("No such person in this time range.")
    assert all(word in message for word in ("longer time range", "sign-in name", "object id"))


def test_tabs_and_groups_belong_together():
    """Each tab shows one group, and each group at the top belongs to a tab."""
    (tabs,) = (item for item in ITEMS if item["type"] == LINK_STEP)
    linked = [(link["cellValue"], link["subTarget"]) for link in tabs["content"]["links"]]
    shown = [
        (item["conditionalVisibility"]["parameterName"], item["conditionalVisibility"]["value"])
        for item in WORKBOOK["items"]
        if item["type"] == GROUP_STEP
    ]
    assert linked == shown
    assert [target for _, target in linked] == ["overview", "targets", "person", "attention", "cycles", "readiness"]


def test_what_is_hidden_waits_for_a_parameter_that_exists():
    """Conditions name parameters, the tab, or what a click on a row above exports."""
    known = {"tab", *(parameter["name"] for parameter in PARAMETERS)}
    for item in ITEMS:
        if "exportParameterName" in item["content"]:
            known.add(item["content"]["exportParameterName"])
            assert item["content"]["exportDefaultValue"]
        if "conditionalVisibility" in item:
            assert set(item["conditionalVisibility"]) == {"parameterName", "comparison", "value"}
            assert item["conditionalVisibility"]["comparison"] in {"isEqualTo", "isNotEqualTo"}
            assert item["conditionalVisibility"]["parameterName"] in known


def test_text_of_people_goes_into_queries_escaped():
    """Whatever was typed or clicked stands JSON-escaped between double quotes, and nowhere else."""
    typed = {parameter["name"] for parameter in PARAMETERS if parameter["type"] == 1}
    typed |= {item["content"]["exportParameterName"] for item in ITEMS if "exportParameterName" in item["content"]}
    assert typed == {"Person", "Chosen", "ErrorCode", "Cycle"}
    for name, step in STEPS.items():
        for found in re.finditer(r"(.)\{(\w+)(:\w+)?\}(.)", step["content"]["query"], re.DOTALL):
            before, parameter, form, after = found.groups()
            if parameter in typed:
                assert (before, form, after) == ('"', ":escapejson", '"'), name


def test_parameters_stand_before_what_asks_for_them():
    """A workbook hands values down, never up."""
    known = {"TimeRange"}
    for item in ITEMS:
        known |= {one["name"] for one in item["content"].get("parameters", [])}
        used = set(re.findall(r"\{([A-Z]\w*)(?::\w+)?\}", item["content"].get("query", "")))
        assert used <= known, item["name"]
        known |= {item["content"]["exportParameterName"]} if "exportParameterName" in item["content"] else set()
