"""Charts, tiles, and what a step shows when there is nothing, an error, or something unknown."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from workbook_reader import over, query, read, result

from sandbox.monitor.tables.columns import ColumnType
from sandbox.monitor.workbook.steps import NO_DATA

T1, T2 = datetime(2026, 11, 25, 10, tzinfo=UTC), datetime(2026, 11, 25, 11, tzinfo=UTC)
TIMES = result(
    {"TimeGenerated": ColumnType.DATETIME, "Action": ColumnType.STRING, "Count": ColumnType.LONG},
    (T2, "update", 4),
    (T1, "create", 1),
    (T1, "update", 2),
)


def chart(visualization, answers, **settings):
    return read(query("q", visualization=visualization, chartSettings=settings), answers=answers).step("step")


@pytest.mark.parametrize(
    ("visualization", "kind"),
    [
        ("timechart", "line"),
        ("linechart", "line"),
        ("areachart", "area"),
        ("barchart", "bar"),
        ("unstackedbar", "groupedbar"),
    ],
)
def test_a_chart_over_time_has_a_series_for_each_text(visualization, kind):
    """Points in the order of time, series in the order of their names."""
    view = chart(visualization, TIMES)
    assert (view["chart"], view["time"], view["x"]) == (kind, True, "TimeGenerated")
    assert [series["name"] for series in view["series"]] == ["create", "update"]
    assert view["series"][1]["x"] == ["2026-11-25T10:00:00+00:00", "2026-11-25T11:00:00+00:00"]
    assert view["series"][1]["y"] == [2.0, 4.0]


def test_several_columns_of_numbers_are_several_series():
    answers = result({"T": ColumnType.DATETIME, "p50": ColumnType.REAL, "p95": ColumnType.REAL}, (T1, 1.0, None))
    view = chart("timechart", answers)
    assert [(series["name"], series["y"]) for series in view["series"]] == [("p50", [1.0]), ("p95", [None])]


def test_the_author_names_axes_labels_colours_unit_and_threshold():
    answers = result({"T": ColumnType.DATETIME, "a": ColumnType.REAL, "b": ColumnType.REAL}, (T1, 1500.0, 9.0))
    view = chart(
        "timechart", answers, xAxis="T", yAxis=["a"], customThresholdLine="2000", showLegend=False, showMetrics=True,
        seriesLabelSettings=[{"seriesName": "a", "label": "Latency", "color": "orange"}],
        ySettings={"numberFormatSettings": {"unit": 23}, "min": 0, "max": 3000},
    )  # fmt: skip
    [series] = view["series"]
    assert (series["name"], series["colour"], series["y"], series["total"]) == ("Latency", "orange", [1.5], "1.5s")
    assert (view["unit"], view["threshold"], view["legend"], view["metrics"]) == ("s", 2.0, False, True)
    assert view["summary"] == "average"


@pytest.mark.parametrize("visualization", ["categoricalbar", "barchart"])
def test_bars_without_time_stand_for_categories(visualization):
    answers = result({"Code": ColumnType.STRING, "Count": ColumnType.LONG}, ("b", 2), ("a", 1))
    view = chart(visualization, answers)
    assert (view["chart"], view["series"][0]["x"], view["series"][0]["y"]) == ("categories", ["b", "a"], [2.0, 1.0])


def test_a_pie_has_a_slice_for_each_text_the_largest_first():
    answers = result({"Status": ColumnType.STRING, "Count": ColumnType.LONG}, ("failure", 2), ("success", 9))
    view = chart("piechart", answers)
    assert [(series["name"], series["y"]) for series in view["series"]] == [("success", [9.0]), ("failure", [2.0])]


def test_the_smallest_series_become_other():
    answers = result({"S": ColumnType.STRING, "N": ColumnType.LONG}, ("a", 5), ("b", 3), ("c", 1), ("d", 1))
    view = chart("piechart", answers, createOtherGroup=2)
    assert {series["name"]: series["y"] for series in view["series"]}.keys() == {"a", "b", "Other"}


@pytest.mark.parametrize(
    ("settings", "said"), [({}, "a column of numbers"), ({"yAxis": ["Nope"]}, "Nope"), ({"xAxis": "Nope"}, "Nope")]
)
def test_a_chart_without_its_columns_says_what_it_needs(settings, said):
    view = chart("timechart", result({"S": ColumnType.STRING}, ("a",)), **settings)
    assert view["kind"] == "message"
    assert said in view["text"]


def test_a_rendered_query_needs_no_setting():
    view = read(query("T | summarize count() by x | render piechart"), answers=TIMES).step("step")
    assert view["kind"] == "chart"


def test_tiles_have_their_parts_in_the_order_that_is_asked_for():
    settings = {
        "titleContent": {"columnMatch": "Name", "formatter": 1},
        "subtitleContent": {"columnMatch": "Name", "formatter": 1},
        "leftContent": {"columnMatch": "Count", "formatter": 12, "numberFormat": {"unit": 17}},
        "secondaryContent": {"columnMatch": "Nope", "formatter": 9},
        "sortCriteriaField": "Count",
        "sortOrderField": 2,
        "size": "auto",
    }
    answers = result({"Name": ColumnType.STRING, "Count": ColumnType.LONG}, ("a", 1), ("b", 2000))
    view = read(query("q", visualization="tiles", tileSettings=settings), answers=answers).step("step")
    assert [tile["title"]["text"] for tile in view["tiles"]] == ["b", "a"]
    assert (view["tiles"][0]["left"]["text"], view["tiles"][0]["left"]["unit"]) == ("2", "K")
    assert view["size"] == "auto"
    assert "Nope" in view["notes"][0]


def test_a_card_shows_the_first_value():
    step = query("q", visualization="card", textSettings={"style": "bignumber"})
    assert read(step, answers=TIMES).step("step") == {"kind": "card", "text": "2026-11-25 11:00:00", "big": True}


def test_nothing_found_has_the_authors_words():
    assert read(query("q")).step("step") == {"kind": "message", "text": NO_DATA, "style": "empty"}
    step = query("q", noDataMessage="All is well", noDataMessageStyle=3)
    assert read(step).step("step") == {"kind": "message", "text": "All is well", "style": "success"}


def test_a_failing_query_is_an_error_of_its_own_step(store):
    """With the query as it was run; the other step has its rows."""
    reader = over(store, query("Nope | count", name="bad"), query("print x = 1", name="good"))
    bad, good = reader.step("bad"), reader.step("good")
    assert (bad["kind"], bad["query"]) == ("error", "Nope | count")
    assert "Nope" in bad["text"]
    assert good["rows"][0]["cells"][0]["text"] == "1"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"visualization": "map"}, "map"),
        ({"queryType": 1}, "Azure Resource Graph"),
        ({"queryType": 7}, "merge"),
        ({"queryType": 99}, "type 99"),
        ({"queryType": 8}, "JSON cannot be read"),
    ],
)
def test_what_a_step_cannot_show_is_said(content, said):
    view = read(query("q", **content), answers=TIMES).step("step")
    assert (view["kind"], view["style"]) == ("message", "unsupported")
    assert said in view["text"]


def test_a_json_step_shows_its_rows():
    document = json.dumps({"version": "1.0.0", "content": json.dumps([{"a": 1, "b": "x"}, {"a": 2}])})
    view = read(query(document, queryType=8)).step("step")
    assert [[cell["text"] for cell in row["cells"]] for row in view["rows"]] == [["1", "x"], ["2", ""]]
