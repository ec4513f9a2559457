"""Every query is KQL to Microsoft's language service, and answers with the columns that the workbook names."""

from __future__ import annotations

import re

import pytest
from kql_analysis import analyse
from workbook_items import PARAMETERS, STEPS
from workbook_parameters import fill, filled
from workbook_tables import ENTRA, TABLES, Workspace

from infra.workbooks.build import QUERIES

NAMES = sorted(path.stem for path in QUERIES.glob("*.kql"))
ANALYSES = analyse({name: filled(name) for name in NAMES})
WITHOUT_ENTRA = analyse({name: filled(name) for name in NAMES}, without=ENTRA)
FAULTY = {
    "unknown column": "CrosstenantOperations_CL | where Kinds == 'status'",
    "unknown table": "Crosstenant_CL | count",
    "syntax": "CrosstenantOperations_CL | where (Kind == 'status'",
    "type": "CrosstenantProvisioning_CL | where LatencyMs > 'x'",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_query_has_no_fault(name):
    """Neither an error nor a warning."""
    assert (ANALYSES[name].faults, ANALYSES[name].warnings) == ((), ())


@pytest.mark.parametrize("name", NAMES)
def test_a_query_has_no_fault_where_entra_s_log_is_not_there(name):
    """The name that refers to nothing is a warning, since it is a part of a fuzzy union; the columns stay the same."""
    assert WITHOUT_ENTRA[name].faults == ()
    assert all(ENTRA in warning for warning in WITHOUT_ENTRA[name].warnings)
    assert set(WITHOUT_ENTRA[name].columns) == set(ANALYSES[name].columns)


def test_faults_are_found():
    """The tests above can fail."""
    assert all(analysis.faults for analysis in analyse(FAULTY).values())


@pytest.mark.parametrize("entra", [True, False], ids=["with Entra's log", "without"])
@pytest.mark.parametrize("name", NAMES)
def test_a_query_runs_on_empty_tables(name, entra):
    """In the sandbox's engine, on a workspace that nobody has written to."""
    assert isinstance(Workspace(entra=entra).ask(filled(name)), list)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_both_engines_see_the_same_columns(name):
    """In the same order, so that a grid looks the same in both."""
    workspace = Workspace(entra=True)
    relation_columns = workspace.columns(fill(STEPS[name]["content"]["query"]))
    assert relation_columns == list(ANALYSES[name].columns)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_what_a_step_names_is_in_its_query_s_answer(name):
    """Formatters, labels, tiles, charts and exports."""
    content = STEPS[name]["content"]
    grid, tiles, chart = (content.get(f"{kind}Settings", {}) for kind in ("grid", "tile", "chart"))
    named = [formatter["columnMatch"] for formatter in grid.get("formatters", [])]
    named += [label["columnId"] for label in grid.get("labelSettings", [])]
    named += [tiles[part]["columnMatch"] for part in ("titleContent", "leftContent", "secondaryContent") if tiles]
    named += [tiles["sortCriteriaField"]] if tiles else []
    named += [chart["xAxis"], *chart["yAxis"]] if chart else []
    named += [chart["group"]] if "group" in chart else []
    named += [content["exportFieldName"]] if "exportFieldName" in content else []
    assert set(named) <= set(ANALYSES[name].columns)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_tiles_and_charts_get_numbers(name):
    """What is drawn is a number, and time is time."""
    content = STEPS[name]["content"]
    types = ANALYSES[name].columns
    if "tileSettings" in content:
        assert types[content["tileSettings"]["leftContent"]["columnMatch"]] in {"real", "long", "int"}
    if "chartSettings" in content:
        assert types[content["chartSettings"]["xAxis"]] == "datetime"
        assert {types[column] for column in content["chartSettings"]["yAxis"]} <= {"real", "long", "int"}


def test_queries_read_the_declared_tables_alone():
    """Ours, and Entra's."""
    for name in NAMES:
        used = set(re.findall(r"\b(?:\w+_CL|A[A-Za-z]+Logs|App[A-Z]\w+|AzureDiagnostics)\b", filled(name)))
        assert used <= set(TABLES), name


@pytest.mark.parametrize("path", sorted(QUERIES.rglob("*.kql")), ids=lambda path: path.stem)
def test_each_file_says_what_it_shows(path):
    """Its first line is a comment, a sentence."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert re.match(r"// [A-Z].{10,}", first), path


def test_every_query_is_used_and_every_parameter_too():
    """No file that nothing shows; no parameter that nothing asks."""
    assert set(STEPS) | {"target-parameter"} == set(NAMES)
    text = "".join(step["content"]["query"] for step in STEPS.values())
    for parameter in PARAMETERS:
        assert re.search(rf"\{{{parameter['name']}\b", text), parameter["name"]
