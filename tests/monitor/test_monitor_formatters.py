"""Each formatter, number format and threshold, by value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from workbook_reader import query, read, result

from sandbox.monitor.tables.columns import ColumnType
from sandbox.monitor.workbook import numbers
from sandbox.monitor.workbook.thresholds import meets


def shown(value, rule, kind=ColumnType.REAL, **others):
    """The cell of one value under one rule; other columns come hidden beside it."""
    columns = {"V": kind, **dict.fromkeys(others, ColumnType.REAL)}
    hidden = [{"columnMatch": name, "formatter": 5} for name in others]
    settings = {"formatters": [{"columnMatch": "V", **rule}, *hidden]}
    step = read(query("q", gridSettings=settings), answers=result(columns, (value, *others.values()))).step("step")
    [row] = step["rows"]
    [cell] = row["cells"]
    return cell


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        (1234.5678, {"unit": 0}, "1234.568"),
        (1234.5678, {"unit": 0, "options": {"maximumFractionDigits": 1}}, "1234.6"),
        (1234.5, {"unit": 0, "options": {"useGrouping": True, "minimumFractionDigits": 2}}, "1,234.50"),
        (1234.5678, {"unit": 0, "options": {"maximumSignificantDigits": 3}}, "1230"),
        (0.0012345, {"unit": 0, "options": {"maximumSignificantDigits": 2}}, "0.0012"),
        (7.0, {"unit": 0, "options": {"minimumIntegerDigits": 3}}, "007"),
        (0.25, {"unit": 0, "options": {"style": "percent"}}, "25%"),
        (
            12.5,
            {"unit": 0, "options": {"style": "currency", "currency": "usd", "minimumFractionDigits": 2}},
            "USD 12.50",
        ),
        (97.4321, {"unit": 1, "options": {"maximumFractionDigits": 1}}, "97.4%"),
        (1536.0, {"unit": 2}, "1.5KiB"),
        (1500.0, {"unit": 36}, "1.5kB"),
        (2048.0, {"unit": 3}, "2MiB"),
        (2048.0, {"unit": 11}, "2KiB/s"),
        (950.0, {"unit": 17}, "950"),
        (1234.0, {"unit": 17}, "1.234K"),
        (2500000.0, {"unit": 17}, "2.5M"),
        (1234.0, {"unit": 23}, "1.234s"),
        (0.5, {"unit": 23}, "0.5ms"),
        (90.0, {"unit": 24}, "1.5min"),
        (7200.0, {"unit": 24}, "2h"),
        (36.0, {"unit": 26}, "1.5d"),
        (12.0, {"unit": 31}, "12/s"),
        (-1234.0, {"unit": 17}, "-1.234K"),
        (-0.0001, {"unit": 0}, "0"),
        (float("nan"), {"unit": 17}, "NaN"),
        (5.0, {"unit": 9999}, "5"),
        (5.0, None, "5"),
    ],
)
def test_numbers_are_written_as_the_format_says(value, number_format, expected):
    assert numbers.written(value, number_format) == expected


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, ColumnType.STRING, ""),
        (True, ColumnType.BOOLEAN, "true"),
        (5, ColumnType.LONG, "5"),
        (2.5, ColumnType.REAL, "2.5"),
        ("text", ColumnType.STRING, "text"),
        ([1, {"a": "b"}], ColumnType.DYNAMIC, '[1,{"a":"b"}]'),
        (timedelta(hours=1), None, "1:00:00"),
        (datetime(2026, 11, 25, 8, 5, tzinfo=UTC), ColumnType.DATETIME, "2026-11-25 08:05:00"),
    ],
)
def test_values_without_a_formatter(value, kind, expected):
    """Formatter 0: by their kind."""
    assert shown(value, {"formatter": 0}, kind)["text"] == expected


def test_a_time_carries_itself_for_the_readers_zone():
    cell = shown(datetime(2026, 11, 25, 8, 5, tzinfo=UTC), {"formatter": 6}, ColumnType.DATETIME)
    assert cell["time"] == "2026-11-25T08:05:00+00:00"


def test_an_empty_value_has_its_text():
    rule = {"formatter": 1, "numberFormat": {"unit": 0, "emptyValCustomText": "never"}}
    assert shown(None, rule)["text"] == "never"
    assert shown("", rule, ColumnType.STRING)["text"] == "never"


def test_a_hidden_column_is_not_there():
    settings = {"formatters": [{"columnMatch": "B", "formatter": 5}]}
    rows = result({"A": ColumnType.LONG, "B": ColumnType.LONG}, (1, 2))
    step = read(query("q", gridSettings=settings), answers=rows).step("step")
    assert [column["name"] for column in step["columns"]] == ["A"]
    assert len(step["rows"][0]["cells"]) == 1


@pytest.mark.parametrize(("formatter", "under"), [(3, False), (4, True)])
def test_a_bar_is_as_long_as_the_value_is_to_the_greatest(formatter, under):
    settings = {"formatters": [{"columnMatch": "V", "formatter": formatter, "formatOptions": {"palette": "green"}}]}
    rows = result({"V": ColumnType.LONG}, (10,), (5,), (0,))
    step = read(query("q", gridSettings=settings), answers=rows).step("step")
    bars = [row["cells"][0]["bar"] for row in step["rows"]]
    assert [bar["fraction"] for bar in bars] == [1.0, 0.5, 0.0]
    assert bars[0] == {"colour": "green", "fraction": 1.0, "under": under}


def test_a_heatmap_takes_its_place_between_least_and_greatest():
    rule = {"columnMatch": "A|B", "formatter": 8, "formatOptions": {"palette": "greenRed", "max": 20}}
    rows = result({"A": ColumnType.LONG, "B": ColumnType.LONG, "C": ColumnType.LONG}, (0, 10, 99))
    step = read(query("q", gridSettings={"formatters": [rule]}), answers=rows).step("step")
    a, b, c = step["rows"][0]["cells"]
    assert a["heat"] == {"palette": "greenRed", "fraction": 0.0}
    assert b["heat"] == {"palette": "greenRed", "fraction": 0.5}
    assert "heat" not in c


@pytest.mark.parametrize(("formatter", "kind"), [(9, "area"), (10, "line"), (21, "bars")])
def test_sparks_draw_a_list_of_numbers(formatter, kind):
    cell = shown([1, "2", None, 3.5], {"formatter": formatter}, ColumnType.DYNAMIC)
    assert cell["spark"] == {"kind": kind, "colour": "blue", "points": [1.0, 2.0, 3.5]}
    assert cell["text"] == "1, 2, 3.5"
    assert shown("no list", {"formatter": formatter}, ColumnType.STRING)["spark"]["points"] == []


def test_an_icon_is_named_by_the_value():
    assert shown("warning", {"formatter": 11}, ColumnType.STRING)["icon"] == "warning"


def test_a_big_number_has_its_unit_apart():
    rule = {"formatter": 12, "numberFormat": {"unit": 23}, "formatOptions": {"palette": "none"}}
    cell = shown(1500.0, rule)
    assert (cell["big"], cell["text"], cell["unit"]) == (True, "1.5", "s")
    assert "heat" not in cell


def test_a_resource_is_its_last_name():
    assert shown("/subscriptions/x/resourceGroups/rg-1/", {"formatter": 14}, ColumnType.STRING)["text"] == "rg-1"


THRESHOLDS = [
    {"operator": ">=", "thresholdValue": "10", "representation": "critical", "text": '{0} of ["All"]'},
    {"operator": ">", "thresholdValue": "0", "representation": "warning", "text": "{0}{1}"},
    {"operator": "Default", "thresholdValue": None, "representation": "success", "text": "fine"},
]


@pytest.mark.parametrize(
    ("value", "name", "text"), [(12.0, "critical", "12 of 40"), (3.0, "warning", "3%"), (0.0, "success", "fine")]
)
def test_the_first_threshold_that_is_met_gives_icon_and_text(value, name, text):
    options = {"thresholdsOptions": "icons", "thresholdsGrid": THRESHOLDS}
    cell = shown(value, {"formatter": 18, "formatOptions": options, "numberFormat": {"unit": 1}}, All=40.0)
    assert (cell["icon"], cell["text"]) == (name, text)


def test_thresholds_can_be_colours_and_compare_with_another_column():
    grid = [
        {"operator": "==", "thresholdValue": '["Other"]', "representation": "green"},
        {"operator": "Default", "representation": "red"},
    ]
    rule = {"formatter": 18, "formatOptions": {"thresholdsOptions": "colors", "thresholdsGrid": grid}}
    assert shown(3.0, rule, Other=3.0)["colour"] == "green"
    assert shown(3.0, rule, Other=4.0)["colour"] == "red"


@pytest.mark.parametrize(
    ("operator", "value", "wanted", "expected"),
    [
        ("==", "Success", "success", True),
        ("==", 5, "5.0", True),
        ("!=", "a", "b", True),
        ("<", 4, "5", True),
        ("<=", 5, "5", True),
        (">", "text", "5", False),
        ("contains", "Everything failed", "FAIL", True),
        ("startsWith", "Error: x", "error", True),
        ("endsWith", "it failed", "FAILED", True),
        ("regex", "abc-12", r"\d+$", True),
        ("regex", "abc", "[", False),
        ("is Empty", "", "", True),
        ("is Empty", None, "", True),
        ("is not Empty", "x", "", True),
        ("unheard of", "x", "x", False),
    ],
)
def test_operators_of_thresholds(operator, value, wanted, expected):
    assert meets(operator, value, wanted) is expected


def test_a_composite_bar_shows_shares_and_its_label():
    settings = {
        "labelText": '["Online"] of {0} online',
        "columnSettings": [{"columnName": "Online", "color": "green"}, {"columnName": "Offline", "color": "redBright"}],
    }
    cell = shown(20.0, {"formatter": 22, "formatOptions": {"compositeBarSettings": settings}}, Online=15.0, Offline=5.0)
    assert cell["text"] == "15 of 20 online"
    assert [(part["colour"], part["fraction"]) for part in cell["parts"]] == [("green", 0.75), ("redBright", 0.25)]


@pytest.mark.parametrize(
    ("options", "value", "expected"),
    [
        (
            {"linkTarget": "Url"},
            "https://example.com/",
            {"href": "https://example.com/", "text": "https://example.com/"},
        ),
        (
            {"linkTarget": "Url", "linkLabel": "Open"},
            "https://example.com/",
            {"href": "https://example.com/", "text": "Open"},
        ),
        ({"linkTarget": "Url"}, "javascript:alert(1)", {"text": "javascript:alert(1)"}),
        ({"linkTarget": "CellDetails"}, "x", {"details": "x", "text": "x"}),
        ({"linkTarget": "GenericDetails"}, "x", {"details": {"V": "x"}, "text": "x"}),
        ({"linkTarget": "Resource"}, "x", {"note": "In Azure this is a link to Resource.", "text": "x"}),
    ],
)
def test_links_lead_where_they_can(options, value, expected):
    assert shown(value, {"formatter": 7, "formatOptions": options}, ColumnType.STRING) == expected


def test_a_tooltip_has_its_values():
    rule = {"formatter": 1, "tooltipFormat": {"tooltip": '{0} of ["All"]'}}
    assert shown(3.0, rule, All=4.0)["tooltip"] == "3 of 4"


def test_an_unknown_formatter_shows_the_value_and_says_so():
    settings = {"formatters": [{"columnMatch": "V", "formatter": 99}]}
    step = read(query("q", gridSettings=settings), answers=result({"V": ColumnType.LONG}, (1,))).step("step")
    assert step["rows"][0]["cells"][0]["text"] == "1"
    assert "99" in step["notes"][0]


def test_a_grid_is_sorted_labelled_and_limited():
    settings = {
        "sortBy": [{"itemKey": "$gen_bar_N_0", "sortOrder": 2}],
        "labelSettings": [{"columnId": "N", "label": "Number"}],
        "rowLimit": 2,
        "filter": True,
        "formatters": [{"columnMatch": "S", "formatOptions": {"customColumnWidthSetting": "20ch"}, "formatter": 1}],
    }
    rows = result({"N": ColumnType.LONG, "S": ColumnType.STRING}, (1, "a"), (3, "b"), (None, "c"), (2, "d"))
    step = read(query("q", gridSettings=settings, showExportToExcel=True), answers=rows).step("step")
    assert [row["cells"][0]["text"] for row in step["rows"]] == ["3", "2"]
    assert [(column["label"], column["right"], column["width"]) for column in step["columns"]] == [
        ("Number", True, None),
        ("S", False, "20ch"),
    ]
    assert (step["total"], step["filter"], step["export"]) == (4, True, True)
    assert step["sort"] == [{"column": "N", "descending": True}]


def test_grouped_rows_are_listed_and_it_is_said():
    settings = {"hierarchySettings": {"treeType": 1, "groupBy": ["S"]}}
    step = read(query("q", gridSettings=settings), answers=result({"S": ColumnType.STRING}, ("a",))).step("step")
    assert "grouped by S" in step["notes"][0]
